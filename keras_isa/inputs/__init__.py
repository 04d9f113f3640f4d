"""What a caller hands in: checked, and brought into the one form that everything else takes."""

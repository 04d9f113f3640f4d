"""The distilled set: what it predicts, its file, the checks of a stranger's file, and pictures."""

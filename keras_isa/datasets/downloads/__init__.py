"""Readers of image sets as their authors distribute them, recognised by their content."""

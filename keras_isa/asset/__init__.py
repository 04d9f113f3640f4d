"""The distilled set: the object, its file, the checks of a stranger's file, and pictures."""

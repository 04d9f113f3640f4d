"""Checks of what a caller passes, and its conversion to the form that the library uses."""

"""Image sets as their authors distribute them, known by what lies in them."""

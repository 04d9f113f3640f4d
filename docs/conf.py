"""Settings of the documentation: python -m sphinx -W --keep-going -n -b html docs docs/_build"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# `python -m sphinx` puts the checkout first, so that its sources are documented.
sys.path.insert(0, str(HERE / "_extensions"))

from keras_isa.versions import package_version  # noqa: E402 - after the backend is chosen

project = "keras_isa"
author = "the keras_isa authors"
copyright = "2026, the keras_isa authors"
release = package_version()

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_click",
    "mathml",
    "presets_table",
    "public_names",
    "readme_table",
]
exclude_patterns = ["_build", "_extensions"]
# A single backtick in a docstring is code, as in Markdown.
default_role = "code"
# Curly quotes and dots, but `--option` keeps its dashes.
smartquotes_action = "qe"
nitpicky = True
# Other libraries are documented elsewhere, and no inventory is fetched while this is built.
nitpick_ignore_regex = [
    ("py:.*", r"(?!keras_isa\b).*"),
]

myst_enable_extensions = ["deflist", "dollarmath", "fieldlist"]
myst_heading_anchors = 3
myst_dmath_double_inline = True

autodoc_member_order = "bysource"
# What Keras says about a method that is overridden is Keras's.
autodoc_inherit_docstrings = False
autodoc_typehints = "none"
autodoc_class_signature = "mixed"
maximum_signature_line_length = 80
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_custom_sections = [("Call arguments", "params_style")]

html_theme = "furo"
html_title = f"keras_isa {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": True}

"""How `make docs` makes the site of the pages that lie here and at the root of the repository (Sphinx, MyST, Furo)."""

import shutil
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).parents[1]
START = "docs/index"
"""The page that the site opens with."""

project = "inferq"
extensions = ["myst_parser"]
root_doc = START
# Links lead from page to page as they do in the repository, so the source of the site is the whole of it.
include_patterns = [
    "docs/**",
    "README*.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "benchmarks/results/*.md",
    "examples/README.md",
]
exclude_patterns = [".*", "data", "dist", "site", "src", "tests", "web"]
nitpicky = True
myst_enable_extensions = ["html_image"]
myst_heading_anchors = 4

html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_title = "inferq"
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#1864ab", "color-brand-content": "#1864ab"},
    "dark_css_variables": {"color-brand-primary": "#74c0fc", "color-brand-content": "#74c0fc"},
}


def finish(app: Sphinx, error: Exception | None) -> None:
    """Lets the site's address lead to its first page, and pictures that are named in HTML be found."""
    if error:
        return
    out = Path(app.outdir)
    (out / "index.html").write_text(
        f'<!doctype html><title>inferq</title><meta http-equiv="refresh" content="0; url={START}.html">'
        f'<a href="{START}.html">inferq</a>\n'
    )
    shutil.copytree(ROOT / "docs/images", out / "docs/images", dirs_exist_ok=True)


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("build-finished", finish)

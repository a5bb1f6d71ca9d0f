"""docs/configuration.md has every setting."""

import subprocess
import sys
from pathlib import Path

from inferq.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]


def test_the_page_is_what_make_gen_writes_and_has_every_setting():
    page = (ROOT / "docs/configuration.md").read_text()
    command = [sys.executable, ROOT / "tools/configuration_page.py"]
    made = subprocess.run(command, capture_output=True, text=True, check=True)
    assert page == made.stdout, "run make gen"
    for name in Settings.model_fields:
        assert f"| `{PREFIX}{name.upper()}` |" in page

"""What is committed says nothing about the machine it was written on."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parent.parent
# Written so that this file does not hold what it looks for.
TELL_TALE = re.compile(
    "|".join(
        [
            r"(extra-)?ind[e]x-url\s*[=:]",
            r"find-[l]inks\s*[=:]",
            r"https?://[^\s/]+(/[^\s/]+)*/(simpl[e]|package[s])/",
            r"file:/[/]+(opt|root|home|work)",
            *(re.escape(str(path)) + r"(?![\w-])" for path in {CHECKOUT.resolve(), Path.home()} if len(path.parts) > 2),
        ]
    )
)


def _tracked_files() -> list[Path]:
    if not shutil.which("git") or not (CHECKOUT / ".git").exists():
        pytest.skip("not a git checkout")
    names = subprocess.run(["git", "ls-files", "-z"], cwd=CHECKOUT, capture_output=True, check=True).stdout
    return [CHECKOUT / name for name in names.decode().split("\0") if name and (CHECKOUT / name).is_file()]


def test_no_package_index_or_machine_path_is_committed() -> None:
    found = []
    for path in _tracked_files():
        text = path.read_bytes().decode("utf-8", "replace")
        found += [f"{path.relative_to(CHECKOUT)}: {match.group()}" for match in TELL_TALE.finditer(text)]
    assert found == []

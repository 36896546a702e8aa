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
            r"(extra-)?index-url\s*[=:]",
            r"find-links\s*[=:]",
            r"https?://[^\s/]*(pythonhosted|pypi)[^\s/]*/(simple|packages)",
            r"file://+(opt|root|home|work)",
            r"(?<![\w.~-])/" + r"(work/(main|shared)|tmp/(cli|gen|v)|opt/(pypi|wheels)|root/)",
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

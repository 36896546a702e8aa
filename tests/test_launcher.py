"""`./her` makes its environment once, mends it, and starts the app in it; with a Python that only notes its calls."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parent.parent
PATIENCE_SECONDS = 300

# Answers as Python would, and notes what it was asked to do. What needs the real one is passed on.
NOTING_PYTHON = """#!/usr/bin/env bash
case "$*" in
    *version_info*) echo "{version}" ;;
    *"import ensurepip"*) exit {without_venv} ;;
    *fcntl*) exec {real} "$@" ;;
    "-m venv "*) echo venv >>"{calls}"; mkdir -p "$3/bin"; cp "$0" "$3/bin/python" ;;
    "-m pip install "*) echo "pip $*" >>"{calls}"; sleep "${{SLOW:-0}}"; exit "${{BROKEN:-0}}" ;;
    "-m app"*) shift 2; echo "app got: $*" ;;
esac
"""


class Checkout:
    """A folder with the launcher, two lock files, and a PATH on which `python3` only notes."""

    def __init__(self, folder: Path, *, version: str = "3.12 1", without_venv: int = 0) -> None:
        self.folder = folder / "her checkout"
        self.folder.mkdir()
        (self.folder / "her").write_bytes((CHECKOUT / "her").read_bytes())
        (self.folder / "her").chmod(0o755)
        (self.folder / "requirements.lock").write_text("one==1\n")
        (self.folder / "requirements-dev.lock").write_text("two==2\n")
        self.calls_file = folder / "calls"
        self.tools = folder / "bin"
        self.tools.mkdir()
        for name in (
            "env",
            "bash",
            "readlink",
            "cmp",
            "cksum",
            "dirname",
            "mkdir",
            "rm",
            "touch",
            "cp",
            "mv",
            "tail",
            "sleep",
        ):
            (self.tools / name).symlink_to(
                next(p for p in (Path("/usr/bin") / name, Path("/bin") / name) if p.exists())
            )
        python = self.tools / "python3"
        python.write_text(
            NOTING_PYTHON.format(version=version, without_venv=without_venv, real=sys.executable, calls=self.calls_file)
        )
        python.chmod(0o755)

    def environment(self, **more: str) -> dict[str, str]:
        return {"PATH": str(self.tools), "HOME": str(self.folder.parent), **more}

    def start(self, *arguments: str, command: Path | None = None, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [command or self.folder / "her", *arguments],
            env=self.environment(**more),
            cwd=self.folder.parent,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
        )

    def calls(self) -> list[str]:
        lines = self.calls_file.read_text().splitlines() if self.calls_file.exists() else []
        return [line.split(" -m")[0] for line in lines]


def test_first_start_makes_the_environment_and_the_next_does_not(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    first, second = checkout.start("status"), checkout.start("report", "--by", "day")
    assert (first.returncode, first.stdout) == (0, "app got: status\n")
    assert (second.stdout, second.stderr) == ("app got: report --by day\n", "")
    assert checkout.calls() == ["venv", "pip"]


def test_it_works_through_links_from_any_folder(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    (tmp_path / "there").symlink_to(checkout.folder)
    link = tmp_path / "her-link"
    link.symlink_to("there/her")
    assert checkout.start("status", command=link).stdout == "app got: status\n"
    assert (checkout.folder / ".venv").is_dir()


def test_changed_lock_file_is_installed(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    checkout.start("status")
    (checkout.folder / "requirements.lock").write_text("one==1.1\n")
    checkout.start("status")
    assert checkout.calls() == ["venv", "pip", "pip"]


def test_installation_that_was_cut_short_is_done_again(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    broken = checkout.start("status", BROKEN="1")
    assert broken.returncode == 1
    assert "Packages could not be installed" in broken.stderr
    assert checkout.start("status").stdout == "app got: status\n"
    assert checkout.calls() == ["venv", "pip", "venv", "pip"]


def test_environment_made_by_hand_is_taken_as_it_is(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    python = checkout.folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_bytes((checkout.tools / "python3").read_bytes())
    python.chmod(0o755)
    assert checkout.start("status").stdout == "app got: status\n"
    assert checkout.calls() == ["pip"]


def test_two_first_starts_at_once_make_one_environment(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    command, environment = [checkout.folder / "her", "status"], checkout.environment(SLOW="0.5")
    both = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in "ab"]
    assert [process.communicate(timeout=PATIENCE_SECONDS)[0] for process in both] == [b"app got: status\n"] * 2
    assert checkout.calls() == ["venv", "pip"]


def test_killed_installation_frees_the_lock(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    process = subprocess.Popen(
        [checkout.folder / "her", "status"],
        env=checkout.environment(SLOW=str(PATIENCE_SECONDS)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while not checkout.calls()[1:]:
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, 9)
    process.wait()
    assert checkout.start("status").stdout == "app got: status\n"
    assert checkout.calls() == ["venv", "pip", "venv", "pip"]


def test_environment_may_lie_elsewhere(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    checkout.start("status", HER_VENV=str(tmp_path / "elsewhere"))
    assert (tmp_path / "elsewhere" / "bin" / "python").exists()
    assert not (checkout.folder / ".venv").exists()


@pytest.mark.parametrize(
    ("version", "without_venv", "message"),
    [
        ("3.9 0", 0, "Python 3.11 or later is needed; found: python3 is 3.9."),
        ("3.12 1", 1, "sudo apt install python3.12-venv"),
    ],
)
def test_unusable_python_is_named_with_the_remedy(
    tmp_path: Path, version: str, without_venv: int, message: str
) -> None:
    refused = Checkout(tmp_path, version=version, without_venv=without_venv).start("status")
    assert refused.returncode == 1
    assert message in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_lock_files_hold_versions_and_hashes_only() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        for line in (CHECKOUT / name).read_text().splitlines():
            stripped = line.strip().removesuffix(" \\")
            is_hash = stripped.startswith("--hash=sha256:")
            assert is_hash or stripped[0].isalnum(), f"{name}: {line}"
            assert is_hash or ("==" in stripped and "@" not in stripped and "/" not in stripped), f"{name}: {line}"


def test_lock_files_agree_on_versions() -> None:
    """Both are installed together, so what stands in both must be the same."""

    def pins(name: str) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for line in (CHECKOUT / name).read_text().splitlines():
            if "==" in line:
                package, _, version = line.removesuffix(" \\").split(" ; ")[0].partition("==")
                found.setdefault(package, set()).add(version)
        return found

    run, dev = pins("requirements.lock"), pins("requirements-dev.lock")
    assert {name: dev[name] for name in run.keys() & dev.keys() if dev[name] != run[name]} == {}

"""`her up`: read what is new, serve the app on this machine, and end both together.

What belongs here: processes, ports and signals. What does not: what is read or drawn.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

from app.ingest import ingest_command
from app.terminal import aside, screen
from her_models.config import Config, default_source, make_home
from her_models.errors import HerError, SourceError
from her_models.search.refresh import start_refresh

CHECKOUT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
USUAL_PORT = 8501
DAGSTER_PORT = 3000
SMALL_BYTES = 200_000_000  # read before the app opens; more than this is read beside it
_PATIENCE_SECONDS = 90.0
_GRACE_SECONDS = 5.0
_LOOK_AGAIN_SECONDS = 10.0


class NoLogs(HerError):
    """There is nothing to read and nothing was ever read."""


class NotServed(HerError):
    """The app could not be started."""


def logs_below(paths: Sequence[Path], limit: int = SMALL_BYTES) -> int:
    """Return how many bytes of `.jsonl` lie below `paths`, counting no further than beyond `limit`."""
    total = 0
    for path in paths:
        for file in _log_files(path):
            with contextlib.suppress(OSError):  # a dangling link, or just deleted
                total += os.stat(file).st_size  # noqa: PTH116
            if total > limit:
                return total
    return total


def _log_files(path: Path) -> Iterator[str]:
    if path.is_file():
        yield str(path)
        return
    for folder, _, names in os.walk(path):
        yield from (os.path.join(folder, name) for name in names if name.endswith(".jsonl"))  # noqa: PTH118


def free_port(wanted: int | None, *, usual: int = USUAL_PORT) -> int:
    """Return `wanted`, or the usual port, or any free one.

    Raises:
        NotServed: `wanted` is taken.
    """
    if wanted is not None:
        if not _is_free(wanted):
            raise NotServed(f"Port {wanted} is taken. Give another with --port, or none to let Her choose.")
        return wanted
    if _is_free(usual):
        return usual
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def serve(config: Config, paths: Sequence[Path], *, port: int | None, opens_browser: bool) -> int:
    """Read and serve until interrupted; return the exit code."""
    address = f"http://{HOST}:{(chosen := free_port(port))}"
    environment = {**os.environ, "HER_HOME": str(config.home)}
    logs = config.home / "logs"
    make_home(config.home)
    logs.mkdir(exist_ok=True)
    children: list[subprocess.Popen[bytes]] = []
    with _interruptible():
        try:
            is_awaited = _is_soon_done(config, paths)
            reading = _start_reading(config, paths, environment, in_sight=is_awaited)
            if reading:
                children.append(reading)
            with (logs / "app.log").open("wb") as log:
                served = subprocess.Popen(
                    _streamlit(chosen), cwd=CHECKOUT, env=environment, stdout=log, stderr=log, start_new_session=True
                )
            children.append(served)
            if reading and is_awaited:
                _wait_until_published(reading, config)
            _wait_until_healthy(served, address, logs / "app.log")
            screen.print(f"Her is at {address}   (Ctrl-C ends it)")
            if opens_browser:
                webbrowser.open(address)
            return _watch(served, None if is_awaited else reading, config)
        except KeyboardInterrupt:
            aside.print("\nEnded.")
            return 0
        finally:
            _end(children)


def _streamlit(port: int) -> list[str]:
    options = {
        "server.address": HOST,
        "server.port": str(port),
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        "browser.serverAddress": HOST,
        "logger.level": "error",
    }
    script = str(CHECKOUT / "app" / "server.py")
    return [sys.executable, "-m", "streamlit", "run", script, *(f"--{name}={value}" for name, value in options.items())]


def _start_reading(
    config: Config, paths: Sequence[Path], environment: dict[str, str], *, in_sight: bool
) -> subprocess.Popen[bytes] | None:
    """Start reading what is new, and return the process; None when nothing is. `in_sight` shows its progress here."""
    from her_models.ingest import nothing_new

    try:
        if nothing_new(config, paths, None):
            return None
    except SourceError as error:  # the client deletes old logs; the lake is what remains
        aside.print(f"{error} Showing what is in the lake.", markup=False, soft_wrap=True)
        return None
    if not in_sight:
        aside.print("Reading what is new beside the app; its pages fill as it goes.")
    with _reading_log(config).open("wb") as log:
        return subprocess.Popen(
            ingest_command(paths),
            env=environment,
            cwd=CHECKOUT,
            stdout=subprocess.DEVNULL,
            stderr=None if in_sight else log,
            start_new_session=True,
        )


def _reading_log(config: Config) -> Path:
    return config.home / "logs" / "reading.log"


def _is_soon_done(config: Config, paths: Sequence[Path]) -> bool:
    """Say whether to wait for the reading: nothing is there to show yet, and there is not much to read."""
    has_lake = bool(config.catalog) or config.catalog_path.exists()
    looked_at = list(paths) or [source.path for source in config.sources] or [default_source().path]
    return not has_lake and logs_below(looked_at) <= SMALL_BYTES


def _wait_until_published(reading: subprocess.Popen[bytes], config: Config) -> None:
    """Wait until there is something to show. Dagster's record of the run may take longer, and nobody waits for it."""
    while reading.poll() is None and not (config.home / "manifest.json").exists():
        time.sleep(0.05)


def _wait_until_healthy(served: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if served.poll() is not None:
            raise NotServed(f"The app ended at once with exit code {served.returncode}. Its log: {log}")
        if _is_healthy(address):
            return
        time.sleep(0.05)
    raise NotServed(f"The app did not answer at {address} within {_PATIENCE_SECONDS:.0f} s. Its log: {log}")


def _is_healthy(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/_stcore/health", timeout=1) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def _watch(served: subprocess.Popen[bytes], reading: subprocess.Popen[bytes] | None, config: Config) -> int:
    """Wait for the app to end, and say when the reading beside it has."""
    if reading:
        while reading.poll() is None and served.poll() is None:
            time.sleep(0.2)
        if reading.returncode == 0:
            screen.print("Read everything; reload the page to see it.")
        elif reading.returncode:
            said = _reading_log(config).read_text(encoding="utf-8", errors="replace").strip().splitlines()
            why = f" {said[-1]}" if said else ""
            message = f"Reading the logs ended with exit code {reading.returncode}.{why} `her ingest` tries again."
            aside.print(message, markup=False, soft_wrap=True)
    code = _wait_indexing(served, config)
    if code:
        raise NotServed(f"The app ended with exit code {code}; its log is logs/app.log in HER_HOME.")
    return 0


def _wait_indexing(served: subprocess.Popen[bytes], config: Config) -> int:
    """Wait for the app to end; meanwhile bring the search index up to the lake whenever that has changed."""
    refresh: subprocess.Popen[bytes] | None = None
    indexed: tuple[int, ...] | None = None
    try:
        while (code := served.poll()) is None:
            if refresh is None or refresh.poll() is not None:
                changed = _catalog_mark(config)
                if changed != indexed:
                    refresh, indexed = start_refresh(config), changed
            with contextlib.suppress(subprocess.TimeoutExpired):
                served.wait(_LOOK_AGAIN_SECONDS)
        return code
    finally:
        if refresh is not None:
            _end([refresh])


def _catalog_mark(config: Config) -> tuple[int, ...]:
    """Return what changes with every commit; of a catalog elsewhere, the minute, since it is not looked at here."""
    if config.catalog:
        return (int(time.time()) // 60,)
    marks: list[int] = []
    for path in (config.catalog_path, config.catalog_path.with_name(f"{config.catalog_path.name}-wal")):
        with contextlib.suppress(OSError):  # not written yet, or merged
            found = path.stat()
            marks += [found.st_mtime_ns, found.st_size]
    return tuple(marks)


def _end(children: Sequence[subprocess.Popen[bytes]]) -> None:
    """End the children and what they started: ask first, then insist."""
    for child in children:
        _signal(child, signal.SIGTERM)
    deadline = time.monotonic() + _GRACE_SECONDS
    for child in children:
        try:
            child.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            _signal(child, signal.SIGKILL)
            child.wait()


def _signal(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Take a request to terminate, and a closed terminal, like Ctrl-C."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    # SIGINT too: a shell without job control starts background commands with it ignored.
    taken = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, interrupt) for number in taken}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def dagster_command(config: Config, port: int | None) -> tuple[list[str], dict[str, str]]:
    """Return the command that opens Dagster's UI on this instance, its port last, and its environment."""
    chosen = free_port(port, usual=DAGSTER_PORT)
    command = [sys.executable, "-m", "pipelines.instance", "--port", str(chosen)]
    return command, {**os.environ, "HER_HOME": str(config.home)}

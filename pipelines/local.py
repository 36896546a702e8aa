"""`python -m pipelines.local ingest [PATH…]`: what `her ingest` starts. Reads what is new, and records it in Dagster.

The work begins at once in this process; Dagster takes seconds to import, so a second process, the recorder, imports it
meanwhile and runs the job `ingest` there, for each source with news: the same assets as in Dagster's UI, whose step
takes this process' outcome instead of reading again. Runs, partitions and counts show in the UI as usual. Should the
recorder fail, the lake is up to date all the same, and a line says so; should this process be killed, the recorder
records the run as failed.

Contract with whoever starts it:

    python -m pipelines.local ingest [--owner NAME] [--json] [--checks] [PATH ...]

    standard output   what was read, for a person; with --json one object: schema_version, status ("published",
                      "nothing new"), run_id, seconds, sources (fields of her_models.ingest.SourceReport), and with
                      --checks the checks that do not hold
    standard error    progress (on a terminal only) and problems
    exit code         0 done, 1 a problem that is explained, 2 usage, 3 another run is busy, 130 interrupted

`run_ingest` is the same as a function.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

from her_models.config import Config, load_config, make_home
from her_models.errors import HerError, LakeBusy
from her_models.ingest import IngestReport, SourceReport, ingest_sources, is_current, resolve_sources
from her_models.search.refresh import search_folder, start_refresh
from her_models.unforeseen import account_of

if TYPE_CHECKING:
    from her_models.staging import StageProgress

SCHEMA_VERSION = 1
BUSY = 3
CHECKOUT = Path(__file__).resolve().parent.parent
_RECORDER_PATIENCE_SECONDS = 600.0

Progress = Callable[["StageProgress"], None]


class Recorder:
    """The process that records runs in Dagster; it is told what happens, a line of JSON for each thing."""

    def __init__(self, config: Config) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._has_work = False
        log = config.home / "logs"
        try:
            make_home(config.home)
            log.mkdir(exist_ok=True)
            with (log / "recorder.log").open("a", encoding="utf-8") as errors:
                # A session of its own: an interruption reaches it as the end of its input, so that it can say so.
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "pipelines.recorder", str(config.home)],
                    cwd=CHECKOUT,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    text=True,
                    start_new_session=True,
                )
        except OSError as error:
            _say(f"Dagster is not told of this run: {error}.")

    def tell(self, event: str, **what: Any) -> None:
        """Tell of something; a recorder that is gone is left alone."""
        if self._process is None or self._process.stdin is None or self._process.stdin.closed:
            return
        if event == "failed" and not self._has_work:
            return
        self._has_work = True
        try:
            self._process.stdin.write(json.dumps({"event": event, **what}, default=_plain) + "\n")
            self._process.stdin.flush()
        except OSError:
            unheard, self._process.stdin = self._process.stdin, None
            _close(unheard)

    def finish(self) -> list[dict[str, Any]]:
        """Wait until everything is recorded; return what the recorder has to say: runs, and what checks found."""
        if self._process is None:
            return []
        if not self._has_work:
            self._process.kill()
            self._process.communicate()
            return []
        try:
            told, _ = self._process.communicate(timeout=_RECORDER_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            told = ""
        if self._process.returncode:
            _say("Dagster could not record this run; the lake is up to date. See logs/recorder.log in HER_HOME.")
        return [json.loads(line) for line in told.splitlines() if line.startswith("{")]


def _close(file: Any) -> None:
    with suppress(OSError):  # what was buffered has nowhere to go
        file.close()


def _plain(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not told")


def run_ingest(
    config: Config,
    paths: Sequence[str | Path] = (),
    owner: str | None = None,
    *,
    progress: Progress | None = None,
    on_wait: Callable[[str], None] | None = None,
    on_report: Callable[[SourceReport], None] | None = None,
    checks: bool = False,
) -> tuple[IngestReport, list[dict[str, Any]]]:
    """Bring the lake up to date and record it in Dagster; returns what was done, and what the recorder says.

    Raises:
        HerError: as `her_models.ingest.ingest`.
    """
    sources = resolve_sources(config, paths, owner)
    fresh = [source for source in sources if not is_current(config, [source])]
    if not fresh and not checks:
        return ingest_sources(config, sources), []
    recorder = Recorder(config)

    def report(done: SourceReport) -> None:
        recorder.tell("report", report=dataclasses.asdict(done))
        if on_report:
            on_report(done)

    try:
        done = ingest_sources(
            config,
            fresh,
            progress=progress,
            on_wait=on_wait,
            on_begin=lambda source: recorder.tell("begin", source_id=source.source_id, path=str(source.path)),
            on_report=report,
        )
        if checks:
            recorder.tell("check", source_ids=[source.source_id for source in sources])
    except BaseException as error:
        recorder.tell("failed", error=str(error) if isinstance(error, HerError) else type(error).__name__)
        recorder.finish()
        raise
    unchanged = (SourceReport(source.source_id, str(source.path)) for source in sources if source not in fresh)
    return dataclasses.replace(done, sources=(*done.sources, *unchanged)), recorder.finish()


# -- on the command line --------------------------------------------------------------------------------------------


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _put(text: str) -> None:
    sys.stdout.write(f"{text}\n")


@contextmanager
def _drawn_progress() -> Iterator[tuple[Progress | None, Callable[[str], None]]]:
    """Draw a bar on a terminal; elsewhere only say who is waited for."""
    if not sys.stderr.isatty():
        yield None, _say
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as drawn:
        task = drawn.add_task("Looking for what is new", total=None)

        def advance(now: StageProgress) -> None:
            words = "Reading" if now.bytes_done < now.bytes_total else "Building tables"
            drawn.update(task, description=words, completed=now.bytes_done, total=now.bytes_total or None)

        yield advance, drawn.console.print


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 100_000 else f"{count:,} bytes"


def _many(count: float, what: str) -> str:
    """Return a count with its noun."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _sentence(report: SourceReport) -> str:
    """Say what was done with one source."""
    if not report.is_changed:
        return f"{report.source_id}: nothing new."
    parts = [
        f"{report.source_id}: read {_many(report.lines_count, 'line')} ({_megabytes(report.bytes_read)}) "
        f"of {report.files_read_count:,} of {_many(report.files_seen_count, 'file')}; "
        f"built {_many(report.sessions_count, 'session')} with {_many(report.requests_count, 'response')}.",
    ]
    if report.refused_count:
        parts.append(f"{_many(report.refused_count, 'line')} could not be read; see the table refused_lines.")
    if report.unsupported_count:
        parts.append(f"Left out, as no Claude Code logs: {_many(report.unsupported_count, 'file')}.")
    return " ".join(parts)


def _broken(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [item for item in told if item.get("event") == "check" and not item["passed"]]


def _ingest(arguments: argparse.Namespace) -> int:
    start = time.monotonic()
    config = load_config()
    with _drawn_progress() as (progress, on_wait):
        done, told = run_ingest(
            config, arguments.paths, arguments.owner, progress=progress, on_wait=on_wait, checks=arguments.checks
        )
    if done.is_changed and search_folder(config).is_dir():  # whoever never searched pays for no index
        start_refresh(config)
    broken = _broken(told)
    if arguments.json:
        status = "published" if done.is_changed else "nothing new"
        found = {"schema_version": SCHEMA_VERSION, "status": status, **dataclasses.asdict(done)}
        found["seconds"] = time.monotonic() - start
        if arguments.checks:
            found["broken_checks"] = broken
        _put(json.dumps(found, default=_plain))
        return 0
    for report in done.sources:
        if report.is_changed or len(done.sources) == 1:
            _put(_sentence(report))
    if not done.is_changed and len(done.sources) > 1:
        _put(f"Nothing new in {len(done.sources)} sources.")
    for item in broken:
        _put(f"{item['severity']}: {item['table']}.{item['name']}: {item['detail']}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipelines.local", description="Run the pipeline on this machine.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    ingest = commands.add_parser("ingest", help="read what is new, once")
    ingest.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="default: the configured sources")
    ingest.add_argument("--owner", help="whose logs these are")
    ingest.add_argument("--json", action="store_true", help="print the report as JSON")
    ingest.add_argument("--checks", action="store_true", help="judge what changed by all suites; takes about 10 s more")
    ingest.set_defaults(run=_ingest)
    return parser


def _interrupted(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; what a person can mend is said in a line."""
    chosen = _parser().parse_args(arguments)
    before = signal.signal(signal.SIGTERM, _interrupted)
    try:
        return int(chosen.run(chosen))
    except LakeBusy as error:
        _say(str(error))
        return BUSY
    except HerError as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:
        return _end_interrupted()
    except Exception as error:
        if isinstance(error.__context__, KeyboardInterrupt):  # DuckDB makes an error of its own of it
            return _end_interrupted()
        _say(account_of(error))
        return 1
    finally:
        signal.signal(signal.SIGTERM, before)


def _end_interrupted() -> int:
    _say("Interrupted. What was published stays; the next run goes on from there.")
    return 130


class _WithoutFrames(MetaPathFinder):
    """DuckDB and PyArrow import these only to see whether they were given a data frame or a data set.

    Pandas costs half a second, PyArrow's data sets, which bring all of its functions, a fifth.
    """

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        if fullname in ("pandas", "pyarrow.dataset"):
            raise ModuleNotFoundError(f"Reading logs has no use for {fullname}.", name=fullname)


if __name__ == "__main__":
    sys.meta_path.insert(0, _WithoutFrames())
    sys.exit(main())

"""The `her` command: reads arguments, asks `her_models`, starts `pipelines` as a process.

What belongs here: arguments, what each command prints, exit codes. What does not: forms of output (`terminal`), serving
(`serve`), questions (`her_models.reports`).

Exit codes: 0 done, 1 something Her can explain, 2 wrong use, 3 somebody else is writing to the lake.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from app.ingest import PlainIngest, run_plain
from app.reading import reading, require_lake
from her_models.config import Config, default_source, her_home, load_config, make_home
from her_models.errors import HerError, LakeBusy
from her_models.unforeseen import account_of

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from her_models.reports import Scope

EXPLAINED, BUSY = 1, 3


def _examples(*lines: str) -> str:
    """Return an epilog with one example to a line."""
    return "\n\n".join(["Examples:", *(f"`{line}`" for line in lines)])


app = typer.Typer(
    name="her",
    help="See what Claude Code sessions did, what each token was for, and what it cost.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Everything lies in HER_HOME (default ~/.her). `her COMMAND --help` shows examples. `./her test` tests.",
)

Paths = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="PATH",
        help="Log files, or folders to look through. Default: [[sources]] of config.toml, else ~/.claude/projects.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, with the version of its schema.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write here; - is standard output.")]


class By(StrEnum):
    """What a report adds up by."""

    DAY = "day"
    PROJECT = "project"
    MODEL = "model"
    OWNER = "owner"
    SESSION = "session"
    TOOL = "tool"


class ExportFormat(StrEnum):
    """Forms of one session."""

    JSONL = "jsonl"
    MD = "md"
    HTML = "html"
    CSV = "csv"
    PARQUET = "parquet"


class HitSort(StrEnum):
    """Which hits come first."""

    NEWEST = "newest"
    OLDEST = "oldest"
    DEAREST = "dearest"
    LONGEST = "longest"


class SqlFormat(StrEnum):
    """Forms of a query's result."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


@app.command(epilog=_examples("her up", "her up ~/logs --port 9000", "her up --demo"))
def up(
    paths: Paths = None,
    demo: Annotated[bool, typer.Option("--demo", help="Show sessions Her makes up, apart from your own.")] = False,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Default: 8501, or any free one.")] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,
) -> None:
    """Read what is new and serve the app on this machine. Ctrl-C ends it."""
    from app.serve import NoLogs, logs_below, serve

    if demo:
        if paths:
            _usage("--demo brings its own logs; leave out the paths.")
        config, looked_at = _demo()
        paths = looked_at
    else:
        _require_paths(paths)
        config = load_config()
        looked_at = _absolute(paths) or [source.path for source in config.sources] or [default_source().path]
    has_lake = bool(config.catalog) or config.catalog_path.exists()
    if not has_lake and not logs_below(looked_at, limit=0):
        where = ", ".join(map(str, looked_at))
        raise NoLogs(f"No Claude Code logs found in {where}. Give their PATH, or look around with: her up --demo")
    raise typer.Exit(serve(config, _absolute(paths), port=port, opens_browser=not no_browser and _has_display()))


def _demo() -> tuple[Config, list[Path]]:
    """Write the demo's logs into a home of its own, so that they never mix with real ones.

    They end in the week before today, so that there is a month to forecast and budgets to watch.
    """
    from app.terminal import aside
    from her_models.demo import SETTINGS, weeks_until, write_demo

    home = her_home().absolute() / "demo"
    os.environ["HER_HOME"] = str(home)
    logs = home / "demo-logs"
    written_by, weeks_later = home / "demo-written-by", weeks_until(datetime.now(UTC))
    edition = f"{_demo_edition()} {weeks_later}"
    if not written_by.exists() or written_by.read_text(encoding="utf-8") != edition:
        make_home(home.parent)
        make_home(home)
        aside.print("Making up the demo's sessions.")
        write_demo(logs, weeks_later=weeks_later)
        if not (settings := home / "config.toml").exists():
            settings.write_text(SETTINGS, encoding="utf-8")
        written_by.write_text(edition, encoding="utf-8")
    return load_config(home), [logs]


def _demo_edition() -> str:
    """Return what changes when the demo's own code does, since it then writes other sessions."""
    digest = hashlib.sha256()
    for path in sorted((Path(__file__).parent.parent / "her_models" / "demo").glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _has_display() -> bool:
    is_remote = "SSH_CONNECTION" in os.environ
    has_screen = sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return sys.stdout.isatty() and has_screen and not is_remote


@app.command(
    epilog=_examples("her ingest", "her ingest ~/.claude --json", "her ingest /mnt/laptop/.claude --owner asha")
)
def ingest(
    paths: Paths = None,
    owner: Annotated[str | None, typer.Option(metavar="NAME", help="Whose logs these are; default: you.")] = None,
    is_json: Json = False,
) -> None:
    """Read what is new, once. Nothing new costs nothing."""
    _require_paths(paths)
    raise typer.Exit(run_plain(PlainIngest(tuple(_absolute(paths)), owner, is_json)))


@app.command(epilog=_examples("her status", "her status --json"))
def status(is_json: Json = False) -> None:
    """Tell what is in the lake."""
    from app import terminal
    from app.format import UNKNOWN, ago, bill, count, size
    from her_models import reports

    config = load_config()
    with _lake(config) as con:
        sources = reports.sources(con)
        totals = reports.ingest_totals(con)
        overview = reports.overview(con)
    on_disk = reports.folder_bytes(config.home)
    if is_json:
        told = {
            "command": "status",
            "home": str(config.home),
            "sources": sources.to_pylist(),
            **{name: getattr(totals, name) for name in ("files_count", "lines_count", "refused_count", "log_bytes")},
            "sessions_count": sum(sources["sessions_count"].to_pylist()),
            **_totals(overview),
            "last_finished_at": totals.last_finished_at,
            "size_bytes": on_disk,
        }
        terminal.put(terminal.as_json(told), None)
        return
    columns = ["source_id", "path", "files_count", "size_bytes", "sessions_count", "billed_usd"]
    columns += ["estimated_usd", "last_read_at"]
    terminal.draw(sources.select(columns), title="Sources")
    unpriced = overview.unpriced_requests_count
    facts = {
        "lake": f"{config.home}, {size(on_disk)}",
        "logs": f"{count(totals.files_count)} files, {size(totals.log_bytes)}",
        "lines": f"{count(totals.lines_count)}, and {count(totals.refused_count)} refused",
        "sessions": count(sum(sources["sessions_count"].to_pylist())),
        "requests": count(overview.requests_count),
        "billed": bill(overview) + (f", and {count(unpriced)} requests without a price" if unpriced else ""),
        "days": f"{overview.first_on or UNKNOWN} to {overview.last_on or UNKNOWN}",
        "last run": f"{ago(totals.last_finished_at)}",
    }
    for name, value in facts.items():
        terminal.screen.print(f"  {name:<10}{value}", markup=False, soft_wrap=True)


@app.command(epilog=_examples("her doctor", "her doctor --json", "her doctor --reconcile"))
def doctor(
    is_reconcile: Annotated[
        bool, typer.Option("--reconcile", help="Add up every session's ledger and hold it against its bill.")
    ] = False,
    is_json: Json = False,
) -> None:
    """Look for what is wrong and say how to mend it. Exit code 1 when something is."""
    from app import terminal
    from her_models.doctor import examine

    if is_reconcile:
        _reconcile(is_json)
        return
    findings = examine(her_home().absolute())
    has_problem = any(finding.level == "problem" for finding in findings)
    if is_json:
        rows = [vars(finding) for finding in findings]
        terminal.put(terminal.as_json({"command": "doctor", "is_ok": not has_problem, "findings": rows}), None)
    else:
        marks = {"ok": ("ok     ", "green"), "warning": ("warning", "yellow"), "problem": ("problem", "red")}
        for finding in findings:
            word, style = marks[finding.level]
            terminal.screen.print(word, style=style, end="  ")
            terminal.screen.print(f"{finding.name}: {finding.found}", markup=False, soft_wrap=True)
            if finding.remedy:
                terminal.screen.print(f"         → {finding.remedy}", markup=False, soft_wrap=True)
    if has_problem:
        raise typer.Exit(EXPLAINED)


def _reconcile(is_json: bool) -> None:
    """Print what each session's ledger adds up to; exit code 1 if anything differs from its bill."""
    from app import terminal
    from her_models import reconcile

    with _lake(load_config()) as con:
        found = reconcile.reconciliation(con)
    total = reconcile.totals(found)
    if is_json:
        told = {"command": "doctor", "is_ok": total.is_reconciled, "total": vars(total), "sessions": found.to_pylist()}
        terminal.put(terminal.as_json(told), None)
    else:
        terminal.draw(reconcile.readable(found), title="Ledger and bill, by session")
        for sentence in reconcile.in_words(total):
            terminal.screen.print(sentence, markup=False, soft_wrap=True)
    if not total.is_reconciled:
        raise typer.Exit(EXPLAINED)


@app.command(
    epilog=_examples(
        "her report",
        "her report --since 7d --by project",
        "her report --since 2026-01-01 --until 2026-01-31 --by owner --csv",
        "her report --project her --by session --html --out her.html",
        "her report --waste",
        "her report --waste --since 30d --html --out waste.html",
    )
)
def report(
    by: Annotated[By | None, typer.Option(help="What to add up by; default: day.")] = None,
    since: Annotated[str | None, typer.Option(metavar="DAY", help="First day: 2026-01-31, today, or 7d ago.")] = None,
    until: Annotated[str | None, typer.Option(metavar="DAY", help="Last day, included.")] = None,
    project: Annotated[list[str] | None, typer.Option(help="Only this one; may be repeated.")] = None,
    owner: Annotated[list[str] | None, typer.Option(help="Only this person; may be repeated.")] = None,
    model: Annotated[list[str] | None, typer.Option(help="Only this one, as logged; may be repeated.")] = None,
    is_waste: Annotated[
        bool, typer.Option("--waste", help="What was useful, overhead and waste, and what to change to pay less.")
    ] = False,
    is_everyone: Annotated[
        bool, typer.Option("--everyone", help="With --waste: everybody's sessions, not only your own.")
    ] = False,
    is_html: Annotated[bool, typer.Option("--html", help="A page that stands by itself.")] = False,
    is_markdown: Annotated[bool, typer.Option("--md", help="Markdown.")] = False,
    is_csv: Annotated[bool, typer.Option("--csv", help="CSV, every column.")] = False,
    is_json: Json = False,
    out: Out = None,
) -> None:
    """Tell what was billed, by day, project, model, person, session or tool."""
    from app import terminal
    from her_models import reports

    if sum((is_html, is_markdown, is_csv, is_json)) > 1:
        _usage("Choose one of --html, --md, --csv and --json.")
    config = load_config()
    scope = reports.Scope(
        since_on=_day(since, "--since"),
        until_on=_day(until, "--until"),
        owners=tuple(owner or ()),
        projects=tuple(project or ()),
        models=tuple(model or ()),
        time_zone=config.time_zone,
    )
    chosen = {"html": is_html, "md": is_markdown, "csv": is_csv, "json": is_json}
    form = next((name for name, is_chosen in chosen.items() if is_chosen), _form_of(out))
    if is_waste:
        if by is not None:
            _usage("--by does not go with --waste, which adds up by label, kind, project, tool and file at once.")
        from app.waste import put_report

        with _lake(config) as con:
            reports.require_known(con, scope)
            put_report(con, config, scope, is_everyone=is_everyone, form=form, out=out)
        return
    if is_everyone:
        _usage("--everyone goes with --waste; other reports show everybody, or use --owner.")
    by = by or By.DAY
    with _lake(config) as con:
        reports.require_known(con, scope)
        rows = _report_rows(con, by, scope)
        overview = reports.overview(con, scope)
    title = f"Cost by {by.value}{_scope_in_words(scope)}"
    total = None if by is By.TOOL or not rows.num_rows else {rows.column_names[0]: "total", **_totals(overview)}
    if form == "json":
        told = {
            "command": "report",
            "by": by.value,
            "scope": vars(scope),
            "rows": rows.to_pylist(),
            "total": {"sessions_count": overview.sessions_count, **_totals(overview)},
        }
        terminal.put(terminal.as_json(told), out)
    elif form == "csv":
        terminal.put(terminal.as_csv(rows), out)
    elif form == "html":
        terminal.put(terminal.as_html(_readable(rows), title=title, notes=_notes(overview), total=total), out)
    elif form == "md":
        notes = "".join(f"\n{note}\n" for note in _notes(overview))
        terminal.put(terminal.as_markdown(_readable(rows), title=title, total=total) + notes, out)
    else:
        if rows.num_rows:
            terminal.draw(_readable(rows), title=title, total=total)
        for note in _notes(overview):
            terminal.screen.print(note, markup=False, soft_wrap=True)


def _form_of(out: Path | None) -> str:
    """Return the form that a file's name asks for: Markdown where it ends in none of them."""
    if out is None:
        return "terminal"
    return {".html": "html", ".htm": "html", ".csv": "csv", ".json": "json"}.get(out.suffix.lower(), "md")


def _report_rows(con: duckdb.DuckDBPyConnection, by: By, scope: Scope) -> pa.Table:
    from her_models import reports

    match by:
        case By.DAY:
            rows = reports.cost_by_day(con, scope)
            return rows.drop_columns(["group_name"])
        case By.TOOL:
            rows = reports.cost_by_tool(con, scope)
        case By.SESSION:
            rows = reports.cost_by_session(con, scope)
        case By.PROJECT | By.MODEL | By.OWNER:
            rows = reports.cost_by(con, by.value, scope)
    return rows.rename_columns([by.value, *rows.column_names[1:]])


def _readable(rows: pa.Table) -> pa.Table:
    """Leave out what only a program needs, and columns that would hold nothing but zeros."""
    hidden = {"source_id", "started_at"}
    for name in ("cache_write_5m_tokens", "cache_write_1h_tokens", "unpriced_requests_count", "floor_requests_count"):
        if name in rows.column_names and not any(rows[name].to_pylist()):
            hidden.add(name)
    if "estimated_usd" in rows.column_names and rows["estimated_usd"].equals(rows["billed_usd"]):
        hidden.add("estimated_usd")  # the log lost nothing
    return rows.select([name for name in rows.column_names if name not in hidden])


def _totals(overview: Any) -> dict[str, Any]:
    names = (
        "requests_count",
        "uncached_input_tokens",
        "cache_write_5m_tokens",
        "cache_write_1h_tokens",
        "cache_read_tokens",
        "output_tokens",
        "billed_usd",
        "estimated_usd",
        "unpriced_requests_count",
        "floor_requests_count",
    )
    return {name: getattr(overview, name) for name in names}


def _notes(overview: Any) -> list[str]:
    from app.format import LIST_PRICE_NOTE, count

    if not overview.requests_count:
        return ["Nothing was billed in what was asked for. All there is: her report"]
    notes = [LIST_PRICE_NOTE]
    if overview.unpriced_requests_count:
        number = count(overview.unpriced_requests_count)
        notes.append(f"{number} requests have no price: their tokens count, their cost is unknown. See: her doctor")
    if overview.floor_requests_count:
        number = count(overview.floor_requests_count)
        notes.append(
            f"{number} requests broke off or do not say how they ended: billed is at least that; the best estimate adds"
            " the output that the log lost."
        )
    return notes


def _scope_in_words(scope: Scope) -> str:
    parts = [f" since {scope.since_on}"] if scope.since_on else []
    parts += [f" until {scope.until_on}"] if scope.until_on else []
    parts += [f", {name}" for names in (scope.projects, scope.owners, scope.models) for name in names]
    return "".join(parts)


def _day(text: str | None, option: str) -> date | None:
    """Read a day as written, `today`, `yesterday`, or `7d` ago."""
    if text is None:
        return None
    today = datetime.now().astimezone().date()
    if text in ("today", "yesterday"):
        return today - timedelta(days=text == "yesterday")
    if text.endswith("d") and text[:-1].isdecimal() and int(text[:-1]) < 100_000:
        return today - timedelta(days=int(text[:-1]))
    try:
        return date.fromisoformat(text)
    except ValueError:
        _usage(f"{option} {text!r} is not a day. Write 2026-01-31, today, yesterday, or 7d.")


@app.command(
    epilog=_examples(
        "her advice",
        "her advice --since 30d --json",
        "her advice --done use-what-was-read --on 2026-11-02",
        "her advice --undone use-what-was-read",
    )
)
def advice(
    since: Annotated[str | None, typer.Option(metavar="DAY", help="First day: 2026-01-31, today, or 7d ago.")] = None,
    until: Annotated[str | None, typer.Option(metavar="DAY", help="Last day, included.")] = None,
    project: Annotated[list[str] | None, typer.Option(help="Only this one; may be repeated.")] = None,
    is_everyone: Annotated[bool, typer.Option("--everyone", help="Everybody's sessions, not only your own.")] = False,
    done: Annotated[str | None, typer.Option(metavar="NAME", help="Note that you made this change.")] = None,
    on: Annotated[str | None, typer.Option(metavar="DAY", help="With --done: when; default: today.")] = None,
    undone: Annotated[str | None, typer.Option(metavar="NAME", help="Note that you took this change back.")] = None,
    is_json: Json = False,
) -> None:
    """Say what to change to pay less, what it is expected to save, and what became of changes made."""
    from app.waste import put_advice
    from her_models import reports
    from her_models.advice import outcomes

    config = load_config()
    if on is not None and done is None:
        _usage("--on goes with --done.")
    require_lake(config)
    if done is not None:
        outcomes.made(config.home, done, _day(on or "today", "--on") or date.today())
    if undone is not None:
        outcomes.unmade(config.home, undone)
    scope = reports.Scope(
        since_on=_day(since, "--since"),
        until_on=_day(until, "--until"),
        projects=tuple(project or ()),
        time_zone=config.time_zone,
    )
    with _lake(config) as con:
        reports.require_known(con, scope)
        put_advice(con, config, scope, is_everyone=is_everyone, is_json=is_json)


@app.command(
    epilog=_examples(
        "her export 5f3c --format md", "her export asha@laptop/5f3c --format parquet --out session.parquet"
    )
)
def export(
    session: Annotated[str, typer.Argument(metavar="SESSION", help="How its id begins, or owner@host/id.")],
    kind: Annotated[ExportFormat, typer.Option("--format", help="jsonl holds the redacted lines as logged.")],
    out: Out = None,
) -> None:
    """Write one session out, redacted."""
    from app import terminal
    from her_models.export import export_session, find_session

    if kind is ExportFormat.PARQUET and out is None and sys.stdout.isatty():
        _usage("Parquet is no text: give --out FILE.")
    config = load_config()
    with _lake(config) as con:
        key = find_session(con, session)
        if kind is ExportFormat.HTML:
            from app.replay.page import session_page

            data = b"".join(session_page(con, key, config.time_zone))
        else:
            data = b"".join(export_session(con, key, kind.value))
    terminal.put(data, out)


@app.command(
    epilog=_examples(
        'her sql "select project, sum(billed_usd) from requests group by all"',
        'her sql "describe requests"',
        'her sql "from turns" --format parquet --out turns.parquet',
        "her sql - < query.sql",
    )
)
def sql(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="One select; - reads it from standard input.")],
    kind: Annotated[SqlFormat, typer.Option("--format", help="How to write the rows.")] = SqlFormat.TABLE,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Most rows; default: 1,000 in a table, all of them otherwise.")
    ] = None,
    is_json: Json = False,
    out: Out = None,
) -> None:
    """Ask the lake in SQL. It can only be read, and no other file can."""
    from app import terminal
    from her_models.lake import data_path
    from her_models.queries import guard, run_query

    if query == "-":
        query = sys.stdin.read()
    kind = SqlFormat.JSON if is_json else kind
    if kind is SqlFormat.PARQUET and out is None and sys.stdout.isatty():
        _usage("Parquet is no text: give --out FILE.")
    if kind is SqlFormat.TABLE and out is not None:
        _usage("A table is drawn on the terminal. For a file give --format csv, json or parquet too.")
    config = load_config()
    most = limit or (1000 if kind is SqlFormat.TABLE else None)
    with _lake(config) as con:
        guard(con, [data_path(config)])
        result = run_query(con, query, limit=most)
    match kind:
        case SqlFormat.TABLE:
            terminal.draw_raw(result.table)
        case SqlFormat.CSV:
            terminal.put(terminal.as_csv(result.table), out)
        case SqlFormat.JSON if is_json:
            told = {"command": "sql", "is_cut": result.is_cut, "rows": result.table.to_pylist()}
            terminal.put(terminal.as_json(told), out)
        case SqlFormat.JSON:
            terminal.put(terminal.rows_as_json(result.table), out)
        case SqlFormat.PARQUET:
            terminal.put(terminal.as_parquet(result.table), out)
    if result.is_cut:
        terminal.aside.print(f"Only the first {most:,} rows. Give --limit for more, or --format csv for all.")


@app.command(
    epilog=_examples(
        "her compare 5f3c 81aa",
        'her compare "project=shop until=2026-10-31" "project=shop since=2026-11-01" --match task',
        "her compare model=claude-opus-5 model=claude-sonnet-5 --match project,task --html --out models.html",
        'her compare "instructions=1f3a" "instructions=9b02" --prices claude-opus-5-5 --json',
        'her sql "from session_comparison" --format parquet --out session_comparison.parquet',
    )
)
def compare(
    a: Annotated[
        str,
        typer.Argument(
            metavar="A",
            help="A session, as its id begins; or a group: key=value with project, person, model, version, branch, tag,"
            " prompt, instructions, since, until.",
        ),
    ],
    b: Annotated[str, typer.Argument(metavar="B", help="What to hold against it.")],
    prices: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Tell both at this model's price list; default: as billed.")
    ] = None,
    matching: Annotated[
        str,
        typer.Option("--match", metavar="ON", help="Pair sessions of groups: project, model, version, person, task."),
    ] = "",
    is_html: Annotated[bool, typer.Option("--html", help="A page that stands by itself, with charts.")] = False,
    is_markdown: Annotated[bool, typer.Option("--md", help="Markdown.")] = False,
    is_json: Json = False,
    out: Out = None,
) -> None:
    """Compare two sessions, or two groups of them: what differs, how sure that is, and where the money went.

    What every session is compared by stands in the table session_comparison; changes, group_comparison and group_steps
    are written by the nightly job. Tables leave as files through her sql.
    """
    from app import comparing, terminal
    from her_models.compare import report

    if sum((is_html, is_markdown, is_json)) > 1:
        _usage("Choose one of --html, --md and --json.")
    config = load_config()
    with _lake(config) as con:
        found = comparing.compared(con, a, b, prices=prices, matching=matching, time_zone=config.time_zone)
    document = comparing.document(found)
    if is_json:
        terminal.put(terminal.as_json(comparing.as_json(found)), out)
    elif is_html:
        terminal.put(report.as_html(document), out)
    elif is_markdown or out is not None:
        terminal.put(report.as_markdown(document), out)
    else:
        comparing.draw(document)


@app.command(
    epilog=_examples(
        'her search "permission denied"',
        "her search '\"no space left\" -test' --tool Bash --errors --since 7d",
        "her search 'def \\w+_usd' --regex --kind tool_result --json",
        "her search --reindex",
    )
)
def search(
    text: Annotated[
        str, typer.Argument(metavar="[TEXT]", help='Words, "a phrase", beginn*, -without; none: filters alone.')
    ] = "",
    is_regex: Annotated[bool, typer.Option("--regex", help="TEXT is a regular expression, as RE2 reads it.")] = False,
    kind: Annotated[list[str] | None, typer.Option(help="Such as prompt, text, tool_call; may be repeated.")] = None,
    tool: Annotated[list[str] | None, typer.Option(help="Only this tool; may be repeated.")] = None,
    file: Annotated[str | None, typer.Option(help="Part of the path of the file that a call names.")] = None,
    project: Annotated[list[str] | None, typer.Option(help="Only this one; may be repeated.")] = None,
    owner: Annotated[list[str] | None, typer.Option(help="Only this person; may be repeated.")] = None,
    model: Annotated[list[str] | None, typer.Option(help="Only this one, as logged; may be repeated.")] = None,
    client: Annotated[str | None, typer.Option(metavar="VERSION", help="Only this version of the client.")] = None,
    since: Annotated[str | None, typer.Option(metavar="DAY", help="First day: 2026-01-31, today, or 7d ago.")] = None,
    until: Annotated[str | None, typer.Option(metavar="DAY", help="Last day, included.")] = None,
    min_usd: Annotated[float | None, typer.Option(min=0, help="Blocks that cost at least this, first to last.")] = None,
    only_errors: Annotated[bool, typer.Option("--errors", help="Only failed results.")] = False,
    label: Annotated[
        list[str] | None, typer.Option(help="Waste of this label or kind, such as C5 or C5.reread; may be repeated.")
    ] = None,
    session: Annotated[str | None, typer.Option(metavar="ID", help="Only this session.")] = None,
    sort: Annotated[HitSort, typer.Option(help="Which hits first.")] = HitSort.NEWEST,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most hits.")] = 20,
    reindex: Annotated[bool, typer.Option("--reindex", help="Bring the index up to date first.")] = False,
    is_json: Json = False,
) -> None:
    """Find what was said and done, in all sessions."""
    from decimal import Decimal

    from app import terminal
    from her_models.reports import Scope
    from her_models.search import hits
    from her_models.search.index import update_index

    config = load_config()
    where = hits.SearchFilter(
        scope=Scope(
            since_on=_day(since, "--since"),
            until_on=_day(until, "--until"),
            owners=tuple(owner or ()),
            projects=tuple(project or ()),
            models=tuple(model or ()),
            time_zone=config.time_zone,
        ),
        kinds=tuple(kind or ()),
        tools=tuple(tool or ()),
        path=file,
        version=client,
        min_usd=None if min_usd is None else Decimal(str(min_usd)),
        is_error=True if only_errors else None,
        labels=tuple(label or ()),
        session_id=session,
    )
    with reading(config) as lake:
        if reindex:
            done = update_index(lake)
            terminal.aside.print(
                "Another process is making the index; searching without what it adds."
                if done is None
                else f"The index holds {done.texts_count:,} texts, {done.added_count:,} of them new."
            )
            if not text and where == hits.SearchFilter(scope=Scope(time_zone=config.time_zone)):
                return
        mode: hits.Mode = "regex" if is_regex else "words"
        found = hits.search(lake.con, config, text, mode, where, sort=sort.value, page_size=limit)
    if is_json:
        rows = [{**hit.row, "excerpt": hit.excerpt.text, "marks": hit.excerpt.marks} for hit in found.hits]
        told = {
            "command": "search",
            "query": text,
            "mode": mode,
            "hits_count": found.hits_count,
            "sessions_count": found.sessions_count,
            "unindexed_count": found.unindexed_count,
            "hits": rows,
        }
        terminal.put(terminal.as_json(told), None)
    else:
        terminal.draw_hits(found, config.time_zone)


@app.command(
    epilog=_examples(
        "her audit --since 7d",
        "her audit --class deletion --class secret --risks --json",
        "her audit 5f3c --case ./case-5f3c",
        "her audit --files",
        "her audit --check ./case-5f3c",
    )
)
def audit(
    session: Annotated[
        str | None, typer.Argument(metavar="[SESSION]", help="How its id begins, or owner@host/id; none: all.")
    ] = None,
    kind: Annotated[list[str] | None, typer.Option("--class", help="Such as deletion; may be repeated.")] = None,
    outcome: Annotated[list[str] | None, typer.Option(help="succeeded, failed, denied, unknown; repeatable.")] = None,
    only_risks: Annotated[bool, typer.Option("--risks", help="Leave out what is only worth knowing.")] = False,
    text: Annotated[str | None, typer.Option(help="Part of the command or of what it acted on.")] = None,
    project: Annotated[list[str] | None, typer.Option(help="Only this one; may be repeated.")] = None,
    owner: Annotated[list[str] | None, typer.Option(help="Only this person; may be repeated.")] = None,
    since: Annotated[str | None, typer.Option(metavar="DAY", help="First day: 2026-01-31, today, or 7d ago.")] = None,
    until: Annotated[str | None, typer.Option(metavar="DAY", help="Last day, included.")] = None,
    is_files: Annotated[bool, typer.Option("--files", help="Hold the files on disk against what was read.")] = False,
    case: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write everything about the sessions found into it.")
    ] = None,
    check: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Verify a case somebody gave you.")] = None,
    is_json: Json = False,
) -> None:
    """List risky actions; prove that the log is whole. Exit code 1 when a check fails."""
    from app.auditing import Asked, run_audit

    scope = Asked(
        session=session,
        classes=tuple(kind or ()),
        outcomes=tuple(outcome or ()),
        only_risks=only_risks,
        text=text,
        projects=tuple(project or ()),
        owners=tuple(owner or ()),
        since=_day(since, "--since"),
        until=_day(until, "--until"),
        is_files=is_files,
        case=case,
        check=check,
        is_json=is_json,
    )
    if not run_audit(scope):
        raise typer.Exit(EXPLAINED)


@app.command(
    epilog=_examples(
        'her ask "which turn was the most expensive last week?"',
        'her ask "who deleted config/app.toml?"',
        'her ask "what is in the context at turn 3?" --session 5f3c',
        "her ask",
    )
)
def ask(
    text: Annotated[
        str, typer.Argument(metavar="[QUESTION]", help="In plain words; none: list what can be asked.")
    ] = "",
    session: Annotated[
        str | None, typer.Option(metavar="SESSION", help="Of this session: how its id begins, or owner@host/id.")
    ] = None,
    since: Annotated[str | None, typer.Option(metavar="DAY", help="First day: 2026-01-31, today, or 7d ago.")] = None,
    until: Annotated[str | None, typer.Option(metavar="DAY", help="Last day, included.")] = None,
    is_all: Annotated[bool, typer.Option("--all", help="Leave nothing out of a long answer.")] = False,
    is_sql: Annotated[bool, typer.Option("--sql", help="Print the query behind the answer, too.")] = False,
    is_json: Json = False,
) -> None:
    """Answer a question from the lake, without a model; each sentence names the place that proves it."""
    from app.asking import run_ask

    days = (_day(since, "--since"), _day(until, "--until"))
    run_ask(text, session, *days, is_all=is_all, is_sql=is_sql, is_json=is_json)


@app.command(epilog=_examples("her dagster", "her dagster --port 3333"))
def dagster(
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Default: 3000, or any free one.")] = None,
) -> None:
    """Open Dagster's own UI on this instance: assets, runs, schedules, checks. On this machine only."""
    from app.serve import dagster_command
    from app.terminal import aside

    config = load_config()
    command, environment = dagster_command(config, port)
    aside.print(f"Dagster will be at http://127.0.0.1:{command[-1]}   (Ctrl-C ends it)")
    sys.stdout.flush()
    os.execve(command[0], command, environment)


def _require_paths(paths: list[Path] | None) -> None:
    missing = [path for path in paths or [] if not path.expanduser().exists()]
    if missing:
        _usage(f"{', '.join(map(str, missing))}: no such file or folder.")


def _absolute(paths: list[Path] | None) -> list[Path]:
    return [path.expanduser().absolute() for path in paths or []]


@contextmanager
def _lake(config: Config) -> Iterator[duckdb.DuckDBPyConnection]:
    with reading(config) as lake:
        yield lake.con


def _usage(message: str) -> NoReturn:
    raise typer.BadParameter(message)


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; nothing but a message reaches the terminal when it fails."""
    try:
        typer.main.get_command(app)(arguments, prog_name="her")
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else 0
    except HerError as error:
        _say(str(error))
        return BUSY if isinstance(error, LakeBusy) else EXPLAINED
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        _say(account_of(error))
        return EXPLAINED
    return 0


def _say(message: str) -> None:
    sys.stderr.write(f"her: {message}\n")

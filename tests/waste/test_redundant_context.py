"""The same overhead, paid again by sessions and subagents."""

from collections.abc import Iterator
from decimal import Decimal

import duckdb
import pytest

from her_models.contracts import TABLES
from her_models.ledger_reports import redundant_context
from her_models.reports import Scope
from her_models.waste_report.words import text_in_words


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        for name in ("blocks", "sessions", "event_lines", "requests"):
            connection.execute(TABLES[name].ddl())
        for session, owner in (("s1", "asha"), ("s2", "asha"), ("s3", "ben")):
            connection.execute(
                "insert into sessions by name select 'a@b' as source_id, ? as session_id, ? as owner,"
                " 'shop' as project, ['claude-opus-5-5'] as models, timestamptz '2026-10-20 10:00:00Z' as started_at,"
                " timestamptz '2026-10-20 11:00:00Z' as ended_at",
                [session, owner],
            )
        yield connection


def _block(
    con, session: str, index: int, kind: str, usd: str, *, text: str | None = None, agent: str | None = None
) -> None:
    con.execute(
        "insert into blocks by name select 'a@b' as source_id, ? as session_id, ? as block_index, ? as kind,"
        " ? as agent_id, ? as content_hash, '' as label, '/shop/CLAUDE.md' as path, 100 as size_tokens,"
        " 900 as cache_read_tokens, 100 as cache_write_1h_tokens, 0 as cache_write_5m_tokens, 0 as uncached_tokens,"
        " ? as lifetime_usd",
        [session, index, kind, agent, text, Decimal(usd)],
    )


def test_all_but_the_dearest_copy_were_paid_again(con) -> None:
    _block(con, "s1", 0, "memory", "0.05", text="h1")
    _block(con, "s2", 0, "memory", "0.02", text="h1")
    _block(con, "s2", 1, "memory", "0.01", text="h1", agent="a1")
    _block(con, "s3", 0, "memory", "0.09", text="h2")  # another text
    (row,) = redundant_context(con).to_pylist()
    assert (row["kind"], row["name"], row["sessions_count"], row["subagents_count"]) == ("memory", "CLAUDE.md", 2, 1)
    assert (row["size_tokens"], row["tokens"]) == (100, 3000)
    assert (row["lifetime_usd"], row["again_usd"]) == (Decimal("0.08"), Decimal("0.03"))


def test_what_the_client_attached_bears_the_client_s_word_for_it(con) -> None:
    for number, session in enumerate(("s1", "s2")):
        _block(con, session, 0, "reminder", "0.05", text="h1")
        con.execute(
            "update blocks set file_id = ?, offset_bytes = 40, path = null where session_id = ?", [number, session]
        )
        con.execute(
            "insert into event_lines by name select ? as file_id, 40 as offset_bytes, 'a@b' as source_id,"
            " ? as session_id, 'attachment' as type, 'agent_listing_delta' as subtype",
            [number, session],
        )
    (row,) = redundant_context(con).to_pylist()
    assert (row["kind"], row["name"]) == ("reminder", "agent listing")
    con.execute("update event_lines set subtype = 'instructions'")
    con.execute("update blocks set kind = 'memory'")
    assert redundant_context(con).to_pylist()[0]["name"] == "CLAUDE.md and other memory files"


def test_the_system_prompt_is_called_so_where_schemas_stand_apart(con) -> None:
    """Elsewhere the prefix holds tools and memory files too, and bears the name of its kind."""
    for session in ("s1", "s2"):
        _block(con, session, 0, "system", "0.05")
        _block(con, session, 1, "tool_schema", "0.02")
    con.execute("update blocks set path = null, label = case when kind = 'tool_schema' then 'Bash' else '' end")
    assert {row["name"] for row in redundant_context(con).to_pylist()} == {"system prompt", "Bash"}
    con.execute("delete from blocks where kind = 'tool_schema'")
    assert [row["name"] for row in redundant_context(con).to_pylist()] == ["system"]


def test_copies_within_one_thread_are_one(con) -> None:
    _block(con, "s1", 0, "memory", "0.05", text="h1")
    _block(con, "s1", 1, "memory", "0.05", text="h1")
    assert redundant_context(con).to_pylist() == []


def test_what_was_said_is_no_overhead_and_a_scope_is_kept(con) -> None:
    for session in ("s1", "s2", "s3"):
        _block(con, session, 0, "prompt", "0.05", text="h1")
        _block(con, session, 1, "memory", "0.05", text="h2")
    (row,) = redundant_context(con, Scope(owners=("asha",))).to_pylist()
    assert (row["kind"], row["sessions_count"]) == ("memory", 2)


def test_prefixes_that_no_line_shows_are_no_same_text_and_alike_only_of_one_client_model_and_folder(con) -> None:
    threads = [
        ("s1", "2.1.0", "opus", "/a"), ("s2", "2.1.0", "opus", "/a"),
        ("s3", "2.1.9", "opus", "/a"), ("s4", "2.1.0", "fable", "/a"), ("s5", "2.1.0", "opus", "/b"),
    ]  # fmt: skip
    for session, version, model, folder in threads:
        con.execute(
            "insert into sessions by name select 'a@b' as source_id, ? as session_id, 'shop' as project"
            " where not exists (select 1 from sessions where session_id = ?)",
            [session, session],
        )
        con.execute("update sessions set project_path = ? where session_id = ?", [folder, session])
        con.execute(
            "insert into requests by name select 'a@b' as source_id, ? as request_id, ? as client_version, ? as model",
            [session, version, model],
        )
        _block(con, session, 0, "system", "0.05")
        _block(con, session, 1, "memory", "0.02", text="h1")
    con.execute("update blocks set first_request_id = session_id, size_tokens = 26300")
    same, alike = redundant_context(con).to_pylist()
    assert (same["is_same_text"], same["kind"], same["sessions_count"], same["again_usd"]) == (
        True, "memory", 5, Decimal("0.08"),
    )  # fmt: skip
    assert (alike["is_same_text"], alike["kind"], alike["sessions_count"], alike["again_usd"]) == (
        False, "system", 2, Decimal("0.05"),
    )  # fmt: skip
    alike["name"] = alike["kind"]
    assert text_in_words(alike) == (
        "About 26,000 tokens in no line: system prompt, tools, memory files (main, client 2.1.0, opus)"
    )
    assert "/a" not in str(alike)

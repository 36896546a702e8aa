"""Logs as nobody should write them: the ledger still adds up, and one odd session spoils no other.

All sessions are in one lake. A response of `answer` is 10 tokens of input, 100 written for an hour, 1,000 read and 20
of output, with Sonnet 4.5 at 3, 6, 0.30 and 15 US dollars per million: 0.00123.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from her_models.config import Config, Source
from her_models.ingest import ingest
from tests.lakes import row, rows
from tests.logs import answer, prompt, write

Line = dict[str, Any]
ONE = Decimal("0.00123")


def counting(line: Line, **usage: Any) -> Line:
    return line | {"message": line["message"] | {"usage": line["message"]["usage"] | usage}}


def of_model(line: Line, model: str | None) -> Line:
    return line | {"message": line["message"] | {"model": model}}


def boundary(session: str, uuid: str, second: int) -> Line:
    more = {"subtype": "compact_boundary", "compactMetadata": {"trigger": "auto", "preTokens": 1110}}
    return prompt(session, uuid, second) | {"type": "system", "message": None, **more}


def summary(session: str, uuid: str, second: int) -> Line:
    return prompt(session, uuid, second, "what was said so far", isCompactSummary=True)


def subagent(line: Line) -> Line:
    return line | {"isSidechain": True, "agentId": "x"}


def odd_sessions() -> Iterator[tuple[str, list[Line]]]:
    """Yield sessions by name; the ids of their responses begin with it."""

    def ask(name: str, second: int = 1, uuid: str = "u1") -> Line:
        return prompt(name, uuid, second)

    def say(name: str, number: int, second: int, **more: Any) -> Line:
        return answer(name, f"a{number}", second, f"{name}{number}", **more)

    yield "only a subagent", [subagent(line) for line in (ask("only a subagent"), say("only a subagent", 1, 2))]
    name = "compacted at once"
    yield name, [boundary(name, "c", 0), summary(name, "u1", 1), say(name, 1, 2), say(name, 2, 3)]
    name = "compacted twice"
    cuts = [boundary(name, "c1", 3), summary(name, "u2", 4), boundary(name, "c2", 5), summary(name, "u3", 6)]
    yield name, [ask(name), say(name, 1, 2), *cuts, say(name, 2, 8)]
    name = "times run backwards"
    yield name, [ask(name, 50), say(name, 1, 40), ask(name, 30, "u2"), say(name, 2, 20)]
    name = "one uuid for all"
    yield name, [line | {"uuid": "same"} for line in (ask(name), ask(name, 2), say(name, 1, 3), say(name, 2, 4))]
    name = "its own parent"
    yield name, [line | {"parentUuid": line["uuid"]} for line in (ask(name), say(name, 1, 3), say(name, 2, 4))]
    name = "no such model"
    models = ("nobody-1", None, "")
    yield name, [ask(name), say(name, 0, 2), *(of_model(say(name, 1 + n, 3), of) for n, of in enumerate(models))]
    name = "said by two"
    yield name, [ask(name), say(name, 1, 2), subagent(say(name, 1, 3) | {"uuid": "b1"}), say(name, 2, 4)]
    name = "no figures"
    yield name, [ask(name), counting(say(name, 1, 2), input_tokens=-5, output_tokens=10**30), say(name, 2, 3)]
    name = "part without price"
    parts = [{"input_tokens": 9, "output_tokens": 5}, {"type": "surprise", "model": "nobody-1", "input_tokens": 1}]
    yield name, [ask(name), counting(say(name, 1, 2), iterations=parts), say(name, 2, 3)]
    name = "log of nothing"
    log = [
        {
            "type": "api-request",
            "sessionId": name,
            "id": "q1",
            "base": "q1",
            "keep": 1,
            "tail": ["x"],
            "shapeHash": "?",
        },
        {"type": "api-request", "sessionId": name, "id": "q2", "base": 7, "keep": "3", "tail": None, "shapeHash": None},
        {"type": "api-request-blob", "sessionId": name, "hash": None, "message": []},
        {"type": "api-request-shape", "sessionId": name, "shapeHash": "?", "shape": {"tools": [None], "system": 5}},
    ]
    yield name, [*log, ask(name), say(name, 1, 2, requestRef="q1"), say(name, 2, 3, requestRef=["q2"])]


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A lake of all of them, and of one session that two sources hold under one id with other figures."""
    base = tmp_path_factory.mktemp("odd")
    for name, lines in odd_sessions():
        write(base / "one" / f"{name}.jsonl", *lines)
    for source, output in (("one", 20), ("two", 50)):
        lines = [prompt("twin", "u1", 1), answer("twin", "a1", 2, "twin1", output=output)]
        write(base / source / "twin.jsonl", *lines)
    sources = tuple(Source(name, "host", base / name) for name in ("one", "two"))
    config = Config(home=base / "home", sources=sources)
    ingest(config)
    return config


def test_odd_sessions_cost_what_their_responses_do(odd: Config) -> None:
    found = dict(rows(odd, "select session_id, billed_usd from sessions where owner = 'one'"))
    assert found == {
        "only a subagent": ONE,
        "compacted at once": 2 * ONE,
        "compacted twice": 2 * ONE,
        "times run backwards": 2 * ONE,
        "one uuid for all": 2 * ONE,
        "its own parent": 2 * ONE,
        "no such model": ONE,
        "said by two": 2 * ONE,
        "no figures": 2 * ONE - Decimal("0.00033"),
        "part without price": ONE,
        "log of nothing": 2 * ONE,
        "twin": ONE,
    }


def test_lanes_blocks_kinds_and_turns_of_odd_sessions_add_up_to_their_bill(odd: Config) -> None:
    lanes = "sum(content_usd + cache_excess_usd + premium_usd + fees_usd)"
    asked = {
        "requests": f"select source_id, session_id, {lanes} from requests group by all",
        "blocks": "select source_id, session_id, sum(lifetime_usd) from blocks group by all",
        "incurred": "select source_id, session_id, sum(incurred_usd) from turns group by all",
        "caused": "select source_id, session_id, sum(caused_usd) from turns group by all",
    }
    billed = rows(odd, "select source_id, session_id, billed_usd from sessions")
    for name, query in asked.items():
        assert (name, sorted(rows(odd, query))) == (name, sorted(billed))
    unlike = """
        with divided as (
            select
                source_id, request_id,
                sum(cache_read_tokens + cache_write_1h_tokens + cache_write_5m_tokens + uncached_tokens) as sent_tokens
            from request_context group by all
        )
        select request_id from requests inner join divided using (source_id, request_id)
        where session_id <> 'part without price' and prompt_tokens <> sent_tokens
    """
    assert rows(odd, unlike) == []


def test_one_id_in_two_sources_is_two_sessions(odd: Config) -> None:
    found = rows(odd, "select owner, output_tokens, billed_usd from sessions where session_id = 'twin' order by owner")
    assert found == [("one", 20, ONE), ("two", 50, ONE + 30 * Decimal("0.000015"))]


def test_a_response_that_two_threads_show_is_charged_once(odd: Config) -> None:
    assert row(odd, "select count(*), sum(output_tokens) from requests where session_id = 'said by two'") == (2, 40)


def test_a_compaction_begins_a_lineage_wherever_it_stands(odd: Config) -> None:
    query = "select list(cut order by lineage_index) from lineages where session_id = '{}'"
    assert row(odd, query.format("compacted at once")) == (["compact"],)
    assert row(odd, query.format("compacted twice")) == (["start", "compact"],)

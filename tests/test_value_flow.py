"""Value flow: a value that says little proves nothing, each rule has its name, and an edit leads back to its reads."""

from __future__ import annotations

import json

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from her_models.errors import QueryError
from her_models.value_flow import NEEDED_BITS, Flow, Passage, bits, origin, read_passages, reasons
from tests.test_reports import SOURCE, con, fill  # noqa: F401  (`con` is a fixture)

RARE = "kettle_boiler_77"


def session(*texts: str | Passage) -> list[Passage]:
    """Results of a tool, one after another, unless a passage says otherwise."""
    return [
        text if isinstance(text, Passage) else Passage(index, "tool_result", text, "Bash", turn_index=0)
        for index, text in enumerate(texts)
    ]


def call(index: int, tool: str, **given: object) -> Passage:
    return Passage(index, "tool_call", json.dumps(given), tool, path=str(given.get("file_path")), turn_index=0)


def edge(flow: Flow) -> tuple[int, str, str]:
    """Event, proof and the rule's name of the only edge."""
    [found] = flow.edges
    return found.event_index, found.proof, found.rule.split(";")[0]


def test_a_rare_value_is_proven_where_it_first_stood_verbatim_and_the_rule_says_how_rare() -> None:
    passages = session("nothing", f"found {RARE} here", f"{RARE} again", "and now")
    [found] = origin(passages, 3, RARE).edges
    assert (found.event_index, found.proof) == (1, "proven")
    # Two words of six letters (13.2 each), two digits (3.3 each), two signs (2 each).
    assert found.rule == "Verbatim; about 37 bits (20 needed), in 2 of 3 earlier texts (5 allowed)"


def test_a_common_word_is_found_but_proves_nothing() -> None:
    flow = origin(session("the function ends", "a function"), 1, "function")
    assert edge(flow)[:2] == (0, "likely")
    assert flow.note == "Too common to prove where it came from."


def test_a_value_that_stands_in_most_earlier_texts_proves_nothing() -> None:
    passages = session(*[f"line {RARE}" for _ in range(6)], "now")
    assert edge(origin(passages, 6, RARE))[:2] == (0, "likely")


def test_a_part_of_a_longer_number_is_not_the_number() -> None:
    assert origin(session("port 1844674407", "x"), 1, "844674407").edges == ()


def test_what_stands_nowhere_before_is_said_to_begin_here() -> None:
    by_model = session("x", Passage(1, "text", RARE))
    assert origin(by_model, 1, RARE) == Flow((), "It stands in no earlier text: the model wrote it here first.")
    assert "it came in with this event" in origin(session("x", RARE), 1, RARE).note


@pytest.mark.parametrize(
    ("stood", "value", "rule"),
    [
        ("see /engine/src/boiler/valve.py please", "src/boiler/valve.py", "Path made relative"),
        ("see /engine/src/boiler/valve_seat.py", "valve_seat.py", "File name taken from a path"),
        ("see src/boiler/valve.py", "/engine/src/boiler/valve.py", "Path made absolute"),
        ("see valve_seat.py", "/engine/valve_seat.py", "Folder added to a file name"),
        ("pressure_limit = 3", "pressureLimit", "Name in another convention"),
        ("Bessemer Converter Valve", "bessemer converter valve", "Name in another convention"),
        ("total 1234567 bytes", "1,234,567", "Number formatted"),
        ("total 12,345,678 bytes", "12345678", "Number formatted"),
        ("ratio 0.1234567", "12.34567%", "Percentage"),
        ("at %2Fengine%2Fvalve%20seat", "/engine/valve seat", "URL decoded"),
        ("get https://h.example/a%20b%20valve", "https://h.example/a b valve", "URL decoded"),
        ('say "steam \\"valve\\" seat"', 'steam "valve" seat', "Escapes resolved"),
        ("a &lt;valve-seat&gt; b", "<valve-seat>", "HTML escapes resolved"),
        ("open steam valve seat", '"steam valve seat"', "Quoted"),
        ("named steam's valve seat", "'steam'\"'\"'s valve seat'", "Quoted for the shell"),
        ("commit 3f2a9bc0d1e2f3a4b5c6d7e8f9a0b1c2d3e4f5a6", "3f2a9bc", "Hash shortened"),
        ("commit 3f2a9bc at noon", "3f2a9bc0d1e2f3a4b5c6d7e8f9a0b1c2d3e4f5a6", "Hash written out"),
        ("BESSEMER-VALVE-9", "bessemer-VALVE-9", "Case changed"),
        ("if steam:\n    open the valve", "if steam: open the valve", "White space changed"),
    ],
)
def test_each_transformation_is_found_and_has_its_name(stood: str, value: str, rule: str) -> None:
    assert edge(origin(session("nothing", stood, "now"), 2, value)) == (1, "transformed", rule)


def test_a_value_the_model_wrote_is_traced_on_to_what_it_was_made_from() -> None:
    passages = session("in /engine/src/boiler/valve.py", Passage(1, "text", "I open src/boiler/valve_x.py"), "now")
    flow = origin(
        session("file boilerValveSeat", Passage(1, "text", "named boiler_valve_seat"), "now"), 2, "boiler_valve_seat"
    )
    assert [(e.event_index, e.proof) for e in flow.edges] == [(1, "proven"), (0, "transformed")]
    assert passages  # a path the model changed is no end of the one that stood there
    assert [e.proof for e in origin(passages, 2, "src/boiler/valve_x.py").edges] == ["proven"]


def test_a_selection_over_several_lines_is_traced_by_its_parts() -> None:
    flow = origin(session(f"x = {RARE}", "now"), 1, f"call({RARE})\nand go on")
    assert [(e.event_index, e.value) for e in flow.edges] == [(0, RARE)]
    assert "its parts" in flow.note


def test_a_value_is_found_in_a_call_as_it_was_meant_and_in_a_file_without_its_line_numbers() -> None:
    wrote = call(0, "Write", file_path="/e/a.py", content="first line of steam\nsecond line of steam")
    assert edge(origin([wrote, *session("x", "y")[1:]], 1, "line of steam\nsecond line"))[0] == 0
    read = Passage(0, "tool_result", "     1→first line of steam\n     2→second line of steam", "Read", "/e/a.py")
    assert edge(origin([read, *session("x", "y")[1:]], 1, "line of steam\nsecond line"))[0] == 0


def test_an_edit_leads_to_the_read_of_what_it_replaced_and_to_where_its_new_names_came_from() -> None:
    passages = [
        Passage(0, "prompt", "Limit the pressure", turn_index=0),
        Passage(1, "tool_result", "limit is called kettle_limit_bar", "Bash", turn_index=0),
        Passage(2, "tool_result", "     1→def open_valve(steam):\n     2→    pass", "Read", "/e/a.py", turn_index=0),
        Passage(3, "tool_result", "a.py:1 AssertionError", "Bash", None, True, 0),
        call(
            4, "Edit", file_path="/e/a.py", old_string="def open_valve(steam):",
            new_string="def open_valve(steam, kettle_limit_bar):",
        ),
    ]  # fmt: skip
    found = [(e.event_index, e.proof, e.rule.split(";")[0]) for e in reasons(passages, 4).edges]
    assert found == [
        (1, "proven", "Verbatim"),
        (2, "proven", "What was replaced stands verbatim in this read of the same file"),
        (0, "likely", "Prompt of the same turn"),
        (3, "likely", "Failed in the same turn, and names the file"),
    ]


def test_an_edit_of_what_an_earlier_edit_wrote_leads_to_that_edit() -> None:
    passages = [
        call(0, "Write", file_path="/e/a.py", content="def open_valve(steam):\n    pass"),
        call(1, "Edit", file_path="/e/a.py", old_string="def open_valve(steam):", new_string="def shut():"),
    ]
    [found] = reasons(passages, 1).edges
    assert (found.event_index, found.proof) == (0, "proven")
    assert found.rule.startswith("What was replaced was written verbatim by this call")


def test_only_an_edit_has_reasons() -> None:
    with pytest.raises(QueryError, match=r"Event 1 is no edit\. Choose one of: Edit, MultiEdit, NotebookEdit, Write\."):
        reasons(session("x"), 0)


@given(st.text(max_size=40), st.text(max_size=40))
def test_more_text_never_says_less(one: str, other: str) -> None:
    assert bits(f"{one} {other}") >= max(bits(one), bits(other)) - 1e-9


@given(st.lists(st.text(max_size=60), min_size=1, max_size=8), st.text(min_size=1, max_size=30))
def test_an_edge_leads_backwards_and_a_proven_one_to_a_text_that_holds_the_value(texts: list[str], value: str) -> None:
    passages = session(*texts)
    for found in origin(passages, len(texts) - 1, value).edges:
        assert found.event_index < len(texts) - 1
        if found.proof == "proven":
            assert found.value in passages[found.event_index].searched
            assert bits(found.value) >= NEEDED_BITS


def test_passages_are_read_in_order_up_to_the_event(con: duckdb.DuckDBPyConnection) -> None:  # noqa: F811
    for index, text in enumerate(["one", "two", "three"]):
        fill(con, "blocks", {"session_id": "s", "block_index": index, "kind": "text", "content_hash": text})
        fill(con, "contents", {"content_hash": text, "text": text})
    assert [passage.text for passage in read_passages(con, SOURCE, "s", 1)] == ["one", "two"]

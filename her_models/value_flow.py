"""Where a value came from, and why an edit was made: edges between events, each with the rule that it rests on.

What belongs here: the rules. What does not: how an edge is drawn (the replay), or which texts are read (`sql/reports`).

An edge is *proven* when a value stands verbatim and whole in an earlier text and is rare enough for that to mean
something; *transformed* when a named rule turns what stood there into the value; *likely* when it only fits. Rarity has
two parts, both stated on the edge: how much the value says, in bits, estimated from words, digits and signs; and in how
many of the earlier texts it stands. A common word is found early in any session, which proves nothing.
"""

from __future__ import annotations

import html
import json
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal
from urllib.parse import quote, unquote

import duckdb

from her_models.errors import QueryError
from her_models.report_queries import report_query

Proof = Literal["proven", "transformed", "likely"]

NEEDED_BITS = 20.0  # a value that says less is met by chance
_WORD_BITS = 2.2  # of a letter in a word
_WORD_MOST_BITS = 14.0  # of a word however long: one of sixteen thousand
_DIGIT_BITS, _SIGN_BITS = 3.3, 2.0
_SPREAD_LEAST, _SPREAD_SHARE = 5, 0.2  # a value may stand in so many of the earlier texts and still be rare
_CHARACTERS = 200_000  # of a text that are searched
_SHOWN = 120
_PARTS_TRACED, _PARTS_TRIED = 6, 24
_OWN = {"text", "thinking", "tool_call"}  # written by the model
_EDITS = {"Edit", "MultiEdit", "Write", "NotebookEdit"}
_NUMBERED = re.compile(r"^\s*\d+(?:→|\t)", re.MULTILINE)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[^\W\d_a-zA-Z]+")
_TOKEN = re.compile(r"[A-Za-z_][\w./:@-]{3,}[\w]|\d[\d.,_]*\d|\"[^\"\n]{4,80}\"|'[^'\n]{4,80}'")
_HEX = re.compile(r"[0-9a-f]{7,64}")
_NUMBER = re.compile(r"-?\d[\d,_]*(?:\.\d+)?%?")


@dataclass(frozen=True)
class Passage:
    """The text of one event."""

    event_index: int
    kind: str
    text: str
    tool_name: str | None = None
    path: str | None = None
    is_error: bool = False
    turn_index: int | None = None
    request_id: str | None = None

    @cached_property
    def searched(self) -> str:
        """The text as a reader would copy from it: a call's strings unescaped, a file without its line numbers."""
        if self.kind == "tool_call":
            try:
                return "\n".join(_strings(json.loads(self.text))) or self.text
            except (ValueError, RecursionError):
                return self.text
        return _NUMBERED.sub("", self.text) if self.tool_name == "Read" else self.text

    @cached_property
    def folded(self) -> str:
        return self.searched.lower()


@dataclass(frozen=True)
class Edge:
    """A value of one event stood in another before: `event_index` is where, `value` how it stood there."""

    event_index: int
    proof: Proof
    rule: str
    value: str


@dataclass(frozen=True)
class Flow:
    """What was found, the surest edge first; `note` says what the edges alone do not."""

    edges: tuple[Edge, ...]
    note: str = ""


def read_passages(
    con: duckdb.DuckDBPyConnection, source_id: str, session_id: str, last_index: int
) -> tuple[Passage, ...]:
    """Return the texts of a session up to an event, in order."""
    query = report_query("flow_texts")
    parameters = {"source_id": source_id, "session_id": session_id, "last_index": last_index, "characters": _CHARACTERS}
    rows = con.execute(query, parameters).to_arrow_table().to_pylist()
    return tuple(Passage(**row) for row in rows)


def origin(passages: Sequence[Passage], event_index: int, value: str) -> Flow:
    """Return where `value`, which stands in the text of an event, first appeared.

    `passages` are the session's texts in order. A value that is found nowhere before is traced by its parts: names,
    paths, numbers and quoted strings in it.
    """
    value = value.strip()
    earlier = [passage for passage in passages if passage.event_index < event_index]
    if len(value) < 2 or not earlier:
        return Flow((), "Nothing was said before this event." if not earlier else "Select more than one character.")
    found = _traced(earlier, value)
    if found:
        return Flow(tuple(found), "" if any(edge.proof != "likely" for edge in found) else _COMMON)
    edges = _parts_traced(earlier, _tokens(value) - {value}, "part of what was selected")
    if edges:
        return Flow(tuple(edges), "It stands nowhere before as a whole; these are its parts.")
    here = next((passage for passage in passages if passage.event_index == event_index), None)
    by_model = here is not None and here.kind in _OWN
    return Flow((), "It stands in no earlier text: " + ("the model wrote it here first." if by_model else _CAME_IN))


_COMMON = "Too common to prove where it came from."
_CAME_IN = "it came in with this event."


def reasons(passages: Sequence[Passage], event_index: int) -> Flow:
    """Return what led to an edit: the reads of what it replaced, the origins of what it brought in, the prompt.

    Raises:
        QueryError: the event is no edit of a file.
    """
    edit = next((passage for passage in passages if passage.event_index == event_index), None)
    if edit is None or edit.kind != "tool_call" or edit.tool_name not in _EDITS:
        raise QueryError(f"Event {event_index + 1} is no edit. Choose one of: {', '.join(sorted(_EDITS))}.")
    earlier = [passage for passage in passages if passage.event_index < event_index]
    before, after = _sides(edit)
    edges = [*_replaced(earlier, edit, before), *_brought_in(earlier, before, after), *_occasion(earlier, edit)]
    kept: dict[tuple[int, str], Edge] = {}
    for edge in edges:
        kept.setdefault((edge.event_index, edge.value), edge)
    order = {"proven": 0, "transformed": 1, "likely": 2}
    found = sorted(kept.values(), key=lambda edge: (order[edge.proof], edge.event_index))
    return Flow(tuple(found), "" if found else "Nothing before this edit says why it was made.")


def bits(value: str) -> float:
    """Return about how much a value says: words count as words, so that a long common one is not taken for rare."""
    return sum(_bits_of_part(part) for part in value.split())


def _bits_of_part(part: str) -> float:
    if _HEX.fullmatch(part) and any(map(str.isdigit, part)) and any(map(str.isalpha, part)):
        return 4.0 * len(part)
    of_words = sum(min(_WORD_MOST_BITS, _WORD_BITS * len(word)) for word in _WORD.findall(part))
    digits = sum(character.isdigit() for character in part)
    signs = sum(not character.isalnum() for character in part)
    return of_words + _DIGIT_BITS * digits + _SIGN_BITS * signs


# -- one value ------------------------------------------------------------------------------------------------------


def _traced(earlier: Sequence[Passage], value: str) -> list[Edge]:
    """Return the edge to the first verbatim appearance and, where the model wrote it there, to what it made it from."""
    first = _first(earlier, value)
    edges = [_verbatim(earlier, first, value)] if first else []
    if first is None or first.kind in _OWN:
        until = first.event_index if first else None
        sources = [p for p in earlier if p.kind not in _OWN and (until is None or p.event_index < until)]
        edges += _transformed(sources if first else earlier, value)
    return edges


def _first(passages: Iterable[Passage], value: str) -> Passage | None:
    return next((passage for passage in passages if _place(passage.searched, value) >= 0), None)


def _place(text: str, value: str) -> int:
    """Return where `value` stands whole, not as a part of a longer word or number; -1 where it does not."""
    begin = text.find(value)
    while begin >= 0:
        end = begin + len(value)
        cut_before = begin > 0 and _joins(text[begin - 1], value[0])
        cut_after = end < len(text) and _joins(value[-1], text[end])
        if not cut_before and not cut_after:
            return begin
        begin = text.find(value, begin + 1)
    return -1


def _joins(left: str, right: str) -> bool:
    return (left.isalnum() or left == "_") and (right.isalnum() or right == "_")


def _verbatim(earlier: Sequence[Passage], first: Passage, value: str) -> Edge:
    is_rare, words = _rarity(earlier, value)
    shortened = _shortening(first.searched, value)
    if shortened and is_rare:
        return Edge(first.event_index, "transformed", f"{shortened}; {words}", _around(first.searched, value))
    proof: Proof = "proven" if is_rare else "likely"
    return Edge(first.event_index, proof, f"Verbatim; {words}", value[:_SHOWN])


def _shortening(text: str, value: str) -> str | None:
    """A value that is the end of a longer path was taken from it by a rule that has a name."""
    place = _place(text, value)
    if place <= 0 or text[place - 1] != "/":
        return None
    if "/" in value:
        return "Path made relative"
    return "File name taken from a path" if "." in value else None


def _around(text: str, value: str) -> str:
    """Return the whole path that `value` is the end of."""
    place = _place(text, value)
    begin = place
    while begin > 0 and not text[begin - 1].isspace() and text[begin - 1] not in "\"'`()[]<>=,:":
        begin -= 1
    return text[begin : place + len(value)][-_SHOWN:]


def _rarity(earlier: Sequence[Passage], value: str) -> tuple[bool, str]:
    """Return whether a value is rare enough to prove something, and the figures that say so."""
    said = bits(value)
    spread = sum(_place(passage.searched, value) >= 0 for passage in earlier)
    allowed = max(_SPREAD_LEAST, int(len(earlier) * _SPREAD_SHARE))
    words = f"about {said:.0f} bits ({NEEDED_BITS:.0f} needed), in {spread} of {len(earlier)} earlier texts"
    return said >= NEEDED_BITS and spread <= allowed, f"{words} ({allowed} allowed)"


# -- transformations ------------------------------------------------------------------------------------------------


def _transformed(passages: Sequence[Passage], value: str) -> list[Edge]:
    """Return the edge to the first text from which a named rule makes the value; the first rule that fits counts."""
    for rule, form in _forms(value):
        first = _first(passages, form)
        if first:
            is_rare, words = _rarity(passages, form)
            return [Edge(first.event_index, "transformed" if is_rare else "likely", f"{rule}; {words}", form[:_SHOWN])]
    folded = value.lower()
    for passage in passages:
        if folded in passage.folded and bits(value) >= NEEDED_BITS:
            place = passage.folded.find(folded)
            stood = passage.searched[place : place + len(value)]
            if stood != value:
                return [Edge(passage.event_index, "transformed", "Case changed", stood[:_SHOWN])]
    return _shortened_hash(passages, value) or _spaced(passages, value)


def _shortened_hash(passages: Sequence[Passage], value: str) -> list[Edge]:
    if not _HEX.fullmatch(value) or not any(map(str.isdigit, value)):
        return []
    pattern = re.compile(rf"(?<![0-9a-zA-Z]){value}[0-9a-f]+")
    for passage in passages:
        found = pattern.search(passage.searched)
        if found:
            return [Edge(passage.event_index, "transformed", "Hash shortened", found.group()[:_SHOWN])]
    return []


def _spaced(passages: Sequence[Passage], value: str) -> list[Edge]:
    """White space counts for nothing: a value that was wrapped or indented anew is found."""
    parts = value.split()
    if len(parts) < 2 or len(value) > 4000:
        return []
    pattern = re.compile(r"\s+".join(map(re.escape, parts)))
    for passage in passages:
        found = pattern.search(passage.searched)
        if found:
            return [Edge(passage.event_index, "transformed", "White space changed", found.group()[:_SHOWN])]
    return []


def _forms(value: str) -> Iterator[tuple[str, str]]:
    """Yield what the value may have been before a rule was applied to it, with the rule's name."""
    seen = {value}
    for rule, form in _all_forms(value):
        if form and len(form) > 1 and form not in seen:
            seen.add(form)
            yield rule, form


def _all_forms(value: str) -> Iterator[tuple[str, str]]:
    yield "Quoted", value.strip("\"'`")
    yield "Escaped", _unescaped(value)
    yield "Escapes resolved", json.dumps(value, ensure_ascii=False)[1:-1]
    yield "Quoted for the shell", _unquoted(value)
    yield "Shell quotes resolved", shlex.quote(value)
    yield "HTML escaped", html.unescape(value)
    yield "HTML escapes resolved", html.escape(value)
    yield "URL decoded", quote(value, safe="/:?=&")
    yield "URL decoded", quote(value, safe="")
    yield "URL encoded", unquote(value)
    yield from _path_forms(value)
    yield from _number_forms(value)
    yield from _name_forms(value)
    if _HEX.fullmatch(value) and len(value) > 12:
        yield "Hash written out", value[:12]
        yield "Hash written out", value[:7]


def _unescaped(value: str) -> str:
    try:
        made = json.loads(f'"{value}"') if "\\" in value and '"' not in value.replace('\\"', "") else value
    except ValueError:
        return value
    return made if isinstance(made, str) else value


def _unquoted(value: str) -> str:
    try:
        parts = shlex.split(value)
    except ValueError:  # a quote without its other
        return value
    return parts[0] if len(parts) == 1 else value


def _path_forms(value: str) -> Iterator[tuple[str, str]]:
    if "/" not in value or " " in value.strip("/"):
        return
    parts = [part for part in value.split("/") if part not in ("", ".", "~")]
    for length in range(len(parts) - 1, 1, -1):
        yield "Path made absolute", "/".join(parts[-length:])
    if parts and "." in parts[-1]:
        yield "Folder added to a file name", parts[-1]


def _number_forms(value: str) -> Iterator[tuple[str, str]]:
    if not _NUMBER.fullmatch(value):
        return
    plain = value.replace(",", "").replace("_", "")
    try:
        if plain.endswith("%"):
            yield "Percentage", f"{float(plain[:-1]) / 100:.12g}"
            return
        number = float(plain)
    except ValueError:
        return
    yield "Number formatted", plain
    if number == int(number) and abs(number) < 1e15:
        yield "Number formatted", f"{int(number):,}"
        yield "Number formatted", str(int(number))
        yield "Written as a hexadecimal", hex(int(number))
    yield "Number formatted", f"{number:.12g}"
    yield "Number formatted", f"{number:.2f}"
    yield "Percentage", f"{number * 100:.12g}%"


def _name_forms(value: str) -> Iterator[tuple[str, str]]:
    """A name in another convention: snake_case, kebab-case, camelCase, PascalCase, words."""
    words = re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", value)
    if len(words) < 2 or not re.fullmatch(r"[A-Za-z][\w\- ]*", value):
        return
    lower = [word.lower() for word in words]
    titled = [word.capitalize() for word in lower]
    for form in ("_".join(lower), "-".join(lower), lower[0] + "".join(titled[1:]), "".join(titled),
                 "_".join(lower).upper(), " ".join(lower), " ".join(titled)):  # fmt: skip
        yield "Name in another convention", form


# -- edits ----------------------------------------------------------------------------------------------------------


def _sides(edit: Passage) -> tuple[list[str], str]:
    """Return the texts an edit replaced, and what it put in their place."""
    try:
        given = json.loads(edit.text)
    except (ValueError, RecursionError):
        return [], ""
    if not isinstance(given, dict):
        return [], ""
    listed = given.get("edits")
    edits = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else [given]
    before = [str(one["old_string"]) for one in edits if isinstance(one.get("old_string"), str) and one["old_string"]]
    names = ("new_string", "content", "new_source")
    after = [str(one[name]) for one in edits for name in names if isinstance(one.get(name), str)]
    return before, "\n".join(after)


def _replaced(earlier: Sequence[Passage], edit: Passage, before: Sequence[str]) -> list[Edge]:
    """Return the last text before the edit that showed what it replaced: a read, else an edit that wrote it."""
    edges: list[Edge] = []
    for text in before:
        shown = text.strip("\n")
        for passage in reversed(earlier):
            if passage.kind == "tool_result" and not passage.is_error and shown in passage.searched:
                of_file = passage.path == edit.path or passage.path is None
                said = "in this read of the same file" if of_file and passage.tool_name == "Read" else "in this result"
                edges.append(_of_text(passage, shown, f"What was replaced stands verbatim {said}"))
                break
            if passage.kind == "tool_call" and passage.path == edit.path and shown in passage.searched:
                edges.append(_of_text(passage, shown, "What was replaced was written verbatim by this call"))
                break
    if not edges:
        reads = [p for p in earlier if p.tool_name == "Read" and p.kind == "tool_result" and p.path == edit.path]
        edges += [Edge(p.event_index, "likely", "Read of the same file", p.path or "") for p in reads[-1:]]
    return edges


def _of_text(passage: Passage, text: str, rule: str) -> Edge:
    said = bits(text)
    proof: Proof = "proven" if said >= NEEDED_BITS else "likely"
    needed = f"; about {said:.0f} bits ({NEEDED_BITS:.0f} needed)"
    return Edge(passage.event_index, proof, rule + needed, text.strip().split("\n")[0][:_SHOWN])


def _brought_in(earlier: Sequence[Passage], before: Sequence[str], after: str) -> list[Edge]:
    """Return where names, paths, numbers and strings first stood that the edit brought in."""
    new = _tokens(after) - _tokens("\n".join(before))
    sources = [passage for passage in earlier if passage.kind not in _OWN]
    return [edge for edge in _parts_traced(sources, new, "brought in by the edit") if edge.proof != "likely"]


def _tokens(text: str) -> set[str]:
    return {found.strip("\"'.,:;") for found in _TOKEN.findall(text[:_CHARACTERS])}


def _parts_traced(earlier: Sequence[Passage], parts: Iterable[str], what: str) -> list[Edge]:
    """Trace the parts that say most, each to its first appearance."""
    edges: list[Edge] = []
    for part in sorted(parts, key=lambda part: (-bits(part), part))[:_PARTS_TRIED]:
        if len(edges) == _PARTS_TRACED or bits(part) < NEEDED_BITS:
            break
        first = _first(earlier, part)
        if first:
            edge = _verbatim(earlier, first, part)
            edges.append(Edge(edge.event_index, edge.proof, f"{edge.rule}; {what}", edge.value))
    return edges


def _occasion(earlier: Sequence[Passage], edit: Passage) -> list[Edge]:
    """Return what stood around an edit: the prompt of its turn, a failure before it, the thought of its response."""
    edges = []
    in_turn = [passage for passage in earlier if passage.turn_index == edit.turn_index]
    prompt = next((passage for passage in in_turn if passage.kind == "prompt"), None)
    if prompt:
        edges.append(Edge(prompt.event_index, "likely", "Prompt of the same turn", _one_line(prompt.text)))
    name = (edit.path or "").rsplit("/", 1)[-1]
    failed = [passage for passage in in_turn if passage.is_error and name and name in passage.searched]
    if failed:
        edges.append(Edge(failed[-1].event_index, "likely", "Failed in the same turn, and names the file", name))
    thought = [p for p in in_turn if p.kind == "thinking" and p.request_id and p.request_id == edit.request_id]
    if thought:
        edges.append(
            Edge(thought[-1].event_index, "likely", "Thought of the same response", _one_line(thought[-1].text))
        )
    return edges


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_SHOWN]


def _strings(node: Any) -> Iterator[str]:
    """Yield the strings of a JSON value, in order; numbers as they are written."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for value in node.values():
            yield from _strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from _strings(value)
    elif node is not None and not isinstance(node, bool):
        yield json.dumps(node)

"""What a person looks for, as written: words, "phrases", -words to leave out, beginnings of words*, or an expression.

What belongs here: reading it, the expression that finds it in a text, and what a text must hold to be worth looking
at. What does not: where texts are (`index`, `hits`).

A word is a run of letters and digits, whatever its case; `src/till.py` is three words in a row. Writing without spaces
between words (Chinese, Japanese, Thai) is looked for anywhere in a run.
"""

from __future__ import annotations

import importlib
import re
import warnings
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from her_models.errors import QueryError

Mode = Literal["words", "regex"]
LONGEST_WORD_BYTES = 120
"""Longer runs are not in the index; texts that hold one are marked."""

_WORD = r"\p{L}\p{N}\p{M}"  # as RE2 writes it
_SHORTEST_LITERAL = 3  # shorter ones stand in nearly every text
_PIECE = re.compile(r'(?P<minus>-?)(?:"(?P<phrase>[^"]*)"|(?P<word>\S+))')
_ASCII_RUN = re.compile(r"[A-Za-z0-9]+")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")


@dataclass(frozen=True)
class Term:
    """Words that must stand in a row; the last may be only the beginning of one."""

    words: tuple[str, ...]
    is_prefix: bool = False
    is_excluded: bool = False

    @property
    def is_anywhere(self) -> bool:
        """Whether it may stand in the middle of a run, since its writing has no spaces."""
        return any(_UNSPACED.search(word) for word in self.words)

    @property
    def is_indexed(self) -> bool:
        """Whether the index alone tells which texts hold it."""
        is_plain = not self.is_anywhere and not (self.is_prefix and len(self.words) > 1)
        return is_plain and all(len(word.encode()) < LONGEST_WORD_BYTES for word in self.words)

    @property
    def is_told_by_words(self) -> bool:
        """Whether the words of a text tell, but for those too long for the index: one alone may stand inside a run."""
        return self.is_indexed or (
            len(self.words) == 1 and not self.is_prefix and len(self.words[0].encode()) < LONGEST_WORD_BYTES
        )

    @property
    def expression(self) -> str:
        """Return what finds it in a text, in the dialect of RE2; group 1 is the term itself."""
        inner = r"[^\p{L}\p{N}]+".join(re.escape(word) for word in self.words)
        if self.is_anywhere:
            return f"(?i)({inner})"
        end = f"[{_WORD}]*" if self.is_prefix else ""
        return f"(?i)(?:^|[^{_WORD}])({inner}{end})(?:$|[^{_WORD}])"


@dataclass(frozen=True)
class Pattern:
    """What is looked for. With `terms`, all of them and none of the excluded; else what `regex` finds."""

    text: str
    mode: Mode = "words"
    terms: tuple[Term, ...] = ()
    regex: str = ""

    @property
    def wanted(self) -> tuple[str, ...]:
        """Return the expressions that must all be found."""
        if self.regex:
            return (self.regex,)
        return tuple(term.expression for term in self.terms if not term.is_excluded)

    @property
    def unwanted(self) -> tuple[str, ...]:
        """Return the expressions of which none may be found."""
        return tuple(term.expression for term in self.terms if term.is_excluded)

    @property
    def is_indexed(self) -> bool:
        """Whether the index alone tells which texts match."""
        return not self.regex and all(term.is_indexed for term in self.terms)

    @property
    def is_told_by_words(self) -> bool:
        """Whether the index tells it of all texts but those with a word too long for it."""
        return not self.regex and all(
            term.is_indexed if term.is_excluded else term.is_told_by_words for term in self.terms
        )

    @property
    def literals(self) -> tuple[tuple[str, ...], ...]:
        """Return what a text must hold for the expression: of each group one piece, within a run, in lower case."""
        return _literals(self.regex) if self.regex else ()


def read_pattern(text: str, mode: Mode = "words") -> Pattern | None:
    """Read what a person wrote; None when nothing is looked for.

    Raises:
        QueryError: only words to leave out are given, or the expression cannot be used.
    """
    text = text.strip()
    if not text:
        return None
    if mode == "regex":
        return Pattern(text, mode, regex=text)
    terms = tuple(filter(None, (_term(piece) for piece in _PIECE.finditer(text))))
    if not terms:
        raise QueryError(f"{text!r} holds no letter and no digit. Look for it as a regular expression.")
    if all(term.is_excluded for term in terms):
        raise QueryError("Only words to leave out are given. Add one that has to be there.")
    return Pattern(text, mode, terms)


def _term(piece: re.Match[str]) -> Term | None:
    is_phrase = piece["phrase"] is not None
    written = piece["phrase"] if is_phrase else piece["word"]
    words = tuple(_analyzer().analyze(written))
    if not words:
        return None
    return Term(words, is_prefix=not is_phrase and written.endswith("*"), is_excluded=bool(piece["minus"]))


@cache
def _analyzer() -> Any:
    """Return what divides a text into words as the index does, the long ones kept."""
    import tantivy

    return tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple()).filter(tantivy.Filter.lowercase()).build()


def _literals(regex: str) -> tuple[tuple[str, ...], ...]:
    try:
        parser = importlib.import_module("re._parser")
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # where Python's dialect warns, RE2's may mean something else
            groups = _required(parser.parse(regex))
    except Exception:  # RE2 knows what Python does not; the whole lake is scanned then
        return ()
    return tuple(dict.fromkeys(groups))


def _required(tree: Any) -> list[tuple[str, ...]]:
    """Return what every match of a parsed expression holds: of each group one of its pieces."""
    groups: list[tuple[str, ...]] = []
    run: list[str] = []

    def end_run() -> None:
        pieces = _ASCII_RUN.findall("".join(run))
        groups.extend((piece.lower(),) for piece in pieces if len(piece) >= _SHORTEST_LITERAL)
        run.clear()

    for operation, argument in tree:
        name = str(operation)
        if name == "LITERAL":
            run.append(chr(argument))
            continue
        end_run()
        if name == "SUBPATTERN":
            groups += _required(argument[-1])
        elif name in ("MAX_REPEAT", "MIN_REPEAT") and argument[0] >= 1:
            groups += _required(argument[2])
        elif name == "BRANCH":
            # Of each branch its longest piece; a branch without one could match anything.
            best = [_longest(_required(branch)) for branch in argument[1]]
            if all(best):
                groups.append(tuple(piece for group in best for piece in group))
    end_run()
    return groups


def _longest(groups: list[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the group with the longest piece of those that leave no choice; an empty one when there is none."""
    return max((group for group in groups if len(group) == 1), key=lambda group: len(group[0]), default=())

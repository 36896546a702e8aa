"""Budgets: how much may be spent per day, week or month, and how much of it is.

Written in `config.toml`:

    [[budgets]]
    usd = 200            # at list price
    per = "month"        # day, week or month
    project = "shop"     # left out: everything
    owner = "asha"       # left out: everybody
    warn_at = 0.8        # share of it at which Her begins to warn
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal, get_args

from her_models.errors import ConfigError

Per = Literal["day", "week", "month"]
Level = Literal["ok", "warning", "over"]

_WARN_AT = 0.8


@dataclass(frozen=True)
class Budget:
    """One budget, US dollars at list price."""

    usd: float
    per: Per
    project: str | None = None
    owner: str | None = None
    warn_at: float = _WARN_AT

    @property
    def name(self) -> str:
        """What it is for, in words."""
        whose = " ".join(filter(None, (self.project, self.owner and f"by {self.owner}")))
        return f"{whose or 'everything'} per {self.per}"

    def first_day(self, today: date) -> date:
        """Return the first day of the period that `today` lies in; weeks begin on Monday."""
        match self.per:
            case "day":
                return today
            case "week":
                return today - timedelta(days=today.weekday())
            case "month":
                return today.replace(day=1)


@dataclass(frozen=True)
class Spent:
    """How much of a budget is spent in the period that goes on."""

    budget: Budget
    since_on: date
    spent_usd: float

    @property
    def ratio(self) -> float:
        """Share of the budget, 0 to 1 and beyond."""
        return self.spent_usd / self.budget.usd

    @property
    def level(self) -> Level:
        if self.ratio > 1:
            return "over"
        return "warning" if self.ratio >= self.budget.warn_at else "ok"

    def in_words(self) -> str:
        """Return what there is to say of it."""
        told = f"${self.spent_usd:,.2f} of ${self.budget.usd:,.2f} ({self.ratio:.0%}) since {self.since_on}"
        return {
            "ok": f"Budget for {self.budget.name}: {told}.",
            "warning": f"Budget for {self.budget.name} is nearly spent: {told}.",
            "over": f"Budget for {self.budget.name} is overdrawn: {told}.",
        }[self.level]


def read_budgets(entries: object, where: str) -> tuple[Budget, ...]:
    """Return the budgets of `config.toml`; `where` names the file in messages.

    Raises:
        ConfigError: an entry has no amount, or a field of it cannot be used.
    """
    if not isinstance(entries, list):
        raise ConfigError(f"{where}: budgets is not a list. Write [[budgets]] entries.")
    return tuple(_budget(entry, where) for entry in entries)


def _budget(entry: Any, where: str) -> Budget:
    if not isinstance(entry, Mapping):
        raise ConfigError(f"{where}: a budget is {entry!r}. Write a [[budgets]] entry with usd and per.")
    usd, per, warn_at = entry.get("usd"), entry.get("per", "month"), entry.get("warn_at", _WARN_AT)
    if isinstance(usd, bool) or not isinstance(usd, (int, float)) or usd <= 0:
        raise ConfigError(f"{where}: a budget's usd is {usd!r}. Write a number of US dollars above 0.")
    if per not in get_args(Per):
        raise ConfigError(f"{where}: a budget is per {per!r}. Write day, week or month.")
    if isinstance(warn_at, bool) or not isinstance(warn_at, (int, float)) or not 0 < warn_at <= 1:
        raise ConfigError(f"{where}: a budget's warn_at is {warn_at!r}. Write a share between 0 and 1.")
    for name in ("project", "owner"):
        if entry.get(name) is not None and not isinstance(entry[name], str):
            raise ConfigError(f"{where}: a budget's {name} is {entry[name]!r}. Write a name in quotes.")
    return Budget(float(usd), per, entry.get("project"), entry.get("owner"), float(warn_at))


def spent(budgets: Sequence[Budget], bills: Sequence[Mapping[str, Any]], today: date) -> tuple[Spent, ...]:
    """Return how much of each budget is spent; `bills` are rows with day_on, project, owner and billed_usd."""
    return tuple(
        Spent(
            budget,
            budget.first_day(today),
            sum(
                float(row["billed_usd"] or 0)
                for row in bills
                if budget.first_day(today) <= row["day_on"] <= today
                and budget.project in (None, row["project"])
                and budget.owner in (None, row["owner"])
            ),
        )
        for budget in budgets
    )

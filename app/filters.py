"""The filters that several pages share, alike in name, place in the address and what none chosen means: everything.

What belongs here: projects, models, people. What does not: periods (`periods`), filters of one page alone (its view).
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from her_models.reports import FilterChoices


def projects(choices: FilterChoices) -> tuple[str, ...]:
    """Draw the choice of projects."""
    return _chosen("Projects", choices.projects, "project")


def models(choices: FilterChoices) -> tuple[str, ...]:
    """Draw the choice of models."""
    return _chosen("Models", choices.models, "model")


def people(choices: FilterChoices) -> tuple[str, ...]:
    """Draw the choice of people, where there is more than one."""
    return _chosen("People", choices.owners, "owner") if len(choices.owners) > 1 else ()


def _chosen(label: str, options: Sequence[str], key: str) -> tuple[str, ...]:
    return tuple(st.multiselect(label, options, key=key, bind="query-params", placeholder="All"))

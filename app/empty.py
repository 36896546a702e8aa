"""What a page shows when there is nothing to draw yet, or nothing up to date: what to run, or that it runs just now."""

from __future__ import annotations

import streamlit as st

from app import data
from app.format import escaped
from her_models import reports
from her_models.errors import LakeOutdated

_LOOK_AGAIN_SECONDS = 2


def draw_no_lake() -> None:
    """Say how to fill a lake, or wait for the first one."""
    if data.is_ingesting():
        _wait()
        return
    st.title("Nothing here yet")
    st.info(f"There is no lake in {data.config().home}. Fill it in a terminal, then reload this page:")
    st.code(
        "./her ingest       # your own logs, from ~/.claude/projects\n./her up --demo    # or invented ones", "bash"
    )


def draw_no_sessions() -> None:
    """Say how sessions come into the lake, or wait for the first ones."""
    if data.is_ingesting():
        _wait()
    else:
        st.info(
            "The lake holds no session yet. Run `./her ingest` in a terminal, or `./her up --demo` for invented ones."
        )


def draw_outdated() -> None:
    """Say above a page that its figures are of another version, where they are."""
    account = data.outdated_account()
    if not account:
        return
    if data.is_ingesting():
        st.info("An ingest runs now and brings figures of an older version up to date.", icon=":material/sync:")
    else:
        st.warning(f"{escaped(account)}. Then reload this page.", icon=":material/update:")


def _wait() -> None:
    st.info(
        f"The logs are being read for the first time. This page looks again every {_LOOK_AGAIN_SECONDS} seconds and"
        " draws itself as soon as the first sessions are there.",
        icon=":material/sync:",
    )
    st.fragment(_look_again, run_every=_LOOK_AGAIN_SECONDS)()


def _look_again() -> None:
    try:
        has_sessions = data.has_lake() and data.ask(reports.filter_choices).sessions_count
    except LakeOutdated:  # its tables are being made just now
        has_sessions = False
    if has_sessions or not data.is_ingesting():
        st.rerun()

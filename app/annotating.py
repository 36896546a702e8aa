"""Tags and a note of one's own for a session: a popover that shows, changes and keeps them."""

from __future__ import annotations

import streamlit as st

from app import data, format
from her_models import annotations
from her_models.annotations import Annotation
from her_models.errors import LakeBusy, QueryError

_NOTE_SHOWN = 80  # characters beside the button
_PATIENCE_SECONDS = 20.0  # an ingest of what is new takes a few


def draw(source_id: str, session_id: str) -> None:
    """Draw the tags, and what changes them and the note."""
    written = data.ask(annotations.annotation, source_id, session_id)
    for tag in written.tags:
        st.badge(format.escaped(tag), icon=":material/sell:", color="blue", width="content")
    if written.note:
        st.caption(format.escaped(format.one_line(written.note, _NOTE_SHOWN)), width="content")
    with st.popover("Tags and note", icon=":material/edit_note:", width="content"), st.form("annotate", border=False):
        known = data.ask(annotations.known_tags)
        tags = st.text_input(
            "Tags",
            ", ".join(written.tags),
            placeholder="With commas between them",
            help=f"In use: {format.escaped(', '.join(known[:20]))}" if known else None,
            key=f"tags_{session_id}",
        )
        note = st.text_area("Note", written.note, key=f"note_{session_id}", max_chars=annotations.LONGEST_NOTE)
        if st.form_submit_button("Keep", type="primary", icon=":material/check:"):
            _keep(source_id, session_id, tags or "", note or "")
        if data.is_ingesting():
            st.caption("Logs are being read just now. Keeping waits for them and says when it cannot.")


def _keep(source_id: str, session_id: str, tags: str, note: str) -> None:
    try:
        written = Annotation(annotations.read_tags(tags), note.strip())
        with st.spinner("Keeping…", show_time=True):
            annotations.annotate(data.config(), source_id, session_id, written, wait_seconds=_PATIENCE_SECONDS)
    except LakeBusy:
        st.warning(
            f"Not kept yet: logs have been read for {_PATIENCE_SECONDS:.0f} seconds, and only one can write at a time."
            " What you wrote stays here; press Keep again in a moment.",
            icon=":material/hourglass:",
        )
    except QueryError as error:
        st.warning(format.escaped(str(error)), icon=":material/error:")
    else:
        st.rerun()

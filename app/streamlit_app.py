"""The router: which pages there are, and what is shown when none of them can be drawn."""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path

import duckdb
import streamlit as st

_STARTED = time.perf_counter()
_LOG = logging.getLogger("her.app")
_HERE = Path(__file__).resolve().parent
if str(_HERE.parent) not in sys.path:  # `streamlit run` puts only this file's folder on the path
    sys.path.insert(0, str(_HERE.parent))

from app import data, empty  # noqa: E402
from her_models.errors import HerError, LakeOutdated  # noqa: E402
from her_models.unforeseen import OTHER_VERSION, is_of_another_version  # noqa: E402

st.set_page_config(page_title="Her", page_icon=str(_HERE / "static" / "her-mark.svg"), layout="wide")
st.logo(str(_HERE / "static" / "her.svg"), size="large")
# Rows of figures stand close together: the page is about what lies below them.
st.html(
    """<style>
    /* Cards that do not fit on one line stand in two even ones; on a phone in pairs. */
    @media (max-width: 1400px) {
        [class*="st-key-figures"]:has(> :nth-child(7)) > * { flex: 1 1 22% !important; }
    }
    @media (max-width: 640px) {
        [class*="st-key-figures"][class*="st-key-figures"] > * { flex: 1 1 40% !important; }
        .st-key-sides.st-key-sides > * { flex: 1 1 100% !important; }
    }
    [class*="st-key-figures"] [data-testid="stMetric"] { padding: 0.4rem 0.8rem; }
    [class*="st-key-figures"] [data-testid="stMetric"] > div { padding: 0; }
    [class*="st-key-figures"] [data-testid="stMetricValue"] { font-size: 1.2rem; font-variant-numeric: tabular-nums; }
    [class*="st-key-figures"] [data-testid="stMetricLabel"] { opacity: 0.75; }
    button[kind^="primary"], button[kind^="primary"] p { color: light-dark(#FFFFFF, #12151B); }
    button kbd { color: inherit !important; opacity: 1 !important; }
    [class*="st-key-save_"] { margin-top: -0.9rem; }
    [class*="st-key-save_"] button { min-height: 1.4rem; padding: 0; font-size: 0.78rem; opacity: 0.75; }
    [class*="st-key-save_"] button:is(:hover, :focus-visible) { opacity: 1; }
    [class*="st-key-hand_"][class*="st-key-hand_"] {
        position: absolute; left: 0; width: 0 !important; min-width: 0 !important; overflow: hidden;
    }
    [data-testid="stHeading"] h1 { padding: 0 0 0.5rem; }
    /* Said twice to outweigh Streamlit's own grey, which is too faint to read at this size. */
    [data-testid="stCaptionContainer"][data-testid] {
        color: inherit; opacity: 0.8; font-variant-numeric: tabular-nums;
    }
    </style>"""
)
_SCRIPTS = "".join((_HERE / name).read_text(encoding="utf-8") for name in ("history.js", "grids.js"))
st.html(f"<script>{_SCRIPTS}</script>", unsafe_allow_javascript=True)

page = st.navigation(
    [
        st.Page("views/overview.py", title="Overview", icon=":material/monitoring:", default=True),
        st.Page("views/sessions.py", title="Sessions", icon=":material/list:"),
        st.Page("views/session.py", title="Session", icon=":material/play_circle:"),
        st.Page("views/search.py", title="Search", icon=":material/search:"),
        st.Page("views/audit.py", title="Audit", icon=":material/policy:"),
        st.Page("views/compare.py", title="Compare", icon=":material/compare_arrows:"),
        st.Page("views/cost.py", title="Cost optimisation", icon=":material/savings:"),
        st.Page("views/ask.py", title="Ask", icon=":material/quiz:"),
        st.Page("views/sql.py", title="SQL", icon=":material/terminal:"),
        st.Page("views/health.py", title="Health", icon=":material/health_and_safety:"),
    ],
    position="top",
)

try:
    if data.has_lake():
        empty.draw_outdated()
        page.run()
    else:
        empty.draw_no_lake()
except LakeOutdated as error:
    if data.is_ingesting():  # its tables are being made just now
        empty.draw_no_lake()
    else:
        st.error(f"{error}. Then reload this page.", icon=":material/error:")
except HerError as error:
    st.error(str(error), icon=":material/error:")
except duckdb.Error as error:
    _LOG.exception("A page could not be drawn")
    found = (
        f"The lake could not be read ({type(error).__name__}). Run ./her doctor in a terminal: it says what is wrong"
    )
    told = OTHER_VERSION if is_of_another_version(error) else f"{found} and how to mend it"
    st.error(f"{told}. Then reload this page.", icon=":material/error:")
finally:
    _LOG.info("%s drawn in %.0f ms", page.title, (time.perf_counter() - _STARTED) * 1000)

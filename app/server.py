"""What `streamlit run` serves: the router's pages, under addresses that need no second try.

What belongs here: how pages reach a browser. What does not: what they show (`streamlit_app`), who starts it (`serve`).

Streamlit's front end finds its server by trying the address of the page first: a link to `/session` asked for
`/session/_stcore/health`, had a 404 written to the browser's console, and asked again at the root. The page can name
the server instead, in `window.__streamlit`, as where a host embeds it; so each page but the first, which stands at the
root, is sent with that one line before Streamlit's own script.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from streamlit import file_util

_HERE = Path(__file__).resolve().parent
_HEAD = "<head>"
_NAMES_SERVER = f"{_HEAD}<script>window.__streamlit = {{BACKEND_BASE_URL: window.location.origin}}</script>"
_FIRST = "overview"  # the page at the root; its own name leads there too
_PAGES = sorted({path.stem for path in (_HERE / "views").glob("[a-z]*.py")} - {_FIRST})


def page_html() -> str:
    """Return Streamlit's page with the line that names its server."""
    return (Path(file_util.get_static_dir()) / "index.html").read_text(encoding="utf-8").replace(_HEAD, _NAMES_SERVER)


async def _page(_request: Request) -> Response:
    return HTMLResponse(_HTML, headers={"Cache-Control": "no-cache"})


async def _to_first(request: Request) -> Response:
    return RedirectResponse(request.url.replace(path="/"))


async def _to_page(request: Request) -> Response:
    """Lead from below a page to it: there Streamlit's own files, whose addresses are relative, would not be found."""
    name, rest = request.url.path.split("/")[1], request.path_params["rest"]
    if rest.startswith("_stcore"):
        return Response(status_code=404)
    url = request.url.replace(path=f"/{name}")
    if name == "session" and rest and "session" not in request.query_params:
        url = url.include_query_params(session=rest)
    return RedirectResponse(url)


_HTML = page_html()
app = st.App(
    _HERE / "streamlit_app.py",
    routes=[
        Route(f"/{_FIRST}", _to_first),
        *(Route(f"/{name}", _page) for name in _PAGES),
        *(Route(f"/{name}/{{rest:path}}", _to_page) for name in _PAGES),
    ],
)

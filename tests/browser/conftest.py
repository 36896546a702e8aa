"""The app as served to a real browser: Debian's Chromium, driven by Playwright.

Where there is no Chromium these tests are skipped, unless HER_REQUIRE_BROWSER=1 says that there has to be one.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from her_models.config import load_config
from her_models.demo import write_demo
from her_models.ingest import ingest
from tests.app.conftest import fill_lake

CHECKOUT = Path(__file__).parents[2]
SHARED_SESSIONS = CHECKOUT.parent / "shared" / "sessions"
PATIENCE_MS = 60_000
# Streamlit looks for its own addresses below the page's before it looks at the root; the browser logs the miss.
_PROBES = ("/_stcore/health", "/_stcore/host-config")
expect.set_options(timeout=PATIENCE_MS)


def chromium_path() -> str | None:
    """Where Chromium lies, if it is installed."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@contextmanager
def served(home: Path, script: str = "app/streamlit_app.py") -> Iterator[str]:
    """Serve the app, or another script, on `home` at a free port of this machine; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", script, "--server.port", str(port)],
        cwd=CHECKOUT,
        env={**os.environ, "HER_HOME": str(home), "PYTHONPATH": str(CHECKOUT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_served(address, process)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait_until_served(address: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE_MS / 1000
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"The app does not answer at {address}; its process ended with {process.poll()}.")


def settled(page: Page) -> None:
    """Wait until the page is drawn and at rest."""
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=PATIENCE_MS)
    page.wait_for_function("() => !document.querySelector('[data-testid=\"stSkeleton\"]')", timeout=PATIENCE_MS)


def axe_violations(page: Page) -> list[str]:
    """Serious findings of axe-core, which looks into shadow roots too."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"][:2]
    ]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium_path()
    if path is None:
        if os.environ.get("HER_REQUIRE_BROWSER") == "1":
            pytest.fail("HER_REQUIRE_BROWSER=1, but there is no Chromium. On Debian: apt install chromium")
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[[str], Page]]:
    """Open addresses in one tab; afterwards nothing may have gone wrong in it or left this machine."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000}, accept_downloads=True)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    wrong: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        where = str(message.location.get("url", ""))
        if message.type == "error" and not where.endswith(_PROBES):
            wrong.append(f"console: {message.text} ({where})")

    page.on("console", on_console)
    page.on("pageerror", lambda error: wrong.append(f"script: {error}"))
    page.on("request", lambda request: wrong.append(f"left: {request.url}") if _leaves(request.url) else None)

    def open_address(address: str) -> Page:
        page.goto(address)
        settled(page)
        return page

    yield open_address
    context.close()
    assert wrong == []


def _leaves(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme not in ("data", "blob", "file") and parts.hostname != "127.0.0.1"


@pytest.fixture(scope="session")
def demo_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app on a fifth of the demo."""
    folder = tmp_path_factory.mktemp("demo")
    write_demo(folder / "logs", scale=0.2)
    ingest(load_config(folder / "home"), [folder / "logs"])
    with served(folder / "home") as address:
        yield address


@pytest.fixture(scope="session")
def shared_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app on real sessions, where they are at hand."""
    if not SHARED_SESSIONS.is_dir():
        pytest.skip("no folder of real sessions beside the checkout")
    home = tmp_path_factory.mktemp("shared")
    ingest(load_config(home), [SHARED_SESSIONS], "ada")
    with served(home) as address:
        yield address


@pytest.fixture(scope="session")
def hostile_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app on sessions filled in by hand, one of them hostile."""
    home = tmp_path_factory.mktemp("hostile")
    fill_lake(home)
    with served(home) as address:
        yield address


@pytest.fixture(scope="session")
def empty_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app before anything was ingested."""
    with served(tmp_path_factory.mktemp("empty")) as address:
        yield address

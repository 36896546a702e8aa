"""The app as served to a real browser: Debian's Chromium, driven by Playwright.

A test never reads the page right after it did something: it waits for what has to come of it (`expect`), and reads
then. `settled` says that nothing is being drawn; that what was just done is drawn, it cannot know.

Where there is no Chromium these tests are skipped, unless HER_REQUIRE_BROWSER=1 says that there has to be one.
"""

from __future__ import annotations

import os
import re
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
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect, sync_playwright

from her_models.config import Config, load_config
from her_models.demo import write_demo
from her_models.ingest import ingest
from tests.app.conftest import fill_lake

CHECKOUT = Path(__file__).parents[2]
SHARED_SESSIONS = CHECKOUT.parent / "shared" / "sessions"
PATIENCE_MS = 60_000
_MAKING_MS = 300_000  # a file is made after the click; an archive of replays takes seconds of an idle core
_PORTS_TRIED = 3
_FIRST_ROW = {"x": 250, "y": 55}  # of a table drawn on a canvas: below its heading
expect.set_options(timeout=PATIENCE_MS)


def chromium_path() -> str | None:
    """Where Chromium lies, if it is installed."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@contextmanager
def served(home: Path, script: str = "app/server.py") -> Iterator[str]:
    """Serve the app, or another script, on `home` at a free port of this machine; gives its address."""
    log = home.with_name(f"{home.name}-served.log")
    for _ in range(_PORTS_TRIED):
        process, address = _started(home, script, log)
        if _answers(address, process):
            break
        _stop(process)
    else:
        raise AssertionError(f"The app does not answer. It said: {log.read_text(errors='replace')}")
    try:
        yield address
    finally:
        _stop(process)


def _started(home: Path, script: str, log: Path) -> tuple[subprocess.Popen[bytes], str]:
    """Start the app at a port that is free now; another process may still take it first."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with log.open("ab") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", script, "--server.port", str(port)],
            cwd=CHECKOUT,
            env={**os.environ, "HER_HOME": str(home), "PYTHONPATH": str(CHECKOUT)},
            stdout=said,
            stderr=said,
        )
    return process, f"http://127.0.0.1:{port}"


def _answers(address: str, process: subprocess.Popen[bytes]) -> bool:
    until = time.monotonic() + PATIENCE_MS / 1000
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=5):
                return process.poll() is None
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(timeout=PATIENCE_MS / 1000)


_IS_SETTLED = """() => {
    const app = document.querySelector('[data-testid=stApp]');
    const unfinished = '[data-testid=stSkeleton], [data-testid=stSpinner], [data-stale=true]';
    const moves = (animation) =>
        animation.playState === 'running' && animation.effect?.getComputedTiming().endTime !== Infinity;
    return app?.dataset.testScriptState === 'notRunning' && !app.querySelector(unfinished)
        && !document.getAnimations().some(moves);
}"""


def settled(page: Page) -> None:
    """Wait until the page's script has ended, and everything it drew is there and no longer fades in.

    After an action, wait for what it brings about first: until the server has heard of it, the page is still at rest.
    """
    page.wait_for_function(_IS_SETTLED, timeout=PATIENCE_MS)


def downloaded(page: Page, button: Locator) -> Path:
    """Click a button that offers a file, and return the file. One click has to be enough."""
    with page.expect_download(timeout=_MAKING_MS) as download:
        button.click()
    return download.value.path()


def click_first_row(table: Locator) -> None:
    """Click the first row of a table drawn on a canvas, as soon as it hears clicks: when it has its cells."""
    expect(table.locator("canvas td").first).to_be_attached()
    table.click(position=_FIRST_ROW)


def axe_violations(page: Page) -> list[str]:
    """Serious findings of axe-core, which looks into shadow roots too."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"][:2]
    ]


class Clicks:
    """A person at the page, who counts."""

    def __init__(self, page: Page) -> None:
        self.page, self.count = page, 0

    def click(self, what: Locator) -> None:
        self.count += 1
        what.click()
        settled(self.page)

    def visit(self, name: str) -> None:
        """From any page to one that stands at the top."""
        self.click(self.page.get_by_test_id("stTopNavLink").filter(has_text=re.compile(f"{name}$")))
        expect(self.page.get_by_role("heading", name=name, exact=True, level=1)).to_be_visible()
        settled(self.page)

    def compare(self, question: str) -> None:
        """From any page to one of the questions of Compare."""
        self.visit("Compare")
        expect(self.page.get_by_role("textbox", name="A", exact=True)).to_be_visible()
        settled(self.page)
        self.click(self.page.get_by_role("radio", name=question))


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
        if message.type == "error":
            wrong.append(f"console: {message.text} ({message.location.get('url')})")

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
def whole_demo_app(demo_lake: Config) -> Iterator[str]:
    """The app on the whole demo."""
    with served(_as_it_was_made(demo_lake)) as address:
        yield address


@pytest.fixture(scope="session")
def sessions_app(sessions_lake: Config) -> Iterator[str]:
    """The app on real sessions, as other tests read them."""
    with served(_as_it_was_made(sessions_lake)) as address:
        yield address


def _as_it_was_made(config: Config) -> Path:
    """Return the home of a lake with its time zone written down: the machine may have another."""
    (config.home / "config.toml").write_text(f'time_zone = "{config.time_zone}"\n', encoding="utf-8")
    return config.home


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

"""Every page for everybody: no error on the console, no serious finding of axe, nothing wider than the screen; in light
and dark, on a phone.

Each page is opened by its address, as from a link, in a tab that knows nothing of the app yet.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Response, expect

from tests.browser.conftest import CHECKOUT, PATIENCE_MS, axe_violations, settled

pytestmark = pytest.mark.browser
PAGES = sorted(path.stem for path in (CHECKOUT / "app" / "views").glob("[a-z]*.py"))


@pytest.fixture(scope="module", params=[(1400, "light"), (390, "dark")], ids=["wide and light", "phone and dark"])
def screen(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    width, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


@pytest.fixture
def wrong(screen: Page) -> Iterator[list[str]]:
    """What went wrong in the tab during the test: errors on its console, and answers that failed."""
    found: list[str] = []

    def on_console(said: ConsoleMessage) -> None:
        if said.type == "error":
            found.append(said.text)

    def on_response(answer: Response) -> None:
        if answer.status >= 400:
            found.append(f"{answer.status} {answer.url}")

    screen.on("console", on_console)
    screen.on("response", on_response)
    yield found
    screen.remove_listener("console", on_console)
    screen.remove_listener("response", on_response)


@pytest.mark.parametrize("name", PAGES)
def test_a_link_to_a_page_opens_it_for_everybody_without_an_error_and_no_wider_than_the_screen(
    demo_app: str, screen: Page, wrong: list[str], name: str
) -> None:
    screen.goto(f"{demo_app}/{name}")
    settled(screen)
    expect(screen.get_by_role("heading", level=1)).to_be_visible()
    assert axe_violations(screen) == []
    main = "document.querySelector('[data-testid=stMain]')"
    assert screen.evaluate(f"{main}.scrollWidth <= {main}.clientWidth + 1")
    assert wrong == []

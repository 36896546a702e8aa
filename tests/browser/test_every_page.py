"""Every page for everybody: no serious finding of axe, nothing wider than the screen, in light and dark, on a phone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

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


@pytest.mark.parametrize("name", PAGES)
def test_page_is_open_to_everybody_and_no_wider_than_the_screen(demo_app: str, screen: Page, name: str) -> None:
    screen.goto(f"{demo_app}/{'' if name == 'overview' else name}")
    settled(screen)
    assert axe_violations(screen) == []
    main = "document.querySelector('[data-testid=stMain]')"
    assert screen.evaluate(f"{main}.scrollWidth <= {main}.clientWidth + 1")

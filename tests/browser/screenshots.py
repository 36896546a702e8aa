"""Make the README's pictures from the demo: python -m tests.browser.screenshots

Writes docs/images/*.png. The demo is written and ingested into a folder of its own; nothing of the person's is shown.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from her_models import reports
from her_models.config import load_config
from her_models.demo import SETTINGS, weeks_until, write_demo
from her_models.ingest import ingest
from her_models.lake import open_lake
from tests.browser.conftest import CHECKOUT, PATIENCE_MS, chromium_path, served, settled

IMAGES = CHECKOUT / "docs" / "images"
LARGEST_BYTES = 300_000
_AT_REST_MS = 1_500  # charts and tables fade in after the page is at rest


def _pictures(home: Path) -> dict[str, tuple[str, str]]:
    """Name of each picture, with the address it shows and whether it is light or dark."""
    with open_lake(load_config(home), read_only=True) as lake:
        row = reports.sessions(lake.con, sort="agents_count", page_size=1).rows.to_pylist()[0]
        events = reports.session_events(lake.con, row["source_id"], row["session_id"]).to_pylist()
    edits = [number for number, event in enumerate(events, 1) if event["tool_name"] in ("Edit", "MultiEdit")]
    session = f"session?session={row['session_id']}&source={row['source_id']}"
    return {
        "overview": ("", "light"),
        "sessions": ("sessions?sort=Dearest+first", "light"),
        "replay": (f"{session}&event={edits[len(edits) // 2] if edits else len(events) // 2}", "dark"),
        "cost": ("cost?everyone=true", "light"),
        "compare": ("compare?what=Two%20models&a=model%3Dclaude-opus-4-8&b=model%3Dclaude-opus-5-5", "light"),
        "ask": ("ask?q=which+file+cost+most", "dark"),
        "sql": ("sql", "light"),
        "health": ("health", "light"),
    }


def _take(page: Page, address: str, path: Path) -> int:
    page.goto(address)
    settled(page)
    if path.stem == "sql":
        page.get_by_role("button", name="Run").click()
        page.get_by_test_id("stVegaLiteChart").wait_for()
        settled(page)
    page.wait_for_timeout(_AT_REST_MS)
    # Below its checks, Health shows folders of the machine it runs on.
    page.screenshot(path=path, clip={"x": 0, "y": 0, "width": 1280, "height": 430} if path.stem == "health" else None)
    return path.stat().st_size


def main(home: Path | None = None) -> int:
    """Make all pictures; return 1 when one is too large for a README."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        if home is None:
            home = Path(folder) / "home"
            home.mkdir()
            (home / "config.toml").write_text(SETTINGS, encoding="utf-8")
            write_demo(Path(folder) / "logs", weeks_later=weeks_until(datetime.now(UTC)))
            ingest(load_config(home), [Path(folder) / "logs"])
        pictures = _pictures(home)
        chromium = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
        sizes = {}
        with served(home) as address:
            for name, (place, scheme) in pictures.items():
                context = chromium.new_context(
                    viewport={"width": 1280, "height": 860},
                    color_scheme="dark" if scheme == "dark" else "light",
                )
                context.set_default_timeout(PATIENCE_MS)
                sizes[name] = _take(context.new_page(), f"{address}/{place}", IMAGES / f"{name}.png")
                context.close()
        chromium.close()
    for name, size in sizes.items():
        sys.stdout.write(f"docs/images/{name}.png  {size:,} bytes\n")
    return int(max(sizes.values()) > LARGEST_BYTES)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else None))

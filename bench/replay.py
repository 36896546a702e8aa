"""Print how smoothly a browser replays a session of 20,000 events, and how soon it shows the first frame.

    .venv/bin/python -m bench.replay [--events 20000]

The session is made by SQL in a lake of its own and shown by the app in Chromium, at 1440 × 1000 pixels. "First frame"
is from opening the address to the first drawn tracks, the page's own start and the session's first queries included;
"again" is the same page reloaded, when the server has its answers. Frame times are those between calls of
requestAnimationFrame while the pointer drags over the whole session, while it plays at 64×, and while it is dragged
in a stretch zoomed in; next to them stands the time the page's own code took in each frame. Nothing fails when slow.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from rich.console import Console
from rich.table import Table

from her_models.config import load_config
from her_models.lake import open_lake
from tests.app.conftest import fill_lake
from tests.browser.conftest import PATIENCE_MS, chromium_path, served
from tests.long_session import EVENTS, LONG, fill_long_session

# Counts frames from now on, and how long the callbacks of each frame ran.
_WATCH = """() => {
    window.frames_seen = []; window.busy_ms = [];
    const ask = window.requestAnimationFrame.bind(window);
    window.requestAnimationFrame = (callback) => ask((now) => {
        const began = performance.now(); callback(now); window.busy_ms.push(performance.now() - began);
    });
    let last = performance.now();
    const tick = (now) => { window.frames_seen.push(now - last); last = now; window.watching = ask(tick); };
    ask((now) => { last = now; window.watching = ask(tick); });
}"""
_SEEN = """() => {
    const seen = [window.frames_seen, window.busy_ms];
    window.frames_seen = []; window.busy_ms = [];
    return seen;
}"""
_DRAG = """async ([selector, from, to]) => {
    const host = document.querySelector('[data-testid=stBidiComponentIsolated]').shadowRoot;
    const element = host.querySelector(selector), box = element.getBoundingClientRect();
    const send = (kind, share) => element.dispatchEvent(new PointerEvent(kind, {
        clientX: box.left + box.width * share, clientY: box.top + 8, pointerId: 1, bubbles: true, button: 0 }));
    element.setPointerCapture = () => {};
    send('pointerdown', from);
    const began = performance.now();
    await new Promise((done) => {
        const move = () => {
            const share = (performance.now() - began) / 4000;
            send('pointermove', from + (to - from) * Math.min(share, 1));
            share < 1 ? setTimeout(move, 4) : done();
        };
        move();
    });
    send('pointerup', to);
}"""


def _first_frame_ms(page: Page, address: str | None) -> float:
    """Return how long it took until the tracks were drawn."""
    began = time.perf_counter()
    page.goto(address) if address else page.reload()
    page.wait_for_function(
        "() => { const host = document.querySelector('[data-testid=stBidiComponentIsolated]');"
        " const canvas = host && host.shadowRoot && host.shadowRoot.querySelector('.scroller canvas');"
        " return canvas && canvas.width > 300; }",
        polling=16,
    )
    return (time.perf_counter() - began) * 1000


def _row(table: Table, name: str, frames: list[float], busy: list[float]) -> None:
    """Add frames per second, and how long the slow frames and the code in them took."""
    frames, busy = sorted(frames), sorted(busy) or [0.0]
    worst = frames[int(len(frames) * 0.95)]
    table.add_row(
        name,
        f"{1000 * len(frames) / sum(frames):.0f}",
        f"{frames[len(frames) // 2]:.1f}",
        f"{worst:.1f}",
        f"{frames[-1]:.1f}",
        f"{busy[len(busy) // 2]:.1f}",
        f"{busy[int(len(busy) * 0.95)]:.1f}",
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="How smoothly a long session replays.")
    parser.add_argument("--events", type=int, default=EVENTS)
    events = parser.parse_args().events
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        home = Path(folder)
        fill_lake(home)
        with open_lake(load_config(home)) as lake:
            fill_long_session(lake, events)
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
        with served(home) as address:
            page = browser.new_page(viewport={"width": 1440, "height": 1000})
            page.set_default_timeout(PATIENCE_MS)
            page.goto(address)  # imports and the opening of the lake are the first page's, whichever it is
            page.wait_for_timeout(3000)
            first = _first_frame_ms(page, f"{address}/session?session={LONG}")
            again = _first_frame_ms(page, None)
            page.wait_for_timeout(2000)
            table = Table(
                "What", "Frames/s", "Median, ms", "95 %, ms", "Worst, ms", "Code, median ms", "Code, 95 % ms",
                title=f"{events:,} events: first frame {first:,.0f} ms, again {again:,.0f} ms",
            )  # fmt: skip
            page.evaluate(_WATCH)
            page.evaluate(_DRAG, [".overview", 0.1, 0.98])
            _row(table, "Scrubbing over the whole", *page.evaluate(_SEEN))
            page.keyboard.press("Home")
            page.locator(".replay select").first.select_option("64")
            page.evaluate(_SEEN)
            page.locator(".replay .play").click()
            page.wait_for_timeout(4000)
            _row(table, "Playing at 64×", *page.evaluate(_SEEN))
            page.locator(".replay .play").click()
            for _ in range(4):
                page.keyboard.press("+")
            page.evaluate(_SEEN)
            page.evaluate(_DRAG, [".overview", 0.1, 0.98])
            _row(table, "Scrubbing, zoomed in", *page.evaluate(_SEEN))
        browser.close()
    Console(width=120).print(table)


if __name__ == "__main__":
    main()

"""The README's picture of the page: a real question to the corpus that ships, its release opened beside the answer.

    python -m benchmarks.screenshot docs/page.png

It starts the page on the index there is, or takes one that runs (`--address`), and drives the Chromium that is installed.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from PIL import Image  # Streamlit brings it
from playwright.sync_api import Browser, Error, Page, Playwright, sync_playwright

QUESTION = "What did Korea and China agree on supply chains?"
PATIENCE = 600_000  # milliseconds: a first visit loads the model and builds the index
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
COLOURS = 256  # of the palette, which makes the file a third of the size


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("target", type=Path, metavar="FILE.png")
    parser.add_argument("--address", help="a page that runs already (default: one is started)")
    options = parser.parse_args()
    with visited(options.address) as page:
        show(page)
        save(page.screenshot(), options.target)


@contextlib.contextmanager
def visited(address: str | None) -> Iterator[Page]:
    """The page at an address, or one of our own, in a browser, ready to be asked."""
    with contextlib.ExitStack() as stack:
        address = address or stack.enter_context(started())
        browser = chromium(stack.enter_context(sync_playwright()))
        page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="en-US")
        page.set_default_timeout(PATIENCE)
        arrive(page, address)
        yield page
        browser.close()


def chromium(playwright: Playwright) -> Browser:
    """The Chromium that is installed."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    return playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--no-proxy-server"])


def save(picture: bytes, target: Path) -> None:
    """A picture with a palette, as small as a repository likes it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(io.BytesIO(picture)) as image:
        image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)


@contextlib.contextmanager
def started() -> Iterator[str]:
    """The address of a page of our own, ended afterwards."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "qa.cli", "app", "--port", str(port)])
    try:
        yield f"http://localhost:{port}"
    finally:
        server.terminate()
        server.wait()


def arrive(page: Page, address: str) -> None:
    """Open the page, as soon as there is one, and wait until it can be asked."""
    while True:
        try:
            page.goto(address)
            break
        except Error as error:
            if "ERR_CONNECTION_REFUSED" not in str(error):
                raise
            page.wait_for_timeout(500)
    page.get_by_test_id("stChatInputTextArea").wait_for()


def show(page: Page) -> None:
    box = page.get_by_test_id("stChatInputTextArea")
    box.fill(QUESTION)
    box.press("Enter")
    page.get_by_role("button", name="Open the release").first.click()
    page.locator(".st-key-sheet .release mark").wait_for()
    page.wait_for_timeout(3000)  # until the scrolling is over


if __name__ == "__main__":
    main()

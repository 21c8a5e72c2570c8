"""The README's picture of the page: a real question to the corpus that ships, its release opened beside the answer.

    python -m benchmarks.screenshot docs/page.png

It starts the page on the index there is, or takes one that runs (`--address`), and drives the Chromium that is installed.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

QUESTION = "What did Korea and China agree on supply chains?"
PATIENCE = 600_000  # milliseconds: a first visit loads the model and builds the index
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("target", type=Path, metavar="FILE.png")
    parser.add_argument("--address", help="a page that runs already (default: one is started)")
    parser.add_argument("--browser", default=next(filter(None, map(shutil.which, BROWSERS)), None), help="a Chromium")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        address = options.address or stack.enter_context(started())
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=options.browser, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="en-US")
        page.set_default_timeout(PATIENCE)
        show(page, address)
        options.target.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=options.target)
        browser.close()


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


def show(page: Page, address: str) -> None:
    while True:
        try:
            page.goto(address)
            break
        except Exception as error:
            if "ERR_CONNECTION_REFUSED" not in str(error):
                raise
            page.wait_for_timeout(500)
    box = page.get_by_test_id("stChatInputTextArea")
    box.fill(QUESTION)
    box.press("Enter")
    page.get_by_role("button", name="Open the release").first.click()
    page.locator(".st-key-sheet .release mark").wait_for()
    page.wait_for_timeout(3000)  # until the scrolling is over


if __name__ == "__main__":
    main()

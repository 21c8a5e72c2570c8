"""How long the page takes from Enter to an answer: ten questions of the set, asked in one conversation in a real browser.

    python -m benchmarks.page_time

It starts the page on the index there is, or takes one that runs (`--address`), asks once to warm it, and prints the median and
the worst. The clock runs in the page: from the key until the frame after the answer is drawn.
"""

from __future__ import annotations

import argparse
import json
import statistics

from playwright.sync_api import Page

from benchmarks.screenshot import QUESTION, visited
from qa import default_corpus

ASKED = 10
_CLOCK = """turn => {
  window.taken = new Promise(done => {
    let start;
    document.addEventListener("keydown", press => { if (press.key === "Enter") start ??= performance.now(); }, true);
    const watch = new MutationObserver(() => {
      if (!document.querySelector(`.st-key-turn-${turn} :is(.quote, .abstention)`)) return;
      watch.disconnect();
      requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - start)));
    });
    watch.observe(document.body, { childList: true, subtree: true });
  });
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--address", help="a page that runs already (default: one is started)")
    options = parser.parse_args()
    with visited(options.address) as page:
        times = [seconds(page, question, turn) for turn, question in enumerate([QUESTION, *questions()], 1)][1:]
    for question, taken in zip(questions(), times, strict=True):
        print(f"{taken:6.2f} s  {question}")
    print(f"median {statistics.median(times):.2f} s, worst {max(times):.2f} s, of {len(times)}")


def questions() -> list[str]:
    """Ten of the set, spread over its kinds, in English and Korean, with and without an answer."""
    lines = (default_corpus() / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["question"] for line in lines[:: len(lines) // ASKED][:ASKED]]


def seconds(page: Page, question: str, turn: int) -> float:
    """From Enter until the answer of that number in the session is drawn."""
    box = page.get_by_test_id("stChatInputTextArea")
    box.fill(question)
    page.evaluate(_CLOCK, turn)
    box.press("Enter")
    return float(page.evaluate("window.taken")) / 1000


if __name__ == "__main__":
    main()

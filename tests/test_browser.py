from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from qa.plot import draw
from tests.conftest import CORPUS, ROOT
from tests.library import outcome

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"))), None
)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.model,
    pytest.mark.skipif(CHROMIUM is None, reason="no browser is here: install Chromium to run these"),
]
ASKED_OF = (
    "2022-02-28-korea-china-virtual-meeting.txt",
    "2022-11-29-grain-from-ukraine-initiative.txt",
    "2023-11-20-204th-sofa-joint-committee.txt",
    "2023-11-26-korea-china-foreign-ministers-busan.txt",
)
SUPPLY = "What did Korea and China agree on supply chains?"
TEN = (
    SUPPLY,
    "Who chaired the 204th SOFA Joint Committee on the Korean side?",
    "How much does Korea give to the Grain from Ukraine initiative?",
    "When does the lotus lantern parade of Jeonju begin?",
    "What did Foreign Minister Park say about the military reconnaissance satellite of the DPRK?",
    "What did State Councilor Wang mention about the UN Charter?",
    "우크라이나 곡물 이니셔티브에 한국은 얼마를 지원하나요?",
    "What did Korea and Spain agree about orchards in Almeria?",
    "What was requested of China about the 2030 World Expo in Busan?",
    "For what did the U.S. thank the ROK about drugs?",
)
HOSTILE = '<script>window.owned = 1</script><img src="x" onerror="window.owned = 2"> **bold** $x^2$ [a](https://example.org)'
LOTUS = f"The lotus lantern parade of Jeonju {HOSTILE} begins at dusk on the river bank and ends at the old gate."
# What Streamlit's own Markdown makes icons, pictures, colours, formulas, links and arrows of.
MADE = (
    ":material/delete: :streamlit: :smile: :red[x] $y$ https://a.example www.a.example a@a.example -> -- ~~z~~ \u202eRTL\u202c"
)
GARDEN = f"Outcome of Korea-Spain Foreign Ministers’ Meeting {MADE}"
FIRST_VISIT = 120_000  # milliseconds: the model is loaded, the first time unpacked, and the passages are encoded
ANSWER = 30_000
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
needs_axe = pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not here: npm install --no-save axe-core")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of `qa app`, started over a small corpus without an index."""
    folder = tmp_path_factory.mktemp("app")
    (folder / "corpus").mkdir()
    for name in ASKED_OF:
        shutil.copy(CORPUS / name, folder / "corpus")
    hostile = {"title": f"Lanterns {HOSTILE}", "date": "2024-05-01", "url": None, "text": LOTUS}
    (folder / "corpus" / "hostile.json").write_text(json.dumps(hostile), encoding="utf-8")
    for year in (2022, 2023):
        text = (
            f"1. The two sides agreed to plant {year} orchards {MADE} in Almeria.\n* An orchard {MADE} is a garden.\n2. {year}."
        )
        garden = {"title": GARDEN, "date": f"{year}-05-01", "url": f"https://www.mofa.go.kr/eng/brd/m_5676/view.do?seq={year}"}
        (folder / "corpus" / f"garden-{year}.json").write_text(json.dumps({**garden, "text": text}), encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "qa.cli", "app", "--corpus", str(folder / "corpus"), "--port", str(port)]
    places = {"QA_INDEX": folder / "index", "QA_OWN": folder / "own", "QA_FEEDBACK": folder / "feedback.sqlite"}
    environment = {**os.environ, **{name: str(path) for name, path in places.items()}}
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True) as server,
    ):
        try:
            wait_until_healthy(f"http://localhost:{port}/_stcore/health", server, folder / "log")
            yield f"http://localhost:{port}"
        finally:
            os.killpg(server.pid, signal.SIGTERM)
    assert (folder / "index" / "CURRENT").is_file()  # built by the visit, where it was told to


def wait_until_healthy(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(300):
        assert server.poll() is None, log.read_text(encoding="utf-8")
        try:
            with direct.open(url, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(log.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--no-proxy-server"])
        yield chromium
        chromium.close()


def recorded(page: Page) -> list[str]:
    """Every address the page asks for from now on, web sockets included."""
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    page.on("websocket", lambda web_socket: addresses.append(web_socket.url))
    return addresses


def ask(page: Page, question: str, at: int) -> None:
    """Ask the question that will be the `at`th of the conversation, and wait for what is answered."""
    page.get_by_test_id("stChatInputTextArea").fill(question)
    page.get_by_test_id("stChatInputTextArea").press("Enter")
    messages = page.get_by_test_id("stChatMessage")
    expect(messages).to_have_count(2 * at, timeout=ANSWER)
    expect(messages.nth(2 * at - 2)).to_contain_text(question)
    expect(messages.nth(2 * at - 1).locator(".quote").first).to_be_visible(timeout=ANSWER)
    drawn(page)  # until then it scrolls, and what is opened may open out of sight


def drawn(page: Page) -> None:
    """Wait until the page is drawn to its end: an answer comes piece by piece."""
    expect(page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]')).to_be_visible(timeout=ANSWER)


def visit(browser: Browser, address: str, **how: Any) -> Page:
    """A page in a context of its own, ready to be asked."""
    page = browser.new_context(**how).new_page()
    page.goto(address)
    expect(page.get_by_test_id("stChatInputTextArea")).to_be_visible(timeout=FIRST_VISIT)
    return page


def test_a_visitor_asks_three_questions_and_no_other_host_is_spoken_to(browser: Browser, address: str) -> None:
    page = browser.new_page()
    addresses = recorded(page)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(address)
    expect(page.get_by_text("First visit")).to_be_visible(timeout=FIRST_VISIT)
    expect(page.get_by_text("Every word in quotes is a release")).to_be_visible(timeout=FIRST_VISIT)
    expect(page.get_by_text("First visit")).to_have_count(0)
    expect(page.get_by_text("7 releases, 28 February 2022 – 1 May 2024")).to_be_visible()
    answers = page.get_by_test_id("stChatMessage")

    ask(page, SUPPLY, 1)
    meeting = answers.nth(1)
    expect(meeting.locator(".title").first).to_contain_text("Outcome of Korea-China Foreign Ministers’")
    expect(meeting).to_contain_text("how important it is that supply chains be managed stably")
    expect(meeting.get_by_text("26 November 2023 · paragraph 3")).to_be_visible()
    links = [link.get_attribute("href") for link in meeting.get_by_role("link", name="Official page").all()]
    assert "https://www.mofa.go.kr/eng/brd/m_5676/view.do?seq=322376" in links[:2]
    expect(meeting.get_by_text("Digest: our summary, not the ministry's words").first).to_be_visible()

    ask(page, "Who chaired the 204th SOFA Joint Committee on the Korean side?", 2)
    ask(page, "And when was it held?", 3)
    follow_up = answers.nth(5)
    expect(follow_up.locator(".title").first).to_contain_text("204th")
    expect(follow_up.get_by_role("link", name="Official page").first).to_have_attribute("href", sofa_link())

    ask(page, "우크라이나 곡물 이니셔티브에 한국은 얼마를 지원하나요?", 4)
    grain = answers.nth(7)
    expect(grain.locator(".title").first).to_contain_text("Grain from Ukraine")
    assert any("3 million" in text for text in grain.locator(".quote").all_inner_texts()[:2])

    assert {urlsplit(url).hostname for url in addresses if not url.startswith(("data:", "blob:"))} == {"localhost"}
    assert any(url.startswith("ws://localhost") for url in addresses)
    assert faults == []
    page.close()


def sofa_link() -> str:
    return (CORPUS / ASKED_OF[2]).read_text(encoding="utf-8").splitlines()[0].rpartition(" ")[2]


def test_a_hostile_release_is_read_and_not_run(browser: Browser, address: str) -> None:
    page = browser.new_page()
    addresses = recorded(page)
    page.goto(address)
    expect(page.get_by_test_id("stChatInputTextArea")).to_be_visible(timeout=FIRST_VISIT)
    ask(page, f"When does the lotus lantern parade of Jeonju begin? {HOSTILE}", 1)
    answer = page.get_by_test_id("stChatMessage").nth(1)
    expect(answer.locator(".title").first).to_have_text(f"Lanterns {HOSTILE}")
    expect(answer.locator(".quote").first).to_have_text(LOTUS)
    answer.get_by_role("button", name="Open the release").first.click()
    expect(page.locator(".st-key-sheet .release mark")).to_have_text(LOTUS, timeout=ANSWER)
    assert page.evaluate("window.owned") is None
    assert page.locator(".st-key-sheet script, .st-key-sheet img").count() == 0
    assert answer.locator("script, img").count() == 0
    assert {urlsplit(url).hostname for url in addresses if not url.startswith(("data:", "blob:"))} == {"localhost"}
    page.close()


def test_nothing_is_made_of_what_a_release_holds_wherever_it_is_shown(browser: Browser, address: str) -> None:
    page = visit(browser, address, viewport={"width": 1440, "height": 900})
    question = f"What did Korea and Spain agree about orchards in Almeria? {MADE}"
    ask(page, question, 1)
    ask(page, "And when?", 2)  # a chip now holds the question
    answer = page.get_by_test_id("stChatMessage").nth(1)
    expect(answer.locator(".title").first).to_have_text(GARDEN)
    expect(answer.locator(".note").first).to_have_text(f"* An orchard {MADE} is a garden.")
    nothing_is_made(page)
    page.get_by_role("button", name="Follows:").click()
    expect(page.get_by_text("This question leans on one before it")).to_contain_text(":red[x]")
    nothing_is_made(page)
    page.keyboard.press("Escape")
    answer.get_by_role("button", name="Through time").click()
    expect(page.locator(".st-key-sheet .pairs")).to_be_visible(timeout=ANSWER)
    nothing_is_made(page)
    page.locator(".st-key-sheet").get_by_role("button", name="Open the release").last.click()
    expect(page.locator(".st-key-sheet .release mark")).to_be_visible(timeout=ANSWER)
    page.locator(".st-key-sheet .outline summary").click()
    expect(page.locator(".st-key-sheet").get_by_role("button", name="Earlier")).to_contain_text(":red[x]")
    nothing_is_made(page)
    page.get_by_role("button", name="What changed since the one before").click()
    expect(page.locator(".st-key-sheet .pairs")).to_contain_text(f"plant 2023 orchards {MADE}", timeout=ANSWER)
    nothing_is_made(page)
    page.get_by_role("button", name="Close").click()
    answer.get_by_role("button", name="Cite").first.click()
    expect(page.get_by_role("dialog")).to_contain_text(MADE, timeout=ANSWER)
    nothing_is_made(page)
    page.context.close()


def nothing_is_made(page: Page) -> None:
    """No link, picture, icon, formula or colour of a release's or a question's text is on the page."""
    made = page.locator(".stMain").locator(
        "a:not([href^='https://www.mofa.go.kr/'], [href^='#']), img, del, .katex, [class*='color']"
    )
    assert [each.evaluate("e => e.outerHTML") for each in made.all()] == []
    assert not {"delete", "→", "—", "😄"} & set(page.locator(".stMain").inner_text().split())


def test_a_new_answer_is_read_from_its_first_passage(browser: Browser, address: str) -> None:
    page = visit(browser, address)
    ask(page, SUPPLY, 1)
    ask(page, "And about tourism?", 2)
    expect(page.get_by_role("heading", name="And about tourism?")).to_be_in_viewport()
    expect(page.get_by_test_id("stChatMessage").nth(3).locator(".quote").first).to_be_in_viewport()
    page.context.close()


def test_a_chip_that_is_left_out_asks_again_in_place(browser: Browser, address: str) -> None:
    page = visit(browser, address)
    ask(page, f"{SUPPLY[:-1]} in 2022?", 1)
    page.get_by_role("button", name="Time: 2022").click()
    page.get_by_role("button", name="Leave this out and ask again").click()
    expect(page.get_by_role("button", name="Time: 2022")).to_have_count(0, timeout=ANSWER)
    expect(page.get_by_test_id("stChatMessage")).to_have_count(2)
    assert "aside=period" in page.url
    page.context.close()


def test_a_release_opens_beside_the_answer_at_the_sentence(browser: Browser, address: str) -> None:
    page = visit(browser, address, viewport={"width": 1440, "height": 900})
    ask(page, SUPPLY, 1)
    page.get_by_role("button", name="Open the release").first.click()
    expect(page.locator(".st-key-sheet .release mark")).to_be_in_viewport(timeout=ANSWER)
    expect(page.locator(".quote").first).to_be_in_viewport()
    page.get_by_role("button", name="Close").click()
    expect(page.locator(".st-key-sheet")).to_have_count(0, timeout=ANSWER)
    page.context.close()


def test_the_address_asks_the_same_in_a_new_tab(browser: Browser, address: str) -> None:
    page = visit(browser, address)
    ask(page, SUPPLY, 1)
    ask(page, "And about tourism?", 2)
    quote = page.get_by_test_id("stChatMessage").nth(3).locator(".quote").first.inner_text()
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.get_by_role("heading", name="And about tourism?")).to_be_visible(timeout=ANSWER)
    expect(other.locator(".quote").first).to_have_text(quote, timeout=ANSWER)
    page.context.close()


def test_the_keyboard_is_in_what_opens_beside_the_answer_and_back_where_it_was(browser: Browser, address: str) -> None:
    page = visit(browser, address, viewport={"width": 1440, "height": 900})
    ask(page, SUPPLY, 1)
    opener = page.get_by_role("button", name="Open the release").first
    opener.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".st-key-close button")).to_be_focused(timeout=ANSWER)
    page.keyboard.press("Enter")
    expect(page.locator(".st-key-sheet")).to_have_count(0, timeout=ANSWER)
    expect(opener).to_be_focused()
    page.context.close()


def test_back_and_forward_lead_through_the_questions(browser: Browser, address: str) -> None:
    page = visit(browser, address)
    ask(page, SUPPLY, 1)
    ask(page, "And about tourism?", 2)
    page.go_back()
    expect(page.get_by_role("heading", name=SUPPLY)).to_be_in_viewport(timeout=ANSWER)
    expect(page.get_by_test_id("stChatMessage")).to_have_count(4)
    page.go_forward()
    expect(page.get_by_role("heading", name="And about tourism?")).to_be_in_viewport(timeout=ANSWER)
    assert "after=" in page.url
    page.go_back()
    page.go_back()
    expect(page.get_by_test_id("stChatMessage")).to_have_count(0, timeout=ANSWER)
    page.context.close()


def test_ten_sessions_that_ask_at_once_each_get_the_answer_of_one_that_asks_alone(browser: Browser, address: str) -> None:
    context = browser.new_context()
    pages = {question: context.new_page() for question in TEN}
    for page in pages.values():
        page.goto(address, wait_until="commit")  # and load side by side
    for question, page in pages.items():
        expect(page.get_by_test_id("stChatInputTextArea")).to_be_visible(timeout=FIRST_VISIT)
        page.get_by_test_id("stChatInputTextArea").fill(question)
    for page in pages.values():
        page.get_by_test_id("stChatInputTextArea").press("Enter", no_wait_after=True)
    answers = {}
    for question, page in pages.items():
        messages = page.get_by_test_id("stChatMessage")
        expect(messages.nth(1).locator(".quote").first).to_be_visible(timeout=FIRST_VISIT)
        expect(messages).to_have_count(2)
        expect(messages.nth(0).get_by_role("heading", name=question)).to_be_visible()
        drawn(page)
        answers[question] = messages.nth(1).locator(".quote, .title").all_inner_texts()
    context.close()
    alone = visit(browser, address)
    for at, question in enumerate(TEN, 1):
        ask(alone, question, at)
        answer = alone.get_by_test_id("stChatMessage").nth(2 * at - 1).locator(".quote, .title")
        expect(answer).to_have_text(answers[question], use_inner_text=True, timeout=ANSWER)
    assert len({told[0] for told in answers.values()}) > len(TEN) / 2
    alone.context.close()


def test_a_conversation_is_saved_and_the_file_holds_its_quotes(browser: Browser, address: str) -> None:
    page = visit(browser, address, viewport={"width": 1440, "height": 900})
    ask(page, SUPPLY, 1)
    for name, holds in (("Markdown", "supply chains"), ("CSV", "supply chains")):
        with page.expect_download(timeout=ANSWER) as saved:
            page.get_by_role("button", name=name, exact=True).click()
        assert holds in Path(saved.value.path()).read_text(encoding="utf-8")
    page.context.close()


def test_a_korean_browser_gets_a_korean_page(browser: Browser, address: str) -> None:
    page = visit(browser, address, locale="ko-KR")
    ask(page, "우크라이나 곡물 이니셔티브에 한국은 얼마를 지원하나요?", 1)
    expect(page.get_by_role("heading", name="보도자료에 묻기")).to_be_visible()
    expect(page.get_by_role("button", name="보도자료 열기").first).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "ko"
    page.context.close()


def test_a_phone_shows_an_answer_and_a_release_without_scrolling_sideways(browser: Browser, address: str) -> None:
    page = visit(browser, address, viewport={"width": 390, "height": 844})
    ask(page, SUPPLY, 1)
    for press in (None, "Open the release"):
        if press:
            page.get_by_role("button", name=press).first.click()
            expect(page.locator(".st-key-sheet .release mark")).to_be_in_viewport(timeout=ANSWER)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.context.close()


@needs_axe
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Browser, address: str, scheme: str) -> None:
    page = visit(browser, address, viewport={"width": 1440, "height": 900}, color_scheme=scheme, bypass_csp=True)
    ask(page, f"{SUPPLY[:-1]} in 2023?", 1)
    page.get_by_role("button", name="Open the release").first.click()
    expect(page.locator(".st-key-sheet .release mark")).to_be_visible(timeout=ANSWER)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run()")["violations"]
    serious = [each for each in found if each["impact"] in ("serious", "critical")]
    assert [(each["id"], [node["html"][:160] for node in each["nodes"]]) for each in serious] == []
    page.context.close()


def test_a_page_of_curves_is_drawn_without_fetching_anything(browser: Browser, tmp_path: Path) -> None:
    draw([outcome(str(i), confidence=i / 20, ranks=(1,) if i % 3 else ()) for i in range(20)], tmp_path / "curves.html")
    page = browser.new_page()
    addresses = recorded(page)
    page.goto((tmp_path / "curves.html").as_uri())
    expect(page.locator("#vis canvas, #vis svg").first).to_be_visible(timeout=ANSWER)
    assert {urlsplit(url).scheme for url in addresses} <= {"file", "data", "blob"}
    assert len(addresses) >= 1
    page.close()

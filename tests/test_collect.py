from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

import qa.site
from qa.collect import CollectReport, collect, collect_feed
from qa.collected import KOREA, _words
from qa.errors import BadQuestion, CollectStopped
from qa.html import HtmlPage, read_html
from qa.robots import AGENT, read_rules
from tests.ministry import (
    GENERATIONS,
    Ministry,
    board_of,
    cut_short,
    drip,
    half_a_page,
    huge,
    redirect,
    release,
    serve,
    stall,
    status,
    text,
)

SINCE = date(2024, 1, 1)
NEWEST = date(2024, 3, 31)
LAST = date(2024, 12, 31)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def site() -> Iterator[Ministry]:
    with serve(board_of(3, NEWEST)) as ministry:
        yield ministry


def fetch(ministry: Ministry, into: Path, /, **options: Any) -> CollectReport:
    return collect(into, **{"since": SINCE, "until": LAST, "site": ministry.origin, "pause": 0.0, **options})


def list_at(page: int, since: str = "20240101", until: str = "20241231") -> str:
    return f"/eng/brd/m_5676/list.do?page={page}&srchFr={since}&srchTo={until}"


def pages(into: Path) -> list[int]:
    return sorted(int(path.stem.removeprefix("m_5676-")) for path in into.glob("*.html"))


def reasons(report: CollectReport) -> dict[str, str]:
    return {error.origin.rpartition("seq=")[2]: error.reason for error in report.left_out}


def age(into: Path, days: int) -> None:
    for path in into.glob("*.html"):
        then = path.stat().st_mtime - days * 86_400
        os.utime(path, (then, then))


def recent(count: int) -> Ministry:
    return board_of(count, datetime.now(KOREA).date())


# The lists


@pytest.mark.parametrize("generation", GENERATIONS)
def test_every_generation_is_collected_over_all_its_list_pages(generation: int, tmp_path: Path) -> None:
    with serve(board_of(23, NEWEST, generation)) as site:
        report = fetch(site, tmp_path)
    assert report.new == tuple(f"m_5676-{seq}" for seq in range(23, 0, -1))
    assert (report.changed, report.unchanged, report.left_out, report.kept) == ((), (), (), 0)
    assert pages(tmp_path) == list(range(1, 24))
    page = read_html((tmp_path / "m_5676-7.html").read_text("utf-8"), "")
    assert "1. The Vice Minister opened harbour office no. 7 on the 15th and thanked its builders." in page.text


@pytest.mark.parametrize("count", [0, 1, 10, 11, 20])
def test_a_full_last_list_page_and_an_empty_list_end_well(count: int, tmp_path: Path) -> None:
    with serve(board_of(count, NEWEST)) as site:
        report = fetch(site, tmp_path)
    assert len(report.new) == count and report.left_out == ()


def test_the_page_is_stored_byte_for_byte(site: Ministry, tmp_path: Path) -> None:
    fetch(site, tmp_path)
    site.releases[1].views -= 1
    assert (tmp_path / "m_5676-2.html").read_bytes() == site.view_page(site.releases[1]).encode()


def test_since_and_until_are_passed_on_and_bound_what_is_fetched(tmp_path: Path) -> None:
    with serve(board_of(20, NEWEST)) as site:
        report = fetch(site, tmp_path, since=date(2024, 3, 20), until=date(2024, 3, 22))
    assert report.new == ("m_5676-11", "m_5676-10", "m_5676-9")
    assert site.asked[list_at(1, "20240320", "20240322")] == 1


def test_a_list_that_ignores_the_range_is_left_at_the_first_page_before_it(tmp_path: Path) -> None:
    with serve(board_of(45, NEWEST)) as site:
        for number in range(1, 6):
            query = {"srchFr": ["20000101"], "srchTo": ["20991231"], "page": [str(number)]}
            site.faults[list_at(number, "20240325", "20240328")] = text(site.list_page("m_5676", query))
        report = fetch(site, tmp_path, since=date(2024, 3, 25), until=date(2024, 3, 28))
    assert report.new == ("m_5676-42", "m_5676-41", "m_5676-40", "m_5676-39")
    assert sum("list.do" in target for target in site.asked) == 2


def test_a_list_that_repeats_its_last_page_ends(tmp_path: Path) -> None:
    with serve(board_of(3, NEWEST)) as site:
        query = {"srchFr": ["20240101"], "srchTo": ["20241231"], "page": ["1"]}
        site.faults[list_at(2)] = text(site.list_page("m_5676", query))
        assert len(fetch(site, tmp_path).new) == 3


def test_two_boards_are_kept_apart_by_name(site: Ministry, tmp_path: Path) -> None:
    report = fetch(site, tmp_path, boards=("m_5676", "m_5679"))
    assert [name for name in report.new if name.endswith("-2")] == ["m_5676-2", "m_5679-2"]
    assert (tmp_path / "m_5679-2.html").is_file()


def test_without_until_the_list_is_asked_up_to_today_in_korea(site: Ministry, tmp_path: Path) -> None:
    fetch(site, tmp_path, until=None)
    assert list_at(1, until=f"{datetime.now(KOREA):%Y%m%d}") in site.asked


def test_a_list_of_unknown_markup_is_reported_not_taken_for_empty(site: Ministry, tmp_path: Path) -> None:
    site.faults[list_at(1)] = text("<html><body><p>Soon.</p></body></html>")
    report = fetch(site, tmp_path)
    assert [error.reason.partition(";")[0] for error in report.left_out] == ["holds no list of releases that can be read"]


def test_one_list_page_that_fails_costs_its_ten_rows_only(tmp_path: Path) -> None:
    with serve(board_of(25, NEWEST)) as site:
        site.faults[list_at(2)] = status(500)
        report = fetch(site, tmp_path)
        assert pages(tmp_path) == [*range(1, 6), *range(16, 26)]
        assert [error.reason for error in report.left_out] == ["answers 500, tried 3 times"]
        site.faults.clear()
        assert len(fetch(site, tmp_path).new) == 10


def test_a_truncated_list_page_is_left_out_not_taken_for_whole(tmp_path: Path) -> None:
    with serve(board_of(25, NEWEST)) as site:
        query = {"srchFr": ["20240101"], "srchTo": ["20241231"], "page": ["2"]}
        whole = site.list_page("m_5676", query)
        site.faults[list_at(2)] = text(whole[: whole.index("f_view('12')")])
        report = fetch(site, tmp_path)
    assert [error.reason for error in report.left_out] == ["is truncated: it ends before </html>"]
    assert pages(tmp_path) == [*range(1, 6), *range(16, 26)]


def board_saying(row: str) -> str:
    return f"<html><body><table><thead><tr><th>No</th><th>Title</th></tr></thead><tbody>{row}</tbody></table></body></html>"


@pytest.mark.parametrize(
    "notice",
    [
        "Under maintenance",
        "No service until 6:00",
        "점검 중이라 서비스를 이용할 수 없습니다.",
        "점검 중이라 자료를 볼 수 없습니다.",
    ],
)
def test_a_notice_in_place_of_a_list_page_does_not_end_the_board(notice: str, tmp_path: Path) -> None:
    with serve(board_of(25, NEWEST)) as site:
        site.faults[list_at(2)] = text(board_saying(f"<tr><td>{notice}</td></tr>"))
        report = fetch(site, tmp_path)
    assert [error.reason.partition(";")[0] for error in report.left_out] == ["holds no list of releases that can be read"]
    assert len(report.new) == 15


@pytest.mark.parametrize(
    "end",
    [
        board_saying(""),
        board_saying("<tr><td colspan=4></td></tr>"),
        *(
            board_saying(f"<tr><td colspan=4>{said}</td></tr>")
            for said in (
                "No data found.",
                "There are no registered posts.",
                "No search results",
                "등록된 게시물이 없습니다.",
                "검색 결과가 없습니다.",
                "조회된 데이터가 존재하지 않습니다",
            )
        ),
        "<html><body><table><thead><tr><th>No</th></tr></thead></table><p>No data</p></body></html>",
        "<html><body><table><tr><th>No</th><th>Title</th></tr></table></body></html>",
    ],
)
def test_an_empty_table_or_a_row_that_says_so_ends_the_board(end: str, tmp_path: Path) -> None:
    with serve(board_of(10, NEWEST)) as site:
        site.faults[list_at(2)] = text(end)
        report = fetch(site, tmp_path)
    assert (len(report.new), report.left_out) == (10, ())
    assert sum("list.do" in target for target in site.asked) == 2


def test_a_list_page_redirected_to_another_does_not_end_the_board(tmp_path: Path) -> None:
    with serve(board_of(25, NEWEST)) as site:
        site.faults[list_at(2)] = redirect(list_at(1))
        report = fetch(site, tmp_path)
    assert [error.reason for error in report.left_out] == [f"is redirected to another page, {list_at(1)}"]
    assert len(report.new) == 15


def test_a_number_too_long_for_a_file_is_left_out_and_the_rest_goes_on(site: Ministry, tmp_path: Path) -> None:
    site.releases.append(release(int("9" * 300), NEWEST))
    report = fetch(site, tmp_path)
    assert [error.reason for error in report.left_out] == ["lists a release by a number of 300 digits"]
    assert pages(tmp_path) == [1, 2, 3]


@pytest.mark.parametrize(
    "options",
    [
        {"since": date(2025, 1, 1)},
        {"boards": ("../etc",)},
        {"boards": ("m_1/../x",)},
        *(
            {"site": address}
            for address in (
                "ftp://127.0.0.1",
                "www.mofa.go.kr",
                "http://[::1",
                "http://127.0.0.1:99999",
                "http://127.0.0.1:abc",
                "http://xn--.test",
                "http://user@127.0.0.1",
                "http://127.0.0.1/mirror",
                "http://127.0.0.1?mirror",
            )
        ),
    ],
)
def test_options_that_cannot_be_are_refused_before_anything_is_asked(
    options: dict[str, Any], site: Ministry, tmp_path: Path
) -> None:
    with pytest.raises(BadQuestion):
        fetch(site, tmp_path, **options)
    assert site.log == []


# Resuming


def test_a_second_run_fetches_nothing(site: Ministry, tmp_path: Path) -> None:
    fetch(site, tmp_path)
    site.log.clear()
    report = fetch(site, tmp_path)
    assert (report.new, report.kept, site.viewed) == ((), 3, [])


def test_the_next_day_only_what_is_new_is_fetched(site: Ministry, tmp_path: Path) -> None:
    fetch(site, tmp_path)
    age(tmp_path, days=1)
    site.releases.append(release(4, NEWEST + timedelta(days=1)))
    site.log.clear()
    assert fetch(site, tmp_path).new == ("m_5676-4",)
    assert site.viewed == [4]


COLLECTOR = """
import os, signal, sys
from datetime import date
from pathlib import Path
from qa.collect import collect

site, into, call, when, recheck = sys.argv[1:]
replace, calls = os.replace, 0

def deadly(source, target, **options):
    global calls
    calls += 1
    if str(calls) == call and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    replace(source, target, **options)
    if str(calls) == call:
        os.kill(os.getpid(), signal.SIGKILL)

os.replace = deadly
Path.replace = lambda self, target: deadly(self, target)
collect(Path(into), since=date(2024, 1, 1), until=date(2024, 12, 31), site=site, pause=0.0, recheck=recheck == "all")
"""


def start(site: Ministry, into: Path, call: str = "-", when: str = "-", recheck: str = "-") -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", COLLECTOR, site.origin, str(into), call, when, recheck]
    return subprocess.Popen(command, cwd=Path(__file__).parents[1])


@pytest.mark.parametrize(("call", "when", "there"), [("1", "before", 0), ("4", "before", 3), ("4", "after", 4)])
def test_killed_while_writing_it_goes_on_with_exactly_the_missing(call: str, when: str, there: int, tmp_path: Path) -> None:
    with serve(board_of(12, NEWEST)) as site:
        assert start(site, tmp_path, call, when).wait(30) == -signal.SIGKILL
        whole = range(12, 12 - there, -1)
        assert pages(tmp_path) == sorted(whole)
        assert all("</html>" in (tmp_path / f"m_5676-{seq}.html").read_text() for seq in whole)
        site.log.clear()
        report = fetch(site, tmp_path)
    assert site.viewed == [seq for seq in range(12, 0, -1) if seq not in whole]
    assert (len(report.new), report.kept) == (12 - there, there)
    assert pages(tmp_path) == list(range(1, 13)) and list(tmp_path.glob(".*.partial")) == []


@pytest.mark.parametrize("at", [list_at(2), "/eng/brd/m_5676/view.do?seq=7"])
def test_killed_while_waiting_for_a_page_it_goes_on_with_exactly_the_missing(at: str, tmp_path: Path) -> None:
    with serve(board_of(12, NEWEST)) as site:
        site.faults[at] = stall
        process = start(site, tmp_path)
        deadline = time.monotonic() + 20
        while at not in site.asked and time.monotonic() < deadline:
            time.sleep(0.01)
        process.kill()
        process.wait()
        there = pages(tmp_path)
        assert there == ([8, 9, 10, 11, 12] if "view.do" in at else list(range(3, 13)))
        site.faults.clear()
        site.log.clear()
        fetch(site, tmp_path)
    assert sorted(site.viewed + there) == list(range(1, 13))
    assert pages(tmp_path) == list(range(1, 13))


def test_killed_between_setting_aside_and_replacing_a_change_is_still_found(site: Ministry, tmp_path: Path) -> None:
    fetch(site, tmp_path)
    old = (tmp_path / "m_5676-3.html").read_bytes()
    site.releases[2].paragraphs[1] = "2. The two sides agreed to nothing."
    assert start(site, tmp_path, "2", "before", "all").wait(30) == -signal.SIGKILL
    assert (tmp_path / "m_5676-3.html").read_bytes() == old
    report = fetch(site, tmp_path, recheck=True)
    assert [change.earlier.read_bytes() for change in report.changed] == [old]
    assert len(list((tmp_path / ".earlier").iterdir())) == 1


# Silent edits


def test_a_changed_text_is_reported_and_kept_beside_the_old_one(site: Ministry, tmp_path: Path) -> None:
    fetch(site, tmp_path)
    age(tmp_path, days=2)
    old = (tmp_path / "m_5676-2.html").read_bytes()
    day = datetime.fromtimestamp((tmp_path / "m_5676-2.html").stat().st_mtime, KOREA).date()
    site.releases[1].paragraphs[1] = "2. The two sides agreed to nothing."
    report = fetch(site, tmp_path, recheck=True)
    assert [(change.name, change.earlier) for change in report.changed] == [
        ("m_5676-2", tmp_path / ".earlier" / f"m_5676-2.{day}.1.html")
    ]
    assert report.changed[0].earlier.read_bytes() == old
    assert "agreed to nothing" in (tmp_path / "m_5676-2.html").read_text("utf-8")
    assert report.unchanged == ("m_5676-3", "m_5676-1")
    assert f"  m_5676-2: the earlier wording is in {report.changed[0].earlier}" in report.summary().split("\n")


def test_two_changes_in_a_day_are_numbered(site: Ministry, tmp_path: Path) -> None:
    fetch(site, tmp_path)
    names = []
    for wording in ("once", "twice"):
        site.releases[0].paragraphs[1] = f"2. Corrected {wording}."
        names += [change.earlier.name for change in fetch(site, tmp_path, recheck=True).changed]
    today = datetime.now(KOREA).date()
    assert names == [f"m_5676-1.{today}.1.html", f"m_5676-1.{today}.2.html"]


@pytest.mark.parametrize("part", ["title", "date"])
def test_a_changed_title_or_date_is_a_change(part: str, site: Ministry, tmp_path: Path) -> None:
    fetch(site, tmp_path)
    value = "Vice Minister closes harbour office" if part == "title" else date(2024, 3, 1)
    setattr(site.releases[0], part, value)
    assert [change.name for change in fetch(site, tmp_path, recheck=True).changed] == ["m_5676-1"]


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_view_counter_is_no_change(generation: int, tmp_path: Path) -> None:
    with serve(board_of(2, NEWEST, generation)) as site:
        fetch(site, tmp_path)
        site.releases[0].views += 1_000
        report = fetch(site, tmp_path, recheck=True)
    assert (report.unchanged, report.changed) == (("m_5676-2", "m_5676-1"), ())
    assert not (tmp_path / ".earlier").exists()


def test_recent_releases_are_compared_once_a_day_and_older_ones_not(tmp_path: Path) -> None:
    since = datetime.now(KOREA).date() - timedelta(days=60)
    with serve(recent(40)) as site:
        fetch(site, tmp_path, since=since, until=None)
        age(tmp_path, days=1)
        site.log.clear()
        report = fetch(site, tmp_path, since=since, until=None)
        assert site.viewed == list(range(40, 9, -1))  # today and the 30 days before
        assert (len(report.unchanged), report.kept) == (31, 9)
        site.log.clear()
        assert fetch(site, tmp_path, since=since, until=None).kept == 40
        assert site.viewed == []


def test_a_withdrawn_release_is_reported_and_its_copy_kept(site: Ministry, tmp_path: Path) -> None:
    fetch(site, tmp_path)
    site.spoil(2, status(404))
    today = datetime.now(KOREA).date()
    report = fetch(site, tmp_path, recheck=True)
    assert reasons(report) == {"2": f"answers 404: the site no longer has it; the copy of {today} is kept"}
    assert pages(tmp_path) == [1, 2, 3]


def test_a_notice_in_place_of_a_release_is_no_edit(site: Ministry, tmp_path: Path) -> None:
    fetch(site, tmp_path)
    site.spoil(2, text("<html><head><title>Notice</title></head><body><p>Closed for the night.</p></body></html>"))
    report = fetch(site, tmp_path, recheck=True)
    assert report.changed == ()
    assert reasons(report)["2"].startswith("is another page than the release listed")


def test_a_page_that_the_list_gives_no_title_for_must_look_like_a_release(site: Ministry, tmp_path: Path) -> None:
    site.releases[1].title = ""
    site.spoil(2, text("<html><head><title>Notice</title></head><body><p>Closed for the night.</p></body></html>"))
    assert reasons(fetch(site, tmp_path))["2"].startswith("is another page than the release listed")
    site.faults.clear()
    assert fetch(site, tmp_path).new == ("m_5676-2",)


OLD_PAGE = """<html><head><title>Talks held View|Press Releases</title></head><body><p>{counted}</p>
<p>1. The two sides held talks.</p><p>2. They agreed to hold more.</p>{after}<p>60, Sajik-ro</p></body></html>"""


@pytest.mark.parametrize(
    "counted",
    [
        "hit {n}",
        "{day} hit {n}",
        "Date {day} Hits {n}",
        "Date / {day} / hit / {n}",
        "Hit : {n} | Date : {day}",
        "Hit<br>{n}<br>Date {day}",
        "Writer : Admin Date : {day} Hit : {n}",
        "Writer : Press Office | Date : {day} 10:30 | Views : {n}",
        "작성일 {day} 조회수 {n}",
        "등록일 : {day} / 조회 : {n}",
        "{day} Read {n}",
    ],
)
def test_a_view_counter_of_any_wording_is_no_change_and_the_date_beside_it_is_one(
    counted: str, site: Ministry, tmp_path: Path
) -> None:
    def show(n: str, day: str) -> CollectReport:
        site.spoil(2, text(OLD_PAGE.format(counted=counted.format(n=n, day=day), after="")))
        return fetch(site, tmp_path, recheck=True)

    show("9", "2024-03-30")
    assert show("1,645", "2024-03-30").changed == ()
    if "{day}" in counted:
        assert [change.name for change in show("1,645", "2024-03-29").changed] == ["m_5676-2"]


@pytest.mark.parametrize(
    "after",
    [
        "<ul><li>Next: {title}</li><li>Prev: none</li></ul>",
        "<ul><li>Next {title}</li></ul>",
        "<dl><dt>이전글</dt><dd>{title}</dd></dl>",
        "<table><tr><th>다음글</th><td>{title}</td><td>2024-06-09</td></tr></table>",
        "<p>다음 글 : {title}</p>",
    ],
)
def test_the_titles_of_the_neighbours_are_no_change(after: str, site: Ministry, tmp_path: Path) -> None:
    for title in ("none", "Minister Opens a Bridge"):
        site.spoil(2, text(OLD_PAGE.format(counted="", after=after.format(title=title))))
        report = fetch(site, tmp_path, recheck=True)
    assert (len(report.unchanged), report.changed) == (3, ())


@pytest.mark.parametrize(
    "said", ["<p>3. Next: a summit.</p>", "<p>Next: talks</p><p>3. They parted.</p>", "<p>Read 30 pages.</p>"]
)
def test_words_of_the_release_are_never_taken_for_counter_or_neighbour(said: str, site: Ministry, tmp_path: Path) -> None:
    for wording in (said, said.replace("a summit", "two").replace("talks", "war").replace("30", "31")):
        site.spoil(2, text(OLD_PAGE.format(counted="", after=wording)))
        report = fetch(site, tmp_path, recheck=True)
    assert [change.name for change in report.changed] == ["m_5676-2"]


@pytest.mark.parametrize("part", ["-", "-\n", "writer", "writer ", "writer\n", "2024-01-01 ", "hit 1 ", "next\n"])
def test_no_page_is_long_in_comparing(part: str) -> None:
    before = time.monotonic()
    _words(HtmlPage(None, None, None, part * (200_000 // len(part))))
    assert time.monotonic() - before < 2


@pytest.mark.parametrize("content", ["", "<html><body><p>half"])
def test_a_damaged_copy_is_fetched_again(content: str, site: Ministry, tmp_path: Path) -> None:
    fetch(site, tmp_path)
    (tmp_path / "m_5676-2.html").write_text(content)
    report = fetch(site, tmp_path)
    assert (report.new, report.kept) == (("m_5676-2",), 2)
    assert "</html>" in (tmp_path / "m_5676-2.html").read_text("utf-8")


# One bad page


@pytest.mark.parametrize(
    ("fault", "reason", "tries"),
    [
        (status(500), "answers 500, tried 3 times", 3),
        (status(403), "answers 403", 1),
        (cut_short, "breaks off: peer closed connection", 3),
        (half_a_page, "is truncated: it ends before </html>", 1),
        (huge(declared=True), "is over the limit of 5 MiB a page", 1),
        (huge(declared=False), "is over the limit of 5 MiB a page", 1),
        (redirect("http://example.org/eng/"), "is redirected to another host or scheme, http://example.org", 1),
        (redirect("http://127.0.0.1:9/"), "is redirected to another host or scheme, http://127.0.0.1:9", 1),
        (redirect("https://127.0.0.1/"), "is redirected to another host or scheme, https://127.0.0.1", 1),
        (redirect("/eng/brd/m_5676/list.do?page=1&srchFr=20240101&srchTo=20241231"), "is redirected to another page, /eng/", 1),
        (redirect("/eng/brd/m_5676/view.do?seq=3"), "is redirected to another page, /eng/brd/m_5676/view.do?seq=3", 1),
        (redirect("javascript:alert(1)"), "is redirected to what is no web address", 1),
        (redirect("mailto:desk@example.org"), "is redirected to what is no web address", 1),
        (redirect("http://xn--.test/"), "is redirected to what is no web address", 1),
        (redirect("http://[::1/"), "breaks off: Invalid URL in location header", 3),
        (redirect("http://127.0.0.1:99999/"), "is redirected to another host or scheme", 1),
        (redirect("file:///etc/passwd"), "is redirected to another host or scheme, file://", 1),
        (redirect("/eng/brd/m_5676/view.do?seq=2"), "is redirected more than 5 times, last to", 6),
        (text("<html><body><script>alert('no such post')</script></body></html>"), "is a page without text", 1),
        (text("<html>\0</html>"), "is not text in UTF-8 or CP949", 1),
    ],
)
def test_one_bad_page_is_left_out_with_its_reason_and_the_rest_goes_on(
    fault: Any, reason: str, tries: int, site: Ministry, tmp_path: Path
) -> None:
    site.spoil(2, fault)
    report = fetch(site, tmp_path)
    assert list(reasons(report)) == ["2"] and reasons(report)["2"].startswith(reason)
    assert site.asked["/eng/brd/m_5676/view.do?seq=2"] == tries
    assert report.new == ("m_5676-3", "m_5676-1")
    assert pages(tmp_path) == [1, 3] and list(tmp_path.glob(".*.partial")) == []
    site.faults.clear()
    assert fetch(site, tmp_path).new == ("m_5676-2",)


def test_a_stall_ends_at_the_timeout(site: Ministry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qa.site, "TIMEOUT", 0.2)
    site.spoil(2, stall)
    report = fetch(site, tmp_path)
    assert reasons(report) == {"2": "gives no answer within 0.2 s, tried 3 times"}
    assert len(report.new) == 2


def test_a_page_that_drips_ends_at_the_bound_on_its_whole_time(
    site: Ministry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qa.site, "PAGE_SECONDS", 0.5)
    site.spoil(2, drip)
    before = time.monotonic()
    report = fetch(site, tmp_path)
    assert reasons(report) == {"2": "is not complete after 0.5 s"}
    assert len(report.new) == 2 and time.monotonic() - before < 5


def test_a_failure_that_passes_is_not_noticed(site: Ministry, tmp_path: Path) -> None:
    site.spoil(2, status(503, times=2))
    report = fetch(site, tmp_path)
    assert (report.left_out, len(report.new)) == ((), 3)
    assert site.asked["/eng/brd/m_5676/view.do?seq=2"] == 3


def test_retry_after_is_honoured(site: Ministry, tmp_path: Path) -> None:
    site.spoil(2, status(429, times=1, retry_after="1"))
    fetch(site, tmp_path)
    first, second = (moment for moment, target in site.log if target.endswith("seq=2"))
    assert second - first >= 1.0


def test_a_retry_after_beyond_the_bound_leaves_the_page_for_another_run(site: Ministry, tmp_path: Path) -> None:
    site.spoil(2, status(503, retry_after="3600"))
    assert reasons(fetch(site, tmp_path)) == {"2": "answers 503, asking to be left alone for 3600 s, tried 1 time"}


# Polite


def test_the_cookie_gate_is_passed_once(site: Ministry, tmp_path: Path) -> None:
    site.gate = True
    assert len(fetch(site, tmp_path).new) == 3
    assert site.gated == 1


def test_robots_is_read_first_in_every_run_and_the_visitor_says_who_it_is(site: Ministry, tmp_path: Path) -> None:
    fetch(site, tmp_path, contact="desk@example.org")
    assert site.log[0][1] == "/robots.txt" and site.asked["/robots.txt"] == 1
    assert len(site.agents) == 1
    assert re.fullmatch(r"release-qa/[0-9][\w.]* \(\+desk@example\.org\)", site.agents.pop())


def test_a_contact_that_a_header_cannot_hold_is_percent_encoded(site: Ministry, tmp_path: Path) -> None:
    fetch(site, tmp_path, contact="홍 <desk@example.org>\n")
    assert site.agents.pop().endswith("(+%ED%99%8D <desk@example.org>%0A)")


@pytest.mark.parametrize(
    "robots",
    [
        "User-agent: *\nDisallow: /",
        "User-agent: *\nDisallow: /eng/brd/m_5676/view.do",
        "User-agent: *\nAllow: /\nDisallow: /eng/",
        "User-agent: *\nDisallow: /*/view.do",
        "\ufeffUser-agent: other\nUser-agent: Release-QA\n\nDisallow: /eng/\n\nUser-agent: *\nAllow: /",
    ],
)
def test_robots_that_forbids_stops_before_any_page(robots: str, site: Ministry, tmp_path: Path) -> None:
    site.robots = robots
    with pytest.raises(CollectStopped, match=r"robots\.txt of .* forbids"):
        fetch(site, tmp_path)
    assert list(site.asked) == ["/robots.txt"]


def test_robots_that_forbids_one_release_leaves_it_out_unasked(site: Ministry, tmp_path: Path) -> None:
    site.robots = "User-agent: *\nDisallow: /*?seq=2$\n"
    report = fetch(site, tmp_path)
    assert reasons(report) == {"2": "is forbidden by robots.txt (/eng/brd/m_5676/view.do?seq=2)"}
    assert site.viewed == [3, 1]


def test_a_redirect_to_a_forbidden_address_is_not_followed(site: Ministry, tmp_path: Path) -> None:
    site.spoil(2, redirect("/admin/2"))
    assert reasons(fetch(site, tmp_path)) == {"2": "is forbidden by robots.txt (/admin/2)"}
    assert site.asked["/admin/2"] == 0


@pytest.mark.parametrize("robots", [404, 410, 500, 503, 403, "<html><body>Welcome</body></html>", "The page was not found."])
def test_a_robots_that_cannot_be_read_stops(robots: str | int, site: Ministry, tmp_path: Path) -> None:
    site.robots = robots
    with pytest.raises(CollectStopped, match=r"robots\.txt.* it is not known what may be fetched"):
        fetch(site, tmp_path)
    assert set(site.asked) == {"/robots.txt"}


@pytest.mark.parametrize(
    ("robots", "path", "allowed"),
    [
        ("User-agent: *\nDisallow:", "/eng", True),
        ("User-agent: *\nDisallow: /eng\nAllow: /eng/brd", "/eng/brd/x", True),
        ("User-agent: *\nDisallow: /eng\nAllow: /eng", "/eng", True),
        ("User-agent: *\nDisallow: /*.pdf$", "/a.pdf?x=1", True),
        ("User-agent: *\nDisallow: /*.pdf$", "/a.pdf", False),
        ("User-agent: *\nDisallow: /%65ng", "/eng", False),
        ("User-agent: other\nDisallow: /", "/eng", True),
        ("User-agent: other\nDisallow: /x\nUser-agent: *\nDisallow: /eng # all of it", "/eng", False),
        ("User-agent: *\nCrawl-delay: 2\nDisallow: /eng", "/eng", False),
        ("User-agent: *\nCrawl-delay: 1\n\nUser-agent: *\nDisallow: /eng/", "/eng/", False),
        ("User-agent: release-qa\nDisallow: /x\n\nUser-agent: release-qa\nDisallow: /eng/", "/eng/", False),
        ("User-agent: *\nAllow: /\n\nUser-agent: Release-QA/1.0\nDisallow: /", "/eng", False),
        ("User-agent: *\nAllow: /\n\nUser-agent: *release-qa*\nDisallow: /", "/eng", False),
        ("User-agent: *\nDisallow: /eng\n\nUser-agent: release\nAllow: /\n\nUser-agent: a\nAllow: /", "/eng", False),
        ("User-agent: *\nDisallow: /eng\n\nUser-agent: release-qa\nDisallow:", "/eng", True),
        ("User-agent: *\nDisallow: eng/", "/eng/brd", False),
        ("User-agent: *\nDisallow: eng/", "/england", True),
        ("User-agent: *\nDisallow: *seq=2$", "/eng/view.do?seq=2", False),
        ("User-agent: *\nDisallow: *seq=2$", "/eng/view.do?seq=22", True),
        ("User-agent: *\nDisallow: /*&page=", "/eng/list.do?a=1&page=2", False),
        ("User-agent: *\nDisallow: /영문", "/%EC%98%81%EB%AC%B8/x", False),
        ("User-agent: *\nDisallow: //eng", "//eng/x", False),
    ],
)
def test_the_longest_rule_of_our_group_decides(robots: str, path: str, allowed: bool) -> None:
    rules = read_rules(robots)
    assert rules is not None and rules.can_fetch(f"https://release.invalid{path}", AGENT) is allowed


@pytest.mark.parametrize(
    ("robots", "pause"), [("User-agent: *\nCrawl-delay: 0.3", 0.3), ("User-agent: *\nRequest-rate: 2/1", 0.5)]
)
def test_a_longer_delay_asked_by_robots_is_kept(robots: str, pause: float, site: Ministry, tmp_path: Path) -> None:
    site.robots = robots
    site.releases = site.releases[:1]
    fetch(site, tmp_path)
    moments = [moment for moment, _ in site.log]
    assert min(after - before for before, after in pairwise(moments[1:])) >= pause


@pytest.mark.parametrize("asked", ["Crawl-delay: 61", "Crawl-delay: 1e9", "Request-rate: 1/2m"])
def test_a_delay_over_a_minute_stops_and_says_so(asked: str, site: Ministry, tmp_path: Path) -> None:
    site.robots = f"User-agent: *\n{asked}"
    with pytest.raises(CollectStopped, match=r"robots\.txt asks for [0-9e+]+ s between requests, over the 60 s"):
        fetch(site, tmp_path)
    assert list(site.asked) == ["/robots.txt"]


@pytest.mark.parametrize(
    "asked", ["Crawl-delay: soon", "Crawl-delay: ²", "Crawl-delay: nan", "Request-rate: 0/10", "Request-rate: 1/0"]
)
def test_a_delay_that_is_no_number_is_none(asked: str, site: Ministry, tmp_path: Path) -> None:
    site.robots = f"User-agent: *\n{asked}\nDisallow: /admin/"
    assert len(fetch(site, tmp_path).new) == 3


def test_a_robots_that_is_empty_or_all_comment_forbids_nothing(site: Ministry, tmp_path: Path) -> None:
    for robots in ("", "# Welcome.\n"):
        site.robots = robots
        assert len(fetch(site, tmp_path, recheck=True).left_out) == 0


def test_the_pause_is_kept_across_pages_retries_and_redirects(site: Ministry, tmp_path: Path) -> None:
    site.spoil(2, status(500))
    site.spoil(3, redirect("/eng/brd/m_5676/view.do?seq=3"))
    fetch(site, tmp_path, pause=0.05)
    moments = [moment for moment, _ in site.log]
    assert len(moments) == 1 + 2 + 6 + 3 + 1
    assert min(after - before for before, after in pairwise(moments)) >= 0.05


def test_the_pause_is_a_second_at_least_on_any_host_but_our_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pauses: list[float] = []

    class Noted(qa.site.Site):
        async def read_robots(self) -> None:
            pauses.append(self._pause)
            raise CollectStopped("Noted.")

    monkeypatch.setattr(qa.site, "Site", Noted)
    for origin in ("https://release.invalid", "http://127.0.0.1:9"):
        with pytest.raises(CollectStopped):
            collect(tmp_path, since=SINCE, site=origin, pause=0.0)
    assert pauses == [1.0, 0.0]


# Stopping


def test_a_site_that_cannot_be_reached_stops(tmp_path: Path) -> None:
    with serve(board_of(1, NEWEST)) as gone:
        pass
    with pytest.raises(CollectStopped, match="cannot be reached"):
        fetch(gone, tmp_path)


def test_a_site_that_goes_away_stops_the_run_and_what_was_fetched_is_kept(tmp_path: Path) -> None:
    with serve(board_of(30, NEWEST)) as site:
        for seq in range(1, 26):
            site.spoil(seq, status(503))
        with pytest.raises(CollectStopped, match=rf"failed 10 times in a row.*5 new, kept in {re.escape(str(tmp_path))}"):
            fetch(site, tmp_path)
        assert pages(tmp_path) == [26, 27, 28, 29, 30]
        site.faults.clear()
        assert len(fetch(site, tmp_path).new) == 25


def test_a_folder_that_cannot_be_written_stops(site: Ministry, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(CollectStopped, match=r"taken.*--into"):
        fetch(site, tmp_path / "taken")


@pytest.fixture
def interruptible() -> Iterator[None]:
    """SIGINT interrupts, also where the tests run as a job in the background, to which shells let it be ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_a_second_collector_in_the_same_folder_is_turned_away(site: Ministry, tmp_path: Path) -> None:
    with FileLock(tmp_path / ".collect.lock"), pytest.raises(CollectStopped, match="another qa collect is at work"):
        fetch(site, tmp_path)
    assert site.log == []


def test_interrupted_it_says_what_was_new_and_changed_so_far(site: Ministry, tmp_path: Path, interruptible: None) -> None:
    fetch(site, tmp_path)
    site.releases[2].paragraphs[1] = "2. The two sides agreed to nothing."
    site.releases.append(release(4, NEWEST + timedelta(days=1)))
    site.spoil(2, stall)

    def interrupt(line: str) -> None:
        if "changed" in line:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(CollectStopped, match=r"^interrupted\. So far 1 new, m_5676-3 changed \(.*\.1\.html\), kept in"):
        fetch(site, tmp_path, recheck=True, progress=interrupt)


# Feeds

RSS = """<?xml version="1.0" encoding="EUC-KR"?><rss version="2.0"><channel><title>Press Releases</title>
<item><title>Vice Minister opens harbour office no. 3</title><link>{origin}/eng/brd/m_5676/view.do?seq=3&amp;page=1</link>
<pubDate>{moment:%a, %d %b %Y %H:%M:%S} GMT</pubDate></item>
<item><title>외교부</title><link>/eng/brd/m_5676/view.do?seq=1</link></item>
<item><title>About us</title><link>{origin}/eng/about.do</link></item>
<item><title>Elsewhere</title><link>https://example.org/eng/brd/m_5676/view.do?seq=2</link></item>
</channel></rss>"""
ATOM = """<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom"><title>Press Releases</title>
<entry><title>Vice Minister opens harbour office no. 3</title><link href="{origin}/eng/brd/m_5676/view.do?seq=3"/>
<updated>{moment:%Y-%m-%dT%H:%M:%S}Z</updated></entry>
<entry><title>외교부</title><link href="/eng/brd/m_5676/view.do?seq=1"/></entry>
<entry><title>About us</title><link href="{origin}/eng/about.do"/></entry>
<entry><title>Elsewhere</title><link href="https://example.org/eng/brd/m_5676/view.do?seq=2"/></entry></feed>"""


@pytest.mark.parametrize("feed", [RSS, ATOM])
def test_a_feed_brings_the_releases_of_its_own_host(feed: str, site: Ministry, tmp_path: Path) -> None:
    site.feed = feed.format(origin=site.origin, moment=datetime.now(UTC))
    site.spoil(1, text("<html><body><h1>외교부</h1><p>A page of unknown markup, known by its title.</p></body></html>"))
    report = collect_feed(f"{site.origin}/rss.do?brdId=302", tmp_path, pause=0.0)
    assert report.new == ("m_5676-3", "m_5676-1")
    assert [error.reason for error in report.left_out] == [
        "is no release page (.../brd/<board>/view.do?seq=...)",
        "is on example.org, neither the feed's host nor the ministry's",
    ]
    site.log.clear()
    assert collect_feed(f"{site.origin}/rss.do?brdId=302", tmp_path, pause=0.0).kept == 2
    assert list(site.asked) == ["/robots.txt", "/rss.do?brdId=302"]
    age(tmp_path, days=1)
    site.log.clear()
    collect_feed(f"{site.origin}/rss.do?brdId=302", tmp_path, pause=0.0)
    assert site.viewed == [3]  # the one whose date the feed gives as recent


def test_a_page_that_is_no_feed_stops(site: Ministry, tmp_path: Path) -> None:
    site.feed = "<html><body>Feeds have moved.</body></html>"
    with pytest.raises(CollectStopped, match="is no RSS or Atom feed"):
        collect_feed(f"{site.origin}/rss.do", tmp_path, pause=0.0)


@pytest.mark.parametrize("feed", [RSS, ATOM])
def test_a_truncated_feed_is_said_and_its_whole_entries_are_fetched(feed: str, site: Ministry, tmp_path: Path) -> None:
    whole = feed.format(origin=site.origin, moment=datetime.now(UTC)).replace("seq=1", "seq=12")
    site.feed = whole[: whole.index("seq=12") + 5]
    report = collect_feed(f"{site.origin}/rss.do", tmp_path, pause=0.0)
    assert report.new == ("m_5676-3",)
    assert [error.reason.partition(":")[0] for error in report.left_out] == ["is truncated"]


def test_a_feed_link_that_is_no_address_is_left_out(site: Ministry, tmp_path: Path) -> None:
    bad = "http://[bad/eng/brd/m_5676/view.do?seq=1"
    site.feed = RSS.replace("{origin}/eng/about.do", bad).format(origin=site.origin, moment=datetime.now(UTC))
    report = collect_feed(f"{site.origin}/rss.do", tmp_path, pause=0.0)
    assert report.new == ("m_5676-3", "m_5676-1")
    assert report.left_out[0].origin == bad


@pytest.mark.parametrize("moment", ["Sat, 01 Jan 0001 10:00:00 +0900", "Fri, 31 Dec 9999 23:00:00 GMT"])
def test_a_feed_date_that_cannot_be_is_none(moment: str, site: Ministry, tmp_path: Path) -> None:
    site.feed = re.sub("<pubDate>.*</pubDate>", f"<pubDate>{moment}</pubDate>", RSS).format(origin=site.origin)
    assert collect_feed(f"{site.origin}/rss.do", tmp_path, pause=0.0).new == ("m_5676-3", "m_5676-1")


def test_a_feed_obeys_robots(site: Ministry, tmp_path: Path) -> None:
    site.robots = "User-agent: *\nDisallow: /rss.do"
    with pytest.raises(CollectStopped, match=r"is forbidden by robots\.txt"):
        collect_feed(f"{site.origin}/rss.do", tmp_path, pause=0.0)


# Telling


def test_progress_gets_one_line_a_release_and_the_summary_counts_them(site: Ministry, tmp_path: Path) -> None:
    site.spoil(1, status(404))
    lines: list[str] = []
    report = fetch(site, tmp_path, progress=lines.append)
    origin = f"{site.origin}/eng/brd/m_5676/view.do?seq=1"
    assert lines == ["m_5676-3 new", "m_5676-2 new", f"left out: {origin}: answers 404: the site no longer has it"]
    assert report.summary().split("\n") == [
        "new        2",
        "changed    0",
        "unchanged  0",
        "kept       0",
        "left out   1; the same command tries them again",
        f"  {origin}: answers 404: the site no longer has it",
    ]

from __future__ import annotations

from qa.series import series
from tests.conftest import needs_official, official_releases, release_of
from tests.library import index_of

HARBOUR = "The two sides agreed to widen the harbour of Busan."
WHALES = "Minister Han condemned the hunting of whales."
TEA = "Both ministers tasted nine kinds of tea."


def series_of(given: int, *titled: str) -> list[int]:
    """The places among `titled` that are of the series of the given one; they are a year apart each."""
    releases = [
        release_of(f"They met. Item {at}.", title=title, date=f"{2000 + at}-03-01", name=str(at))
        for at, title in enumerate(titled)
    ]
    return [int(key) for key in series(index_of(releases), str(given))]


def test_meetings_with_one_counterpart_are_a_series_whatever_the_country_and_they_are_called() -> None:
    titles = (
        "Outcome of ROK-China Foreign Ministers’ Meeting",
        "Outcome of Korea-China Foreign Ministers’ Virtual Meeting",
        "Outcome of Korea-Japan Foreign Ministers’ Meeting",
        "Outcome of Korea-Japan-China Trilateral Foreign Ministers’ Meeting",
        "Outcome of Korea-China Foreign Ministers’ Telephone Conversation",
        "Foreign Minister Meets with his Chinese Counterpart on the Sidelines of a Conference in Japan",
        "Vice Minister Kim Dohyun Meets with Chinese Ambassador",
        "Outcome of Korea-China Foreign Ministers’ Meeting (November 26)",
    )
    assert series_of(0, *titles) == [0, 1, 5, 7]
    assert series_of(7, *titles) == [0, 1, 5, 7]
    assert series_of(2, *titles) == [2]
    assert series_of(4, *titles) == [4]
    assert series_of(6, *titles) == [6]


def test_calls_with_one_minister_are_a_series_though_only_some_titles_name_him() -> None:
    titles = (
        "Telephone Conversation between Minister of Foreign Affairs Han Areum and Foreign Minister of Kenya Abel Otieno",
        "Outcome of Korea-Kenya Foreign Ministers’ Telephone Conversation (March 17)",
        "Telephone Conversation between Minister of Foreign Affairs Han Areum and Foreign Minister of Peru Ana Quispe",
    )
    assert series_of(0, *titles) == [0, 1]


def test_speeches_are_a_series_by_their_occasion_and_not_by_their_speaker() -> None:
    titles = [f"Opening Remarks by H.E. Han Areum, Minister of Foreign Affairs, for {name}" for name in ("Robotex", "Treehall")]
    assert series_of(0, *titles, titles[0].replace("Opening", "Closing")) == [0, 2]


def test_countries_that_begin_alike_are_not_one() -> None:
    titles = [f"Outcome of Korea-{country} Foreign Ministers’ Meeting" for country in ("Iran", "Iraq", "Austria", "Australia")]
    assert [series_of(at, *titles) for at in range(4)] == [[0], [1], [2], [3]]


def test_a_month_in_two_titles_makes_no_series() -> None:
    titles = [
        f"Outcome of Korea-{country} Foreign Ministers’ Meeting (March {day})" for country, day in (("Kenya", 3), ("Peru", 9))
    ]
    assert [series_of(at, *titles) for at in range(2)] == [[0], [1]]


def test_a_name_that_many_titles_have_makes_no_series() -> None:
    others = ("Tonga", "Samoa", "Ghana", "Nepal")
    titles = [f"President Alder’s Call with {others[at % 4]}" for at in range(20)]
    assert series_of(3, *titles) == [3, 7, 11, 15, 19]
    assert series_of(40, *titles, *titles, "President Alder’s Call") == [40]


def test_what_is_held_again_and_again_is_a_series_by_its_name() -> None:
    titles = (
        "The 203rd ROK-U.S. SOFA Joint Committee (Joint Press Release)",
        "3rd ROK-U.S. Senior Economic Dialogue Held",
        "The 204th ROK-U.S. SOFA Joint Committee (Joint Press Release)",
        "4th ROK-U.S. Senior Economic Dialogue Held",
    )
    assert series_of(0, *titles) == [0, 2]
    assert series_of(3, *titles) == [1, 3]


def test_titles_without_a_name_are_a_series_only_where_they_are_the_same() -> None:
    titles = ("Spokesperson's Press Briefing (May 2, 2022)", "Spokesperson's Press Briefing (June 3, 2023)")
    assert series_of(0, *titles) == [0, 1]
    assert series_of(0, "한중 외교장관회담 개최", "한일 외교장관회담 개최", "한중 외교장관회담 개최") == [0, 2]


def test_statements_on_one_conflict_are_a_series_though_their_titles_share_no_name() -> None:
    releases = [
        release_of(text, title=f"MOFA Spokesperson’s Statement on {topic}", date=f"2023-0{at + 1}-01", name=str(at))
        for at, (topic, text) in enumerate(
            (
                ("the Attack against Ruritania", "The attacks on Ruritania from Strelsau must end."),
                ("Ceasefire Agreement in Strelsau", "We welcome the ceasefire agreement."),
                ("Killing of Civilians in Syldavia", "Killing civilians is a crime."),
            )
        )
    ]
    index = index_of(releases)
    assert [series(index, key) for key in "012"] == [("0", "1"), ("0", "1"), ("2",)]


def test_a_release_published_twice_stands_once_in_its_series_and_the_one_given_is_the_one() -> None:
    titles = ["Outcome of Korea-Kenya Foreign Ministers’ Meeting"] * 3
    copies = [
        release_of(f"{HARBOUR} {TEA} {WHALES}", title=title, date=day, name=str(at))
        for at, (title, day) in enumerate(zip(titles, ("2024-01-16", "2024-01-17", "2025-01-17"), strict=True))
    ]
    index = index_of(copies)
    assert [series(index, key) for key in "012"] == [("0", "2"), ("1", "2"), ("0", "2")]  # a year on it is a position held


def test_a_release_without_a_date_comes_last_in_its_series() -> None:
    titles = ["Outcome of Korea-Kenya Foreign Ministers’ Meeting"] * 2
    undated = release_of(HARBOUR, title=titles[0], name="0")
    assert series(index_of([undated, release_of(TEA, title=titles[1], date="2024-01-17", name="1")]), "0") == ("1", "0")


@needs_official
def test_official_statements_on_one_war_are_a_series() -> None:
    index = index_of(official_releases().values())
    ukraine = tuple(f"m_5676-{seq}" for seq in (321999, 322002, 322028, 322093, 322155))
    assert [series(index, key) for key in ukraine] == [ukraine] * 5
    gaza = tuple(f"m_5676-{seq}" for seq in (322297, 322311, 322340, 322359, 322586, 322734, 322929))
    assert series(index, "m_5676-322297") == gaza
    assert series(index, "m_5674-321164") == (*gaza[:-1], "m_5674-321164")  # its twin left out

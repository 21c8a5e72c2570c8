"""Releases that introduce the ministers of invented talks, for the tests of who says what."""

from __future__ import annotations

from hypothesis import strategies as st

from qa.release import Release
from qa.speakers import Speakers
from tests.conftest import release_of

BOARD = "https://www.mofa.go.kr/eng/brd/m_5676/view.do?seq="
TITLE = "Outcome of Korea-Spain Foreign Ministers' Meeting"
MET = (
    "1. Minister of Foreign Affairs Lee Dal-ho met Marta Soler, Minister of Foreign Affairs of Spain, in Yeosu on May 3.\n"
    "2. Vice Minister of Foreign Affairs Oh Se-rin showed her the harbour.\n"
)
US_TITLE = "Readout of President Ann Hill’s Call with Prime Minister Paulo Reis of Brazil"
US = "President Ann Hill spoke today with Prime Minister Paulo Reis of Brazil. "
US_URL = "https://www.whitehouse.gov/briefing-room/hill"


def release(text: str, title: str = TITLE, url: str | None = f"{BOARD}1") -> Release:
    return release_of(text, title=title, url=url)


SPEAKERS = Speakers(
    [
        release(MET),
        release(
            "Defense Minister Kang, Mi-rae spoke. KIM Noru, Korean Ambassador to Chile, listened.",
            "Orchard Day Held",
            f"{BOARD}2",
        ),
    ]
)
US_SPEAKERS = Speakers([release(US, US_TITLE, US_URL)])

_PIECES = st.sampled_from(
    [*MET.split(), "agreed", "that", "and", ",", ".", ":", "\n", "° ", "“", "He", "said", "by", "the", "합의", "한국은"]
)
TEXTS = st.one_of(st.text(max_size=300), st.lists(_PIECES, max_size=60).map(" ".join))  # any, and such as names and tells acts

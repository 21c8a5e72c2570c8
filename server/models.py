"""What goes over HTTP: the question as it comes in, and the records as they go out, described for OpenAPI.

The records are sent as `qa` makes them. These models describe them, and a test holds the two together.
"""

from __future__ import annotations

import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Side = Literal["ours", "theirs", "both"]
Act = Literal["agreed", "condemned", "requested", "invited", "promised", "announced", "shared a view", "welcomed", "expressed",
              "discussed", "stated"]  # fmt: skip
Provenance = Annotated[Literal["official", "digest"], Field(description="`digest`: the words are not the ministry's")]
Kind = Literal["outcome", "aid", "decision", "statement", "joint statement", "speech", "briefing", "news"]
Share = Annotated[float, Field(ge=0, le=1)]
Cosine = Annotated[float, Field(ge=-1.001, le=1.001, description="-1 to 1, but for rounding")]
Day = Annotated[datetime.date | None, Field(description="day of publication, YYYY-MM-DD; null where it is unknown")]
Url = Annotated[str | None, Field(description="the official page; null where it is unknown")]
Start = Annotated[int, Field(ge=0, description="first character, counted in Unicode code points from 0")]
End = Annotated[int, Field(ge=0, description="the character after the last")]
Number = Annotated[str | None, Field(description="of the paragraph, as the ministry printed it; null where it printed none")]
Generation = Annotated[str, Field(description="the index that was read; another name after every rebuild")]


class Asking(BaseModel):
    """A question, what was asked before it, and filters."""

    model_config = ConfigDict(extra="forbid")

    question: str = Field(description="in English or Korean; 1 to 2,000 characters, white space folded", examples=["What did \
Korea and China agree on supply chains?"])  # fmt: skip
    k: int = Field(5, ge=1, le=100, description="passages to return, at most")
    history: list[str] = Field([], description="the questions before this one, oldest first")
    since: str | None = Field(None, description="only releases of this day or later, YYYY-MM-DD", examples=["2023-10-01"])
    until: str | None = Field(None, description="only releases of this day or earlier, YYYY-MM-DD")
    speaker: str | None = Field(None, description="only passages in which this person, or this country's government, speaks")
    side: Side | None = Field(None, description="only what this side says; `ours` is the publishing government's")
    act: Act | None = Field(None, description="only passages with such an act")
    today: datetime.date | None = Field(None, description='what "last year" counts from; by default the day it is')


class Quote(BaseModel):
    """A sentence that answers: `text` is `text[start:end]` of its hit."""

    text: str
    start: Start
    end: End
    speaker: str | None
    side: Side | None
    act: Act | None
    to: str | None = Field(description="whom it is said to, where the release tells")


class Scores(BaseModel):
    """What a score was made of."""

    late: Cosine
    words: Share
    dense: Cosine


class Hit(BaseModel):
    """A passage, verbatim: `text` is `text[start:end]` of its release."""

    rank: int = Field(ge=1, description="1 is nearest")
    release_id: str
    passage_id: str
    title: str
    date: Day
    url: Url
    provenance: Provenance
    kind: Kind
    paragraph: Number
    text: str
    start: Start
    end: End
    quotes: list[Quote]
    score: Share = Field(description="higher is nearer; comparable within one answer only")
    scores: Scores
    also: list[str] = Field(description="ids of releases that published the same passage")
    permalink: str = Field(description="names the passage for good, for `/passages/{id}`")


class Asked(BaseModel):
    """Whose words, or what act, a question is about."""

    speaker: str | None
    side: Side | None
    act: Act | None


class Period(BaseModel):
    """The days a question is about, both included, null where open."""

    said: str = Field(description="the question's words for it")
    since: datetime.date | None
    until: datetime.date | None
    latest: bool
    binds: bool = Field(description="whether releases of other days were left out; else they only come later")
    dated_by: str | None = Field(description="id of the release that tells the day of an event")


class Understood(BaseModel):
    """What was made of the question."""

    searched: str
    carried: str | None = Field(description="the earlier question that this one leans on")
    since: datetime.date | None
    until: datetime.date | None
    said: Asked | None = Field(description="the filters on who speaks and how")
    period: Period | None
    asked: Asked | None = Field(description="whose act the words ask for; it orders, and leaves nothing out")
    development: bool = Field(description="whether the question is about what changed through time")


class Answer(BaseModel):
    """The passages nearest to the question, and whether they answer it; where `answered` is false they are only the nearest."""

    question: str
    answered: bool
    confidence: Share = Field(description="calibrated probability that a passage shown answers")
    reason: str | None = Field(description="why there is no answer, in words; null where there is one")
    why: Literal["nothing within the filters", "no release of this time", "something is missing", "nothing near"] | None
    missing: list[str] = Field(description="words of the question that no release, or none of the nearest passages, mentions")
    understood: Understood
    hits: list[Hit] = Field(description="nearest first")
    in_time: list[int] = Field(description="ranks in the order of the dates, unknown ones last")
    generation: Generation


class Summary(BaseModel):
    """A release without its text."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    title: str
    date: Day
    url: Url
    provenance: Provenance
    kind: Kind


class Part(BaseModel):
    """`text[start:end]` of the release; `of` is the place, from 0, of the part in its paragraph that it stands under."""

    model_config = ConfigDict(from_attributes=True)

    kind: Literal["text", "point", "dash", "note"]
    start: Start
    end: End
    of: int | None


class Paragraph(BaseModel):
    """An outcome paragraph: `text[start:end]` of the release."""

    model_config = ConfigDict(from_attributes=True)

    number: Number
    start: Start
    end: End
    parts: list[Part]


class Release(Summary):
    """A release as it was read."""

    date_source: Literal["stated", "title", "weekday", "years mentioned", "unknown"] = Field(
        description="`stated`: the day of publication; else it was inferred of the event's"
    )
    board: str | None
    subtitle: str | None
    text: str
    paragraphs: list[Paragraph]


class ReleaseReply(Release):
    generation: Generation


class Releases(BaseModel):
    """One page of the releases, in the order of their ids; `total` counts all."""

    releases: list[Summary]
    total: int = Field(ge=0)
    generation: Generation


class Passage(BaseModel):
    """A passage by its id, or what a permalink cites, as it read then."""

    release_id: str
    title: str
    date: Day
    url: Url
    provenance: Provenance
    text: str
    until: datetime.datetime | None = Field(description="when the text was changed or removed; null where it still stands")
    permalink: str
    generation: Generation


class Sentence(BaseModel):
    """`text[start:end]` of its release."""

    release_id: str
    passage_id: str
    paragraph: Number
    text: str
    start: Start
    end: End


class Pair(BaseModel):
    """A sentence of each release that say the same, or one that has none."""

    change: Literal["new", "repeated", "dropped"]
    earlier: Sentence | None
    later: Sentence | None
    likeness: Share = Field(description="1 for the same words, 0 where there is only one sentence")


class Comparison(BaseModel):
    """Every sentence of two releases, in the order of the later one, what was dropped after what it stood after."""

    earlier_id: str
    earlier_title: str
    earlier_date: Day
    earlier_provenance: Provenance
    later_id: str
    later_title: str
    later_date: Day
    later_provenance: Provenance
    pairs: list[Pair]
    generation: Generation


class Health(BaseModel):
    """The process is up."""

    status: Literal["ok"]


class Ready(BaseModel):
    """There is an index to answer from; `fault` says why a later one could not be taken up, null where none came or all went
    well."""

    model: str
    releases: int = Field(ge=0)
    passages: int = Field(ge=0)
    fault: str | None
    generation: Generation


class Invalid(BaseModel):
    where: str = Field(description="the place in the request", examples=["body.k"])
    what: str


class Problem(BaseModel):
    """An error, as RFC 9457 has it."""

    type: str = Field(
        description="`about:blank`, or urn:release-qa: and the name of the error", examples=["urn:release-qa:bad-question"]
    )
    title: str
    status: int = Field(ge=400, le=599)
    detail: str = Field(description="what is wrong, and the way out")
    request_id: str = Field(description="as in the header X-Request-ID, and in the server's log")
    errors: list[Invalid] = Field(description="the places of the request that are not as they should be")

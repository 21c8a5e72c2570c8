"""A request: a question as a reader asks it, with filters and without what the reader sets aside; also a link's parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

from qa import Options, Question, Retriever

Aside = Literal["period", "asked"]  # what was understood that can be set aside
_FILTERS = ("since", "until", "speaker", "side", "act")


@dataclass(frozen=True, slots=True)
class Request:
    """`history` is the questions before it, oldest first; days are YYYY-MM-DD. `aside` is not used though it was understood."""

    text: str
    history: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None
    speaker: str | None = None
    side: str | None = None
    act: str | None = None
    aside: frozenset[Aside] = frozenset()

    @property
    def filters(self) -> dict[str, str]:
        """The filters that are set, by name."""
        return {name: value for name in _FILTERS if (value := getattr(self, name))}

    def understood(self, retriever: Retriever) -> Question:
        """The question that is asked. Raises `BadQuestion` for one that cannot be."""
        more = Options(**{"history": self.history, **self.filters})  # type: ignore[typeddict-item]
        question = retriever.understand(self.text, **more)
        return replace(
            question,
            period=None if "period" in self.aside else question.period,
            asked=None if "asked" in self.aside else question.asked,
        )

    def parameters(self, carried: str | None) -> dict[str, str]:
        """What a link needs to ask it again; `carried` is the earlier question that it leans on."""
        found = {"q": self.text, **self.filters}
        if carried:
            found["after"] = carried
        if self.aside:
            found["aside"] = " ".join(sorted(self.aside))
        return found


def request_from(parameters: Mapping[str, str]) -> Request | None:
    """The request that a link holds; None where it holds no question."""
    if not parameters.get("q", "").strip():
        return None
    known: frozenset[Aside] = frozenset(each for each in get_args(Aside) if each in parameters.get("aside", "").split())
    history = (parameters["after"],) if parameters.get("after") else ()
    filters = {name: parameters[name] for name in _FILTERS if parameters.get(name)}
    return replace(Request(parameters["q"], history, aside=known), **filters)  # type: ignore[arg-type]

"""When the passages of an index were published, and of which days their releases speak: one array operation a question."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from qa.passages import Passage
from qa.period import MENTIONED, PUBLISHED, Period
from qa.release import Release

_UNKNOWN = np.iinfo(np.int32).min // 2  # before any day: outside every bound


class Timeline:
    """Row i speaks of passage i; days are counted as `datetime.date.toordinal` does."""

    def __init__(self, passages: Sequence[Passage], releases: Mapping[str, Release]) -> None:
        self._release = {key: at for at, key in enumerate(releases)}
        self._row = np.array([self._release[passage.release_id] for passage in passages], dtype=np.int64)
        days = [_UNKNOWN if release.date is None else release.date.toordinal() for release in releases.values()]
        self._published = np.array(days, dtype=np.int32)
        pairs = [(at, day.toordinal()) for at, each in enumerate(releases.values()) for day in each.days]
        self._speaking, self._mentioned = np.array(pairs, dtype=np.int32).reshape(-1, 2).T

    @property
    def span(self) -> tuple[datetime.date, datetime.date] | None:
        """First and last day of publication; None where no release has one."""
        known = self._published[self._published > _UNKNOWN]
        return (_day(known.min()), _day(known.max())) if len(known) else None

    def within(self, since: datetime.date | None, until: datetime.date | None) -> npt.NDArray[np.int64]:
        """The rows published from `since` to `until`, both included; one of unknown date lies in no bounds."""
        return np.flatnonzero(self._between(self._published, since, until)[self._row])

    def fit(self, period: Period) -> npt.NDArray[np.float32]:
        """(n,): 1 for a row published within the period, 0.5 for one that speaks of a day within it, else 0."""
        if period.since is None and period.until is None:
            return np.full(len(self._row), PUBLISHED, dtype=np.float32)
        fit = np.zeros(len(self._published), dtype=np.float32)
        fit[self._speaking[self._between(self._mentioned, period.since, period.until)]] = MENTIONED
        fit[self._between(self._published, period.since, period.until)] = PUBLISHED
        return fit[self._row]

    def age(self, period: Period) -> npt.NDArray[np.float32]:
        """(n,): 0 for the latest day of publication within the period to 1 for the first; 1 outside it."""
        inside = self._between(self._published, period.since, period.until)
        days = np.unique(self._published[inside])
        age = np.ones(len(self._published), dtype=np.float32)
        age[inside] = 1 - np.searchsorted(days, self._published[inside]) / max(len(days) - 1, 1)
        return age[self._row]

    def _between(
        self, days: npt.NDArray[np.int32], since: datetime.date | None, until: datetime.date | None
    ) -> npt.NDArray[np.bool_]:
        first = since.toordinal() if since else _UNKNOWN + 1
        last = until.toordinal() if until else np.iinfo(np.int32).max
        return (days >= first) & (days <= last)


def _day(ordinal: np.int32) -> datetime.date:
    return datetime.date.fromordinal(int(ordinal))

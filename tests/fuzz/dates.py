"""Any text has dates, or none: `python tests/fuzz/dates.py -max_total_time=300`."""

import datetime
import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

with atheris.instrument_imports(include=["qa"]):
    from qa.dates import days_in, infer_date, mentions, parse_date
    from qa.period import find_period
    from tests.fuzz.pieces import text_of


def one(data: bytes) -> None:
    provider = atheris.FuzzedDataProvider(data)
    day = datetime.date.fromordinal(provider.ConsumeIntInRange(1, datetime.date.max.toordinal()))
    text = text_of(provider, 60)
    for mention in mentions(text):
        assert 1 <= mention.month <= 12
        assert 1 <= mention.day <= 31
    parse_date(text)
    infer_date(text[:50], text)
    days_in(text, day)
    period = find_period(text, day)
    assert period is None or period.said in text
    if period is not None:
        period.record()


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()

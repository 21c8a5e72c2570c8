"""What the command line prints: answers, comparisons, releases and figures as text for a terminal, and JSON on one line."""

from __future__ import annotations

import json
import math
import textwrap
from dataclasses import asdict
from typing import Any

from qa.measure import Figure


def one_line(record: dict[str, Any]) -> str:
    """The record as JSON on one line, by whatever a reader takes for the end of one; what a terminal would obey is escaped."""
    text = json.dumps(record, ensure_ascii=False)
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in text)


def answer_text(record: dict[str, Any]) -> str:
    """An answer for a terminal: each quote marked with », every line wrapped, control characters left out."""
    lines = [f"\n{record['question']}"]
    if not record["answered"]:
        lines.append(f"No release answers this: {record['reason']}" + (" Nearest:" if record["hits"] else ""))
    hits = {hit["rank"]: hit for hit in record["hits"]}
    for rank in record["in_time"] if record["understood"]["development"] else hits:
        lines += ["", *_hit_lines(hits[rank], f"{rank}.")]
    return printable("\n".join(lines))


def standing_line(record: dict[str, Any]) -> str:
    """A standing question on a line."""
    reported = f"last looked at {record['reported']}" if record["reported"] else "not looked at yet"
    return printable(f"{record['number']}. {record['text']} (since {record['since']}, {reported})")


def standing_text(record: dict[str, Any]) -> str:
    """A report on a standing question for a terminal: what newly answers it, or from when on that is told."""
    lines = [f"\n{record['number']}. {record['question']}"]
    if record["first"]:
        lines.append(
            f"   The {record['releases']} releases that are there now count as known; the next report tells what is new."
        )
    elif not record["news"]:
        lines.append(f"   Nothing new since {record['reported']}.")
    for news in record["news"]:
        lines += ["", *_hit_lines(news, f"{news['change']}:")]
    return printable("\n".join(lines))


def _hit_lines(hit: dict[str, Any], mark: str) -> list[str]:
    """A hit in lines: title, date and paragraph, the passage with its quotes marked, and the link."""
    paragraph = f", paragraph {hit['paragraph']}" if hit["paragraph"] else ""
    whose = " [digest, not the ministry's words]" if hit["provenance"] == "digest" else ""
    acts = [f"{quote['speaker']} {quote['act']}" for quote in hit["quotes"] if quote["speaker"] and quote["act"]]
    said = ", ".join(dict.fromkeys(acts))
    lines = [f"{mark} {hit['title']} ({hit['date'] or 'date unknown'}{paragraph}){f' {said}' if said else ''}{whose}"]
    text = hit["text"]
    for quote in sorted(hit["quotes"], key=lambda quote: -quote["start"]):
        text = f"{text[: quote['start']]}»{quote['text']}«{text[quote['end'] :]}"
    lines += [textwrap.fill(line, 100, initial_indent="   ", subsequent_indent="   ") for line in text.split("\n")]
    if hit["also"]:
        lines.append(f"   also published as {', '.join(hit['also'])}")
    if hit["url"]:
        lines.append(f"   {hit['url']}")
    return lines


def comparison_text(record: dict[str, Any]) -> str:
    """A comparison for a terminal: + new, - dropped, = repeated."""
    signs = {"new": "+", "dropped": "-", "repeated": "="}
    lines = [f"{sign} {what}" for what, sign in signs.items()]
    for side in ("earlier", "later"):
        whose = " [digest, not the ministry's words]" if record[f"{side}_provenance"] == "digest" else ""
        lines.append(f"\n{side}: {record[f'{side}_title']} ({record[f'{side}_date'] or 'date unknown'}){whose}")
    lines.append("")
    for pair in record["pairs"]:
        texts = [pair[side]["text"] for side in ("later", "earlier") if pair[side]]
        lines.append(textwrap.fill(texts[0], 100, initial_indent=f"{signs[pair['change']]} ", subsequent_indent="  "))
        if texts[1:] and texts[1] != texts[0]:
            lines.append(textwrap.fill(f"earlier: {texts[1]}", 100, initial_indent="    ", subsequent_indent="    "))
    return printable("\n".join(lines))


def report_text(record: dict[str, Any]) -> str:
    """A rebuild's report: what was left out and why, what changed, and the count."""
    lines = [on_one_line(f"left out {each['origin']}: {each['reason']}") for each in record["left_out"]]
    for name in ("new", "changed", "removed"):
        ids = record[name]
        if ids and len(ids) < record["releases"]:  # not of a first build
            lines.append(f"{name}: {', '.join(ids[:10])}{f' and {len(ids) - 10} more' if len(ids) > 10 else ''}")
    others = ", the others taken over from the index before" if record["encoded"] < record["passages"] else ""
    lines.append(f"{record['encoded']} passages encoded{others}")
    counts = f"{record['releases']} releases, {record['passages']} passages, {len(record['left_out'])} left out"
    lines.append(f"{counts} -> {record['index']}")
    return printable("\n".join(lines))


def cited_text(record: dict[str, Any]) -> str:
    """A release or a passage of it, as it was cited."""
    whose = " [digest, not the ministry's words]" if record["provenance"] == "digest" else ""
    until = f" [as it read until {record['until']}]" if record["until"] else ""
    lines = [f"\n{record['title']} ({record['date'] or 'date unknown'}){whose}{until}"]
    lines += [textwrap.fill(line, 100, initial_indent="   ", subsequent_indent="   ") for line in record["text"].split("\n")]
    lines += [f"   {record[name]}" for name in ("url", "permalink") if record[name]]
    return printable("\n".join(lines))


def finding_text(record: dict[str, Any]) -> str:
    """One finding of the doctor on a line, its remedy on the next."""
    line = f"{'ok   ' if record['ok'] else 'FAULT'} {record['check']:<14}{record['detail']}"
    return printable(line if record["ok"] else f"{line}\n      -> {record['remedy']}")


def on_one_line(text: str) -> str:
    """The text without line breaks, and printable: a file may be called by a name of several lines."""
    return printable(" ".join(text.split()))


def printable(text: str) -> str:
    """The text without control characters, which a terminal would obey."""
    return "".join(char for char in text if char == "\n" or char.isprintable())


def figure_record(figure: Figure) -> dict[str, float | None]:
    """A figure as JSON has it, where a value that is none is null."""
    return {name: None if math.isnan(value) else value for name, value in asdict(figure).items()}


def figures_table(table: dict[str, dict[str, Figure]]) -> str:
    """One block a kind of question: figure, value, interval, and how many questions it rests on."""
    lines = []
    for kind, row in table.items():
        lines.append(f"{kind}")
        for name, figure in row.items():
            form = ".0f" if name.endswith(" ms") else ".3f"
            lines.append(f"  {name:<28}{figure.value:>8{form}}  [{figure.low:{form}}, {figure.high:{form}}]  n={figure.count}")
    return "\n".join(lines)

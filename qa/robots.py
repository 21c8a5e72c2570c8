"""Rules: what a site's robots.txt lets this project fetch, and how fast."""

from __future__ import annotations

import re

from protego import Protego

AGENT = "release-qa"  # the name robots.txt would address us by
_FIELD = re.compile(r"(?:user-?agent|(?:dis)?allow|sitemap|crawl-delay|request-rate|host)\s*:", re.IGNORECASE)


def read_rules(text: str) -> Protego | None:
    """robots.txt as rules, None if it is something else: not one line of it a rule. One that is empty forbids nothing."""
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    if text.lstrip().startswith("<") or (any(lines) and not any(_FIELD.match(line) for line in lines)):
        return None
    return Protego.parse("\n".join(_plain(line) for line in lines))


def _plain(line: str) -> str:
    """A line of robots.txt as Protego takes it: agents without a version and by their whole name, paths from the root."""
    field, _, value = (part.strip() for part in line.partition(":"))
    if field.lower() in ("user-agent", "useragent"):
        token = re.split(r"[^\w*-]", value, maxsplit=1)[0].lower()
        name = token.strip("*")
        return f"user-agent: {AGENT if name == AGENT else '*' if token and not name else 'other'}"
    if field.lower() in ("allow", "disallow") and re.match("[^/*$]", value):
        return f"{field}: /{value}"
    return line

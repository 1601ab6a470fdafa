"""The server tool ``web_search`` (WIRE.md section 4), when it is used and what it finds; and what ``/search`` finds.

The emulator reaches no network. What it finds are entries that say so, under addresses which do not exist.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote

from stepfun_emulator.answerer.answer import Search
from stepfun_emulator.answerer.material import topic
from stepfun_emulator.answerer.reading import words

_CURRENT = re.compile(
    r"\b(?:latest|newest|recent(?:ly)?|current(?:ly)?|today'?s?|this (?:week|month|year)|right now|up.to.date|"
    r"who (?:won|is)|when (?:is|was|did)|search|look up|google|online|internet|news|web)\b|"
    r"最新|最近|目前|今天|今年|新闻|搜索|搜一下|查一下|上网|联网|互联网|谁是|什么时候",
    re.IGNORECASE,
)
_FOUND = 3

CATEGORIES = ("programming", "research", "gov", "business")  # of ``POST /search``


def wants_search(question: str) -> bool:
    """Whether a question is about news or current facts, or asks for a search."""
    return _CURRENT.search(question) is not None or bool(words(question) & {"#news", "#search"})


def search(question: str) -> Search:
    """A search that was made: its call and its results."""
    query = topic(question)
    results = [
        {
            "index": at,
            "url": f"https://search.stepfun-emulator.invalid/{at}?q={quote(query)}",
            "title": f"{query} ({at})",
            "summary": f"Made-up result {at} for “{query}”: the StepFun emulator has no network and searched nothing.",
        }
        for at in range(1, _FOUND + 1)
    ]
    return Search(json.dumps({"query": query}, ensure_ascii=False), results)


def pages(query: str, n: int, category: str) -> list[dict[str, Any]]:
    """What a search of the web finds; the same for the same question."""
    host = f"{category or 'web'}.stepfun-emulator.invalid"
    said = f"for “{query}”: the StepFun emulator has no network and searched nothing."
    return [
        {
            "url": f"https://{host}/{at}?q={quote(query)}",
            "position": at,
            "title": f"{query} ({at})",
            "time": "2026-01-01T00:00:00Z",
            "snippet": f"Made-up result {at} {said}",
            "content": f"Made-up page {at} {said} A real page would have its whole text here.",
        }
        for at in range(1, n + 1)
    ]

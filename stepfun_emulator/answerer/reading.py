"""Reading words: what a text is about, in a form in which a question and a tool can be compared.

English words are cut to a rough stem, Chinese text to pairs of characters, and words that mean much the same in either
language share a concept (written ``#weather``), so that 天气 finds ``get_forecast``.
"""

from __future__ import annotations

import itertools
import re
from functools import lru_cache

from stepfun_emulator.answerer.vocabulary import CONCEPTS, STOP, STOP_PAIRS

_WORD = re.compile(r"[A-Za-z]+|\d+(?:\.\d+)?|[一-鿿]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def stem(word: str) -> str:
    """A rough English stem: enough for *sales* to meet *sale* and *multiplying* to meet *multiply*."""
    word = word.lower()
    for ending, least in _ENDINGS:
        if word.endswith(ending) and not word.endswith("ss") and len(word) >= len(ending) + least:
            word = word[: -len(ending)]
            break
    return word[:-1] if word.endswith(("e", "y")) and len(word) > _SHORTEST else word


# Endings, and what must be left of a word without them.
_ENDINGS = (
    ("ations", 4),
    ("ation", 4),
    ("ings", 3),
    ("ing", 3),
    ("ies", 2),
    ("ers", 3),
    ("er", 4),
    ("ed", 3),
    ("s", 3),
)
_SHORTEST = 3

_BY_STEM: dict[str, set[str]] = {}
_BY_CHINESE: list[tuple[str, str]] = []
for _concept, _triggers in CONCEPTS.items():
    for _trigger in _triggers:
        if _trigger.isascii():
            _BY_STEM.setdefault(stem(_trigger), set()).add(f"#{_concept}")
        else:
            _BY_CHINESE.append((_trigger, f"#{_concept}"))


@lru_cache(maxsize=4096)
def words(text: str) -> frozenset[str]:
    """What a text is about: stems, pairs of Chinese characters and concepts, without the words that say nothing."""
    found: set[str] = set()
    for token in _WORD.findall(_CAMEL.sub(" ", text.replace("_", " "))):
        if token[0] >= "一":
            found.update(pair for pair in map("".join, itertools.pairwise(token)) if pair not in STOP_PAIRS)
        elif token.lower() not in STOP:
            root = stem(token)
            found.add(root)
            found |= _BY_STEM.get(root, set())
    found.update(concept for trigger, concept in _BY_CHINESE if trigger in text)
    return frozenset(found)


def sentences(text: str) -> list[str]:
    """The sentences of a text, without the space around them."""
    return [part.strip() for part in re.split(r"(?<=[.!?])\s+|(?<=[。！？])|\n+", text) if part.strip()]

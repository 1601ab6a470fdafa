"""Where sentences end: a voice pauses there, and recognition says so."""

from __future__ import annotations

import re

# A full stop ends a sentence only before a space: 3.14 and stepfun.com go on.
_SENTENCE = re.compile(r".*?(?:[。！？!?…\n]+|\.+(?=\s|[\"'”’)）\]】]|$))[\"'”’」』)）\]】]*\s*", re.DOTALL)
_CLAUSE = re.compile(r"[，、；：,;:]\s*|\s+")


def split_sentences(text: str) -> list[str]:
    """The sentences of a text, each with the spaces after it: joined they are the text again."""
    found, at = [], 0
    while at < len(text):
        match = _SENTENCE.match(text, at)
        end = len(text) if match is None else match.end()
        found.append(text[at:end])
        at = end
    if len(found) > 1 and not found[0].strip():  # spaces before the first sentence belong to it
        found[:2] = [found[0] + found[1]]
    return found


def fitting(sentence: str, size: int) -> list[str]:
    """A sentence in pieces of at most ``size`` UTF-8 bytes, ended after a comma or a space where there is one."""
    pieces = []
    while len(_bytes(sentence)) > size:
        longest = _bytes(sentence)[: size - 3].decode("utf-8", "ignore") or sentence[:1]
        ends = [match.end() for match in _CLAUSE.finditer(longest)]
        end = ends[-1] if ends else len(longest)
        pieces.append(sentence[:end])
        sentence = sentence[end:]
    return [*pieces, sentence]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")

"""What of a text is spoken, and when enough of it is there to be spoken."""

from __future__ import annotations

import re

from stepfun_emulator.sound import split_sentences

_DIRECTION = re.compile(r"\([^()]*\)|（[^（）]*）")
_OPEN, _CLOSED = re.compile(r"[(（]"), re.compile(r"[)）]")
_LINK = re.compile(r"!?\[([^\]\n]*)\]\([^)\n]*\)")
_LINE_MARK = re.compile(r"^[ \t]*(?:#{1,6}|[-*+>]|\d+\.)[ \t]+|^[ \t]*(?:```[^\n]*|[-*_]{3,})[ \t]*$\n?", re.MULTILINE)
_MARK = re.compile(r"\*\*|__|~~|`|(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w)")


def spoken(text: str, *, directions: bool, markdown: bool) -> str:
    """The words of a text.

    Args:
        text: What was sent.
        directions: Leave out what stands in brackets.
        markdown: Leave out the marks of Markdown, and of links all but the words.
    """
    if markdown:
        text = _MARK.sub("", _LINE_MARK.sub("", _LINK.sub(r"\1", text)))
    while directions and (shorter := _DIRECTION.sub("", text)) != text:  # brackets stand in brackets
        text = shorter
    return text


class Waiting:
    """Text that arrives in pieces, until whole sentences of it are there.

    Args:
        directions: Whether a sentence must not end inside brackets.
    """

    def __init__(self, *, directions: bool) -> None:
        self._directions = directions
        self._text = ""

    def add(self, text: str) -> list[str]:
        """Take more text; give the sentences after which something else has already begun."""
        self._text += text
        *ready, rest = self._sentences() or [""]
        self._text = rest
        return ready

    def rest(self) -> list[str]:
        """Give all that is left: no more text belongs to it."""
        text, self._text = self._text, ""
        return [text] if text.strip() else []

    def _sentences(self) -> list[str]:
        found: list[str] = []
        open_ = False
        for sentence in split_sentences(self._text):
            if open_:
                found[-1] += sentence
            else:
                found.append(sentence)
            open_ = self._directions and len(_OPEN.findall(found[-1])) > len(_CLOSED.findall(found[-1]))
        return found

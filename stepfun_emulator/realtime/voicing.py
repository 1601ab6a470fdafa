"""Words into pieces of speech, each with the words that it begins."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from stepfun_emulator import sound
from stepfun_emulator.sound.sentences import fitting

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIECE = 2 * round(0.15 * sound.RATE)  # bytes
_AT_ONCE = 240  # bytes of text that are spoken at once: some seconds of sound
_WORD = re.compile(r"\s*(?:[^\s㐀-鿿]+|[㐀-鿿][^\s\w]*)\s*")


class Piece(NamedTuple):
    """What a delta or two carry."""

    words: str
    sound: bytes


def words_of(text: str) -> list[str]:
    """The words of a text, each with the spaces around it, or its Chinese characters: joined they are the text."""
    return _WORD.findall(text) or ([text] if text else [])


def pieces_of(text: str) -> Iterator[Piece]:
    """Say a text: made as it is taken, a sentence at a time.

    Raises:
        Refusal: What speech needs is not installed.
    """
    for sentence in sound.split_sentences(text):
        for part in fitting(sentence, _AT_ONCE):
            yield from _pieces(part)


def _pieces(text: str) -> Iterator[Piece]:
    samples, words = sound.utter(text), words_of(text)
    number = -(-len(samples) // _PIECE)
    given = 0
    for at in range(number):
        upto = len(words) if at == number - 1 else -(-len(words) * (at + 1) // number)
        yield Piece("".join(words[given:upto]), samples[at * _PIECE : (at + 1) * _PIECE])
        given = max(given, upto)

"""From timed pieces of text to words and sentences.

A stream of recognition brings pieces of any size: characters, parts of words, whole sentences (WIRE.md section 8). What
belongs to one word is put together by blanks and by writing, what belongs to one sentence by punctuation and pauses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from stepfun_client.api.transcript import Segment, Word, is_wide

PAUSE_SECONDS = 1.0
"""A silence of so many seconds ends a sentence, whatever its punctuation."""

_SENTENCE_END = re.compile(r"[.!?。！？…][\"'”’」』)）]*$")
_LETTERS = re.compile(r"\w")
_LONGEST_WIDE_WORD = 4  # characters of a Chinese word; more at once is a phrase


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of text as it came.

    Attributes:
        text: The text, blanks and all.
        start: When it begins, in seconds; None where the service does not say.
        end: When it ends.
    """

    text: str
    start: float | None = None
    end: float | None = None


def times_of(event: Any) -> tuple[float | None, float | None]:
    """Read `start_time` and `end_time`, in milliseconds, as seconds. Both 0 means that there are none.

    >>> times_of({"start_time": 250, "end_time": 1500}), times_of({"start_time": 0, "end_time": 0})
    ((0.25, 1.5), (None, None))
    """
    start, end = (event.get("start_time") or 0), (event.get("end_time") or 0)
    return (start / 1000, end / 1000) if start or end else (None, None)


def segments_of(pieces: Iterable[Piece]) -> list[Segment]:
    """Put pieces together to sentences with words; none where no piece has times."""
    segments: list[Segment] = []
    waiting: list[Piece] = []
    for word in _words(pieces):
        if waiting and _ends(waiting, word):
            segments.append(_segment(waiting))
            waiting = []
        waiting.append(word)
    if waiting and any(word.start is not None for word in waiting):
        segments.append(_segment(waiting))
    elif waiting and segments:  # the end of a sentence that came without times
        segments[-1].text += "".join(word.text for word in waiting).rstrip()
    return segments


def with_punctuation(words: Iterable[Word]) -> list[Word]:
    """Give a word the punctuation behind it, where that came as a word of its own.

    >>> with_punctuation([Word(text="Oh", start=0.1, end=0.5), Word(text="!", start=0.5, end=0.6)])
    [Word(text='Oh!', start=0.1, end=0.6)]
    """
    joined: list[Word] = []
    for word in words:
        if joined and not _LETTERS.search(word.text):
            last = joined[-1]
            joined[-1] = Word(text=last.text + word.text, start=last.start, end=word.end or last.end)
        else:
            joined.append(word)
    return joined


def _words(pieces: Iterable[Piece]) -> Iterator[Piece]:
    waiting: list[Piece] = []
    for piece in pieces:
        if waiting and piece.text and _begins_word(waiting[-1].text, piece.text):
            yield _merged(waiting)
            waiting = []
        if piece.text:
            waiting.append(piece)
    if waiting:
        yield _merged(waiting)


def _begins_word(before: str, text: str) -> bool:
    """Whether a piece begins a word, and does not go on with the one before it."""
    if text.isspace():
        return False
    if before[-1].isspace() or text[0].isspace():
        return True
    if not _LETTERS.search(text):
        return False  # punctuation belongs to what stands before it
    return is_wide(before[-1]) or is_wide(text[0])


def _merged(pieces: list[Piece]) -> Piece:
    starts = [piece.start for piece in pieces if piece.start is not None]
    ends = [piece.end for piece in pieces if piece.end is not None]
    return Piece("".join(piece.text for piece in pieces), min(starts, default=None), max(ends, default=None))


def _ends(sentence: list[Piece], following: Piece) -> bool:
    """Whether a sentence has ended before this word. One without any times waits for what has."""
    if all(word.start is None for word in sentence):
        return False
    last = sentence[-1]
    if _SENTENCE_END.search(last.text.rstrip()) or "\n" in last.text:
        return True
    return last.end is not None and following.start is not None and following.start - last.end >= PAUSE_SECONDS


def _segment(words: list[Piece]) -> Segment:
    whole = _merged(words)
    alone = all(_is_one_word(word) for word in words)
    return Segment(
        text=whole.text.strip(),
        start=whole.start,
        end=whole.end,
        words=[Word(text=word.text.strip(), start=word.start, end=word.end) for word in words] if alone else [],
    )


def _is_one_word(piece: Piece) -> bool:
    """Whether it is a word with times of its own, and not a phrase of which only the whole has them."""
    text = piece.text.strip()
    if len(text.split()) > 1 or piece.start is None:
        return False
    return len([one for one in text if is_wide(one) and _LETTERS.match(one)]) <= _LONGEST_WIDE_WORD

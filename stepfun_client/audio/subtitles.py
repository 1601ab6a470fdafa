"""Subtitles: what was said and when, cut to pieces that can be read, written as SRT or WebVTT.

A cue has at most two lines, a line about 42 Latin or 20 Chinese characters, a cue about seven seconds. Text that has
to be cut is cut behind punctuation where it can be, else between words, and never inside one that fits a line. Times
inside a segment are those of its words; where it has none, they are shared out by the length of the text.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

from stepfun_client.errors import InvalidParameterError

LINE_WIDTH = 42.0
"""Latin characters in a line; one that is written wide counts as 2.1, so that 20 of them fit."""

MOST_LINES = 2
MOST_SECONDS = 7.0
_LEAST_SECONDS = 0.001  # players pass over a cue that lasts no time

_WIDE_WIDTH = 2.1
_WIDE = r"\u2e80-\ua4cf\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef"
_OPENING = r"\u201c\u2018\u3008\u300a\u300c\u300e\u3010\uff08"
_CLOSING = r"\u3001\u3002\u3009\u300b\u300d\u300f\u3011\uff01\uff09\uff0c\uff0e\uff1a\uff1b\uff1f\u2026\u2019\u201d"
# What is never cut but where it is too long: a word, or a wide character, with the punctuation before and behind it.
_TOKEN = re.compile(rf"[{_OPENING}]*(?:[{_WIDE}]|[^\s{_WIDE}]+)[{_CLOSING}]*")
_SENTENCE_END = re.compile(r"(?:[.!?]|[。！？…])[\"'”’」』)）]*$")
_CLAUSE_END = re.compile(r"[,;:，；：、—][\"'”’」』)）]*$")


class TimedText(Protocol):
    """A text and when it is said, in seconds; None where that is not known."""

    @property
    def text(self) -> str:
        """What is said."""

    @property
    def start(self) -> float | None:
        """When it begins."""

    @property
    def end(self) -> float | None:
        """When it ends."""


class TimedSegment(TimedText, Protocol):
    """A sentence or so, and its words as far as their times are known."""

    @property
    def words(self) -> Sequence[TimedText]:
        """Its words; empty where only the whole has times."""


@dataclass(frozen=True, slots=True)
class Cue:
    """What is shown at one time.

    Attributes:
        start: When it appears, in seconds.
        end: When it goes.
        lines: One line, or two.
    """

    start: float
    end: float
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    start: float
    end: float
    spaced: bool  # whether a blank stands before it


def cues_of(segments: Sequence[TimedSegment]) -> list[Cue]:
    """Cut segments into cues, in the order of their times.

    Args:
        segments: What was said; each must have its times.

    Raises:
        InvalidParameterError: If a segment has none.
    """
    cues = [cue for segment in segments if segment.text.strip() for cue in _cues(segment)]
    return sorted(cues, key=lambda cue: cue.start)


def srt(segments: Sequence[TimedSegment]) -> str:
    """Write SubRip subtitles; see `cues_of`."""
    cues = [
        f"{number}\n{_clock(cue.start, ',')} --> {_clock(cue.end, ',')}\n" + "\n".join(cue.lines) + "\n"
        for number, cue in enumerate(cues_of(segments), start=1)
    ]
    return "\n".join(cues)


def vtt(segments: Sequence[TimedSegment]) -> str:
    """Write WebVTT subtitles; see `cues_of`."""
    cues = [
        f"{_clock(cue.start, '.')} --> {_clock(cue.end, '.')}\n" + "\n".join(map(_escaped, cue.lines)) + "\n"
        for cue in cues_of(segments)
    ]
    return "\n".join(["WEBVTT\n", *cues])


def width(text: str) -> float:
    """How much of a line a text takes.

    Example:
        >>> width("Hello"), width("\N{CJK UNIFIED IDEOGRAPH-4F60}\N{CJK UNIFIED IDEOGRAPH-597D}")
        (5.0, 4.2)
    """
    return sum(_WIDE_WIDTH if unicodedata.east_asian_width(one) in "WF" else 1.0 for one in text)


def _clock(seconds: float, point: str) -> str:
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    minutes, rest = divmod(whole, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest:02}{point}{thousandths:03}"


def _escaped(line: str) -> str:
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cues(segment: TimedSegment) -> Iterator[Cue]:
    waiting: list[_Token] = []
    for token in _tokens(segment):
        if waiting and not _fits([*waiting, token]):
            at = _best_break(waiting)
            yield _cue(waiting[:at])
            waiting = waiting[at:]
        waiting.append(token)
    if waiting:
        yield _cue(waiting)


def _tokens(segment: TimedSegment) -> Iterator[_Token]:
    text, clock = segment.text, _Clock(segment)
    said = 0  # characters that are no blanks, so far
    for match in _TOKEN.finditer(text):
        spaced = match.start() > 0 and text[match.start() - 1].isspace()
        for piece in _short(match.group()):
            yield _Token(piece, clock.begins(said), clock.ends(said + len(piece)), spaced)
            said, spaced = said + len(piece), False


def _short(word: str) -> Iterator[str]:
    """Cut what is longer than a line, as an address may be."""
    piece, taken = "", 0.0
    for character in word:
        taken += width(character)
        if taken > LINE_WIDTH:
            yield piece
            piece, taken = "", width(character)
        piece += character
    yield piece


class _Clock:
    """Says when each character of a segment is said; blanks are not counted."""

    def __init__(self, segment: TimedSegment) -> None:
        if segment.start is None or segment.end is None:
            raise InvalidParameterError(
                f"{segment.text[:40]!r} has no times, and subtitles need them: ask with timestamps=True",
                param="timestamps",
            )
        spans = [(_bare(word.text), word.start, word.end) for word in segment.words]
        timed = [(text, start, end) for text, start, end in spans if text and start is not None and end is not None]
        if "".join(text for text, _, _ in timed) != _bare(segment.text):
            timed = [(_bare(segment.text), segment.start, segment.end)]
        self._times = [(start, max(start, end)) for _, start, end in timed]
        self._sizes = [len(text) for text, _, _ in timed]
        self._begins = [0, *accumulate(self._sizes)]

    def begins(self, character: int) -> float:
        """When the character of this number begins."""
        return self._time(bisect_right(self._begins, character) - 1, character)

    def ends(self, count: int) -> float:
        """When so many characters have been said."""
        return self._time(bisect_right(self._begins, count - 1) - 1, count)

    def _time(self, span: int, character: int) -> float:
        start, end = self._times[span]
        return start + (end - start) * (character - self._begins[span]) / self._sizes[span]


def _bare(text: str) -> str:
    return "".join(text.split())


def _fits(tokens: Sequence[_Token]) -> bool:
    return len(_greedy(tokens)) <= MOST_LINES and tokens[-1].end - tokens[0].start <= MOST_SECONDS


def _best_break(tokens: Sequence[_Token]) -> int:
    """Where to cut a full cue: behind the last sentence in its later half, else the last clause, else at the end."""
    for ending in (_SENTENCE_END, _CLAUSE_END):
        for at in range(len(tokens), len(tokens) // 2, -1):
            if ending.search(tokens[at - 1].text):
                return at
    return len(tokens)


def _cue(tokens: Sequence[_Token]) -> Cue:
    start = tokens[0].start
    return Cue(start, max(tokens[-1].end, start + _LEAST_SECONDS), tuple(map(_joined, _balanced(tokens))))


def _balanced(tokens: Sequence[_Token]) -> list[Sequence[_Token]]:
    """Two lines of about the same length, where one is not enough."""
    lines = _greedy(tokens)
    if len(lines) < MOST_LINES:
        return lines
    cuts = [
        (abs(first - second), at)
        for at in range(1, len(tokens))
        if (first := width(_joined(tokens[:at]))) <= LINE_WIDTH
        and (second := width(_joined(tokens[at:]))) <= LINE_WIDTH
    ]
    at = min(cuts)[1]
    return [tokens[:at], tokens[at:]]


def _greedy(tokens: Sequence[_Token]) -> list[Sequence[_Token]]:
    """Fill line after line."""
    lines: list[Sequence[_Token]] = []
    begin, taken = 0, 0.0
    for at, token in enumerate(tokens):
        added = width(token.text) + (token.spaced and at > begin)
        if at > begin and taken + added > LINE_WIDTH:
            lines.append(tokens[begin:at])
            begin, taken, added = at, 0.0, width(token.text)
        taken += added
    return [*lines, tokens[begin:]]


def _joined(tokens: Sequence[_Token]) -> str:
    return "".join(f" {token.text}" if token.spaced and at else token.text for at, token in enumerate(tokens))

"""From samples to what was said and when: of a whole recording at once, and of a stream as it comes in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from stepfun_emulator.sound import hear, turn_detector
from stepfun_emulator.tokens import count

if TYPE_CHECKING:
    from collections.abc import Iterable

# As recorded: a word with the space before it, a Chinese character, a mark.
_WORD = re.compile(r"\s?[^\W_㐀-鿿]+|\s?[㐀-鿿]|\s+|.", re.DOTALL)
_SENTENCE_END = re.compile(r"[.!?…][\"'”’)\]]*$")
_TOKENS_A_SECOND = 25
_SILENT = 50.0  # what is nowhere louder (root mean square) says nothing
_PAUSE_MS = 160  # a sentence of the emulator's speech is followed by more silence than this, and holds none
_BEFORE = 0.3  # seconds kept before speech: it begins a little before it is noticed
_LONGEST = 180.0  # seconds; no sentence of the emulator's speech is as long


class Word(NamedTuple):
    """A word, a Chinese character or a mark, with the space before it; times in seconds."""

    text: str
    start: float
    end: float


class Utterance(NamedTuple):
    """One sentence; times in seconds."""

    text: str
    start: float
    end: float

    @property
    def words(self) -> list[Word]:
        """Its words, which joined are its text. A tone lasts as long for every byte, so the times are right."""
        total = max(len(self.text.encode("utf-8", "surrogatepass")), 1)
        found, at = [], 0
        for text in _WORD.findall(self.text):
            begin = at
            at += len(text.encode("utf-8", "surrogatepass"))
            length = self.end - self.start
            found.append(Word(text, self.start + length * begin / total, self.start + length * at / total))
        return found


@dataclass(frozen=True)
class Transcript:
    """What was heard in one recording or turn.

    Attributes:
        utterances: The sentences.
        seconds: How long the audio is.
    """

    utterances: tuple[Utterance, ...]
    seconds: float

    @property
    def text(self) -> str:
        """All that was said."""
        return "".join(utterance.text for utterance in self.utterances)

    @cached_property
    def usage(self) -> dict[str, object]:
        """The usage, as recorded: the audio is counted among the text tokens."""
        taken, given = round(self.seconds * _TOKENS_A_SECOND), count(self.text)
        return {
            "type": "tokens",
            "input_tokens": taken,
            "input_token_details": {"text_tokens": taken, "audio_tokens": 0},
            "output_tokens": given,
            "total_tokens": taken + given,
        }


def recognise(samples: bytes, rate: int) -> Transcript:
    """Hear a whole recording.

    Args:
        samples: Little-endian 16 bit mono.
        rate: Samples a second.
    """
    seconds = len(samples) / 2 / rate
    heard = joined(Utterance(*one) for one in hear(samples, rate))
    if not heard and turn_detector(rate, level=_SILENT).feed(samples):
        heard = [foreign(0.0, seconds)]
    return Transcript(tuple(heard), seconds)


def foreign(start: float, end: float) -> Utterance:
    """What is said of audio that the emulator did not make; times in seconds."""
    said = f"[The emulator hears only its own speech. This is {end - start:.1f} seconds of other audio.]"
    return Utterance(said, start, end)


def joined(utterances: Iterable[Utterance], before: Utterance | None = None) -> list[Utterance]:
    """Sentences with the space between two of them at the beginning of the second, and none around all of them.

    Args:
        utterances: The sentences as they were heard.
        before: What was heard before them.
    """
    found: list[Utterance] = []
    for utterance in utterances:
        text = utterance.text.strip()
        if text:
            found.append(utterance._replace(text=_space(before, text) + text))
            before = utterance
    return found


def _space(before: Utterance | None, text: str) -> str:
    """What parts two sentences: what was heard, or a space where they were spoken apart and their script has any."""
    if before is None:
        return ""
    heard = before.text[len(before.text.rstrip()) :]
    return heard or (" " if _SENTENCE_END.search(before.text) and text.isascii() else "")


class Listener:
    """Hears a stream of samples: gives each sentence once it is over, and keeps no more than the present one.

    Args:
        rate: Samples a second.
    """

    def __init__(self, rate: int) -> None:
        self.noise = False  # whether there was anything to hear since the last flush
        self._rate = rate
        self._pauses = turn_detector(rate, level=_SILENT, silence_ms=_PAUSE_MS)
        self._kept = bytearray()
        self._first = 0  # the number of the first sample kept

    @property
    def seconds(self) -> float:
        """Where in the stream it is."""
        return (self._first + len(self._kept) // 2) / self._rate

    def feed(self, samples: bytes) -> list[Utterance]:
        """Take the next samples, little-endian 16 bit mono; give the sentences that are over."""
        self._kept += samples
        edges = self._pauses.feed(samples)
        self.noise = self.noise or bool(edges) or self._pauses.speaking
        heard: list[Utterance] = []
        if any(not edge.speaking for edge in edges):
            heard = self._hear()
        if not self._pauses.speaking:
            self._forget(round(_BEFORE * self._rate))
        elif len(self._kept) > 2 * _LONGEST * self._rate:
            heard = self._hear()
            self._forget(round(_LONGEST / 2 * self._rate))
        return heard

    def flush(self) -> list[Utterance]:
        """Give what is left, and begin anew."""
        heard = self._hear() if self.noise else []
        self._forget(0)
        self._pauses.end()
        self.noise = False
        return heard

    def _hear(self) -> list[Utterance]:
        """Hear what is kept; what has been heard is forgotten."""
        begin = self._first / self._rate
        heard = [
            Utterance(text, begin + start, begin + end) for text, start, end in hear(bytes(self._kept), self._rate)
        ]
        if heard:
            self._drop(round(heard[-1].end * self._rate) - self._first)
        return heard

    def _forget(self, keep: int) -> None:
        """Keep the last samples only."""
        self._drop(len(self._kept) // 2 - keep)

    def _drop(self, number: int) -> None:
        if number > 0:
            number = min(number, len(self._kept) // 2)
            del self._kept[: 2 * number]
            self._first += number

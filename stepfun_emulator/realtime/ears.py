"""Samples in, turns out: what the user says, heard while it comes in.

No more sound is kept than the present sentence needs, however long a turn is.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepfun_emulator.recognition.listening import Listener, Utterance, foreign, joined
from stepfun_emulator.sound import RATE, turn_detector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stepfun_emulator.realtime.settings import TurnDetection
    from stepfun_emulator.sound.energy import Edge, TurnDetector


@dataclass(frozen=True)
class Started:
    """The user has begun to speak: in which turn, and where in milliseconds."""

    turn: str
    at: int


@dataclass(frozen=True)
class Ended:
    """A turn that is over.

    Attributes:
        turn: Its id.
        text: What was heard.
        seconds: How long it is.
        at: Where speech ended, in milliseconds; None where the client ended the turn.
    """

    turn: str
    text: str
    seconds: float
    at: int | None = None


@dataclass
class _Turn:
    id: str
    start: float
    said: list[str]
    last: Utterance | None = None

    def add(self, utterances: list[Utterance]) -> None:
        self.said += [one.text for one in joined(utterances, self.last)]
        self.last = utterances[-1] if utterances else self.last


class Ears:
    """Hears one session.

    Args:
        turns: How turns are detected; None where the client ends them.
    """

    def __init__(self, turns: TurnDetection | None = None) -> None:
        self._listener = Listener(RATE)
        self._turn: _Turn | None = None
        self._taken = 0  # samples
        self._half = b""  # of a sample that was cut
        self._detector: TurnDetector | None = None
        self.detect(turns)

    def detect(self, turns: TurnDetection | None) -> None:
        """Take turns in another way from here on; a turn that has not ended is forgotten."""
        self.clear()
        self._from = self._taken
        self._detector = None
        if turns is not None:
            level = max(float(turns.threshold), 1.0)
            self._detector = turn_detector(RATE, level=level, silence_ms=turns.silence_ms, padding_ms=turns.padding_ms)

    @property
    def _seconds(self) -> float:
        return self._taken / RATE

    def append(self, content: bytes) -> Iterator[Started | Ended]:
        """Take the next sound, little-endian 16 bit mono."""
        content = self._half + content
        whole = len(content) // 2 * 2
        samples, self._half = content[:whole], content[whole:]
        if self._detector is None:
            if self._turn is None and samples:
                self._turn = _new_turn(self._seconds)
            self._listen(samples)
            return
        start = self._taken
        for edge in self._detector.feed(samples):
            upto = 2 * (self._from + edge.noticed - start)
            self._listen(samples[:upto])
            samples, start = samples[upto:], self._from + edge.noticed
            if edge.speaking:
                self._turn = _new_turn(self._ms(edge) / 1000)
                yield Started(self._turn.id, self._ms(edge))
            elif (ended := self._end(self._ms(edge))) is not None:
                yield ended
        self._listen(samples)

    def commit(self) -> Ended | None:
        """End the turn by the client's word; None where there is nothing to end."""
        edge = None if self._detector is None else self._detector.end()
        return self._end(None if edge is None else self._ms(edge))

    def clear(self) -> None:
        """Forget what was said since the last turn."""
        self._turn = None
        self._half = b""
        self._listener.flush()
        if self._detector is not None:
            self._detector.end()

    def _listen(self, samples: bytes) -> None:
        self._taken += len(samples) // 2
        heard = self._listener.feed(samples)
        if self._turn is not None:
            self._turn.add(heard)

    def _ms(self, edge: Edge) -> int:
        """Where in the session an edge is."""
        return edge.at + round(self._from * 1000 / RATE)

    def _end(self, at: int | None) -> Ended | None:
        turn, self._turn = self._turn, None
        if turn is None:
            return None
        noise, end = self._listener.noise, self._seconds if at is None else at / 1000
        turn.add(self._listener.flush())
        if noise and not turn.said:
            turn.add([foreign(turn.start, end)])
        return Ended(turn.id, "".join(turn.said), end - turn.start, at)


def _new_turn(start: float) -> _Turn:
    return _Turn(f"item_{secrets.token_hex(10)}", start, [])

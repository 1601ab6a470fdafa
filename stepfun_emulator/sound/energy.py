"""Who speaks when: turns of speech, told from the energy of samples as they come in.

The recognition socket and the realtime socket take turns by this. Samples may come in any portions; what is found
depends on the samples alone, never on where the portions end.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

_FRAME = 0.02  # seconds looked at as one
_ONSET = 2  # loud frames in a row that begin speech: a click is one


class Edge(NamedTuple):
    """The beginning or the end of speech.

    Attributes:
        speaking: Whether speech begins here.
        at: Where, in milliseconds from the first sample; a beginning is moved forward by the padding asked for.
        noticed: The number of samples after which it was certain.
    """

    speaking: bool
    at: int
    noticed: int


class TurnDetector:
    """Finds where speech begins and ends in a stream of samples, of which it keeps less than a frame.

    Args:
        rate: Samples a second.
        level: The loudness (root mean square, 0-32767) that counts as speech.
        silence_ms: How long it must be silent until speech has ended.
        padding_ms: How much earlier than heard speech is said to begin.
    """

    def __init__(self, rate: int, *, level: float = 200.0, silence_ms: int = 800, padding_ms: int = 0) -> None:
        self.speaking = False
        self._size = max(round(rate * _FRAME), 1)
        self._rate = rate
        self._level = level
        self._patience = max(math.ceil(silence_ms / 1000 / _FRAME), 1)
        self._padding = padding_ms
        self._rest = b""
        self._frames = 0
        self._loud = 0  # loud frames in a row
        self._silent = 0  # silent frames in a row
        self._ended = 0  # where the last turn ended, in milliseconds

    @property
    def silence_ms(self) -> int:
        """For how long it has been silent."""
        return self._ms(self._silent)

    def feed(self, samples: bytes) -> list[Edge]:
        """Take the next samples (little-endian 16 bit mono) and give the edges that they make certain."""
        samples = self._rest + samples if self._rest else samples
        used = len(samples) // (2 * self._size) * 2 * self._size
        self._rest = samples[used:]
        rows = np.frombuffer(samples[:used], "<i2").reshape(-1, self._size).astype(np.float32)
        loud = np.einsum("ij,ij->i", rows, rows) >= self._level**2 * self._size
        return [edge for one in loud.tolist() if (edge := self._next(loud=one)) is not None]

    def _next(self, *, loud: bool) -> Edge | None:
        self._frames += 1
        self._loud = self._loud + 1 if loud else 0
        self._silent = 0 if loud else self._silent + 1
        if not self.speaking and self._loud == _ONSET:
            self.speaking = True
            start = self._ms(self._frames - _ONSET) - self._padding
            return Edge(speaking=True, at=max(start, self._ended), noticed=self._frames * self._size)
        if self.speaking and self._silent == self._patience:
            self.speaking = False
            self._ended = self._ms(self._frames - self._silent)
            return Edge(speaking=False, at=self._ended, noticed=self._frames * self._size)
        return None

    def end(self) -> Edge | None:
        """End the speech that goes on, as if it were silent from here; None where nobody speaks."""
        if not self.speaking:
            return None
        self.speaking = False
        self._loud = 0
        self._ended = self._ms(self._frames - self._silent)
        return Edge(speaking=False, at=self._ended, noticed=self._frames * self._size)

    def _ms(self, frames: int) -> int:
        return round(frames * self._size * 1000 / self._rate)

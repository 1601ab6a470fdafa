"""What is to be painted: the part of a request that the painter sees."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Style:
    """A picture whose colouring is taken over.

    Attributes:
        content: The file.
        weight: How much of it, above 0 to 2.
    """

    content: bytes
    weight: float


@dataclass(frozen=True)
class Brief:
    """What to paint.

    Attributes:
        prompt: In words.
        seed: Another seed is another picture.
        steps: More are finer.
        guidance: More is more colourful; at 1 the negative prompt is ignored.
        negative: What is not to be seen.
        letters: Whether there is to be writing.
        style: Whose colouring to take over.
    """

    prompt: str
    seed: int
    steps: int
    guidance: float
    negative: str = ""
    letters: bool = False
    style: Style | None = None

    @property
    def avoided(self) -> str:
        """The negative prompt, as far as it counts."""
        return self.negative if self.guidance > 1 else ""

    def chance(self) -> random.Random:
        """The dice of this picture: the same prompt and seed always throw the same."""
        told = f"{self.prompt}\0{self.avoided}\0{self.seed}".encode("utf-8", "surrogatepass")
        return random.Random(hashlib.sha256(told).digest())  # noqa: S311 - it must be repeatable, not secret

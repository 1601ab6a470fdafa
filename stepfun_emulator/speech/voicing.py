"""One spoken response: sentences in, pieces of audio out, in the format that was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from stepfun_emulator import sound
from stepfun_emulator.speech.wording import Waiting

if TYPE_CHECKING:
    from stepfun_emulator.sound.formats import Encoder
    from stepfun_emulator.speech.manner import Manner

STREAMED = {"mp3_stream": "mp3", "opus_stream": "opus", "flac_stream": "flac"}
_PIECE = 12_000  # bytes of a streamed format in one delta
_PCM_PIECE = 0.5  # seconds
_LONGEST_WHOLE = 60.0  # seconds: of more, the end of a response gives nothing


class Piece(NamedTuple):
    """What one delta carries."""

    audio: bytes
    seconds: float


class Voicing:
    """One response.

    Args:
        manner: How it is said.
        form: One of the plain formats or of :data:`STREAMED`.
        at_once: Speak what comes as it comes, not by sentences.
    """

    def __init__(self, manner: Manner, form: str, *, at_once: bool) -> None:
        self.manner = manner
        self._form = form
        self._at_once = at_once
        self._waiting = Waiting(directions=manner.directions)
        self._encoder: Encoder | None = None
        self._rate = manner.rate
        self._said = ""
        self._samples: list[bytes] = []
        self._seconds = 0.0

    def add(self, text: str) -> list[str]:
        """Take text, give the sentences that are to be spoken now."""
        return [text] if self._at_once else self._waiting.add(text)

    def rest(self) -> list[str]:
        """What is to be spoken because nothing follows."""
        return self._waiting.rest()

    def voice(self, sentence: str) -> list[Piece]:
        """The audio of a sentence."""
        samples, self._rate = self.manner.say(sentence, self._form)
        seconds = len(samples) / 2 / self._rate
        self._seconds += seconds
        if self._form in STREAMED:
            return self._streamed(samples, seconds)
        if self._seconds <= _LONGEST_WHOLE:
            self._samples.append(samples)
            self._said += sentence
        if self._form == "pcm":
            size = 2 * round(_PCM_PIECE * self._rate)
            return [Piece(part, len(part) / 2 / self._rate) for part in _cut(samples, size)]
        return [Piece(sound.encode(samples, self._rate, self._form, text=self.manner.wording(sentence)), seconds)]

    def _streamed(self, samples: bytes, seconds: float) -> list[Piece]:
        if self._encoder is None:
            self._encoder = sound.encoder(STREAMED[self._form], self._rate)
        audio = self._encoder.add(samples)
        return [Piece(part, seconds * len(part) / len(audio)) for part in _cut(audio, _PIECE)]

    def finish(self) -> bytes:
        """What the encoder of a streamed format has kept back."""
        return b"" if self._encoder is None else self._encoder.finish()

    def whole(self) -> bytes:
        """All of it in one file; nothing of a streamed format, of a long response, or where nothing was said."""
        if not self._samples or self._seconds > _LONGEST_WHOLE:
            return b""
        return sound.encode(b"".join(self._samples), self._rate, self._form, text=self.manner.wording(self._said))


def _cut(audio: bytes, size: int) -> list[bytes]:
    return [audio[at : at + size] for at in range(0, len(audio), size)]

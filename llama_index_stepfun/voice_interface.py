"""Where a voice agent hears and speaks: the interface it needs, and one in memory, from file to file.

Sound is 16 bit, 24 kHz, mono, both ways (WIRE.md section 12); nothing is resampled.
"""

from __future__ import annotations

import asyncio
import os
import time
from abc import abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeAlias

from llama_index.core.voice_agents import BaseVoiceAgentInterface

from stepfun_client.api.realtime_params import SAMPLE_RATE
from stepfun_client.audio import Audio
from stepfun_client.errors import InvalidParameterError
from stepfun_client.riff import chunk_of, wav_info

BYTES_PER_SECOND = 2 * SAMPLE_RATE

Sound: TypeAlias = "bytes | bytearray | memoryview | Audio | os.PathLike[str]"
"""Bare samples, a WAV file's content or path, or an `Audio`."""

_PIECE = BYTES_PER_SECOND // 4
_PCM = (b"\x01\x00", b"\xfe\xff")  # a WAV file's word for plain samples, and its longer form


class VoiceInterface(BaseVoiceAgentInterface):
    """What `StepFunVoiceAgent` asks of an interface, whatever carries the sound.

    Any `BaseVoiceAgentInterface` will do whose `receive` plays what it is given. Where `output` gives an asynchronous
    iterator, the agent sends what comes out of it; an interface without one calls the agent's `send` by itself.
    """

    @abstractmethod
    def start(self) -> None:
        """Begin to hear and to play; called in the event loop, when the session is open."""

    @abstractmethod
    def stop(self) -> None:
        """Let go of everything; it may be started again."""

    @abstractmethod
    def interrupt(self) -> None:
        """Throw away what is still to be played."""

    @abstractmethod
    def output(self) -> AsyncIterator[bytes]:
        """Give what the user says, as it is said."""

    @abstractmethod
    def receive(self, data: bytes) -> None:
        """Play a piece of the agent's answer, after those before it."""


class Inlet:
    """Sound on its way from whoever hears it to the event loop.

    Args:
        most_seconds: How much may wait; of more, the oldest is dropped. None for any amount.

    Attributes:
        dropped_seconds: How much has been dropped.
    """

    def __init__(self, most_seconds: float | None = None) -> None:
        self.dropped_seconds = 0.0
        self._most = None if most_seconds is None else most_seconds * BYTES_PER_SECOND
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._news: asyncio.Event | None = None  # belongs to the loop that takes

    def put(self, samples: bytes) -> None:
        """Add sound; in the loop that takes it, or before there is one."""
        self._waiting.append(samples)
        self._size += len(samples)
        while self._most is not None and self._size > self._most:
            dropped = len(self._waiting.popleft())
            self._size -= dropped
            self.dropped_seconds += dropped / BYTES_PER_SECOND
        if self._news is not None:
            self._news.set()

    async def take(self) -> AsyncIterator[bytes]:
        """Give the sound in order, and wait for more, for ever."""
        news = self._news = asyncio.Event()
        try:
            while True:
                while self._waiting:
                    piece = self._waiting.popleft()
                    self._size -= len(piece)
                    yield piece
                news.clear()
                await news.wait()
        finally:
            self._news = None


class MemoryInterface(VoiceInterface):
    """A voice agent's ears and mouth in memory: no sound device, from file to file, in notebooks and tests.

    Args:
        paced: Whether playing takes time, as it does with a device: then an interruption takes back what has not been
            played by that moment. By default all sound counts as played when it comes.
        clock: What time it is, in seconds; for tests.

    Example:
        >>> from llama_index_stepfun.voice_interface import MemoryInterface
        >>> interface = MemoryInterface()
        >>> interface.receive(bytes(48000))
        >>> interface.heard()
        Audio(pcm, 24000 Hz, 1.00 s, 48000 bytes)
    """

    def __init__(self, *, paced: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._inlet = Inlet()
        self._heard = bytearray()
        self._paced = paced
        self._clock = clock
        self._plays_until = 0.0

    def feed(self, sound: Sound, *, pause: float = 1.0) -> None:
        """Let the user say something.

        Args:
            sound: See `Sound`; 24 kHz, mono, 16 bit.
            pause: Seconds of silence after it, by which the service knows that the turn has ended; more than its
                `silence_duration_ms`.

        Raises:
            InvalidParameterError: If it is another kind of sound.
        """
        self._microphone_callback(samples_of(sound) + bytes(2 * int(pause * SAMPLE_RATE)))

    def heard(self) -> Audio:
        """Give what has been played so far, ready to be played again and, after `to_wav()`, to be saved."""
        return Audio.of(self._heard[: self._played()], format="pcm", sample_rate=SAMPLE_RATE)

    def take(self) -> bytes:
        """Give what has been played since the last time, and forget it: for conversations without end."""
        played = self._played()
        taken = bytes(self._heard[:played])
        del self._heard[:played]
        return taken

    def start(self) -> None:
        """Nothing is to be opened."""

    def stop(self) -> None:
        """Whoever listens goes: what was not played by now never is."""
        self.interrupt()

    def interrupt(self) -> None:
        """Throw away what is still to be played."""
        del self._heard[self._played() :]
        self._plays_until = 0.0

    def output(self) -> AsyncIterator[bytes]:
        """Give what was fed, and wait for more."""
        return self._inlet.take()

    def receive(self, data: bytes) -> None:
        """Take a piece of the agent's answer."""
        self._speaker_callback(data)

    def _microphone_callback(self, samples: bytes) -> None:
        for at in range(0, len(samples), _PIECE):
            self._inlet.put(samples[at : at + _PIECE])

    def _speaker_callback(self, samples: bytes) -> None:
        self._heard += samples
        if self._paced:
            self._plays_until = max(self._plays_until, self._clock()) + len(samples) / BYTES_PER_SECOND

    def _played(self) -> int:
        """How many bytes, in whole samples."""
        ahead = max(0.0, self._plays_until - self._clock()) if self._plays_until else 0.0
        return max(0, len(self._heard) - 2 * round(ahead * SAMPLE_RATE))


def samples_of(sound: Sound) -> bytes:
    """Give the bare samples of a sound.

    Args:
        sound: See `Sound`.

    Raises:
        InvalidParameterError: If it is not 24 kHz, mono, 16 bit, or not known to be.
    """
    if isinstance(sound, Audio):
        return _of_audio(sound)
    if isinstance(sound, os.PathLike):
        return _of_wav(Path(sound).read_bytes())
    if not isinstance(sound, (bytes, bytearray, memoryview)):
        raise InvalidParameterError(
            f"sound is a {type(sound).__name__}; it must be samples in bytes, a pathlib.Path to a WAV file, or an "
            "Audio; what is said in writing goes to send_text(...)",
            param="audio",
        )
    content = bytes(sound)
    return _of_wav(content) if content[:4] == b"RIFF" and content[8:12] == b"WAVE" else content


def _of_audio(audio: Audio) -> bytes:
    if audio.format == "wav":
        return _of_wav(audio.content)
    if audio.format != "pcm":
        raise _other(audio.format)
    _check(audio.sample_rate, audio.channels, 16)
    return audio.content


def _of_wav(content: bytes) -> bytes:
    info = wav_info(content)
    form = chunk_of(content, b"fmt ") or b""
    if form[:2] not in _PCM:
        raise _other("a WAV file of samples that are no plain 16-bit ones")
    _check(info.sample_rate, info.channels, info.bits)
    return content[info.data_offset : info.data_offset + info.data_size]


def _check(rate: int | None, channels: int, bits: int) -> None:
    if (rate, channels, bits) != (SAMPLE_RATE, 1, 16):
        raise _other(f"{rate or 'an unknown number of'} Hz, {channels} channel(s), {bits} bit")


def _other(what: Any) -> InvalidParameterError:
    return InvalidParameterError(
        f"the sound is {what}; a realtime session takes 24000 Hz, mono, 16 bit, and nothing is resampled here. Convert "
        "it: ffmpeg -i input -ar 24000 -ac 1 -c:a pcm_s16le output.wav",
        param="audio",
    )

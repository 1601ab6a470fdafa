"""A voice agent's microphone and loudspeaker, by `sounddevice`: the extra `voice`, loaded when it is started."""

from __future__ import annotations

import asyncio
import importlib
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from llama_index_stepfun.voice_interface import Inlet, VoiceInterface
from stepfun_client.api.realtime_params import SAMPLE_RATE

_BLOCK = SAMPLE_RATE // 25  # samples: 40 ms
_MOST_UNSENT_SECONDS = 10.0


class DeviceInterface(VoiceInterface):
    """The machine's microphone and loudspeaker.

    Nothing takes the agent's own voice out of what the microphone hears: use headphones, or it interrupts itself.

    Args:
        microphone: A device's number or name as `python -m sounddevice` lists them; None for the default one.
        speaker: Likewise.
    """

    def __init__(self, *, microphone: int | str | None = None, speaker: int | str | None = None) -> None:
        self._devices = (microphone, speaker)
        self._inlet = Inlet(_MOST_UNSENT_SECONDS)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._to_play = bytearray()
        self._lock = threading.Lock()  # the device plays in a thread of its own
        self._streams: list[Any] = []

    @property
    def dropped_seconds(self) -> float:
        """How much of what the user said was dropped because the line was too slow for it."""
        return self._inlet.dropped_seconds

    def start(self) -> None:
        """Open both devices.

        Raises:
            ImportError: If `sounddevice`, or the PortAudio library beneath it, is missing.
        """
        sounddevice = _sounddevice()
        self._loop = asyncio.get_running_loop()
        self._inlet = Inlet(_MOST_UNSENT_SECONDS)
        microphone, speaker = self._devices
        form = {"samplerate": SAMPLE_RATE, "channels": 1, "dtype": "int16", "blocksize": _BLOCK}
        try:
            for kind, device, callback in (
                (sounddevice.RawOutputStream, speaker, self._speaker_callback),
                (sounddevice.RawInputStream, microphone, self._microphone_callback),
            ):
                self._streams.append(kind(device=device, callback=callback, **form))
                self._streams[-1].start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Close both devices."""
        self.interrupt()
        while self._streams:
            self._streams.pop().close()

    def interrupt(self) -> None:
        """Throw away what is still to be played."""
        with self._lock:
            self._to_play.clear()

    def output(self) -> AsyncIterator[bytes]:
        """Give what the microphone hears."""
        return self._inlet.take()

    def receive(self, data: bytes) -> None:
        """Play a piece of the agent's answer, after those before it."""
        with self._lock:
            self._to_play += data

    def _microphone_callback(self, samples: Any, *_: Any) -> None:
        """Called by the device, in its thread."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed, and nobody listens any more
                self._loop.call_soon_threadsafe(self._inlet.put, bytes(samples))

    def _speaker_callback(self, samples: Any, *_: Any) -> None:
        """Called by the device, in its thread: fill its samples."""
        size = len(samples)
        with self._lock:
            piece = bytes(self._to_play[:size])
            del self._to_play[:size]
        samples[:size] = piece.ljust(size, b"\0")


def _sounddevice() -> Any:
    try:
        return importlib.import_module("sounddevice")
    except (ImportError, OSError) as error:  # OSError: it is there, and PortAudio is not
        raise ImportError(
            f"the microphone and the loudspeaker need sounddevice and the PortAudio library ({error}); install the "
            "extra: pip install 'stepfun-integrations[voice]', on Linux also: apt-get install libportaudio2. Without "
            "a sound device, use MemoryInterface"
        ) from error

"""Audio files: wav and pcm by hand, the compressed ones by soundfile, whose wheel carries libsndfile."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import soundfile

from stepfun_emulator.sound.riff import Layout, provenance, read_layout, write_wav

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMATS = ("mp3", "wav", "flac", "opus", "pcm")
MEDIA_TYPES = {
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "flac": "audio/flac",
    "opus": "audio/ogg",
    "pcm": "audio/pcm",
}
_COMPRESSED = {"mp3": ("MP3", "MPEG_LAYER_III"), "flac": ("FLAC", "PCM_16"), "opus": ("OGG", "OPUS")}
_OPUS_RATES = (8000, 12_000, 16_000, 24_000, 48_000)
_OPUS_RATE = 24_000  # where the asked rate is none of Opus'
_MP3_COMPRESSION = 0.6
_AT_ONCE = 1 << 16  # libsndfile's ogg writer keeps what it is given at once on its stack
_ENDLESS = 1 << 60  # frames
_LITTLE = 512  # frames: as much is lost at the end of a streamed FLAC at most
_WHOLE, _FLOATING = 1, 3  # format codes of a WAV file
_READABLE = {*((bits, _WHOLE) for bits in (8, 16, 24, 32)), (32, _FLOATING), (64, _FLOATING)}


class Sound(NamedTuple):
    """What a file plays.

    Attributes:
        channels: The samples of each channel, little-endian 16 bit.
        rate: Samples a second.
    """

    channels: tuple[bytes, ...]
    rate: int

    @property
    def mono(self) -> bytes:
        """All channels mixed into one."""
        if len(self.channels) == 1:
            return self.channels[0]
        mixed = np.mean([np.frombuffer(one, "<i2") for one in self.channels], axis=0)
        return _samples(mixed)

    @property
    def seconds(self) -> float:
        """How long it plays."""
        return len(self.channels[0]) / 2 / self.rate


def encode(samples: bytes, rate: int, form: str, *, text: str = "") -> bytes:
    """Write a file.

    Args:
        samples: Little-endian 16 bit mono.
        rate: Samples a second. Opus knows 8000, 12000, 16000, 24000 and 48000: anything else becomes 24000.
        form: ``mp3``, ``wav``, ``flac``, ``opus`` (in Ogg) or ``pcm``.
        text: What was said. It rides in the label of a wav and the comment of flac, mp3 and opus.
    """
    if form == "pcm":
        return samples
    if form == "wav":
        return write_wav(samples, rate, text=text)
    if form == "opus" and rate not in _OPUS_RATES:
        samples, rate = resample(samples, rate, _OPUS_RATE), _OPUS_RATE
    encoder = Encoder(form, rate, text=text)
    encoder.add(samples)
    encoder.finish()
    return encoder.file.getvalue()


class Encoder:
    """Writes a compressed file piece by piece: the pieces joined are one file that plays.

    A finished file says at its beginning how long it is; what has been given away by then cannot say it any more.

    Args:
        form: ``mp3``, ``flac`` or ``opus``.
        rate: Samples a second; for Opus one that it knows.
        text: What is said, for the comment.
    """

    def __init__(self, form: str, rate: int, *, text: str = "") -> None:
        container, codec = _COMPRESSED[form]
        # A constant rate of bits: without the count of frames that is how a player knows the length.
        steady = {"bitrate_mode": "CONSTANT", "compression_level": _MP3_COMPRESSION} if form == "mp3" else {}
        self.file = io.BytesIO()
        self._out = soundfile.SoundFile(self.file, "w", rate, 1, codec, format=container, **steady)
        self._out.title = "StepFun emulator: tones, not a voice"
        self._out.comment = provenance(text)
        self._given = 0

    def add(self, samples: bytes) -> bytes:
        """Take samples; give what can be given by now, which may be nothing."""
        wave = np.frombuffer(samples, "<i2")
        for at in range(0, len(wave), _AT_ONCE):
            self._out.write(wave[at : at + _AT_ONCE])
        return self._new()

    def finish(self) -> bytes:
        """The rest."""
        self._out.close()
        return self._new()

    def _new(self) -> bytes:
        new = self.file.getvalue()[self._given :]
        self._given += len(new)
        return new


def resample(samples: bytes, rate: int, wanted: int) -> bytes:
    """Samples at another rate, by straight lines: good enough for tones far below half of either rate."""
    wave = np.frombuffer(samples, "<i2")
    if rate == wanted or not len(wave):
        return samples
    moments = np.arange(len(wave) * wanted // rate) * (rate / wanted)
    return _samples(np.interp(moments, np.arange(len(wave)), wave))


def _samples(wave: NDArray[Any]) -> bytes:
    samples: bytes = np.rint(wave).astype("<i2").tobytes()
    return samples


def decode(data: bytes, form: str = "", *, rate: int = 16_000, bits: int = 16, channels: int = 1) -> Sound:
    """Read a file.

    Args:
        data: The file.
        form: What it is said to be. It decides only whether it is ``pcm``, which nothing else can tell.
        rate: Samples a second, of ``pcm``.
        bits: 8, 16, 24 or 32 in a sample, of ``pcm``.
        channels: How many, of ``pcm``.

    Raises:
        ValueError: It is no audio that can be read here.
    """
    if form == "pcm":
        return _plain(data, Layout(_WHOLE, channels, rate, bits, 0, len(data)))
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        layout = read_layout(data)
        if layout is None:
            raise ValueError("the WAV file has no fmt chunk before its data chunk, or no data chunk")
        if layout.code in (_WHOLE, _FLOATING):
            return _plain(data, layout)
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            wave = _endless(file) if file.frames > _ENDLESS else file.read(dtype="int16", always_2d=True)
            return _sound(wave, file.samplerate)
    except soundfile.LibsndfileError as error:
        raise ValueError(f"the audio cannot be decoded: {error}") from None


def _endless(file: soundfile.SoundFile) -> NDArray[Any]:
    """All of a FLAC that was streamed: it cannot say how long it is, and its end looks like an error."""
    parts = [np.zeros((0, file.channels), "int16")]
    try:
        while len(part := file.read(_LITTLE, dtype="int16", always_2d=True)):
            parts.append(part)
    except soundfile.LibsndfileError:
        if len(parts) == 1:
            raise
    return np.concatenate(parts)


def _plain(data: bytes, layout: Layout) -> Sound:
    """Samples that are not compressed, of any width."""
    width = layout.bits // 8
    if (layout.bits, layout.code) not in _READABLE:
        raise ValueError(f"samples of {layout.bits} bits and format code {layout.code} cannot be read")
    frames = layout.size // (width * layout.channels)
    content = data[layout.start : layout.start + frames * width * layout.channels]
    wave = _sixteen(content, width, floating=layout.code == _FLOATING)
    return _sound(wave.reshape(frames, layout.channels), layout.rate)


def _sixteen(content: bytes, width: int, *, floating: bool) -> NDArray[Any]:
    if floating:
        wave = np.nan_to_num(np.frombuffer(content, f"<f{width}"))
        rounded: NDArray[Any] = np.rint(np.clip(wave, -1, 1) * 32767).astype("<i2")
        return rounded
    if width == 1:  # the only unsigned one
        return (np.frombuffer(content, "u1").astype("<i2") - 128) * 256
    # The upper two bytes of each sample, which come last.
    upper: NDArray[Any] = np.frombuffer(content, "u1").reshape(-1, width)[:, -2:].copy().view("<i2")[:, 0]
    return upper


def _sound(wave: NDArray[Any], rate: int) -> Sound:
    return Sound(tuple(column.astype("<i2").tobytes() for column in wave.T), rate)

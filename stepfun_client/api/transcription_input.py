"""What is to be transcribed: from whatever holds it to a recording of a known format (WIRE.md section 8).

What the file is, its content decides. Only bare samples (`pcm`) say nothing about themselves, so that their rate, bits
and channels must be told.
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, TypeAlias, cast

from stepfun_client.audio.durations import measure
from stepfun_client.core.call import Source, Upload
from stepfun_client.errors import InvalidParameterError
from stepfun_client.media import MediaSource, load
from stepfun_client.riff import pcm_format, wav_file
from stepfun_client.sniffing import canonical, sniff

if TYPE_CHECKING:
    from stepfun_client.audio import Audio

AudioSource: TypeAlias = "MediaSource | Audio"
RecordingFormat: TypeAlias = Literal["pcm", "wav", "mp3", "ogg", "flac"]

MAX_BYTES = 100 * 1024 * 1024 - 1
"""StepFun says under 100 MB and not which MB; an early check must not refuse what may pass, so it is the larger one."""

_HEAD = 4096
_FORMATS: dict[str, RecordingFormat] = {
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/opus": "ogg",
    "audio/flac": "flac",
    "audio/pcm": "pcm",
    "audio/l16": "pcm",
}
_MEDIA_TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg", "ogg": "audio/ogg", "flac": "audio/flac", "pcm": "audio/pcm"}
_ENDINGS = {
    ".pcm": "pcm",
    ".raw": "pcm",
    ".wav": "wav",
    ".mp3": "mp3",
    ".ogg": "ogg",
    ".oga": "ogg",
    ".opus": "ogg",
    ".flac": "flac",
}


@dataclass(frozen=True)
class Samples:
    """How samples lie in a recording; None where it is not told.

    Attributes:
        sample_rate: Samples a second, per channel.
        bits: Bits of one sample of one channel.
        channels: 1 is mono, 2 is stereo.
    """

    sample_rate: int | None = None
    bits: int | None = None
    channels: int | None = None

    def wire(self) -> dict[str, int]:
        """What is told, by the wire's names."""
        named = {"rate": self.sample_rate, "bits": self.bits, "channel": self.channels}
        return {name: value for name, value in named.items() if value is not None}

    @property
    def missing(self) -> list[str]:
        """The names of what is not told."""
        return [name for name in ("sample_rate", "bits", "channels") if getattr(self, name) is None]


@dataclass(frozen=True)
class Recording:
    """A recording of a known format.

    Attributes:
        source: Its content, or the file that holds it.
        format: What it is.
        samples: How the samples lie, as far as the caller says so.
        name: Its file name.
        duration_seconds: How long it plays, where that could be told without reading a file twice.
    """

    source: Source = field(repr=False)
    format: RecordingFormat
    samples: Samples = Samples()
    name: str | None = None
    duration_seconds: float | None = None

    def content(self) -> bytes:
        """The whole, in memory."""
        return self.source if isinstance(self.source, bytes) else load(self.source, max_bytes=MAX_BYTES).data

    def upload(self) -> Upload:
        """The file for a multipart form, under a name whose ending is right. Samples go as WAV, if they are described.

        The form has no fields that say how samples lie; the header of a WAV file says it.
        """
        if self.format == "pcm" and not self.samples.missing:
            rate, bits, channels = self.samples.sample_rate, self.samples.bits, self.samples.channels
            wav = wav_file(pcm_format(rate or 0, channels or 0, bits or 0), [self.content()])
            return Upload(wav, f"{Path(self.name or 'audio').stem}.wav", _MEDIA_TYPES["wav"])
        name = self.name or ""
        fits = _ENDINGS.get(Path(name).suffix.lower()) == self.format and Path(name).suffix.lower() not in (
            ".raw",
            ".oga",
        )
        return Upload(self.source, name if fits else f"audio.{self.format}", _MEDIA_TYPES[self.format])


def is_url(file: Any) -> bool:
    """Whether it names a file elsewhere, by http or https."""
    return isinstance(file, str) and file[:8].lower().startswith(("http://", "https://"))


def format_of_url(url: str) -> RecordingFormat | None:
    """What the ending of a URL's path promises."""
    return cast("RecordingFormat | None", _ENDINGS.get(Path(url.partition("#")[0].partition("?")[0]).suffix.lower()))


def recording(
    file: AudioSource,
    *,
    format: str | None,  # noqa: A002 - the public parameter's name
    samples: Samples,
    accepted: Sequence[RecordingFormat],
    in_memory: bool,
    name: str | None = None,
    media_type: str | None = None,
) -> Recording:
    """Tell what a file is, and refuse what the service does not take.

    Args:
        file: A path, bytes, a binary file, a `data:` URI, or an `Audio`. No URL: see `is_url`.
        format: What it is, for content that does not say so itself.
        samples: How the samples lie, as far as the caller says so.
        accepted: The formats this way takes.
        in_memory: Whether to read it; else a path and a file that can be rewound stay where they are.
        name: Its file name, where it has none of its own.
        media_type: What a server called it, believed where nothing better says what it is.

    Raises:
        InvalidParameterError: If it is empty, too large, of no format that is accepted, or samples whose rate, bits
            and channels are not told where they have to be.
        OSError: If it cannot be read.
    """
    if not isinstance(file, (str, bytes, bytearray, memoryview, os.PathLike)) and not hasattr(file, "read"):
        file, format, samples = _of_audio(file, format, samples)  # noqa: A001 - the public parameter's name
    source, head, own_name, stated = _opened(cast("MediaSource", file), in_memory=in_memory)
    name = name or own_name
    form = _format(head, format, _ENDINGS.get(Path(name or "").suffix.lower()), stated or canonical(media_type))
    if form not in accepted:
        raise _not_accepted(form, accepted)
    if form == "pcm" and (in_memory or samples != Samples()):
        _check_told(samples)
    seconds = measure(source, "opus" if form == "ogg" else form).duration_seconds if isinstance(source, bytes) else None
    if form == "pcm" and isinstance(source, bytes) and not samples.missing:
        seconds = len(source) * 8 / ((samples.bits or 1) * (samples.channels or 1)) / (samples.sample_rate or 1)
    return Recording(source, form, samples, name, seconds)


def _of_audio(file: Any, format: str | None, samples: Samples) -> tuple[bytes, str | None, Samples]:  # noqa: A002 - as above
    from stepfun_client.audio import Audio  # noqa: PLC0415 - only for what is neither bytes nor a file

    if not isinstance(file, Audio):
        raise InvalidParameterError(
            f"a {type(file).__name__} holds no recording. Pass its pathlib.Path(...), its bytes, the file open in "
            "binary mode, an Audio, a data: URI, or an http(s) URL.",
            param="file",
        )
    if file.format == "pcm":
        samples = Samples(
            samples.sample_rate or file.sample_rate, samples.bits or 16, samples.channels or file.channels
        )
    return file.content, format or ("ogg" if file.format == "opus" else file.format), samples


def _opened(file: MediaSource, *, in_memory: bool) -> tuple[Source, bytes, str | None, str | None]:
    """Give the content or what holds it, its beginning, its name, and what a data URI calls it."""
    stays = isinstance(file, os.PathLike) or (
        not isinstance(file, (str, bytes, bytearray, memoryview)) and _rewinds(file)
    )
    if in_memory or not stays:
        media = load(file, max_bytes=MAX_BYTES)
        return media.data, media.data[:_HEAD], media.name, media.media_type
    if isinstance(file, io.TextIOBase):
        raise InvalidParameterError("the file is open as text; open it in binary mode: open(path, 'rb')", param="file")
    if isinstance(file, os.PathLike):
        path = Path(os.fsdecode(file))
        with path.open("rb") as on_disk:
            head, size = on_disk.read(_HEAD), path.stat().st_size
        _check_size(size)
        return path, head, path.name, None
    opened = cast("IO[bytes]", file)
    here = opened.tell()
    size = opened.seek(0, os.SEEK_END) - here
    opened.seek(here)
    head = opened.read(_HEAD)
    opened.seek(here)
    _check_size(size)
    name = getattr(opened, "name", None)
    return opened, head, Path(name).name if isinstance(name, str) else None, None


def _rewinds(file: Any) -> bool:
    return callable(getattr(file, "seekable", None)) and file.seekable()


def _check_size(size: int) -> None:
    if not size:
        raise InvalidParameterError("file is empty: there is nothing to transcribe.", param="file")
    if size > MAX_BYTES:
        raise InvalidParameterError(
            f"file has {size:,} bytes; StepFun takes less than 100 MB. Cut it: ffmpeg -i input.wav -f segment "
            "-segment_time 1800 -c copy output_%d.wav",
            param="file",
        )


def _format(head: bytes, given: str | None, by_ending: str | None, stated: str | None) -> RecordingFormat:
    """Say what a recording is: by its signature, else by the caller's word, its name, its MIME type."""
    found = sniff(head)
    if found == "audio/mpeg" and not head.startswith(b"ID3") and "pcm" in (given, by_ending):
        found = None  # two loud samples look like the beginning of a frame
    form = _FORMATS.get(found or "")
    if given is not None and given not in _MEDIA_TYPES:
        raise InvalidParameterError(
            f"format is {given!r}; it must be one of {', '.join(_MEDIA_TYPES)}, or left out where the content tells",
            param="format",
        )
    if found and given and form != given:
        raise InvalidParameterError(
            f"format is {given!r}, but the content is {found}; leave format out, the content tells it", param="format"
        )
    if found and form is None:
        raise InvalidParameterError(
            f"file is {found}, which recognition does not take. Convert it: ffmpeg -i input -ac 1 -ar 16000 output.wav",
            param="file",
        )
    form = form or cast("RecordingFormat | None", given or by_ending) or _FORMATS.get(stated or "")
    if form is None:
        raise InvalidParameterError(
            "cannot tell what kind of audio this is. For bare samples say format='pcm', with sample_rate, bits and "
            f"channels; else one of {', '.join(_MEDIA_TYPES)}.",
            param="format",
        )
    return form


def _not_accepted(form: RecordingFormat, accepted: Sequence[RecordingFormat]) -> InvalidParameterError:
    return InvalidParameterError(
        f"file is {form}; this way of recognition takes {', '.join(accepted)}. Convert it (ffmpeg -i input.{form} "
        "output.wav), or use a model that takes it: step-asr takes flac too.",
        param="file",
    )


def _check_told(samples: Samples) -> None:
    if samples.missing:
        raise InvalidParameterError(
            f"bare samples (pcm) do not say how they lie; tell {', '.join(samples.missing)}, e.g. sample_rate=16000, "
            "bits=16, channels=1",
            param=samples.missing[0],
        )

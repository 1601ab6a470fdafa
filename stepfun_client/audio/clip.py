"""A piece of sound with what is known about it: plays inline in notebooks, saves itself, knows how long it is."""

from __future__ import annotations

import base64
import html
import os
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from stepfun_client.audio.durations import measure, pcm_seconds
from stepfun_client.errors import InvalidParameterError
from stepfun_client.riff import pcm_format, wav_file
from stepfun_client.saving import save_whole
from stepfun_client.sniffing import by_name, sniff

AudioFormat: TypeAlias = Literal["wav", "mp3", "flac", "opus", "pcm"]

_MEDIA_TYPES: dict[AudioFormat, str] = {
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "flac": "audio/flac",
    "opus": "audio/ogg",
    "pcm": "audio/pcm",
}
_ENDINGS: dict[AudioFormat, tuple[str, ...]] = {
    "wav": (".wav", ".wave"),
    "mp3": (".mp3",),
    "flac": (".flac",),
    "opus": (".opus", ".ogg", ".oga"),
    "pcm": (".pcm", ".raw"),
}
_OTHER_SOUND = (".aac", ".aif", ".aiff", ".amr", ".m4a", ".wma")
_PLAYABLE_BYTES = 32 << 20  # what a notebook is asked to hold in one cell


@dataclass(frozen=True)
class Audio:
    """A piece of sound: what speech synthesis, voice cloning and voice previews return.

    In a notebook, the last expression of a cell plays inline. `Audio.of` tells the format by the content and measures
    the rest; the constructor takes everything as it is given.

    Attributes:
        content: The file's bytes; with `pcm` the bare samples, 16 bit, little-endian.
        format: `wav`, `mp3`, `flac`, `opus` (in Ogg) or `pcm`.
        sample_rate: Samples a second, per channel; None where unknown.
        channels: 1 is mono, 2 is stereo.
        duration_seconds: How long it plays; None where unknown.
        voice: Whose voice it is.
        model: The model that made it.
        text: What is said.
        trace_id: The exchange it came from; StepFun's support asks for it.
        label: The content of a WAV file's `AIGC` chunk, the label that Chinese law requires on AI-made audio (WIRE.md
            section 6).
    """

    content: bytes = field(repr=False)
    format: AudioFormat
    sample_rate: int | None = None
    channels: int = 1
    duration_seconds: float | None = None
    voice: str | None = None
    model: str | None = None
    text: str | None = None
    trace_id: str | None = None
    label: bytes | None = field(default=None, repr=False)

    @classmethod
    def of(
        cls,
        content: bytes | bytearray | memoryview,
        *,
        format: str | None = None,  # noqa: A002 - the attribute's name
        sample_rate: int | None = None,
        channels: int | None = None,
        duration_seconds: float | None = None,
        voice: str | None = None,
        model: str | None = None,
        text: str | None = None,
        trace_id: str | None = None,
        label: bytes | None = None,
    ) -> Audio:
        """Make one from a file's bytes: what it is the content decides, rate and length are measured.

        Args:
            content: The file, or bare 16-bit samples.
            format: What it should be, believed where the content is of no known kind. A format of the WebSocket
                (`mp3_stream`) means the same as without its ending. Needed for `pcm`, which nothing distinguishes.
            sample_rate: Samples a second, where the file does not say; needed for the length of `pcm`.
            channels: 1 is mono (default), 2 is stereo, where the file does not say.
            duration_seconds: How long it plays, where the file does not say.
            voice: Whose voice it is.
            model: The model that made it.
            text: What is said.
            trace_id: The exchange it came from.
            label: The `AIGC` label, where the file has none.

        Returns:
            The sound. A file that is broken, or whose length is not in it, has what could be read.

        Raises:
            InvalidParameterError: If no format is given and the content is none of those named above.

        Example:
            >>> Audio.of(bytes(48000), format="pcm", sample_rate=24000)
            Audio(pcm, 24000 Hz, 1.00 s, 48000 bytes)
        """
        content = bytes(content)
        form = _format_of(content, format)
        found = measure(content, form)
        rate = found.sample_rate or sample_rate
        channels = found.channels or channels or 1
        seconds = found.duration_seconds
        if seconds is None and form == "pcm" and rate:
            seconds = pcm_seconds(len(content), rate, channels)
        return cls(
            content,
            form,
            rate,
            channels,
            duration_seconds if seconds is None else seconds,
            voice=voice,
            model=model,
            text=text,
            trace_id=trace_id,
            label=found.label or label,
        )

    @property
    def media_type(self) -> str:
        """The MIME type, e.g. `audio/mpeg`."""
        return _MEDIA_TYPES[self.format]

    def base64(self) -> str:
        """The content in base64."""
        return base64.b64encode(self.content).decode("ascii")

    def data_uri(self) -> str:
        """The content as a `data:` URI, which chat models and recognition take.

        Example:
            >>> Audio.of(b"abc", format="pcm").data_uri()
            'data:audio/pcm;base64,YWJj'
        """
        return f"data:{self.media_type};base64,{self.base64()}"

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the content to a file, whole or not at all; a file that is there is replaced.

        Args:
            path: Where to; its directory must exist. An ending that promises another format is refused, another or none
                is left as it is.

        Returns:
            The path, as it was given.

        Raises:
            InvalidParameterError: If the ending contradicts the format.
            OSError: If the file cannot be written.

        Example:
            >>> import tempfile
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     Audio.of(b"RIFF....WAVE").save(Path(folder) / "hello.wav").name
            'hello.wav'
        """
        path = Path(path)
        self._check_ending(path)
        save_whole(path, self.content)
        return path

    def to_wav(self) -> Audio:
        """The same sound as a WAV file: `pcm` gets its header, `wav` is returned as it is.

        Raises:
            InvalidParameterError: If it is encoded (nothing is decoded here), or its sample rate is unknown.

        Example:
            >>> Audio.of(bytes(48000), format="pcm", sample_rate=24000).to_wav()
            Audio(wav, 24000 Hz, 1.00 s, 48044 bytes)
        """
        if self.format == "wav":
            return self
        if self.format != "pcm":
            raise InvalidParameterError(
                f"{self.format} is encoded, and nothing is decoded here. Ask for response_format='wav' or 'pcm', or "
                f"convert it: ffmpeg -i input{_ENDINGS[self.format][0]} output.wav"
            )
        if not self.sample_rate:
            raise InvalidParameterError(
                "The sample rate of these bare samples is unknown. Say it: Audio.of(content, format='pcm', "
                "sample_rate=24000) (StepFun's default).",
                param="sample_rate",
            )
        after = {b"AIGC": self.label} if self.label else None
        content = wav_file(pcm_format(self.sample_rate, self.channels), [self.content], after=after)
        return Audio.of(content, voice=self.voice, model=self.model, text=self.text, trace_id=self.trace_id)

    def __bytes__(self) -> bytes:
        return self.content

    def __len__(self) -> int:
        return len(self.content)

    def __repr__(self) -> str:
        return f"Audio({', '.join(self._facts())}, {len(self)} bytes)"

    def _repr_html_(self) -> str:
        """A player for notebooks, with what is known beneath it."""
        line = html.escape(" · ".join(self._facts()))
        if len(self) > _PLAYABLE_BYTES:
            line += f" · {len(self):,} bytes are too many to play here: .save(path)"
            return f"<div>{line}</div>"
        if self.format == "pcm" and not self.sample_rate:
            return f"<div>{line} · not playable while its sample rate is unknown</div>"
        playable = self.to_wav() if self.format == "pcm" else self
        return f'<div><audio controls preload="metadata" src="{playable.data_uri()}"></audio><div>{line}</div></div>'

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        """What Jupyter shows: the player where it can, else one line."""
        wanted = set(include or ("text/html", "text/plain")) - set(exclude or ())
        bundle = {"text/html": self._repr_html_, "text/plain": self.__repr__}
        return {kind: write() for kind, write in bundle.items() if kind in wanted}

    def _facts(self) -> list[str]:
        facts = [self.voice, self.format]
        facts.append(f"{self.sample_rate} Hz" if self.sample_rate else None)
        facts.append({1: None, 2: "stereo"}.get(self.channels, f"{self.channels} channels"))
        facts.append(f"{self.duration_seconds:.2f} s" if self.duration_seconds is not None else None)
        return [fact for fact in facts if fact]

    def _check_ending(self, path: Path) -> None:
        ending = path.suffix.lower()
        others = {e for form, endings in _ENDINGS.items() if form != self.format for e in endings}
        if ending in others or ending in _OTHER_SOUND or by_name(path.name) not in {None, self.media_type}:
            own = " or ".join(_ENDINGS[self.format])
            way = ", or save audio.to_wav()" if self.format == "pcm" and ending in _ENDINGS["wav"] else ""
            raise InvalidParameterError(
                f"{path.name!r} does not fit: this is {self.format}, and saving does not convert. End it with {own}"
                f"{way}, or ask for another response_format.",
                param="path",
            )


def _format_of(content: bytes, stated: str | None) -> AudioFormat:
    """What the content is by its signature, else what was stated. Bare samples may begin with anything."""
    stated = stated.lower().removesuffix("_stream") if stated else None
    found = sniff(content)
    if found == "audio/ogg" and b"OpusHead" not in content[:512]:
        found = None
    if stated == "pcm" and found == "audio/mpeg" and not content.startswith(b"ID3"):
        found = None  # two loud samples look like a frame
    form = next((form for form, media_type in _MEDIA_TYPES.items() if media_type == found), stated)
    if form in _MEDIA_TYPES:
        return form
    what = f"format={stated!r} is not known" if stated else "Cannot tell what kind of audio this is"
    raise InvalidParameterError(
        f"{what}: an Audio is one of {', '.join(_MEDIA_TYPES)}. Say which with format=, e.g. format='pcm' for bare "
        "16-bit samples.",
        param="format",
    )

"""WAV files as they are: chunks to be walked, not a 44-byte header to be cut off; and written, chunk by chunk.

StepFun's WAV replies have a `LIST` chunk before the samples and an `AIGC` chunk after them (WIRE.md section 6), so the
samples neither begin at byte 44 nor reach the end of the file.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepfun_client.errors import InvalidParameterError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_AIGC = b"AIGC"
_MAX_SIZE = 0xFFFFFFFF  # a RIFF size has four bytes
_AIGC_SEARCH = 65536  # bytes of the file's end; the service's chunk has about 1,400


@dataclass(frozen=True, slots=True)
class WavInfo:
    """Where the samples of a WAV file are, and how to play them.

    Attributes:
        sample_rate: Samples a second, per channel.
        channels: 1 is mono, 2 is stereo.
        bits: Bits of one sample of one channel.
        data_offset: The samples' first byte, counted from the start of the file.
        data_size: The samples' length in bytes.
        duration_seconds: How long they play.
        aigc: The content of the `AIGC` chunk, the label that Chinese law requires on AI-made audio; None where there is
            none. Keep it with the audio, or say so where a join drops it.
    """

    sample_rate: int
    channels: int
    bits: int
    data_offset: int
    data_size: int
    duration_seconds: float
    aigc: bytes | None = None


@dataclass(frozen=True, slots=True)
class _Chunk:
    id: bytes
    offset: int
    size: int

    def of(self, data: bytes) -> bytes:
        return bytes(data[self.offset : self.offset + self.size])


def wav_info(data: bytes) -> WavInfo:
    """Read a WAV file's chunks.

    Files written while streaming are read too: where the size of the samples was not known when the header was written
    (0, 0xFFFFFFFF or more than there is), the samples reach to the end, or to an `AIGC` chunk that ends the file.

    Args:
        data: The whole file.

    Returns:
        Where the samples are and how to play them. `data[i.data_offset : i.data_offset + i.data_size]` are the samples.

    Raises:
        InvalidParameterError: If it is no WAV file, or has no format or no samples chunk.

    Example:
        >>> import io, wave
        >>> file = io.BytesIO()
        >>> with wave.open(file, "wb") as writer:
        ...     writer.setparams((1, 2, 24000, 0, "NONE", ""))
        ...     writer.writeframes(bytes(48000))
        >>> info = wav_info(file.getvalue())
        >>> info.sample_rate, info.data_offset, info.duration_seconds
        (24000, 44, 1.0)
    """
    if bytes(data[:4]) != b"RIFF" or bytes(data[8:12]) != b"WAVE":
        raise InvalidParameterError(
            "This is not a WAV file: it does not begin with RIFF and WAVE. Ask for response_format='wav', or convert "
            "it: ffmpeg -i input output.wav"
        )
    chunks: dict[bytes, _Chunk] = {}
    for chunk in _walk(data):
        chunks.setdefault(chunk.id, chunk)
    form, samples, aigc = (chunks.get(name) for name in (b"fmt ", b"data", _AIGC))
    if form is None or form.size < 16:
        raise InvalidParameterError("This WAV file has no readable format chunk: it is broken or was cut off.")
    if samples is None:
        raise InvalidParameterError("This WAV file has no samples chunk: it is broken or was cut off.")
    channels, rate, byte_rate, _, bits = struct.unpack_from("<HIIHH", form.of(data), 2)
    byte_rate = byte_rate or rate * channels * bits // 8
    return WavInfo(
        sample_rate=rate,
        channels=channels,
        bits=bits,
        data_offset=samples.offset,
        data_size=samples.size,
        duration_seconds=samples.size / byte_rate if byte_rate else 0.0,
        aigc=aigc.of(data) if aigc else None,
    )


def chunk_of(data: bytes, name: bytes) -> bytes | None:
    """The content of a WAV file's first chunk of this name, wherever it stands; None where there is none.

    Args:
        data: The whole file.
        name: The chunk's four letters, e.g. `b"LIST"`.
    """
    return next((chunk.of(data) for chunk in _walk(data) if chunk.id == name), None)


def pcm_format(sample_rate: int, channels: int = 1, bits: int = 16) -> bytes:
    """The content of the `fmt ` chunk for plain samples, to be given to `wav_file`.

    Args:
        sample_rate: Samples a second, per channel.
        channels: 1 is mono, 2 is stereo.
        bits: Bits of one sample of one channel.
    """
    block = channels * ((bits + 7) // 8)
    return struct.pack("<HHIIHH", 1, channels, sample_rate, sample_rate * block, block, bits)


def wav_file(
    form: bytes,
    samples: Sequence[bytes | memoryview],
    *,
    before: Mapping[bytes, bytes] | None = None,
    after: Mapping[bytes, bytes] | None = None,
) -> bytes:
    """Write a WAV file; the samples are copied once, whatever number of pieces they come in.

    Args:
        form: The content of the `fmt ` chunk, see `pcm_format`.
        samples: The samples, in pieces.
        before: Chunks to stand before the samples, by name, e.g. `LIST`.
        after: Chunks to stand after the samples, by name, e.g. `AIGC`.

    Returns:
        The whole file, every size in it right.

    Raises:
        InvalidParameterError: If the file would have more than 4 GB, which a WAV file cannot say.

    Example:
        >>> wav_info(wav_file(pcm_format(24000), [bytes(24000), bytes(24000)], after={b"AIGC": b"{}"})).duration_seconds
        1.0
    """
    size = sum(map(len, samples))
    head = [_chunk(b"fmt ", form), *(_chunk(name, content) for name, content in (before or {}).items())]
    tail = [bytes(size % 2), *(_chunk(name, content) for name, content in (after or {}).items())]
    total = 4 + sum(map(len, head)) + 8 + size + sum(map(len, tail))
    if total > _MAX_SIZE:
        raise InvalidParameterError(
            f"A WAV file cannot hold {size:,} bytes of samples: its sizes end at 4 GB. Join fewer parts into one file, "
            "or ask for response_format='mp3'."
        )
    head.insert(0, struct.pack("<4sI4s", b"RIFF", total, b"WAVE"))
    return b"".join([*head, struct.pack("<4sI", b"data", size), *samples, *tail])


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack("<4sI", name, len(content)) + content + bytes(len(content) % 2)


def _walk(data: bytes) -> Iterator[_Chunk]:
    position = 12
    while position + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, position)
        position += 8
        if name == b"data" and _is_size_unknown(data, position, size):
            size = _streamed_size(data, position)
        chunk = _Chunk(name, position, min(size, len(data) - position))
        yield chunk
        position += chunk.size
        # Odd chunks are followed by a zero byte; some writers forget it, and no chunk's name begins with zero.
        if chunk.size % 2 and data[position : position + 1] == b"\x00":
            position += 1


def _is_size_unknown(data: bytes, offset: int, size: int) -> bool:
    if size:
        return size > len(data) - offset
    # Nothing, or not known yet? Believe it only where the file as a whole states a size that reaches beyond this chunk.
    file_end = 8 + int.from_bytes(data[4:8], "little")
    return not offset < file_end <= len(data)


def _streamed_size(data: bytes, offset: int) -> int:
    begin = max(offset, len(data) - _AIGC_SEARCH)
    tail = bytes(data[begin:])
    found = tail.find(_AIGC)
    while found >= 0:
        end = found + 8 + int.from_bytes(tail[found + 4 : found + 8], "little")
        if end in {len(tail), len(tail) - 1}:  # with or without its padding
            return begin + found - offset
        found = tail.find(_AIGC, found + 1)
    return len(data) - offset

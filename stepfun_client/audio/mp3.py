"""MP3 as it is: tags, perhaps a frame that only tells about the others, and frames. Nothing is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepfun_client.audio.frames import FrameHeader, frame_header, id3_size
from stepfun_client.audio.information import gapless, is_information

if TYPE_CHECKING:
    from collections.abc import Iterator

_SAME_STREAM = 0xFFFE0C00  # the bits of a header that no frame of one stream changes: sync, version, layer, rate
_TAGS = (b"ID3", b"TAG", b"APE")


@dataclass(frozen=True, slots=True)
class Mp3:
    """Where everything in an MP3 file is, and how long it plays.

    Attributes:
        sample_rate: Samples a second, per channel.
        channels: 1 is mono, 2 is stereo.
        frames: Number of frames with sound, the information frame not counted.
        side_size: Bytes of side information in the frames, see `FrameHeader`.
        spans: (start, end) of each unbroken run of frames with sound, in bytes. Tags and junk lie outside.
        tag_end: Where the ID3v2 tag at the start ends; 0 without one.
        info: (start, end) of the Xing, Info or VBRI frame that tells about the others; None where there is none.
        delay: Samples of silence that the encoder says it put before the sound; 0 where it does not say.
        padding: The same after the sound.
        duration_seconds: How long it plays, without `delay` and `padding`, as players that know of them play it.
        bit_rate: Bits a second of every frame; None where they differ.
    """

    sample_rate: int
    channels: int
    frames: int
    side_size: int
    spans: tuple[tuple[int, int], ...]
    tag_end: int
    info: tuple[int, int] | None
    delay: int
    padding: int
    duration_seconds: float
    bit_rate: int | None

    @property
    def size(self) -> int:
        """Bytes of all frames with sound."""
        return sum(end - begin for begin, end in self.spans)


def mp3_info(data: bytes) -> Mp3 | None:
    """Walk an MP3 file's frames.

    Junk between frames, and a last frame that was cut off, are passed over.

    Args:
        data: The whole file.

    Returns:
        Where everything is; None where no frame can be found.
    """
    tag_end = id3_size(data)
    info: tuple[int, int] | None = None
    first: FrameHeader | None = None
    spans: list[tuple[int, int]] = []
    bit_rates: set[int] = set()
    frames, begin, end = 0, -1, -1
    for position, header in _walk(data, tag_end):
        if first is None and info is None and is_information(data[position : position + header.size], header.side_size):
            info = position, position + header.size
            continue
        first = first or header
        if position != end:
            spans.append((begin, end))
            begin = position
        end = position + header.size
        frames += 1
        bit_rates.add(header.bit_rate)
    if first is None:
        return None
    spans.append((begin, end))
    delay, padding = gapless(data[slice(*info)], first.side_size) if info else (0, 0)
    if delay + padding >= frames * first.samples:  # nothing would be left: it tells about another file
        delay = padding = 0
    return Mp3(
        sample_rate=first.sample_rate,
        channels=first.channels,
        frames=frames,
        side_size=first.side_size,
        spans=tuple(spans[1:]),  # the first stands for what is before the first frame
        tag_end=tag_end,
        info=info,
        delay=delay,
        padding=padding,
        duration_seconds=(frames * first.samples - delay - padding) / first.sample_rate,
        bit_rate=first.bit_rate if len(bit_rates) == 1 else None,
    )


def _walk(data: bytes, position: int) -> Iterator[tuple[int, FrameHeader]]:
    """Yield each whole frame. After what is no frame, one counts only if another, a tag or the end follows."""
    stream = 0  # what no frame of one stream changes, from the first header
    is_sure = False
    while 0 <= position <= len(data) - 4:
        header = _header_at(data, position, stream)
        if header and (is_sure or _is_followed(data, position, header)):
            if position + header.size > len(data):
                return  # cut off
            stream = stream or _word(data, position) & _SAME_STREAM
            yield position, header
            position += header.size
            is_sure = True
        else:
            tag = id3_size(data, position)
            position = position + tag if tag else data.find(b"\xff", position + 1)
            is_sure = False


def _word(data: bytes, position: int) -> int:
    return int.from_bytes(data[position : position + 4], "big")


def _header_at(data: bytes, position: int, stream: int) -> FrameHeader | None:
    word = _word(data, position)
    return frame_header(word) if not stream or word & _SAME_STREAM == stream else None


def _is_followed(data: bytes, position: int, header: FrameHeader) -> bool:
    following = position + header.size
    if following > len(data) - 4:
        return following <= len(data)
    own = _word(data, position) & _SAME_STREAM
    return data[following : following + 3] in _TAGS or _header_at(data, following, own) is not None

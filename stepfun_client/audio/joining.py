"""Pieces of sound put together to one file that is valid and as long as they are: no decoding, no copy but the result.

`wav` files are joined by their chunks, `mp3` files by their frames, bare samples (`pcm`) as they are. `flac` and `opus`
are refused: a FLAC file's header holds a checksum of all decoded samples and each frame its number; Ogg streams one
after another are valid but stop many players, libsndfile among them, after the first.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from stepfun_client.audio.clip import Audio
from stepfun_client.audio.durations import PCM_SAMPLE_BYTES
from stepfun_client.audio.information import blank, corrected, frames_told
from stepfun_client.audio.mp3 import Mp3, mp3_info
from stepfun_client.errors import InvalidParameterError
from stepfun_client.riff import WavInfo, chunk_of, wav_file, wav_info

_SAMPLE_FORMATS = {1: "PCM", 3: "float", 6: "A-law", 7: "mu-law", 0xFFFE: "extensible"}  # any block can be cut off
_EXTENSIBLE = 0xFFFE
_NOT_JOINABLE = {
    "flac": "a FLAC file's header holds a checksum of all its samples, which only decoding gives",
    "opus": "Ogg streams one after another are valid, but many players stop after the first",
}


def join_audio(parts: Sequence[Audio]) -> Audio:
    """Join pieces of sound of one format to one.

    - `wav`: one header with the first `LIST` chunk and the first `AIGC` label there is (the others say the same), every
      part's samples, exactly. Other chunks, which tell about one part only, are left out.
    - `mp3`: the first file's ID3v2 tag, then every part's frames. Other tags are left out; the first part's information
      frame is corrected, or one is made, to tell about the whole. The few hundredths of a second of silence that an
      encoder puts around each part stay between the parts, and count in the length.
    - `pcm`: every part's samples, exactly.

    Args:
        parts: At least one. One alone is returned as it is.

    Returns:
        The whole: the texts joined where all are known, voice and model where all parts agree, the last trace id.

    Raises:
        InvalidParameterError: If there is none, if they differ in format, rate, channels or bits, if one cannot be
            read, if their format cannot be joined (`flac`, `opus`), or if a WAV file would pass 4 GB.

    Example:
        >>> hello = Audio.of(bytes(24000), format="pcm", sample_rate=24000, text="Hello. ").to_wav()
        >>> join_audio([hello, hello])
        Audio(wav, 24000 Hz, 1.00 s, 48044 bytes)
    """
    if not parts:
        raise InvalidParameterError("There is nothing to join: no part was given.", param="parts")
    first = parts[0]
    if len(parts) == 1:
        return first
    if first.format in _NOT_JOINABLE:
        raise InvalidParameterError(
            f"{first.format} files cannot be joined without decoding them: {_NOT_JOINABLE[first.format]}. Ask for "
            "response_format='wav' or 'mp3', or keep the parts as files of their own.",
            param="response_format",
        )
    _check_same([part.format for part in parts], "format")
    join = {"wav": _join_wav, "mp3": _join_mp3, "pcm": _join_pcm}[first.format]
    texts = [part.text for part in parts if part.text is not None]
    return Audio.of(
        join(parts),
        format=first.format,
        sample_rate=first.sample_rate,
        channels=first.channels,
        voice=_agreed([part.voice for part in parts]),
        model=_agreed([part.model for part in parts]),
        text="".join(texts) if len(texts) == len(parts) else None,
        trace_id=parts[-1].trace_id,
        label=next((part.label for part in parts if part.label), None),
    )


def mended(audio: Audio) -> Audio:
    """The same sound as a file that tells its length rightly, for what was put together from a stream.

    An `mp3` stream's information frame tells about its first part, or is missing; many players stop where it says, or
    guess. It is corrected, or one is made. What is right already, and other formats, are returned as they are.

    Args:
        audio: What came, in one.

    Example:
        >>> mended(Audio(b"..", "opus"))
        Audio(opus, 2 bytes)
    """
    mp3 = mp3_info(audio.content) if audio.format == "mp3" else None
    if mp3 is None or (mp3.info and frames_told(audio.content[slice(*mp3.info)], mp3.side_size) == mp3.frames):
        return audio
    return replace(audio, content=_join_mp3([audio]))


def _join_pcm(parts: Sequence[Audio]) -> bytes:
    _check_same([f"{part.sample_rate or 'unknown'} Hz, {part.channels} channels" for part in parts], "sample rate")
    block = PCM_SAMPLE_BYTES * parts[0].channels
    return b"".join(_whole_samples(memoryview(part.content), block) for part in parts)


def _join_wav(parts: Sequence[Audio]) -> bytes:
    read = [_wav_of(number, part.content) for number, part in enumerate(parts, 1)]
    _check_same([wav.plays for wav in read], "sample format")
    first_list = next((wav.list for wav in read if wav.list is not None), None)
    first_label = next((wav.info.aigc for wav in read if wav.info.aigc is not None), None)
    return wav_file(
        read[0].form,
        [wav.samples for wav in read],
        before={} if first_list is None else {b"LIST": first_list},
        after={} if first_label is None else {b"AIGC": first_label},
    )


class _Wav(NamedTuple):
    info: WavInfo
    form: bytes
    plays: str
    list: bytes | None
    samples: memoryview


def _wav_of(number: int, content: bytes) -> _Wav:
    try:
        info = wav_info(content)
    except InvalidParameterError as error:
        raise _unreadable(number, error.message) from None
    form = chunk_of(content, b"fmt ") or b""
    coding, _, _, _, block, bits = struct.unpack_from("<HHIIHH", form)
    kind = _SAMPLE_FORMATS.get(coding)
    if kind is None or block < 1:
        raise _unreadable(number, f"its samples are compressed (WAV format {coding}). Convert it to PCM first.")
    if coding == _EXTENSIBLE:
        kind = f"{kind} {form[24:40].hex()}"  # what the samples are stands further on
    plays = f"{kind}, {info.sample_rate} Hz, {info.channels} channels, {bits} bit in {block} bytes"
    samples = memoryview(content)[info.data_offset : info.data_offset + info.data_size]
    return _Wav(info, form, plays, chunk_of(content, b"LIST"), _whole_samples(samples, block))


def _join_mp3(parts: Sequence[Audio]) -> bytes:
    read = [_mp3_of(number, part.content) for number, part in enumerate(parts, 1)]
    _check_same([f"{mp3.sample_rate} Hz, {mp3.channels} channels" for mp3 in read], "sample rate")
    pieces: list[bytes | memoryview] = [parts[0].content[: read[0].tag_end], _information(parts[0].content, read)]
    for part, mp3 in zip(parts, read, strict=True):
        pieces += [memoryview(part.content)[begin:end] for begin, end in mp3.spans]
    return b"".join(pieces)


def _information(first: bytes, read: Sequence[Mp3]) -> bytes:
    """The frame that tells about all of them. Without one, players guess the length by the first frame's bit rate."""
    begin = read[0].spans[0][0]
    own = first[slice(*read[0].info)] if read[0].info else b""
    if frames_told(own, read[0].side_size) is None:  # there is none, or one of a kind that cannot be corrected
        own = blank(int.from_bytes(first[begin : begin + 4], "big"))
    return corrected(
        own,
        read[0].side_size,
        parts=[(mp3.frames, mp3.size) for mp3 in read],
        padding=read[-1].padding,
        is_constant=len({mp3.bit_rate for mp3 in read}) == 1 and read[0].bit_rate is not None,
    )


def _mp3_of(number: int, content: bytes) -> Mp3:
    mp3 = mp3_info(content)
    if mp3 is None:
        raise _unreadable(number, "it has no MP3 frames.")
    return mp3


def _whole_samples(samples: memoryview, block: int) -> memoryview:
    """A file that was cut off may end with part of a sample; what follows it would be noise."""
    return samples[: len(samples) // block * block]


def _agreed(values: Sequence[str | None]) -> str | None:
    return values[0] if len(set(values)) == 1 else None


def _check_same(each: Sequence[str], what: str) -> None:
    for number, value in enumerate(each, 1):
        if value != each[0]:
            raise InvalidParameterError(
                f"The parts differ in {what}: part 1 has {each[0]}, part {number} has {value}. Ask for all with "
                "the same response_format and sample_rate, or convert them first.",
                param="parts",
            )


def _unreadable(number: int, why: str) -> InvalidParameterError:
    return InvalidParameterError(f"Part {number} cannot be joined: {why}", param="parts")

"""Speech that can be heard again: the text itself, in tones.

Each sentence is one frame. It begins with a call of six fixed tones, which no text contains, and a head that says how
long a symbol of the text lasts and how many bytes follow, with a checksum; call and head have a tempo of their own that
never changes. Then come the bytes of the text, two symbols of sixteen tones each, and a checksum. At speed 1 a symbol
lasts 40 ms: 80 ms a letter, 240 ms a Chinese character. Silence follows.

All tones lie below 3.2 kHz, far enough apart for the lossy formats and for 8000 samples a second. Hearing looks for
calls anywhere and believes nothing whose checksums fail, so music and voices are heard as nothing.
"""

from __future__ import annotations

import binascii
import itertools
import struct
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from stepfun_emulator.sound.sentences import fitting, split_sentences

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

_TONES = tuple(600.0 + 150.0 * number for number in range(16))
_LOW, _HIGH = 420.0, 3090.0
_CALL = (_LOW, _HIGH, _HIGH, _LOW, _HIGH, _LOW)
_BEAT = 0.02  # seconds a symbol of call and head
_HEAD = struct.Struct(">HH")  # the symbol length in units of 2 µs, the number of bytes
_HEAD_BYTES = _HEAD.size + 1
_UNIT = 2e-6
_SYMBOL = 0.04  # seconds at speed 1
_SHORTEST, _LONGEST = 0.015, 0.1
_MOST_BYTES = 1024
_LOUDNESS = 12_000  # at volume 1; twice that still fits
_RAMP = 0.004
_LEAD, _PAUSE = 0.05, 0.4

_BLOCK = 60.0  # seconds looked through at once
_HOPS = 4  # hops in one beat
_ENOUGH = 0.4  # of the power of a call must lie where a call has it
_EDGE = 0.1  # of a symbol at either side is not listened to: codecs smear it
_SYMBOLS_AT_ONCE = 256
_SHIFTS = (0.0, -0.001, 0.001, -0.0025, 0.0025)  # seconds: a smeared call is heard a little early or late


class Heard(NamedTuple):
    """One sentence that was heard.

    Attributes:
        text: What was said, with the spaces after it.
        start: Where it begins, in seconds.
        end: Where it ends, in seconds, without the silence after it.
    """

    text: str
    start: float
    end: float


# --- Speaking --------------------------------------------------------------------------------------------------------


def utter(text: str, *, rate: int = 24_000, speed: float = 1.0, volume: float = 1.0) -> bytes:
    """Say a text.

    Args:
        text: Any text.
        rate: Samples a second, 8000 or more.
        speed: 0.5 to 2; pauses keep their length.
        volume: 0.1 to 2.

    Returns:
        Samples, little-endian 16 bit mono. Silence after each sentence, a little before the first.
    """
    parts = [bytes(2 * round(_LEAD * rate))]
    for sentence in split_sentences(text):
        for piece in fitting(sentence, _MOST_BYTES):
            parts += [_frame(piece, rate, speed, volume), bytes(2 * round(_PAUSE * rate))]
    return b"".join(parts)


def _frame(piece: str, rate: int, speed: float, volume: float) -> bytes:
    content = piece.encode("utf-8", "surrogatepass")
    units = round(_SYMBOL / speed / _UNIT)
    head = _HEAD.pack(units, len(content))
    fixed = [*_CALL, *_tones(head + bytes([_checksum(head) & 0xFF]))]
    spoken = _tones(content + _checksum(content).to_bytes(2, "big"))
    ends = [_BEAT * number for number in range(1, len(fixed) + 1)]
    ends += [ends[-1] + units * _UNIT * number for number in range(1, len(spoken) + 1)]
    borders = np.rint(np.array([0.0, *ends]) * rate).astype(np.int64)
    pitch = np.repeat(np.array([*fixed, *spoken]), np.diff(borders))
    wave = np.sin(np.cumsum(pitch) * (2 * np.pi / rate))  # one phase throughout: no clicks between the tones
    ramp = np.linspace(0.0, 1.0, round(_RAMP * rate))
    wave[: len(ramp)] *= ramp
    wave[-len(ramp) :] *= ramp[::-1]
    samples: bytes = np.rint(wave * (_LOUDNESS * volume)).astype("<i2").tobytes()
    return samples


def _tones(content: bytes) -> list[float]:
    return [_TONES[half] for byte in content for half in (byte >> 4, byte & 15)]


def _checksum(content: bytes) -> int:
    return binascii.crc_hqx(content, 0xFFFF)


# --- Hearing ---------------------------------------------------------------------------------------------------------


def hear(samples: bytes, rate: int) -> list[Heard]:
    """Find what :func:`utter` said, wherever it stands.

    Args:
        samples: Little-endian 16 bit mono, joined from anything.
        rate: Samples a second, 8000 or more.

    Returns:
        The sentences, in order. None for audio that says nothing of this kind.
    """
    wave = np.frombuffer(samples[: len(samples) // 2 * 2] if len(samples) % 2 else samples, "<i2")
    found: list[Heard] = []
    free = 0
    for call in _calls(wave, rate):
        if call < free:
            continue
        for shift in _SHIFTS:
            heard = _read(wave, call + round(shift * rate), rate)
            if heard is not None:
                found.append(heard)
                free = round(heard.end * rate)
                break
    return found


def _calls(wave: NDArray[np.int16], rate: int) -> Iterator[int]:
    """Where calls seem to begin, in samples."""
    length = round(len(_CALL) * _BEAT * rate)
    block = round(_BLOCK * rate)
    last = -length
    for start in range(0, max(len(wave) - length // 2, 0), block):
        # Blocks overlap by more than a call; what both of them find is given once.
        part = wave[max(start - length, 0) : start + block + length].astype(np.float32)
        for rough in _rough(part, rate):
            call = max(start - length, 0) + _sharpened(part, rough, rate)
            if call - last > length // 4:
                last = call
                yield call


def _rough(part: Floats, rate: int) -> list[int]:
    """Where the power of a call lies, to a hop: the peaks of how well a call fits there."""
    hop = round(_BEAT * rate / _HOPS)
    rows = part[: len(part) // hop * hop].reshape(-1, hop)
    # A call may lean over either end of what is there, by the little that a cut took.
    rows = np.pad(rows, ((_HOPS, 2 * _HOPS), (0, 0)))
    power = _gliding(np.einsum("ij,ij->i", rows, rows), _HOPS)
    share = {tone: _share(rows, tone, rate) / np.maximum(power, 1.0) for tone in (_LOW, _HIGH)}
    beats = [share[tone][beat * _HOPS :] for beat, tone in enumerate(_CALL)]
    size = min(map(len, beats))
    if size < 1:
        return []
    fit = np.mean([beat[:size] for beat in beats], axis=0)
    around = np.pad(fit, 2 * _HOPS)
    highest = np.lib.stride_tricks.sliding_window_view(around, 4 * _HOPS + 1).max(axis=1)
    peaks = np.flatnonzero((fit == highest) & (fit > _ENOUGH))
    return [int(peak - _HOPS) * hop for peak in peaks]


def _share(rows: Floats, tone: float, rate: int) -> Floats:
    """The power of a tone in each beat that begins at a hop, as much as all power there if it is the only one."""
    hop = rows.shape[1]
    turns = np.exp(-2j * np.pi * tone / rate * np.arange(hop)).astype(np.complex64)
    each = (rows @ turns.real) + 1j * (rows @ turns.imag)
    turned = each * np.exp(-2j * np.pi * tone / rate * hop * np.arange(len(rows)))
    share: Floats = np.abs(_gliding(turned, _HOPS)) ** 2 * (2 / (hop * _HOPS))
    return share


def _gliding(values: NDArray[Any], size: int) -> NDArray[Any]:
    """The sums of ``size`` neighbours."""
    count = len(values) - size + 1
    total: NDArray[Any] = np.sum([values[at : at + count] for at in range(size)], axis=0)
    return total


def _sharpened(part: Floats, rough: int, rate: int) -> int:
    """Where around a hop a call fits best, to a quarter of a millisecond."""
    reach, beat = round(0.008 * rate), _BEAT * rate
    low = rough - reach
    size = 2 * reach + round(len(_CALL) * beat) + 1
    piece = _cut(part, low, size)
    clock = np.arange(size)
    running = {}
    for tone in (_LOW, _HIGH):
        turned = piece * np.exp(-2j * np.pi * tone / rate * clock)
        running[tone] = np.concatenate(([0], np.cumsum(turned)))
    offsets = np.arange(0, 2 * reach + 1, max(rate // 4000, 1))
    fit = np.zeros(len(offsets))
    for at, tone in enumerate(_CALL):
        begin, end = offsets + round(at * beat), offsets + round((at + 1) * beat)
        fit += np.abs(running[tone][end] - running[tone][begin])
    return low + int(offsets[np.argmax(fit)])


def _read(wave: NDArray[np.int16], call: int, rate: int) -> Heard | None:
    """The frame that begins at a call; None if it is none after all."""
    beat = _BEAT * rate
    start = call + len(_CALL) * beat
    head = _bytes(wave, start, beat, _HEAD_BYTES, rate)
    if head[-1] != _checksum(head[:-1]) & 0xFF:
        return None
    units, size = _HEAD.unpack(head[:-1])
    symbol = units * _UNIT
    if not _SHORTEST <= symbol <= _LONGEST or size > _MOST_BYTES:
        return None
    start += 2 * _HEAD_BYTES * beat
    end = start + 2 * (size + 2) * symbol * rate
    if end > len(wave) + symbol * rate / 2:
        return None
    content = _bytes(wave, start, symbol * rate, size + 2, rate)
    if _checksum(content[:-2]).to_bytes(2, "big") != content[-2:]:
        return None
    try:
        text = content[:-2].decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None
    return Heard(text, max(call, 0) / rate, min(end, len(wave)) / rate)


def _bytes(wave: NDArray[np.int16], start: float, symbol: float, count: int, rate: int) -> bytes:
    """Bytes from symbols of a length in samples: for each symbol its loudest tone."""
    width = max(round(symbol * (1 - 2 * _EDGE)), 1)
    turns = np.exp(-2j * np.pi / rate * np.outer(np.arange(width), _TONES))
    cosines, sines = turns.real.astype(np.float32), turns.imag.astype(np.float32)
    halves: list[int] = []
    for first in range(0, 2 * count, _SYMBOLS_AT_ONCE):
        numbers = np.arange(first, min(first + _SYMBOLS_AT_ONCE, 2 * count))
        begins = np.rint(start + (numbers + _EDGE) * symbol).astype(np.int64)
        low, high = int(begins[0]), int(begins[-1]) + width
        piece = _cut(wave, low, high - low).astype(np.float32)
        windows = piece[(begins - low)[:, None] + np.arange(width)]
        halves += np.argmax((windows @ cosines) ** 2 + (windows @ sines) ** 2, axis=1).tolist()
    pairs = itertools.zip_longest(halves[::2], halves[1::2], fillvalue=0)
    return bytes(high << 4 | low for high, low in pairs)


def _cut(wave: NDArray[Any], low: int, size: int) -> NDArray[Any]:
    """A piece of a given size, with silence where there is nothing."""
    piece = wave[max(low, 0) : max(low + size, 0)]
    before = min(max(-low, 0), size)
    return np.pad(piece, (before, size - before - len(piece)))

"""Pieces of sound become one file that is valid and as long as they are."""

from __future__ import annotations

import io
import struct
import tracemalloc

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from stepfun_client import InvalidParameterError
from stepfun_client.audio import Audio, Mp3Continuation, continuation, join_audio, mended
from stepfun_client.audio.mp3 import mp3_info
from stepfun_client.riff import chunk_of, pcm_format, wav_file, wav_info
from tests.unit_tests.stepfun_client.sounds import LABEL, LIST, encoded, seconds_heard, service_wav, wave_samples

ID3 = b"ID3\x04\x00\x00\x00\x00\x00\x05title"
DECODER_DELAY = 530 / 24000  # seconds that libsndfile cuts off where no encoder says how much it put there
ID3V1 = b"TAG" + bytes(125)
RAMP = bytes(range(250)) * 4


def seconds(parts: list[Audio]) -> float:
    return sum(part.duration_seconds or 0 for part in parts)


def refusal(parts: list[Audio]) -> str:
    with pytest.raises(InvalidParameterError) as caught:
        join_audio(parts)
    return str(caught.value)


# Whatever the format


def test_one_part_is_returned_as_it_is():
    audio = Audio(b"..", "opus")
    assert join_audio([audio]) is audio


def test_facts_are_carried_over():
    one = Audio.of(RAMP, format="pcm", sample_rate=8000, voice="v", model="m", text="Hello. ", trace_id="1")
    two = Audio.of(RAMP, format="pcm", sample_rate=8000, voice="v", model="n", text="Bye.", trace_id="2", label=LABEL)
    whole = join_audio([one, two])
    assert (whole.voice, whole.model, whole.text, whole.trace_id) == ("v", None, "Hello. Bye.", "2")
    assert (whole.label, whole.sample_rate, whole.duration_seconds) == (LABEL, 8000, seconds([one, two]))
    unknown = Audio.of(RAMP, format="pcm", sample_rate=8000)
    assert join_audio([one, unknown]).text is None


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([], "nothing to join"),
        ([Audio(b"", "flac"), Audio(b"", "flac")], "response_format='wav' or 'mp3'"),
        ([Audio(b"", "opus"), Audio(b"", "opus")], "many players stop after the first"),
        ([Audio(b"", "pcm"), Audio(b"", "pcm"), Audio(b"", "mp3")], "part 1 has pcm, part 3 has mp3"),
        ([Audio(b"", "pcm", 8000), Audio(b"", "pcm", 16000)], "part 2 has 16000 Hz"),
        ([Audio(b"", "wav"), Audio(b"", "wav")], "Part 1 cannot be joined: This is not a WAV file"),
        ([Audio(encoded("mp3"), "mp3"), Audio(b"", "mp3")], "Part 2 cannot be joined: it has no MP3 frames"),
    ],
)
def test_what_cannot_be_joined_is_refused_with_the_reason(parts, words):
    assert words in refusal(parts)


def test_opus_streams_one_after_another_stop_libsndfile_after_the_first():
    """Why opus is refused: half of the speech would be lost silently."""
    one = encoded("opus")
    assert len(soundfile.read(io.BytesIO(one + one))[0]) < 2 * 24000


# pcm


@given(st.lists(st.binary(max_size=9), min_size=2, max_size=5), st.integers(1, 2))
def test_pcm_joins_whole_samples(pieces, channels):
    block = 2 * channels
    whole = join_audio([Audio(piece, "pcm", 8000, channels) for piece in pieces])
    assert whole.content == b"".join(piece[: len(piece) // block * block] for piece in pieces)


# wav


@given(st.lists(st.binary(max_size=40).map(lambda b: b[: len(b) // 2 * 2]), min_size=2, max_size=6))
def test_wav_has_exactly_the_samples_of_its_parts(samples):
    parts = [Audio.of(service_wav(piece)) for piece in samples]
    whole = join_audio(parts)
    assert wave_samples(whole.content) == b"".join(samples)
    assert whole.duration_seconds == pytest.approx(seconds(parts))


def test_joined_wav_keeps_one_list_and_one_aigc_label_the_first():
    parts = [service_wav(RAMP, label=None), service_wav(RAMP), service_wav(RAMP, label=b"later")]
    whole = join_audio([Audio.of(part) for part in parts])
    assert whole.label == wav_info(whole.content).aigc == LABEL
    assert [whole.content.count(name) for name in (b"AIGC", b"LIST", b"data", b"RIFF")] == [2, 1, 1, 1]  # one is JSON
    assert chunk_of(whole.content, b"LIST") == LIST
    assert wav_info(whole.content).data_offset == 78
    assert struct.unpack_from("<I", whole.content, 4)[0] == len(whole.content) - 8


def test_joined_wav_without_list_and_label_has_none():
    whole = join_audio([Audio.of(wav_file(pcm_format(24000), [RAMP]))] * 2)
    assert len(whole.content) == 44 + 2 * len(RAMP)


def test_wav_opens_in_soundfile_with_the_sum_of_the_durations():
    parts = [Audio.of(encoded("wav", samples=count)) for count in (24000, 1, 777, 12345)]
    whole = join_audio(parts)
    assert seconds_heard(whole) == whole.duration_seconds == pytest.approx(seconds(parts))
    assert len(wave_samples(whole.content)) == 2 * (24000 + 1 + 777 + 12345)


def test_odd_sizes_are_padded():
    whole = join_audio([Audio.of(wav_file(pcm_format(8000, bits=8), [b"abc"], after={b"AIGC": b"x"}))] * 3)
    assert wave_samples(whole.content) == b"abcabcabc"
    assert whole.label == b"x"
    assert len(whole.content) % 2 == 0


def test_half_a_sample_at_a_cut_off_end_is_left_out():
    cut = Audio.of(service_wav(b"abcdef", label=None)[:-1])
    whole = join_audio([cut, Audio.of(service_wav(b"ghij"))])
    assert wave_samples(whole.content) == b"abcdghij"


def test_wav_written_while_streaming_joins_too():
    streamed = bytearray(service_wav(RAMP, label=None))
    streamed[4:8] = streamed[74:78] = b"\xff" * 4
    assert wave_samples(join_audio([Audio.of(streamed)] * 2).content) == RAMP * 2


def test_samples_of_every_kind_join_but_not_with_one_another():
    def made(subtype: str, **options: str) -> Audio:
        file = io.BytesIO()
        kind = options.get("format", "WAV")
        soundfile.write(file, np.linspace(-0.5, 0.5, 500), 8000, format=kind, subtype=subtype)
        return Audio.of(file.getvalue())

    kinds = [made("PCM_16"), made("PCM_24"), made("FLOAT"), made("ULAW"), made("PCM_16", format="WAVEX")]
    for one in kinds:
        whole = join_audio([one, one])
        assert seconds_heard(whole) == whole.duration_seconds == 0.125
        for other in kinds:
            if other is not one:
                assert "differ in sample format" in refusal([one, other])
    assert "Convert it to PCM first" in refusal([made("IMA_ADPCM")] * 2)


def test_other_rates_and_channels_are_refused_by_name():
    mono = Audio.of(encoded("wav"))
    assert "part 2 has PCM, 48000 Hz" in refusal([mono, Audio.of(encoded("wav", rate=48000))])
    assert "part 2 has PCM, 24000 Hz, 2 channels" in refusal([mono, Audio.of(encoded("wav", channels=2))])


def test_more_than_4_gb_is_refused():
    part = Audio(service_wav(bytes(1 << 26)), "wav")
    assert "4 GB" in refusal([part] * 64)


def test_230_mb_take_the_memory_of_the_result_and_no_more():
    part = Audio.of(service_wav(bytes(1 << 20)))
    tracemalloc.start()
    whole = join_audio([part] * 230)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(whole) >= 230 << 20
    assert peak < len(whole) * 1.1


# mp3


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (22050, 1), (24000, 1), (24000, 2), (48000, 1)])
def test_mp3_plays_to_the_end_in_soundfile(rate, channels):
    parts = [Audio.of(encoded("mp3", samples=rate * n // 2 + 99, rate=rate, channels=channels)) for n in (1, 2, 3)]
    whole = join_audio(parts)
    told = soundfile.info(io.BytesIO(whole.content)).duration
    assert seconds_heard(whole) == told == pytest.approx(whole.duration_seconds)
    silence = 2 * (576 + 1152 + 1152 // 2 + 529) / rate  # what an encoder puts around a part, at two borders
    assert seconds(parts) <= told <= seconds(parts) + silence


def test_joined_mp3_has_every_frame_of_its_parts_and_one_information_frame():
    parts = [Audio.of(encoded("mp3", samples=count)) for count in (24000, 5000, 12000)]
    whole = join_audio(parts).content
    infos = [mp3_info(part.content) for part in parts]
    joined = mp3_info(whole)
    assert joined.frames == sum(info.frames for info in infos)
    assert len(joined.spans) == 1
    assert (joined.delay, joined.padding) == (infos[0].delay, infos[-1].padding)
    assert whole.count(b"Info") + whole.count(b"Xing") == 1
    start = 4 + joined.side_size
    assert int.from_bytes(whole[start + 8 : start + 12], "big") == joined.frames
    assert int.from_bytes(whole[start + 12 : start + 16], "big") == len(whole)
    table = list(whole[start + 16 : start + 116])
    assert table == sorted(table)
    assert (table[0], table[-1]) == (joined.info[1] * 256 // len(whole), pytest.approx(253, abs=2))


def test_later_tags_are_dropped_and_the_first_stays():
    tone = encoded("mp3")
    plain = join_audio([Audio.of(tone), Audio.of(tone)]).content
    assert join_audio([Audio.of(ID3 + tone + ID3V1), Audio.of(ID3 + tone + ID3V1)]).content == ID3 + plain


@pytest.mark.parametrize("tag", [b"", ID3])
def test_parts_without_an_information_frame_get_one(tag):
    """Without one, libsndfile guesses the length by the first frame's bit rate, and stops there."""
    tone = encoded("mp3")
    bare = Audio.of(tag + tone[mp3_info(tone).info[1] :])
    whole = join_audio([bare, Audio.of(tone)])
    joined = mp3_info(whole.content)
    assert seconds_heard(bare) < bare.duration_seconds / 2
    assert joined.tag_end == len(tag)
    assert b"".join(whole.content[slice(*span)] for span in joined.spans) == bare.content[len(tag) :] * 2
    assert whole.duration_seconds == pytest.approx(2 * bare.duration_seconds)
    assert seconds_heard(whole) == pytest.approx(whole.duration_seconds, abs=DECODER_DELAY)


def test_a_fraunhofer_information_frame_is_replaced():
    frame = (bytes.fromhex("fff364c4") + bytes(32) + b"VBRI").ljust(144, b"\x00")
    part = Audio.of(frame + (bytes.fromhex("fff364c4") + bytes(140)) * 3)
    whole = join_audio([part, part])
    assert b"VBRI" not in whole.content
    assert mp3_info(whole.content).frames == 6


def test_a_change_of_the_bit_rate_is_said_in_the_information_frame():
    slow, fast = (Audio.of(encoded("mp3", bitrate_mode="CONSTANT", compression_level=level)) for level in (0.9, 0.1))
    whole = join_audio([slow, fast]).content
    assert mp3_info(whole).bit_rate is None
    assert whole.count(b"Xing") == 1
    assert join_audio([slow, slow]).content.count(b"Info") == 1


def test_mp3_of_other_rates_is_refused():
    assert "part 2 has 48000 Hz" in refusal([Audio.of(encoded("mp3")), Audio.of(encoded("mp3", rate=48000))])


# One after another in a stream


@given(st.lists(st.integers(1, 400), max_size=8), st.booleans(), st.sampled_from([b"", ID3, ID3 + ID3]))
def test_a_later_mp3_part_loses_its_tag_and_information_frame_however_it_is_cut(cuts, is_first, tag):
    whole, rest, pieces = tag + TONE, tag + TONE, []
    for cut in cuts:
        pieces.append(rest[:cut])
        rest = rest[cut:]
    part = Mp3Continuation(is_first=is_first)
    given_on = b"".join([*(part.feed(piece) for piece in [*pieces, rest]), part.finish()])
    assert given_on == (tag if is_first else b"") + TONE[mp3_info(TONE).info[1] :]
    assert given_on == continuation(whole, "mp3", is_first=is_first)


TONE = encoded("mp3", samples=3000)


@pytest.mark.parametrize("size", [0, 2, 9, 11, 100])
def test_a_part_that_is_cut_off_early_is_not_lost(size):
    assert continuation(TONE[:size], "mp3") == TONE[:size]


def test_a_part_that_begins_with_sound_or_with_something_else_passes():
    sound = TONE[mp3_info(TONE).info[1] :]
    assert continuation(sound, "mp3") == sound
    assert continuation(b"some words, no frames", "mp3") == b"some words, no frames"


@pytest.mark.parametrize("is_known_as_first", [True, False])
def test_continued_parts_are_mended_to_play_as_one(is_known_as_first):
    first = continuation(ID3 + TONE, "mp3", is_first=True) if is_known_as_first else TONE
    stream = Audio.of(first + continuation(ID3 + TONE, "mp3") * 2, voice="v")
    whole = mended(stream)
    assert mp3_info(whole.content).frames == 3 * mp3_info(TONE).frames
    assert seconds_heard(stream) < stream.duration_seconds / 2
    assert whole.duration_seconds == stream.duration_seconds
    assert seconds_heard(whole) == pytest.approx(whole.duration_seconds, abs=DECODER_DELAY)
    assert whole.voice == "v"


@pytest.mark.parametrize("form", ["mp3", "wav", "flac", "opus"])
def test_what_tells_its_length_rightly_is_not_mended(form):
    audio = Audio.of(encoded(form))
    assert mended(audio) is audio
    assert mended(Audio(b"no frames", "mp3")).content == b"no frames"


def test_bare_samples_go_on_by_themselves():
    assert continuation(RAMP, "pcm") is RAMP


@pytest.mark.parametrize("form", ["wav", "flac", "opus"])
def test_formats_with_a_header_of_their_own_cannot_follow_one_another(form):
    with pytest.raises(InvalidParameterError, match=r"join_audio\(parts\)"):
        continuation(b"..", form)

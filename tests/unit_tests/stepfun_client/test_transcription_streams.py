"""Recognition over SSE, read: the recorded call, cuts at every byte and event, errors, and sentences out of pieces."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepfun_client import (
    APIConnectionError,
    APIResponseError,
    APIStatusError,
    BadRequestError,
    RateLimitError,
    ServerError,
    StreamInterruptedError,
)
from stepfun_client.api.transcript_timing import Piece, segments_of
from stepfun_client.api.transcription_stream import TranscriptReader
from tests.unit_tests.stepfun_client.conftest import RECORDINGS

MODEL = "stepaudio-3-asr-max"
WAV = b"RIFF\x04\0\0\0WAVE"
HEADERS = {"content-type": "text/event-stream", "x-trace-id": "373279f754863eccda439d90e5c06dfa"}


def event(body):
    return b"data: %b\n\n" % json.dumps(body, ensure_ascii=False).encode()


def delta(text, start=0, end=0):
    return event({"type": "transcript.text.delta", "delta": text, "start_time": start, "end_time": end})


DONE = event({"type": "transcript.text.done", "text": "Hi there.", "usage": {"total_tokens": 7}})
WHOLE = delta("Hi", 10, 200) + delta(" there", 200, 500) + delta(".", 500, 510) + DONE


def read(*pieces):
    reader = TranscriptReader({"model": MODEL})
    reader.begin(HEADERS)
    deltas = [delta for piece in pieces for delta in reader.feed(piece)]
    return deltas + reader.finish(), reader.transcript()


@pytest.fixture
def recorded_tail():
    path = RECORDINGS["live"] / "asr_sse_tail.json"
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    return json.loads(path.read_text("utf-8"))["response"]


def test_the_recorded_call(recorded_tail):
    reader = TranscriptReader()
    reader.begin(recorded_tail["headers"])
    deltas = reader.feed(recorded_tail["body_tail"].encode()) + reader.finish()

    assert [delta.text for delta in deltas] == [" short", " Step", "Fun", " API", " test", "."]
    assert {(delta.start, delta.end) for delta in deltas} == {(None, None)}
    transcript = reader.transcript()
    assert transcript.text == "Hello, this is a short StepFun API test."
    assert transcript.usage["total_tokens"] == 110
    assert transcript.usage["input_token_details"] == {"text_tokens": 95, "audio_tokens": 0}
    assert transcript.trace_id == "bd48a499e988ae57e1dba8865356591a"
    assert transcript.segments == []


def test_the_trace_id_is_read_from_the_events_where_no_header_has_it(recorded_tail):
    reader = TranscriptReader()
    reader.begin({"content-type": "text/event-stream"})
    reader.feed(recorded_tail["body_tail"].encode())

    assert reader.trace_id == "bd48a499e988ae57e1dba8865356591a"
    assert reader.transcript().trace_id == reader.trace_id


@given(st.lists(st.integers(0, len(WHOLE)), max_size=8).map(sorted))
def test_reads_cut_anywhere_say_the_same(cuts):
    edges = [0, *cuts, len(WHOLE)]

    assert read(*(WHOLE[a:b] for a, b in itertools.pairwise(edges))) == read(WHOLE)


@given(st.integers(0, len(WHOLE) - len(DONE)))
def test_a_stream_cut_at_any_byte_before_the_done_event_is_interrupted_never_short(at):
    with pytest.raises(StreamInterruptedError, match=r"transcript\.text\.done"):
        read(WHOLE[:at])


def test_there_is_no_done_marker_and_none_is_waited_for():
    reader = TranscriptReader()
    reader.begin(HEADERS)
    reader.feed(WHOLE)

    assert reader.done
    assert reader.complete
    assert read(WHOLE, b"data: [DONE]\n\n") == read(WHOLE)
    assert read(WHOLE.rstrip(b"\n"))[1].text == "Hi there."


def test_the_text_of_the_done_event_wins():
    _, transcript = read(delta("Hai there", 10, 500), event({"type": "transcript.text.done", "text": "Hi there."}))

    assert transcript.text == "Hi there."
    assert transcript.segments[0].text == "Hai there"
    _, silent = read(delta("Hi"), delta("."), event({"type": "transcript.text.done", "later": 1}))
    assert (silent.text, silent.model_extra) == ("Hi.", {"later": 1})


def test_an_event_of_tomorrow_stops_nothing():
    assert read(event({"type": "transcript.text.tomorrow", "x": 1}) + b": ping\n\n" + WHOLE) == read(WHOLE)


ERRORS = {
    "message": (event({"type": "error", "message": "cannot decode the audio"}), ServerError, "cannot decode"),
    "typed": (event({"type": "error", "error": {"type": "rate_limited", "message": "later"}}), RateLimitError, "later"),
    "code": (event({"type": "error", "message": "no", "code": "7"}), ServerError, "no"),
    "named": (b'event: error\ndata: {"message": "no"}\n\n', ServerError, "no"),
    "error": (event({"error": {"type": "request_params_invalid", "message": "bad"}}), BadRequestError, "bad"),
}


@pytest.mark.parametrize("case", ERRORS)
@pytest.mark.parametrize("before", [b"", delta("Hi")])
async def test_an_error_event_is_raised_with_its_trace_id(both, server, wire, case, before):
    frame, error, words = ERRORS[case]
    server.answers(wire.stream(before + frame))
    stream = both.client(server).transcription.stream(WAV, model=MODEL)

    with pytest.raises(error, match=words) as caught:
        await both.items(stream)
    assert (caught.value.trace_id, caught.value.status_code) == (wire.trace_id, 200)
    with pytest.raises(StreamInterruptedError):
        await both.get(stream.transcript())


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"error": {"type": "quota_exceeded", "message": "no"}}, APIStatusError),
        ({"type": "error", "message": "no"}, ServerError),
        ({"text": "a document"}, APIResponseError),
        (b"no JSON", APIResponseError),
        ([], APIResponseError),
    ],
)
async def test_a_document_is_no_stream(both, server, wire, body, error):
    server.answers(wire.reply(body))
    client = both.client(server)

    with pytest.raises(error):
        await both.items(client.transcription.stream(WAV, model=MODEL))
    with pytest.raises(error):
        await both.get(client.transcription.create(WAV, model=MODEL))


@pytest.mark.parametrize(
    "data", [b"data: {broken\n\n", b"data: []\n\n", event({"type": "transcript.text.delta", "delta": 7})]
)
async def test_an_event_that_cannot_be_read_is_an_error(both, server, wire, data):
    server.answers(wire.stream(data + DONE))

    with pytest.raises(APIResponseError):
        await both.get(both.client(server).transcription.create(WAV, model=MODEL))


@pytest.mark.parametrize("events", range(4))
async def test_a_connection_cut_after_each_event(both, server, wire, events):
    frames = [delta("Hi"), delta(" there"), delta("."), DONE][:events]
    server.answers([wire.head(), *map(wire.chunk, frames), server.drop])
    client = both.client(server, max_retries=0)
    stream = client.transcription.stream(WAV, model=MODEL)

    with pytest.raises(StreamInterruptedError):
        await both.get(stream.transcript())
    with pytest.raises((StreamInterruptedError, APIConnectionError)):
        await both.get(client.transcription.create(WAV, model=MODEL))


async def test_a_stream_that_ends_in_order_but_too_early(both, server, wire):
    server.answers(wire.stream(delta("Hi")))

    with pytest.raises(StreamInterruptedError, match="not the whole"):
        await both.get(both.client(server).transcription.create(WAV, model=MODEL))


async def test_a_connection_that_breaks_after_the_done_event_takes_nothing_away(both, server, wire):
    server.answers([wire.head(), wire.chunk(WHOLE), server.drop])
    stream = both.client(server, max_retries=0).transcription.stream(WAV, model=MODEL)

    assert (await both.get(stream.transcript())).text == "Hi there."


async def test_leaving_a_stream_closes_its_connection(both, server, wire):
    server.answers([wire.head(), wire.chunk(delta("Hi")), server.stall])
    stream = both.client(server).transcription.stream(WAV, model=MODEL)

    assert (await both.first(stream)).text == "Hi"
    await both.get(stream.close())
    await server.wait_async(lambda: server.open == 0)
    with pytest.raises(StreamInterruptedError, match="no whole transcript"):
        await both.get(stream.transcript())


# --- Sentences and words out of pieces -------------------------------------------------------------------------------


def timed(*texts, gap=0.0):
    pieces, now = [], 0.0
    for text in texts:
        pieces.append(Piece(text, now, now + 0.5))
        now += 0.5 + gap
    return pieces


@pytest.mark.parametrize(
    ("texts", "sentences"),
    [
        (["Step", "Fun", " is", " 3", ".", "5", "."], [["StepFun", "is", "3.5."]]),
        (["你", "好", "。", "再", "见", "！"], [["你", "好。"], ["再", "见！"]]),
        (["Oh", "!", " Ah", "?", " Eh", "…"], [["Oh!"], ["Ah?"], ["Eh…"]]),
        (["用", "Step", "Fun", "吧"], [["用", "StepFun", "吧"]]),
        (["He said ", "yes.", " I", " know."], [["He said", "yes."], ["I", "know."]]),
        (["He", " said", " “yes.”", " I", " know."], [["He", "said", "“yes.”"], ["I", "know."]]),
        (["one", "\n", "two"], [["one"], ["two"]]),
    ],
)
def test_pieces_become_words_and_sentences(texts, sentences):
    segments = segments_of(timed(*texts))

    if "He said " in texts:  # of two words at once, only the whole has times
        assert next(segment.words for segment in segments) == []
        assert [segment.text for segment in segments] == ["He said yes.", "I know."]
    else:
        assert [[word.text for word in segment.words] for segment in segments] == sentences


def test_a_pause_ends_a_sentence():
    assert [segment.text for segment in segments_of(timed("one", " two", gap=1.5))] == ["one", "two"]


def test_a_whole_sentence_at_once_has_no_words():
    (segment,) = segments_of([Piece("这是一个完整的句子。", 1.0, 3.0)])

    assert (segment.text, segment.start, segment.end, segment.words) == ("这是一个完整的句子。", 1.0, 3.0, [])


def test_pieces_without_times_go_with_their_neighbours():
    segments = segments_of([Piece("Oh"), Piece("."), Piece(" Ah", 1.0, 2.0), Piece("."), Piece(" Eh"), Piece("?")])

    assert [(segment.text, segment.start, segment.end) for segment in segments] == [("Oh. Ah. Eh?", 1.0, 2.0)]
    assert segments_of([Piece("Oh"), Piece("."), Piece("")]) == []


texts = st.text(st.sampled_from("ab 你好。.,!?\n"), max_size=4)


@given(st.lists(st.builds(Piece, texts) | st.builds(Piece, texts, st.just(1.0), st.just(2.0)), max_size=30))
def test_whatever_the_pieces_nothing_is_lost(pieces):
    segments = segments_of(pieces)

    said = "".join("".join(piece.text for piece in pieces).split())
    if any(piece.start is not None and piece.text for piece in pieces):
        assert "".join("".join(segment.text for segment in segments).split()) == said
        assert all(segment.start is not None for segment in segments)
    else:
        assert segments == []

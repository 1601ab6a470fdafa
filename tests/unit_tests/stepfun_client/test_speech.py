"""`client.speech`: what goes out, what comes back, long texts, many at once. On the wire, against the emulator."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import logging
import traceback
import wave
from concurrent.futures import ThreadPoolExecutor

import pytest
import soundfile

from stepfun_client import (
    APIResponseError,
    AuthenticationError,
    ContentModerationError,
    InsufficientBalanceError,
    StepFunClient,
    StepFunError,
    StreamInterruptedError,
)
from stepfun_client.riff import wav_info
from stepfun_emulator import sound

VOICE = "cixingnansheng"
HELLO = {"model": "step-tts-2", "input": "你好。Hello, how are you?", "voice": VOICE}
QUICK = {"model": "step-tts-2", "voice": VOICE, "speed": 2, "sample_rate": 8000}
SENTENCE = "Sentence number {} says that pi is 3.14, more or less. "
LONG = "".join(SENTENCE.format(number) for number in range(360))


def heard(audio):
    """What the emulator understands of a speech."""
    heard = sound.decode(audio.content, audio.format, rate=audio.sample_rate)
    return "".join(one.text for one in sound.hear(heard.mono, heard.rate))


WAYS = {
    "create": lambda client, asked: client.speech.create(**asked),
    "stream": lambda client, asked: client.speech.stream(**asked).audio(),
    "socket": lambda client, asked: client.speech.stream(**{**asked, "input": [asked["input"]]}).audio(),
}


class TestWhatGoesOut:
    """The whole request, so that a reader sees the wire."""

    ALL = {  # noqa: RUF012
        "response_format": "wav",
        "speed": 1.5,
        "volume": 0.5,
        "sample_rate": 16000,
        "voice_label": {"emotion": "高兴"},
        "pronunciation_map": {"tone": ["阿胶/e1胶"]},
        "markdown_filter": True,
    }

    async def test_a_plain_request(self, both, emulator):
        await both.get(both.client(emulator).speech.create(**HELLO))
        request = emulator.requests[-1]
        assert (request.method, request.path) == ("POST", "/v1/audio/speech")
        assert request.headers["content-type"] == "application/json"
        assert request.body == HELLO

    async def test_every_parameter(self, both, emulator):
        client = both.client(emulator)
        await both.get(client.speech.create(**HELLO, **self.ALL, extra_headers={"x-who": "me"}, timeout=9))
        assert emulator.requests[-1].body == {**HELLO, **self.ALL}
        assert emulator.requests[-1].headers["x-who"] == "me"

    async def test_a_stream(self, both, emulator):
        await both.get(both.client(emulator).speech.stream(**HELLO, **self.ALL).audio())
        assert emulator.requests[-1].body == {**HELLO, **self.ALL, "stream_format": "sse"}

    async def test_what_is_none_is_not_sent(self, both, emulator):
        nothing = dict.fromkeys(self.ALL)
        await both.get(both.client(emulator).speech.create(**HELLO, **nothing))
        assert emulator.requests[-1].body == HELLO

    async def test_every_text_on_the_websocket(self, both, emulator):
        texts = iter(["你好。", "", "Hello, how ", "are you?"])
        asked = {**HELLO, **self.ALL, "input": texts, "mode": "default"}
        await both.get(both.client(emulator).speech.stream(**asked).audio())
        session = emulator.sessions[-1]
        own = {"session_id": session.sent[0]["data"]["session_id"]}
        assert (session.path, session.query) == ("/v1/realtime/audio", {"model": "step-tts-2"})
        assert session.received == [
            {
                "type": "tts.create",
                "data": {
                    **own,
                    "voice_id": VOICE,
                    "response_format": "wav",
                    "sample_rate": 16000,
                    "speed_ratio": 1.5,
                    "volume_ratio": 0.5,
                    "mode": "default",
                    "voice_label": {"emotion": "高兴"},
                    "pronunciation_map": {"tone": ["阿胶/e1胶"]},
                    "markdown_filter": True,
                },
            },
            {"type": "tts.text.delta", "data": {**own, "text": "你好。"}},
            {"type": "tts.text.delta", "data": {**own, "text": "Hello, how "}},
            {"type": "tts.text.delta", "data": {**own, "text": "are you?"}},
            {"type": "tts.text.done", "data": own},
        ]

    @pytest.mark.parametrize("form", ["mp3", "opus", "flac"])
    async def test_without_stream_every_delta_is_a_file_of_its_own(self, both, emulator, form):
        """WIRE.md section 6; so the joinable formats are asked for."""
        asked = {**HELLO, "input": iter([HELLO["input"]]), "response_format": form}
        await both.get(both.client(emulator).speech.stream(**asked).audio())
        assert emulator.sessions[-1].received[0]["data"]["response_format"] == f"{form}_stream"

    async def test_the_plan_speaks_too(self, both, emulator):
        client = both.client(emulator, plan=True)
        assert (await both.get(client.speech.create(**HELLO))).format == "mp3"
        assert emulator.requests[-1].path == "/step_plan/v1/audio/speech"
        await both.get(client.speech.stream(**{**HELLO, "input": ["Hi."]}).audio())
        assert emulator.sessions[-1].path == "/step_plan/v1/realtime/audio"

    async def test_a_text_of_the_longest_kind_goes_as_it_is(self, both, emulator):
        before = len(emulator.requests)
        text = "a" * 999 + "."
        await both.get(both.client(emulator).speech.create(**QUICK, input=text, response_format="pcm"))
        assert [request.body["input"] for request in emulator.requests[before:]] == [text]


class TestWhatComesBack:
    @pytest.mark.parametrize("form", ["wav", "mp3", "pcm", "flac", "opus"])
    async def test_the_audio_knows_what_it_is(self, both, emulator, form):
        audio = await both.get(both.client(emulator).speech.create(**HELLO, response_format=form))
        assert (audio.format, audio.sample_rate, audio.channels) == (form, 24000, 1)
        assert (audio.voice, audio.model, audio.text) == (VOICE, "step-tts-2", HELLO["input"])
        assert 3 < audio.duration_seconds < 5
        assert len(audio.trace_id) == 32
        assert heard(audio) == HELLO["input"]

    @pytest.mark.parametrize("form", ["wav", "mp3", "pcm", "flac", "opus"])
    async def test_the_pieces_of_a_stream_are_the_same_file(self, both, emulator, form):
        client = both.client(emulator)
        audio = await both.get(client.speech.create(**HELLO, response_format=form))
        stream = client.speech.stream(**HELLO, response_format=form)
        pieces = await both.items(stream)
        whole = await both.get(stream.audio())
        assert len(pieces) > 1
        assert {piece.trace_id for piece in pieces} == {stream.trace_id} == {whole.trace_id}
        assert (whole.duration_seconds, whole.text, whole.voice) == (audio.duration_seconds, audio.text, VOICE)
        assert heard(whole) == HELLO["input"]
        if form in ("wav", "mp3", "pcm"):  # the others carry a random serial
            assert b"".join(pieces) == whole.content == audio.content

    @pytest.mark.parametrize("form", ["wav", "mp3", "pcm", "flac", "opus", "mp3_stream", "opus_stream", "flac_stream"])
    async def test_the_pieces_of_the_websocket_join_to_one_file(self, both, emulator, form):
        texts = ["你好", "。Hello, ", "how are you?"]
        stream = both.client(emulator).speech.stream(**{**HELLO, "input": texts}, response_format=form)
        pieces = await both.items(stream)
        assert list(dict.fromkeys(piece.sentence for piece in pieces)) == ["你好。", "Hello, how are you?"]
        assert all(piece.duration_seconds is not None for piece in pieces)
        audio = await both.get(stream.audio())
        assert (audio.format, audio.sample_rate) == (form.removesuffix("_stream"), 24000)
        assert (audio.voice, audio.model, audio.text) == (VOICE, "step-tts-2", None)
        assert 3 < audio.duration_seconds < 5
        assert len(audio.trace_id) == 32
        assert heard(audio) == HELLO["input"]

    async def test_the_wav_files_of_the_websocket_become_one_with_one_label(self, both, emulator):
        """Without `_stream` every delta is a file of its own: WIRE.md section 6."""
        stream = both.client(emulator).speech.stream(**{**HELLO, "input": ["One. ", "Two."]}, response_format="wav")
        pieces = await both.items(stream)
        assert [piece[:4] for piece in pieces] == [b"RIFF"] * 2
        audio = await both.get(stream.audio())
        with wave.open(io.BytesIO(audio.content)) as opened:
            assert opened.getnframes() / 24000 == audio.duration_seconds
        assert audio.duration_seconds == pytest.approx(sum(wav_info(piece).duration_seconds for piece in pieces))
        assert audio.label == wav_info(pieces[0]).aigc

    async def test_a_wav_reply_keeps_its_label(self, both, emulator):
        """The AIGC chunk is the legally required label in China: WIRE.md section 6."""
        audio = await both.get(both.client(emulator).speech.create(**HELLO, response_format="wav"))
        assert b'"Label"' in audio.label
        assert wav_info(audio.content).aigc == audio.label

    async def test_another_sample_rate(self, both, emulator):
        client = both.client(emulator)
        for form in ("wav", "pcm", "mp3"):
            audio = await both.get(client.speech.create(**HELLO, response_format=form, sample_rate=16000))
            assert (audio.sample_rate, heard(audio)) == (16000, HELLO["input"])

    async def test_a_piece_of_a_stream_stays_bytes_in_every_respect(self, emulator):
        import copy
        import pickle

        piece = next(StepFunClient("key", base_url=emulator.base_url).speech.stream(**HELLO))
        for copied in (pickle.loads(pickle.dumps(piece)), copy.deepcopy(piece)):
            assert (copied, copied.trace_id) == (piece, piece.trace_id)


class TestLongTexts:
    """A text of 20,000 characters, in requests of at most 1,000 each."""

    async def test_whole(self, both, emulator):
        assert len(LONG) > 20_000
        client = both.client(emulator)
        for form in ("wav", "pcm") if both.kind == "sync" else ("mp3",):
            before = len(emulator.requests)
            audio = await both.get(client.speech.create(**QUICK, input=LONG, response_format=form))
            sent = [request.body["input"] for request in emulator.requests[before:]]
            assert len(sent) >= 20
            assert max(map(len, sent)) <= 1000
            assert "".join(sent) == LONG
            assert all(part.rstrip().endswith("less.") for part in sent)
            assert (audio.text, audio.sample_rate, audio.voice) == (LONG, 8000, VOICE)
            assert heard(audio) == LONG
            check = {"wav": self._check_wav, "pcm": self._check_pcm, "mp3": self._check_mp3}[form]
            parts = [await both.get(client.speech.create(**QUICK, input=part, response_format=form)) for part in sent]
            check(audio, parts)

    def _check_wav(self, audio, parts):
        with wave.open(io.BytesIO(audio.content)) as opened:
            frames = opened.getnframes()
            assert (opened.getframerate(), opened.getnchannels(), opened.getsampwidth()) == (8000, 1, 2)
        assert frames / 8000 == pytest.approx(sum(part.duration_seconds for part in parts))
        assert soundfile.info(io.BytesIO(audio.content)).frames == frames
        assert audio.duration_seconds == frames / 8000
        assert audio.label == parts[0].label
        assert audio.content.count(b"AIGC") == parts[0].content.count(b"AIGC")
        assert audio.content.count(b"LIST") == 1

    def _check_pcm(self, audio, parts):
        assert audio.content == b"".join(part.content for part in parts)

    def _check_mp3(self, audio, parts):
        found = soundfile.info(io.BytesIO(audio.content))
        assert found.frames / 8000 == pytest.approx(sum(part.duration_seconds for part in parts), rel=0.01)
        assert audio.duration_seconds == pytest.approx(sum(part.duration_seconds for part in parts), rel=0.01)

    @pytest.mark.parametrize("form", ["pcm", "mp3"])
    async def test_streamed_it_is_the_same_speech(self, both, emulator, form):
        text = LONG[:3000]
        client = both.client(emulator)
        whole = await both.get(client.speech.create(**QUICK, input=text, response_format=form))
        before = len(emulator.requests)
        stream = client.speech.stream(**QUICK, input=text, response_format=form)
        await both.first(stream)
        assert len(emulator.requests) == before + 1  # the second part is not asked for before the first is over
        audio = await both.get(stream.audio())
        assert heard(audio) == text
        assert audio.text == text
        if form == "pcm":
            assert audio.content == whole.content
        else:
            assert audio.duration_seconds == pytest.approx(whole.duration_seconds, rel=0.01)
            assert soundfile.info(io.BytesIO(audio.content)).duration == pytest.approx(audio.duration_seconds, abs=0.2)

    async def test_a_part_of_blanks_is_not_sent(self, both, emulator):
        before = len(emulator.requests)
        text = "One." + " " * 3000 + "Two."
        audio = await both.get(both.client(emulator).speech.create(**QUICK, input=text, response_format="pcm"))
        assert heard(audio).split() == ["One.", "Two."]
        assert all(request.body["input"].strip() for request in emulator.requests[before:])

    async def test_a_failure_in_the_middle_is_the_whole_calls(self, both, emulator):
        text = LONG[:3000] + "censored-by-emulator. " + LONG[:2000]
        with pytest.raises(ContentModerationError):
            await both.get(both.client(emulator).speech.create(**QUICK, input=text, response_format="pcm"))

    async def test_a_bar_is_shown_where_it_is_wanted(self, both, emulator, capsys):
        pytest.importorskip("tqdm")
        asked = {**QUICK, "input": LONG[:3000], "response_format": "pcm"}
        client = both.client(emulator)
        await both.get(client.speech.create(**asked))
        assert capsys.readouterr() == ("", "")  # nobody is watching
        await both.get(client.speech.create(**asked, progress=False))
        assert capsys.readouterr() == ("", "")
        await both.get(client.speech.create(**asked, progress=True))
        out, err = capsys.readouterr()
        assert out == ""
        assert "speech: 100%" in err


class TestManyAtOnce:
    async def test_a_hundred(self, both, emulator):
        texts = [f"This is number {number}." for number in range(100)]
        client = both.client(emulator)

        def ask(text):
            return client.speech.create(**QUICK, input=text, response_format="pcm")

        if both.kind == "sync":
            with ThreadPoolExecutor(100) as pool:
                audios = list(pool.map(ask, texts))
        else:
            audios = await asyncio.gather(*map(ask, texts))
        assert [audio.text for audio in audios] == texts
        assert [heard(audio) for audio in audios] == texts
        assert len({audio.trace_id for audio in audios}) == 100

    async def test_a_hundred_on_websockets(self, both, emulator):
        texts = [f"This is number {number}." for number in range(100)]
        client = both.client(emulator)

        def ask(text):
            return client.speech.stream(**QUICK, input=iter(text.split(" ")), response_format="pcm").audio()

        if both.kind == "sync":
            with ThreadPoolExecutor(100) as pool:
                audios = list(pool.map(ask, texts))
        else:
            audios = await asyncio.gather(*map(ask, texts))
        assert [heard(audio) for audio in audios] == [text.replace(" ", "") for text in texts]


class TestRefusalsOfTheService:
    @pytest.mark.parametrize("way", WAYS)
    @pytest.mark.parametrize(
        ("key", "error"),
        [("invalid-0123456789", AuthenticationError), ("broke-0123456789", InsufficientBalanceError)],
    )
    async def test_a_key_that_is_refused(self, both, emulator, way, key, error):
        with pytest.raises(error) as caught:
            await both.get(WAYS[way](both.client(emulator, api_key=key), HELLO))
        assert len(caught.value.trace_id) == 32
        assert key not in repr(caught.value) + str(caught.value)

    @pytest.mark.parametrize("way", WAYS)
    async def test_a_text_that_moderation_blocks(self, both, emulator, way):
        asked = {**HELLO, "input": "It is censored-by-emulator, you know."}
        with pytest.raises(ContentModerationError) as caught:
            await both.get(WAYS[way](both.client(emulator), asked))
        assert (caught.value.type, len(caught.value.trace_id)) == ("censorship_blocked", 32)

    @pytest.mark.parametrize(
        ("reply", "error"),
        [
            ({"error": {"message": "no", "type": "censorship_blocked"}}, ContentModerationError),
            ({"url": "https://example.com/speech.mp3"}, APIResponseError),
        ],
    )
    async def test_a_reply_of_200_that_is_no_sound(self, both, server, wire, reply, error):
        client = both.client(server.answers(wire.reply(reply)))
        with pytest.raises(error) as caught:
            await both.get(client.speech.create(**HELLO))
        assert caught.value.trace_id == wire.trace_id

    @pytest.mark.parametrize("kind", ["audio/mpeg", "text/html"])
    async def test_a_reply_of_nothing_or_of_a_page(self, both, server, wire, kind):
        content = b"" if kind == "audio/mpeg" else b"<html>Bad gateway</html>"
        client = both.client(server.answers(wire.reply(content, content_type=kind)))
        with pytest.raises(APIResponseError, match=r"empty|html") as caught:
            await both.get(client.speech.create(**HELLO))
        assert caught.value.trace_id == wire.trace_id


class TestStreamsOverHTTP:
    """What an event stream may do (WIRE.md sections 2 and 6)."""

    SOUND = bytes(range(256)) * 2

    def events(self, wire, *sounds, done=True):
        deltas = [{"type": "speech.audio.delta", "audio": base64.b64encode(one).decode()} for one in sounds]
        ends = [wire.event({"type": "speech.audio.done"}), wire.done] if done else []
        return [*map(wire.event, deltas), *ends]

    def ask(self, both, server, **more):
        return both.client(server).speech.stream(**HELLO, response_format="pcm", **more)

    @pytest.mark.parametrize("cut", ["in order", "off"])
    async def test_cut_at_every_byte(self, both, server, wire, cut):
        events = b"".join(self.events(wire, b"AAAA", b"BBBB"))
        whole = events.index(b'speech.audio.done"}') + len(b'speech.audio.done"}')
        whole += 0 if cut == "in order" else 2  # only an orderly end completes an event without a blank line
        end = wire.end if cut == "in order" else server.drop
        server.answers(*[[wire.head(), wire.chunk(events[:at]), end] for at in range(1, len(events) + 1)])
        client = both.client(server)
        for at in range(1, len(events) + 1):
            stream = client.speech.stream(**HELLO, response_format="pcm")
            if at >= whole:
                assert (await both.get(stream.audio())).content == b"AAAABBBB", at
                continue
            with pytest.raises(StreamInterruptedError) as caught:
                await both.get(stream.audio())
            assert caught.value.trace_id == wire.trace_id
            with pytest.raises(StreamInterruptedError, match="whole"):
                await both.get(stream.audio())

    async def test_byte_by_byte(self, both, server, wire):
        server.answers(wire.stream(*wire.single_bytes(b"".join(self.events(wire, b"AAAA", b"BB")))))
        assert await both.items(self.ask(both, server)) == [b"AAAA", b"BB"]

    async def test_the_end_needs_no_done_marker(self, both, server, wire):
        server.answers(wire.stream(*self.events(wire, b"AA")[:-1]))
        assert (await both.get(self.ask(both, server).audio())).content == b"AA"

    async def test_the_done_marker_alone_is_the_end(self, both, server, wire):
        server.answers(wire.stream(*self.events(wire, b"AA", done=False), wire.done))
        assert (await both.get(self.ask(both, server).audio())).content == b"AA"

    @pytest.mark.parametrize(
        "event",
        [
            {"type": "speech.audio.error", "error": {"message": "no", "type": "censorship_blocked"}},
            {"type": "speech.audio.error", "message": "no", "code": "x"},
            {"error": {"message": "no", "type": "censorship_blocked"}},
            {"error": "no"},
        ],
    )
    async def test_an_error_inside(self, both, server, wire, event):
        server.answers(wire.stream(*self.events(wire, b"AA", done=False), wire.event(event)))
        stream = self.ask(both, server)
        assert await both.first(stream) == b"AA"
        with pytest.raises(StepFunError) as caught:
            await both.items(stream)
        assert (caught.value.message, caught.value.trace_id) == ("no", wire.trace_id)
        blocked = "censorship" in json.dumps(event)
        assert isinstance(caught.value, ContentModerationError) is blocked

    async def test_an_error_document_instead(self, both, server, wire):
        server.answers(wire.error(200, "censorship_blocked"))
        with pytest.raises(ContentModerationError) as caught:
            await both.items(self.ask(both, server))
        assert caught.value.trace_id == wire.trace_id

    @pytest.mark.parametrize("kind", ["text/html", "audio/mpeg", "application/json"])
    async def test_another_document_instead(self, both, server, wire, kind):
        server.answers(wire.reply(b"<html>", content_type=kind))
        with pytest.raises(APIResponseError, match="html") as caught:
            await both.items(self.ask(both, server))
        assert caught.value.trace_id == wire.trace_id

    @pytest.mark.parametrize(
        "garbage",
        [b"{", b"\xff\xfe", b'{"type":"speech.audio.delta","audio":"!!"}', b'{"type":"speech.audio.delta","audio":5}'],
    )
    async def test_garbage_inside(self, both, server, wire, garbage):
        server.answers(wire.stream(wire.event(garbage), *self.events(wire, b"AA")))
        with pytest.raises(APIResponseError) as caught:
            await both.items(self.ask(both, server))
        assert caught.value.trace_id == wire.trace_id

    async def test_what_is_unknown_is_passed_over(self, both, server, wire):
        strange = [wire.event(one) for one in ([1], {"type": "speech.audio.news"}, "x", 5, {"audio": "QUE="})]
        server.answers(wire.stream(*strange, *self.events(wire, b"AA", b"")))
        assert await both.items(self.ask(both, server)) == [b"AA"]

    async def test_a_speech_without_sound_is_none(self, both, server, wire):
        server.answers(wire.stream(*self.events(wire)))
        with pytest.raises(APIResponseError, match="without any sound"):
            await both.items(self.ask(both, server))

    async def test_a_stream_that_is_left_closes_and_has_no_whole(self, both, server, wire):
        server.answers([wire.head(), *map(wire.chunk, self.events(wire, b"AA", done=False)), server.stall])
        stream = self.ask(both, server)
        assert await both.first(stream) == b"AA"
        await both.get(stream.close())
        await server.wait_async(lambda: server.open == 0)
        with pytest.raises(StreamInterruptedError, match="whole") as caught:
            await both.get(stream.audio())
        assert caught.value.trace_id == wire.trace_id

    async def test_nothing_is_sent_before_the_first_step(self, both, server, wire):
        server.answers(wire.stream(*self.events(wire, b"AA")))
        stream = self.ask(both, server)
        assert (server.accepted, stream.trace_id) == (0, None)
        await both.get(stream.close())
        assert server.accepted == 0

    async def test_a_later_part_that_is_cut_leaves_no_whole(self, both, server, wire):
        first = wire.stream(*self.events(wire, b"AA"))
        server.answers(first, wire.stream(*self.events(wire, b"BB", done=False)))
        stream = both.client(server).speech.stream(**{**HELLO, "input": LONG[:1500]}, response_format="pcm")
        with pytest.raises(StreamInterruptedError):
            await both.get(stream.audio())
        assert len(server.requests) == 2


class TestTheKey:
    """Neither logs nor errors nor what is printed hold it, whichever way is taken."""

    KEY = "but-secret-0123456789"

    @pytest.fixture
    def logged(self, caplog, capfd):
        """Everything that is logged, by the emulator too, which runs in this process."""
        caplog.set_level(logging.DEBUG)
        yield lambda: "\n".join(one.getMessage() for one in caplog.records)
        assert capfd.readouterr() == ("", "")

    @pytest.mark.parametrize("way", WAYS)
    async def test_when_all_goes_well(self, both, emulator, way, logged):
        await both.get(WAYS[way](both.client(emulator, api_key=self.KEY), HELLO))
        assert self.KEY not in logged()
        assert ("Authorization: Bearer ***" in logged()) is (way == "socket")

    @pytest.mark.parametrize("way", WAYS)
    async def test_when_it_is_refused(self, both, emulator, way, logged):
        with pytest.raises(InsufficientBalanceError) as caught:
            await both.get(WAYS[way](both.client(emulator, api_key=f"broke-{self.KEY}"), HELLO))
        shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()
        assert self.KEY not in "".join(shown) + repr(caught.value) + logged()

    async def test_when_the_texts_fail(self, both, emulator, logged):
        def texts():
            yield "Hello. "
            raise LookupError("the model has gone")

        with pytest.raises(LookupError) as caught:
            await both.get(both.client(emulator, api_key=self.KEY).speech.stream(**{**HELLO, "input": texts()}).audio())
        shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()
        assert self.KEY not in "".join(shown) + logged()

    async def test_in_what_is_printed_of_a_stream(self, both, emulator):
        stream = both.client(emulator, api_key=self.KEY).speech.stream(**{**HELLO, "input": ["Hi."]})
        await both.first(stream)
        assert self.KEY not in repr(stream) + repr(vars(stream))
        await both.get(stream.close())

"""Pictures, films and sounds in messages (WIRE.md section 4)."""

from __future__ import annotations

import base64

import pytest

from stepfun_emulator import sound
from stepfun_emulator.media import read_data_uri, sniff

MP4 = b"\x00\x00\x00\x18ftypmp42" + bytes(20)
MP3 = b"ID3\x04" + bytes(20)


@pytest.fixture
def look(ask):
    """Ask about one part, on a model that takes pictures and films."""

    def send(part, question="What is this?", model="step-3.7-flash"):
        content = [part, {"type": "text", "text": question}]
        return ask([{"role": "user", "content": content}], model=model)

    return send


def image(url, **more):
    return {"type": "image_url", "image_url": {"url": url, **more}}


def video(url):
    return {"type": "video_url", "video_url": {"url": url}}


def audio(data):
    return {"type": "input_audio", "input_audio": {"data": data}}


def said(response):
    assert response.status_code == 200, response.text
    return response.json()["choices"][0]["message"]["content"]


def error(response):
    assert response.status_code == 400, response.text
    return response.json()["error"]


def test_a_chart_is_read(look, chart, data_uri):
    answer = said(look(image(data_uri(chart, "image/png"), detail="high"), "Which bar is the tallest?"))
    assert "3 bars" in answer
    assert "The tallest is bar 2, the green one" in answer
    assert "最高的是第 2 根（绿色）" in said(look(image(data_uri(chart, "image/png")), "哪根柱子最高？"))


def test_a_picture_and_a_tool(ask, chart, data_uri, tool):
    calculator = tool("calculator", "Evaluate an expression", expression={"type": "string"})
    parts = [image(data_uri(chart, "image/png")), {"type": "text", "text": "Describe the chart and compute 3 * 4"}]
    history = [{"role": "user", "content": parts}]
    asked = {"model": "step-3.7-flash", "tools": [calculator]}
    (call,) = ask(history, **asked).json()["choices"][0]["message"]["tool_calls"]
    del call["index"]
    history.append({"role": "assistant", "content": "", "tool_calls": [call]})
    history.append({"role": "tool", "tool_call_id": call["id"], "content": "12"})
    answer = said(ask(history, **asked))
    assert "3 bars" in answer
    assert "calculator: 12" in answer


@pytest.mark.parametrize(
    ("data", "kind"),
    [(b"\xff\xd8\xff\xe0", "jpeg"), (b"GIF87a", "gif"), (b"RIFF....WEBP", "webp")],
)
def test_the_documented_pictures_are_accepted(look, data_uri, data, kind):
    assert kind.upper() in said(look(image(data_uri(data, f"image/{kind}"))))


def test_films_and_sounds_are_described(look, data_uri):
    assert "MP4 video of 32 bytes" in said(look(video(data_uri(MP4, "video/mp4"))))
    wav = sound.write_wav(bytes(48_000), 24_000)
    heard = said(look(audio(data_uri(wav, "audio/wav")), model="step-audio-2"))
    assert "WAV audio" in heard
    assert "1.00 seconds" in heard
    assert "时长 1.00 秒" in said(look(audio(data_uri(wav, "audio/wav")), "这是什么？", model="step-3"))
    assert "MP3 音频" in said(look(audio(data_uri(MP3, "audio/mp3")), "这是什么？", model="step-3"))


@pytest.mark.parametrize(("part", "kind"), [(image, "image"), (video, "video")])
def test_urls_are_named_and_not_fetched(look, part, kind):
    url = f"https://stepfun.com/a/sample.{kind}"
    answer = said(look(part(url)))
    assert url in answer
    assert "did not look" in answer
    assert "没有读取" in said(look(part(url), "这是什么？"))


def test_an_unreachable_url_is_input_invalid(look):
    found = error(look(image("https://pictures.invalid/a.png")))
    assert found["type"] == "input_invalid"
    assert found["message"] == (
        "url invalid. url: https://pictures.invalid/a.png msg: Cannot fetch the content of url(s) you provided."
    )


@pytest.mark.parametrize(
    ("part", "data", "kind"),
    [
        (image, b"%PDF-1.4", "image/png"),
        (image, MP4, "image/png"),
        (video, b"GIF89a", "video/mp4"),
        (image, b"", "image/png"),
    ],
)
def test_magic_bytes_must_match_the_kind(look, data_uri, part, data, kind):
    assert error(look(part(data_uri(data, kind))))["type"] == "input_invalid"


def test_a_declared_type_must_match_the_kind(look, chart, data_uri):
    assert "declares audio/png" in error(look(image(data_uri(chart, "audio/png"))))["message"]
    assert "declares no type" in error(look(image("data:;base64,aGk=")))["message"]


@pytest.mark.parametrize("url", ["", "file:///a.png", "data:image/png,abc", "data:image/png;base64,***", "a.png"])
def test_broken_urls_are_input_invalid(look, url):
    assert error(look(image(url)))["type"] == "input_invalid"


def test_audio_is_a_data_uri_without_a_format(ask, data_uri):
    raw = base64.b64encode(MP3).decode()
    for inner in ({"data": raw}, {"data": "https://example.com/a.mp3"}, {"data": "stepfile://a"}):
        part = {"type": "input_audio", "input_audio": inner}
        assert error(ask([{"role": "user", "content": [part]}], model="step-3"))["type"] == "input_invalid"
    with_format = {"type": "input_audio", "input_audio": {"data": data_uri(MP3, "audio/mp3"), "format": "mp3"}}
    found = error(ask([{"role": "user", "content": [with_format]}], model="step-3"))
    assert found["param"] == "messages[0].content[0].input_audio.format"


@pytest.mark.parametrize(
    ("part", "model"),
    [
        (image("https://example.com/a.png"), "step-3.5-flash"),
        (video("https://example.com/a.mp4"), "step-1v-8k"),
        (audio("x"), "step-3.7-flash"),
    ],
)
def test_models_refuse_kinds_that_they_do_not_take(look, part, model):
    found = error(look(part, model=model))
    assert found["type"] == "request_params_invalid"
    assert "does not accept" in found["message"]


def test_parts_are_checked(look):
    assert error(look(image("https://a.b/c.png", detail="auto")))["param"].endswith("image_url.detail")
    assert error(look({"type": "image_url", "image_url": "https://a.b/c.png"}))["param"].endswith(".image_url")
    assert error(look({"type": "image_url", "image_url": {"url": 1}}))["param"].endswith(".image_url")
    assert error(look({"type": ["image_url"]}))["param"].endswith(".type")


def test_sixty_images_are_the_most(ask):
    def images(count):
        content = [image("https://example.com/a.png")] * count
        return ask([{"role": "user", "content": content}], model="step-3.7-flash")

    assert images(60).status_code == 200
    assert error(images(61))["message"] == "Input images too many: 61, max: 60"


def test_stored_files_are_seen(http, look, chart):
    upload = http.post("/files", data={"purpose": "storage"}, files={"file": ("chart.png", chart)})
    assert "3 bars" in said(look(image(f"stepfile://{upload.json()['id']}")))


def test_other_files_are_not_seen(http, look):
    document = http.post("/files", data={"purpose": "file-extract"}, files={"file": ("a.txt", b"x")}).json()["id"]
    for file_id in (document, "file-none"):
        assert error(look(image(f"stepfile://{file_id}")))["type"] == "input_invalid"


@pytest.mark.parametrize(
    ("data", "form"),
    [
        (b"\xff\xd8\xff", "jpeg"), (b"\x89PNG\r\n\x1a\n", "png"), (b"GIF89a", "gif"), (b"RIFF1234WEBP", "webp"),
        (MP4, "mp4"), (b"\0\0\0\x14ftypqt  ", "mov"), (b"\x1aE\xdf\xa3", "mkv"), (b"RIFF1234WAVE", "wav"),
        (b"ID3", "mp3"), (b"\xff\xfb\x90", "mp3"), (b"\xff\xff\x00", ""), (b"RIFF1234AVI ", ""), (b"", ""),
    ],
)  # fmt: skip
def test_formats_by_magic_bytes(data, form):
    assert sniff(data) == form


def test_data_uris_may_carry_parameters():
    assert read_data_uri("data:audio/wav;codecs=1;base64,aGk=") == ("audio/wav", b"hi")


# Sound that the models make


def test_an_audio_reply(ask):
    body = ask("Reply with only hello there", model="step-audio-2", modalities=["text", "audio"],
               audio={"voice": "wenrounansheng", "format": "wav"}).json()  # fmt: skip
    choice = body["choices"][0]
    assert choice["finish_reason"] is None
    assert choice["message"]["content"] is None
    assert choice["message"]["audio"]["transcript"] == "hello there"
    wav = base64.b64decode(choice["message"]["audio"]["data"])
    assert sniff(wav) == "wav"
    assert 1 < sound.wav_seconds(wav) < 3
    heard = sound.decode(wav)
    assert [one.text for one in sound.hear(heard.mono, heard.rate)] == ["hello there"]


def test_an_audio_stream(ask, events):
    asked = {"model": "step-audio-2", "modalities": ["text", "audio"], "stream": True,
             "audio": {"voice": "wenrounansheng", "format": "pcm"}}  # fmt: skip
    chunks = events(ask("Reply with only hello there. 你好，世界。 How are you today, my friend?", **asked))
    pieces = [chunk["choices"][0]["delta"]["audio"] for chunk in chunks if "audio" in chunk["choices"][0]["delta"]]
    assert len(pieces) > 2
    transcript = "".join(piece["transcript"] for piece in pieces)
    assert transcript == "hello there. 你好，世界。 How are you today, my friend?"
    assert b"".join(base64.b64decode(piece["data"]) for piece in pieces) == sound.utter(transcript)
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"


def test_text_alone_may_be_asked_for(ask):
    assert ask("Hi", modalities=["text"]).status_code == 200

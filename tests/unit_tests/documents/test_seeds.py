"""StepFun's own guides, recipe by recipe, as this package says them: each test is one, named as the guide names it.

The multimodal guide, the Step Plan guide, the quick start, the examples of every endpoint, and step1x-edit on
modelverse. What is asked is the guides' own; who answers is the emulator, which knows what it received.
"""

from __future__ import annotations

import base64
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.exceptions import ModelRateLimitError
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_core.tools import tool
from llama_index.core.llms import ChatMessage, ImageBlock, TextBlock, VideoBlock

from langchain_stepfun import ChatStepFun, StepFunASR, StepFunRealtime, StepFunTTS, image_block, video_block
from langchain_stepfun.tools.artifacts import audio_artifact
from llama_index_stepfun import StepFun, StepFunAudioReader
from stepfun_client import (
    AuthenticationError,
    NotFoundError,
    Picture,
    RateLimitError,
    ServerError,
    StepFunClient,
)
from stepfun_client.audio import Audio
from stepfun_client.media import audio_part, image_part, video_part

if TYPE_CHECKING:
    from stepfun_emulator import Emulator

MODEL = "step-3.7-flash"
DATA = Path(__file__).parents[2] / "data"
PICTURE, SOUND = DATA / "meadow.png", DATA / "tone.wav"
VIDEO = b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + bytes(3000)
LEARNING = "请用三句话解释什么是强化学习。"


@pytest.fixture(autouse=True)
def no_warnings() -> Any:
    """A recipe that warns is no recipe."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        yield


@pytest.fixture
def connection(emulator: Emulator) -> dict[str, Any]:
    """What every class of this package is made with here; forget what the emulator was asked before."""
    emulator.requests.clear()
    return {"api_key": "any", "base_url": emulator.base_url, "max_retries": 0}


@pytest.fixture
def client(connection: dict[str, Any]) -> Any:
    with StepFunClient(**connection) as made:
        yield made


@pytest.fixture
def plan(connection: dict[str, Any]) -> Any:
    with StepFunClient(plan=True, **connection) as made:
        yield made


@pytest.fixture
def sent(emulator: Emulator) -> Callable[[], Any]:
    """The body of the last request."""
    return lambda: emulator.requests[-1].body


def user(*content: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": content[0] if len(content) == 1 else list(content)}]


def text(words: str) -> dict[str, str]:
    return {"type": "text", "text": words}


# --- 多模态指南: pictures, videos, and how hard to think --------------------------------------------------------------


class TestMultimodalGuide:
    """`step-3.7-flash` sees pictures and videos by itself."""

    def test_a_picture_by_its_url(self, client, sent):
        picture = image_part("https://stepfun.com/images/sample.jpg")
        reply = client.chat.create(model=MODEL, messages=user(text("这张图片里是什么?请详细描述一下。"), picture))

        assert "sample.jpg" in reply.text
        assert sent()["messages"][0]["content"] == [
            {"type": "text", "text": "这张图片里是什么?请详细描述一下。"},
            {"type": "image_url", "image_url": {"url": "https://stepfun.com/images/sample.jpg"}},
        ]

    def test_a_picture_as_base64(self, client, sent):
        reply = client.chat.create(model=MODEL, messages=user(text("描述这张图片"), image_part(PICTURE)))

        assert "160x120" in reply.text
        url = sent()["messages"][0]["content"][1]["image_url"]["url"]
        assert url == "data:image/png;base64," + base64.b64encode(PICTURE.read_bytes()).decode()

    def test_a_picture_by_the_files_api(self, client, sent):
        file = client.files.create(PICTURE, purpose="storage")
        reply = client.chat.create(model=MODEL, messages=user(text("分析这张图片"), image_part(file.url)))

        assert "160x120" in reply.text
        assert sent()["messages"][0]["content"][1]["image_url"]["url"] == f"stepfile://{file.id}"

    def test_several_pictures_in_one_question(self, client, sent):
        pictures = [image_part(PICTURE), image_part(DATA / "meadow.jpg", detail="low")]
        reply = client.chat.create(model=MODEL, messages=user(text("比较这两张图片的差异"), *pictures))

        assert "PNG" in reply.text
        assert "JPEG" in reply.text
        assert [part["type"] for part in sent()["messages"][0]["content"]] == ["text", "image_url", "image_url"]

    def test_a_video_by_its_url(self, client, sent):
        video = video_part("https://example.com/demo.mp4")
        reply = client.chat.create(
            model=MODEL, messages=user(text("请概括这个视频的主要内容,并提取关键信息点。"), video)
        )

        assert "demo.mp4" in reply.text
        assert sent()["messages"][0]["content"][1] == {
            "type": "video_url",
            "video_url": {"url": "https://example.com/demo.mp4"},
        }

    @pytest.mark.parametrize("way", ["base64", "the Files API"])
    def test_a_video_of_ones_own(self, client, way):
        source = VIDEO
        if way == "the Files API":
            source = client.files.create(VIDEO, filename="demo.mp4", purpose="storage").url
        reply = client.chat.create(model=MODEL, messages=user(text("概括这个视频"), video_part(source)))

        assert "MP4" in reply.text

    @pytest.mark.parametrize("effort", ["low", "medium", "high"])
    def test_how_hard_to_think_on_chat(self, client, sent, effort):
        reply = client.chat.create(model=MODEL, messages=user(LEARNING), reasoning_effort=effort, max_tokens=2048)

        assert reply.text
        assert sent() == {
            "model": MODEL,
            "messages": user(LEARNING),
            "reasoning_effort": effort,
            "max_tokens": 2048,
        }

    def test_how_hard_to_think_on_messages(self, client, sent):
        reply = client.messages.create(model=MODEL, max_tokens=1024, messages=user(LEARNING), effort="medium")

        assert reply.text
        assert sent() == {
            "model": MODEL,
            "max_tokens": 1024,
            "messages": user(LEARNING),
            "output_config": {"effort": "medium"},
        }

    def test_with_langchain(self, connection, client, sent):
        file = client.files.create(PICTURE, purpose="storage")
        model = ChatStepFun(model=MODEL, reasoning_effort="high", max_tokens=2048, **connection)
        sources = ["https://stepfun.com/images/sample.jpg", PICTURE, file.url]
        message = model.invoke([HumanMessage([text("描述"), *map(image_block, sources), video_block(VIDEO)])])

        assert "sample.jpg" in message.text
        assert "MP4" in message.text
        urls = [part["image_url"]["url"] for part in sent()["messages"][0]["content"] if part["type"] == "image_url"]
        assert [url.partition(":")[0] for url in urls] == ["https", "data", "stepfile"]
        assert (sent()["reasoning_effort"], sent()["max_tokens"]) == ("high", 2048)

    def test_the_effort_with_langchain_over_messages(self, connection, sent):
        model = ChatStepFun(model=MODEL, api="messages", reasoning_effort="medium", max_tokens=1024, **connection)

        assert model.invoke(LEARNING).text
        assert sent()["output_config"] == {"effort": "medium"}

    def test_with_llama_index(self, connection, sent):
        llm = StepFun(model=MODEL, reasoning_effort="high", max_tokens=2048, **connection)
        blocks = [TextBlock(text="描述"), ImageBlock(path=PICTURE), ImageBlock(url="https://stepfun.com/a.jpg")]
        response = llm.chat([ChatMessage(role="user", blocks=[*blocks, VideoBlock(video=VIDEO)])])

        assert "160x120" in response.message.content
        assert [part["type"] for part in sent()["messages"][0]["content"]] == [
            "text",
            "image_url",
            "image_url",
            "video_url",
        ]
        assert (sent()["reasoning_effort"], sent()["max_tokens"]) == ("high", 2048)


# --- Step Plan: voices by the subscription ----------------------------------------------------------------------------

SPOKEN = {"model": "stepaudio-2.5-tts", "input": "今天天气不错,适合出去走走。", "voice": "cixingnansheng"}
COMPANION = "你是有耐心的陪伴搭子,回答自然、温暖、有人情味"
HEARING = {"model": "stepaudio-2.5-asr", "language": "zh", "enable_itn": True}
SAMPLES = {"format": "pcm", "sample_rate": 16000, "bits": 16, "channels": 1}


class TestStepPlanGuide:
    """`plan=True` is all that is different."""

    def test_a_conversation_in_realtime(self, plan, emulator):
        session = plan.realtime.connect(
            model="stepaudio-2.5-realtime",
            modalities=["text", "audio"],
            instructions=COMPANION,
            voice="linjiajiejie",
        )
        sound, words = [], []
        with session:
            session.send_text("你好")
            for event in session:
                if event.type == "response.audio.delta":
                    sound.append(event.audio)
                if event.type == "response.audio_transcript.delta":
                    words.append(event.delta)
                if event.type == "response.done":
                    break

        assert len(b"".join(sound)) > 24_000
        assert "".join(words)
        asked = emulator.sessions[-1]
        assert (asked.path, asked.query) == ("/step_plan/v1/realtime", {"model": "stepaudio-2.5-realtime"})
        update = asked.received[0]["session"]
        assert {name: update[name] for name in ("modalities", "instructions", "voice")} == {
            "modalities": ["text", "audio"],
            "instructions": COMPANION,
            "voice": "linjiajiejie",
        }
        assert (update["input_audio_format"], update["output_audio_format"]) == ("pcm16", "pcm16")

    def test_a_conversation_in_realtime_with_langchain(self, connection, emulator):
        voice = StepFunRealtime(instructions=COMPANION, voice="linjiajiejie", plan=True, **connection)
        with voice.connect() as session:
            session.send_text("你好")
            assert next(event for event in session if event.type == "response.done").response["status"] == "completed"
        assert emulator.sessions[-1].path == "/step_plan/v1/realtime"

    def test_a_chat_with_stepaudio(self, plan, emulator, sent):
        asked = {"model": "stepaudio-2.5-chat", "modalities": ["text"], "messages": user("今天心情有点闷,陪我聊聊")}

        assert plan.chat.create(**asked).text
        assert sent() == asked
        assert emulator.requests[-1].path == "/step_plan/v1/chat/completions"

    def test_a_chat_with_stepaudio_and_the_frameworks(self, connection, sent):
        asked = "今天心情有点闷,陪我聊聊"
        chat = ChatStepFun(model="stepaudio-2.5-chat", modalities=["text"], plan=True, **connection)

        assert chat.invoke(asked).text
        assert sent()["modalities"] == ["text"]
        assert StepFun(model="stepaudio-2.5-chat", plan=True, **connection).complete(asked).text

    def test_speech_with_an_instruction(self, plan, emulator, sent, tmp_path):
        audio = plan.speech.create(**SPOKEN, instruction="语气温柔,语速偏慢", response_format="mp3")
        audio.save(tmp_path / "speech.mp3")

        assert (tmp_path / "speech.mp3").read_bytes() == audio.content
        assert sent() == {**SPOKEN, "instruction": "语气温柔,语速偏慢", "response_format": "mp3"}
        assert emulator.requests[-1].path == "/step_plan/v1/audio/speech"

    def test_speech_over_the_websocket(self, plan, emulator):
        words = iter(["今天天气不错,", "适合出去走走。"])
        audio = plan.speech.stream(**{**SPOKEN, "input": words}, instruction="语气温柔,语速偏慢").audio()

        assert audio.content
        assert emulator.sessions[-1].path == "/step_plan/v1/realtime/audio"
        assert emulator.sessions[-1].received[0]["data"]["instruction"] == "语气温柔,语速偏慢"

    def test_a_voice_heard_and_cloned(self, plan, client, emulator):
        recording = Audio.of(bytes(6 * 32000), format="pcm", sample_rate=16000).to_wav().content
        file = client.files.create(recording, filename="voice.wav", purpose="storage")  # uploads are not on the plan
        heard = plan.voices.preview(file_id=file.id, model="stepaudio-2.5-tts", sample_text="你好")
        voice = plan.voices.create(file_id=file.id, model="stepaudio-2.5-tts")

        assert heard.sample_audio
        assert plan.speech.create(**{**SPOKEN, "voice": voice.id}).content
        assert [request.path for request in emulator.requests[1:3]] == [
            "/step_plan/v1/audio/voices/preview",
            "/step_plan/v1/audio/voices",
        ]

    def test_recognition_of_bare_samples(self, plan, emulator):
        samples = plan.speech.create(**SPOKEN, response_format="pcm", sample_rate=16000).content
        heard = plan.transcription.create(samples, **HEARING, **SAMPLES)

        assert heard.text == "今天天气不错,适合出去走走。"
        request = emulator.requests[-1]
        assert request.path == "/step_plan/v1/audio/asr/sse"
        assert request.headers["accept"] == "text/event-stream"
        assert request.body["audio"]["input"] == {
            "transcription": {"model": "stepaudio-2.5-asr", "language": "zh", "enable_itn": True},
            "format": {"type": "pcm", "codec": "pcm_s16le", "rate": 16000, "bits": 16, "channel": 1},
        }

    def test_recognition_as_it_comes(self, plan):
        samples = plan.speech.create(**SPOKEN, response_format="pcm", sample_rate=16000).content
        deltas = plan.transcription.stream(samples, **HEARING, **SAMPLES)

        assert "".join(delta.text for delta in deltas) == "今天天气不错,适合出去走走。"

    def test_speech_and_recognition_with_the_frameworks(self, connection, tmp_path):
        spoken = StepFunTTS(plan=True, voice="cixingnansheng", **connection).invoke(
            {"type": "tool_call", "id": "1", "name": "tts", "args": {"text": "今天天气不错。"}}
        )
        sound = base64.b64decode(spoken.artifact["base64"])
        (tmp_path / "speech.mp3").write_bytes(sound)

        listener = StepFunASR(plan=True, **connection)
        assert listener.invoke({"audio": audio_artifact(Audio.of(sound, format="mp3"))}) == "今天天气不错。"
        documents = StepFunAudioReader(plan=True, **connection).load_data(str(tmp_path / "speech.mp3"))
        assert [document.text for document in documents] == ["今天天气不错。"]


# --- 快速开始: the first question -------------------------------------------------------------------------------------

SYSTEM = (
    "你是由阶跃星辰提供的AI聊天助手，你擅长中文，英文，以及多种其他语言的对话。"
    "在保证用户数据安全的前提下，你能对用户的问题和请求，作出快速和精准的回答。"
)
HELLO = "你好，请介绍一下阶跃星辰的人工智能!"
FIRST = [{"role": "system", "content": SYSTEM}, *user(HELLO)]


def test_the_first_question(client, sent):
    completion = client.chat.create(model=MODEL, messages=FIRST)

    assert completion.text
    assert completion.choices[0].finish_reason == "stop"
    assert completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens
    assert sent() == {"model": MODEL, "messages": FIRST}


def test_the_first_question_streamed(client):
    stream = client.chat.stream(model=MODEL, messages=FIRST)
    said, thought = [], []
    for chunk in stream:
        for choice in chunk["choices"]:
            said.append(choice["delta"].get("content") or "")
            thought.append(choice["delta"].get("reasoning_content") or "")
    completion = stream.completion()

    assert "".join(said) == completion.text
    assert "".join(thought) == completion.reasoning
    assert completion.usage.total_tokens


def test_the_first_question_with_langchain(connection):
    model = ChatStepFun(model=MODEL, **connection)
    asked = [SystemMessage(SYSTEM), HumanMessage(HELLO)]

    assert "".join(chunk.text for chunk in model.stream(asked)) == model.invoke(asked).text


def test_the_first_question_with_llama_index(connection):
    llm = StepFun(model=MODEL, **connection)
    asked = [ChatMessage(role="system", content=SYSTEM), ChatMessage(role="user", content=HELLO)]

    assert [*llm.stream_chat(asked)][-1].message.content == llm.chat(asked).message.content


def test_a_request_of_more_than_ten_minutes_ends_in_503(connection):
    late = {**connection, "default_headers": {"x-emulator-fault": "timeout-503"}}

    with StepFunClient(**late) as client, pytest.raises(ServerError, match="stream long answers") as raised:
        client.chat.create(model=MODEL, messages=FIRST)
    assert raised.value.status_code == 503
    with pytest.raises(ServerError, match="10 minutes"):
        ChatStepFun(model=MODEL, **late).invoke(HELLO)
    with pytest.raises(ServerError, match="10 minutes"):
        StepFun(model=MODEL, **late).complete(HELLO)


def test_too_many_requests_are_a_429(connection):
    hasty = {**connection, "default_headers": {"x-emulator-fault": "rate-limit"}}

    with StepFunClient(**hasty) as client, pytest.raises(RateLimitError, match="run fewer calls at once"):
        client.chat.create(model=MODEL, messages=FIRST)
    with pytest.raises(ModelRateLimitError):
        ChatStepFun(model=MODEL, **hasty).invoke(HELLO)
    with pytest.raises(RateLimitError):
        StepFun(model=MODEL, **hasty).complete(HELLO)


# --- Examples of every endpoint ---------------------------------------------------------------------------------------

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "获取指定城市的天气信息",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "城市名称"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
            },
            "required": ["city"],
        },
    },
}


@tool
def get_weather(city: str) -> str:
    """获取指定城市的天气信息"""
    return f"{city}: 晴"


class TestEveryEndpoint:
    """The recipes of the first examples, older models included."""

    def test_text(self, client):
        assert client.chat.create(model="step-2-16k", messages=user("用Python写快速排序")).text
        assert client.chat.stream(model="step-1-32k", messages=user("解释量子计算")).completion().text

    def test_function_calling(self, client, connection):
        asked = {"model": "step-1-8k-functions", "messages": user("今天北京的天气如何？")}
        reply = client.chat.create(**asked, tools=[WEATHER], tool_choice="auto", temperature=0.1)

        assert (reply.tool_calls[0].function.name, reply.choices[0].finish_reason) == ("get_weather", "tool_calls")
        assert '"北京"' in reply.tool_calls[0].function.arguments
        model = ChatStepFun(model="step-1-8k-functions", temperature=0.1, **connection).bind_tools([get_weather])
        assert model.invoke("今天北京的天气如何？").tool_calls[0]["args"] == {"city": "北京"}

    @pytest.mark.parametrize("model", ["step-1o-turbo-vision", "step-1o-vision-32k", "step-1v-8k", "step-3"])
    def test_image_understanding(self, client, model):
        reply = client.chat.create(model=model, messages=user(text("分析这张图片的内容"), image_part(PICTURE)))
        assert "160x120" in reply.text

    def test_multimodal(self, client):
        parts = [text("根据图表分析趋势"), image_part("https://example.com/chart.png"), audio_part(SOUND)]
        assert "chart.png" in client.chat.create(model="step-3", messages=user(*parts)).text

    def test_speech(self, client, sent):
        label = {"emotion": "高兴"}
        asked = {"model": "step-tts-vivid", "input": "智能阶跃，十倍每一个人的可能", "voice": "cixingnansheng"}
        manner = {"speed": 1.0, "volume": 1.0, "voice_label": label, "sample_rate": 24000, "response_format": "mp3"}

        assert client.speech.create(**asked, **manner).format == "mp3"
        assert sent() == {**asked, **manner}

    def test_recognition_with_subtitles(self, client):
        spoken = client.speech.create(
            model="step-tts-mini", input="今天天气不错。", voice="cixingnansheng", response_format="wav"
        )
        assert client.transcription.create(spoken.content, model="step-asr").text == "今天天气不错。"
        timed = client.transcription.create(spoken.content, model="stepaudio-2.5-asr", timestamps=True)
        assert "-->" in timed.to_srt()  # live, the form answers 400 to srt and vtt; times make them here
        assert timed.to_vtt().startswith("WEBVTT")

    def test_image_generation(self, client, sent):
        asked = {"model": "step-2x-large", "prompt": "未来城市景观，赛博朋克风格", "size": "1024x1024"}
        how = {"response_format": "b64_json", "seed": 12345, "steps": 50, "cfg_scale": 7.5}
        picture = client.images.generate(**asked, **how)

        assert (picture.width, picture.height, picture.seed) == (1024, 1024, 12345)
        assert sent() == {**asked, **how}

    def test_image_to_image(self, client, sent):
        asked = {"model": "step-2x-large", "prompt": "将这张图片转换为水彩画风格", "size": "1024x1024"}
        picture = client.images.transform(PICTURE, **asked, source_weight=0.8, response_format="b64_json")

        assert picture.content
        assert sent()["source_weight"] == 0.8
        assert sent()["source_url"].startswith("data:image/png;base64,")

    def test_image_editing(self, client):
        picture = client.images.edit(
            DATA / "meadow.jpg",
            model="step-1x-edit",
            prompt="添加彩虹效果",
            seed=12345,
            steps=28,
            cfg_scale=6,
            size="512x512",
            response_format="url",
        )
        assert client.images.fetch(picture).content

    def test_voice_cloning_and_the_list_of_voices(self, client):
        recording = Audio.of(bytes(7 * 32000), format="pcm", sample_rate=16000).to_wav().content
        voice = client.voices.create(recording, model="step-tts-vivid", text="这是用于训练的声音样本")

        assert voice.id in [known.id for known in client.voices.list()]
        assert client.speech.create(model="step-tts-vivid", voice=voice.id, input="你好").content

    def test_errors(self, client, connection):
        with pytest.raises(NotFoundError, match="check the model's name"):
            client.chat.create(model="step-invalid-model", messages=user("Hi"))
        with (
            StepFunClient(**{**connection, "api_key": "invalid"}) as stranger,
            pytest.raises(AuthenticationError, match="Incorrect API key"),
        ):
            stranger.chat.create(model=MODEL, messages=user("Hi"))


def test_step1x_edit_on_modelverse(client, emulator, sent):
    picture = client.images.edit(
        PICTURE,
        model="stepfun-ai/step1x-edit",
        prompt="a beautiful flower",
        negative_prompt="blurry, low quality",
        steps=28,
        guidance_scale=2.5,
        seed=-1,
        api_key="key-of-modelverse",
        base_url=emulator.modelverse_url,
    )

    assert isinstance(picture, Picture)
    assert picture.url or picture.content
    body = sent()
    assert body.pop("image").startswith("data:image/png;base64,")
    assert body == {
        "model": "stepfun-ai/step1x-edit",
        "prompt": "a beautiful flower",
        "negative_prompt": "blurry, low quality",
        "steps": 28,
        "guidance_scale": 2.5,
        "seed": -1,
    }

"""Step Plan: all that it offers works there, and what it lacks is refused before it is sent (WIRE.md sections 1, 3)."""

from __future__ import annotations

import copy
import io
import pickle
import warnings
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import httpx
import pytest

from stepfun_client import BadRequestError, InvalidParameterError, NotFoundError, StepFunClient
from stepfun_client.audio import Audio
from stepfun_client.catalog import MODEL_ROUTER, MODELS
from stepfun_client.core.call import Call
from stepfun_client.plan import PLAN_LACKS, PLAN_PATHS, check_plan_model, check_plan_path

DATA = Path(__file__).parents[2] / "data"
TONE, MEADOW = (DATA / "tone.wav").read_bytes(), (DATA / "meadow.png").read_bytes()
TURN = {"messages": [{"role": "user", "content": "What is 6 * 7?"}]}
CHAT = {"model": "step-3.7-flash", **TURN}
SPEECH = {"model": "stepaudio-2.5-tts", "voice": "cixingnansheng"}
DRAWING = {"model": "step-image-edit-2", "prompt": "a lake"}
ROUTED = {"model": MODEL_ROUTER, **TURN}


def sample():
    return Audio.of(bytes(6 * 16000 * 2), format="pcm", sample_rate=16000).to_wav().content


@pytest.fixture
def plan(both, emulator):
    return both.client(emulator, plan=True)


# --- What it offers ---------------------------------------------------------------------------------------------------


async def voice_named(client, both, emulator):
    """A file is uploaded to the open platform: the plan has no path for it."""
    return (await both.get(both.client(emulator).files.create(sample(), filename="voice.wav"))).id


async def cloned(client, both, emulator):
    return client.voices.create(file_id=await voice_named(client, both, emulator), model="stepaudio-2.5-tts")


async def heard_before(client, both, emulator):
    file_id = await voice_named(client, both, emulator)
    return client.voices.preview(file_id=file_id, model="stepaudio-2.5-tts", sample_text="Hi")


async def conversed(client, both, emulator):
    """A spoken conversation, to the end of its first answer."""
    session = client.realtime.connect(model="stepaudio-2.5-realtime", voice="linjiajiejie")
    if both.kind == "sync":
        with ExitStack() as stack:
            stack.enter_context(session).send_text("Hi")
            return next(event for event in session if event.type == "response.done")
    async with AsyncExitStack() as stack:
        await (await stack.enter_async_context(session)).send_text("Hi")
        return await anext(event async for event in session if event.type == "response.done")


OFFERED = {
    "chat": ("/chat/completions", lambda client: client.chat.create(**CHAT)),
    "chat, streamed": ("/chat/completions", lambda client: client.chat.stream(**CHAT).completion()),
    "messages": ("/messages", lambda client: client.messages.create(max_tokens=99, **CHAT)),
    "messages, streamed": ("/messages", lambda client: client.messages.stream(max_tokens=99, **CHAT).message()),
    "tokens of messages": ("/messages/count_tokens", lambda client: client.messages.count_tokens(**CHAT)),
    "speech": ("/audio/speech", lambda client: client.speech.create(input="Hi.", **SPEECH)),
    "speech, streamed": ("/audio/speech", lambda client: client.speech.stream(input="Hi.", **SPEECH).audio()),
    "recognition": (
        "/audio/asr/sse",
        lambda client: client.transcription.create(TONE, model="stepaudio-2.5-asr"),
    ),
    "recognition, streamed": (
        "/audio/asr/sse",
        lambda client: client.transcription.stream(TONE, model="stepaudio-2.5-asr").transcript(),
    ),
    "cloned voices": ("/audio/voices", lambda client: client.voices.list()),
    "a picture": ("/images/generations", lambda client: client.images.generate(**DRAWING)),
    "an edited picture": ("/images/edits", lambda client: client.images.edit(MEADOW, **DRAWING)),
    "the router": ("/chat/completions", lambda client: client.chat.create(**ROUTED)),
    "the router on Messages": ("/messages", lambda client: client.messages.create(max_tokens=99, **ROUTED)),
}


@pytest.mark.parametrize(("path", "job"), OFFERED.values(), ids=OFFERED)
async def test_what_the_plan_offers(both, plan, emulator, path, job):
    assert await both.get(job(plan)) is not None
    assert emulator.requests[-1].path == f"/step_plan/v1{path}"


@pytest.mark.parametrize(
    ("path", "job"), [("/audio/voices", cloned), ("/audio/voices/preview", heard_before)], ids=["clone", "preview"]
)
async def test_a_voice_from_a_file_uploaded_to_the_open_platform(both, plan, emulator, path, job):
    assert await both.get(await job(plan, both, emulator))
    assert emulator.requests[-1].path == f"/step_plan/v1{path}"


async def test_speech_while_the_text_is_written(both, plan, emulator):
    audio = await both.get(plan.speech.stream(input=iter(["Hello, ", "Ada."]), **SPEECH).audio())

    assert audio.content
    assert emulator.sessions[-1].path == "/step_plan/v1/realtime/audio"


async def test_a_conversation_in_realtime(both, plan, emulator):
    assert (await conversed(plan, both, emulator)).type == "response.done"
    assert emulator.sessions[-1].path == "/step_plan/v1/realtime"


def test_every_path_of_the_plan_is_tried_here():
    tried = {path for path, _ in OFFERED.values()}
    assert tried | {"/audio/voices/preview", "/realtime", "/realtime/audio"} == set(PLAN_PATHS)


# --- What it lacks ----------------------------------------------------------------------------------------------------

STORE, LIVE = "st_1", {"model": "step-asr-1.1-stream"}
LACKING = {
    "files.create": ("/files", lambda client: client.files.create(b"x", filename="a.txt", purpose="file-extract")),
    "files.create of an open file": ("/files", lambda client: client.files.create(io.BytesIO(b"x"), filename="a.mp4")),
    "files.list": ("/files", lambda client: client.files.list()),
    "files.retrieve": ("/files", lambda client: client.files.retrieve("file-1")),
    "files.wait": ("/files", lambda client: client.files.wait("file-1")),
    "files.content": ("/files", lambda client: client.files.content("file-1")),
    "files.delete": ("/files", lambda client: client.files.delete("file-1")),
    "vector_stores.create": ("/vector_stores", lambda client: client.vector_stores.create("lamps")),
    "vector_stores.list": ("/vector_stores", lambda client: client.vector_stores.list()),
    "vector_stores.retrieve": ("/vector_stores", lambda client: client.vector_stores.retrieve(STORE)),
    "vector_stores.delete": ("/vector_stores", lambda client: client.vector_stores.delete(STORE)),
    "vector_stores.files.list": ("/vector_stores", lambda client: client.vector_stores.files.list(STORE)),
    "search": ("/search", lambda client: client.search.create("lamps")),
    "models.list": ("/models", lambda client: client.models.list()),
    "models.retrieve": ("/models", lambda client: client.models.retrieve("step-3.7-flash")),
    "account": ("/accounts", lambda client: client.account.retrieve()),
    "tokens": ("/token/count", lambda client: client.tokens.count(**CHAT)),
    "responses": ("/responses", lambda client: client.responses.create(model="step-3.7-flash", input="Hi")),
    "responses, streamed": (
        "/responses",
        lambda client: client.responses.stream(model="step-3.7-flash", input="Hi").response(),
    ),
    "transcription by a form": (
        "/audio/transcriptions",
        lambda client: client.transcription.create(TONE, model="step-asr"),
    ),
    "transcription in the background": (
        "/audio/asr/file/submit",
        lambda client: client.transcription.create("https://a.test/a.mp3", model="step-asr-1.1"),
    ),
    "transcription.submit": (
        "/audio/asr/file/submit",
        lambda client: client.transcription.submit("https://a.test/a.mp3"),
    ),
    "transcription.retrieve": ("/audio/asr/file/query", lambda client: client.transcription.retrieve("task_1")),
    "transcription.live": (
        "/realtime/asr/stream",
        lambda client: client.transcription.live([bytes(640)], **LIVE).transcript(),
    ),
    "transcription.live on the other path": (
        "/audio/asr/stream",
        lambda client: client.transcription.live([bytes(640)], path="/audio/asr/stream", **LIVE).transcript(),
    ),
    "voices.official": ("/audio/system_voices", lambda client: client.voices.official("step-tts-2")),
    "voices.create of a recording": (
        "/files",
        lambda client: client.voices.create(sample(), model="stepaudio-2.5-tts"),
    ),
    "images.transform": (
        "/images/image2image",
        lambda client: client.images.transform(MEADOW, model="step-1x-medium", prompt="a lake", source_weight=0.5),
    ),
}


@pytest.mark.parametrize(("path", "job"), LACKING.values(), ids=LACKING)
async def test_what_the_plan_lacks_is_refused_before_it_is_sent(both, server, path, job):
    with pytest.raises(InvalidParameterError) as refused:
        await both.get(job(both.client(server, plan=True)))

    said = str(refused.value)
    assert refused.value.param == "plan"
    assert f"Step Plan does not offer {path}; it offers /chat/completions, /messages, " in said
    assert said.endswith("plan=False, with a key of the open platform, does it")
    assert not server.accepted


def test_every_path_that_is_lacking_is_tried_here():
    assert {path for path, _ in LACKING.values()} == set(PLAN_LACKS)


ELSEWHERE = {
    "/files/file-1/content": "by their address",
    "/audio/transcriptions": "model='stepaudio-2.5-asr' transcribes there",
    "/token/count": "client.messages.count_tokens",
    "/images/image2image": "step-image-edit-2",
}


@pytest.mark.parametrize(("path", "advice"), ELSEWHERE.items())
def test_what_does_the_job_on_the_plan_is_said(path, advice):
    with pytest.raises(InvalidParameterError, match=advice):
        check_plan_path(path)


@pytest.mark.parametrize("path", [*PLAN_PATHS, "/filesystems", "/models_of_tomorrow", "/audio/voices/vo_1"])
async def test_a_path_that_is_offered_or_not_known_goes_through(both, server, wire, path):
    def ask():
        reply = yield Call("GET", path)
        return reply.json()

    client = both.client(server.answers(wire.reply({"x": 1})), plan=True)
    assert await both.get(client.run(ask())) == {"x": 1}
    assert server.requests[-1].path == f"/step_plan/v1{path}"


async def test_the_open_platform_lacks_nothing_of_it(both, emulator):
    client = both.client(emulator)

    assert await both.get(client.models.list())
    assert (await both.get(client.tokens.count(**CHAT))).total_tokens


ADDRESSES = {
    "a plan's address": {"base_url": "{root}/step_plan/v1"},
    "with a slash": {"base_url": "{root}/step_plan/v1/"},
    "both": {"base_url": "{root}/step_plan/v1", "plan": True},
    "an address that is moved": {"base_url": "{root}/v1", "plan": True},
    "a gateway": {"base_url": "{root}/my/gateway", "plan": True},
}


@pytest.mark.parametrize("settings", ADDRESSES.values(), ids=ADDRESSES)
async def test_an_address_on_the_plan_is_the_plan(both, server, settings):
    given = {**settings, "base_url": settings["base_url"].format(root=server.base_url.removesuffix("/v1"))}

    for client in (both.client(**given), copy.deepcopy(both.client(**given))):
        with pytest.raises(InvalidParameterError, match="Step Plan does not offer /files"):
            await both.get(client.files.list())
    assert not server.accepted


def test_a_client_from_a_pickle_knows_the_plan_still(monkeypatch):
    monkeypatch.setenv("STEP_API_KEY", "sk-any-key-will-do")
    with pickle.loads(pickle.dumps(StepFunClient(plan=True))) as client, pytest.raises(InvalidParameterError):
        client.files.list()


# --- Models -----------------------------------------------------------------------------------------------------------

NOT_SERVED = {
    "step-2x-large": lambda client: client.images.generate(model="step-2x-large", prompt="a lake"),
    "step-1x-medium": lambda client: client.images.generate(model="step-1x-medium", prompt="a lake"),
    "step-1x-edit": lambda client: client.images.edit(MEADOW, model="step-1x-edit", prompt="a lake"),
}


@pytest.mark.parametrize(("model", "job"), NOT_SERVED.items())
async def test_another_image_model_is_refused_before_it_is_sent(both, server, model, job):
    with pytest.raises(InvalidParameterError, match=f"does not serve {model}; it serves step-image-edit-2") as refused:
        await both.get(job(both.client(server, plan=True)))
    assert refused.value.param == "model"
    assert not server.accepted


@pytest.mark.parametrize("model", ["step-9", "step-3.7-flash", "step-tts-2"])
def test_a_model_of_which_nothing_certain_is_known_goes_through(model):
    check_plan_model(model, on_plan=True)
    check_plan_model(model, on_plan=False)


async def test_a_rule_may_be_passed_by_extra_body(both, server, wire):
    client = both.client(server.answers(wire.completion()))
    await both.get(client.chat.create(**CHAT, extra_body={"model": MODEL_ROUTER}))

    assert server.requests[-1].json["model"] == MODEL_ROUTER


async def test_modelverse_has_no_plan(both, emulator):
    client = both.client(emulator, plan=True)
    asked = {"model": "stepfun-ai/step1x-edit", "prompt": "at night", "api_key": "k"}
    picture = await both.get(client.images.edit(MEADOW, base_url=emulator.modelverse_url, **asked))

    assert picture.url or picture.content


# --- step-router-v1, the plan's own model (WIRE.md section 3) ---------------------------------------------------------

PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
VIDEO = {"type": "video_url", "video_url": {"url": "https://a.test/a.mp4"}}
ANTHROPIC_PICTURE = {"type": "image", "source": {"type": "url", "url": "https://a.test/a.png"}}
PLAN_ONLY = {
    "chat": lambda client: client.chat.create(**ROUTED),
    "chat, streamed": lambda client: client.chat.stream(**ROUTED).completion(),
    "messages": lambda client: client.messages.create(max_tokens=9, **ROUTED),
    "count_tokens": lambda client: client.messages.count_tokens(**ROUTED),
    "tokens": lambda client: client.tokens.count(**ROUTED),
    "responses": lambda client: client.responses.create(model=MODEL_ROUTER, input="Hi"),
}


@pytest.mark.parametrize("job", PLAN_ONLY.values(), ids=PLAN_ONLY)
async def test_the_router_is_on_the_plan_only(both, server, job):
    with pytest.raises(InvalidParameterError, match="served on Step Plan only; use plan=True, with a key of the plan"):
        await both.get(job(both.client(server)))
    assert not server.accepted


def parts(*shown):
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}, *shown]}]}


ROUTER_REFUSES = {
    "a picture": (parts(PICTURE), "messages", "takes text only, and no image_url"),
    "a video": (parts(VIDEO), "messages", "takes text only, and no video_url"),
    "a document": (parts({"type": "document"}, VIDEO), "messages", "no document and no video_url"),
    "a search": ({"tools": [{"type": "web_search", "function": {}}]}, "tools", "does not take the tool web_search"),
    "more than 384K tokens": ({"max_tokens": 384_001}, "max_tokens", "takes at most 384000"),
}


@pytest.mark.parametrize(("asked", "param", "said"), ROUTER_REFUSES.values(), ids=ROUTER_REFUSES)
def test_what_the_router_does_not_take(server, asked, param, said):
    with pytest.raises(InvalidParameterError, match=said) as refused:
        StepFunClient("sk", base_url=server.base_url, plan=True).chat.create(**{**ROUTED, **asked})
    assert refused.value.param == param
    assert not server.accepted


@pytest.mark.parametrize(
    ("asked", "said"),
    [(parts(ANTHROPIC_PICTURE), "no image"), ({"max_tokens": 384_001}, "at most 384000")],
    ids=["a picture", "more than 384K tokens"],
)
async def test_what_the_router_does_not_take_on_messages(both, server, asked, said):
    with pytest.raises(InvalidParameterError, match=said):
        await both.get(both.client(server, plan=True).messages.create(**{**ROUTED, "max_tokens": 9, **asked}))
    assert not server.accepted


def test_the_emulator_refuses_by_itself_what_the_client_refuses(emulator):
    """So that the rules above are the service's, as the emulator has them from WIRE.md, and not the client's alone."""
    client = StepFunClient("sk", base_url=emulator.base_url, plan=True)
    for asked in (parts(PICTURE), {"tools": [{"type": "web_search", "function": {}}]}, {"max_tokens": 384_001}):
        with pytest.raises(BadRequestError):
            client.chat.create(**CHAT, extra_body={**ROUTED, **asked})
    with pytest.raises(NotFoundError):
        StepFunClient("sk", base_url=emulator.base_url).chat.create(**CHAT, extra_body=ROUTED)


async def test_the_router_takes_texts_tools_and_384k_tokens(both, plan):
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
    reply = await both.get(plan.chat.create(**{**ROUTED, **parts()}, tools=[tool], max_tokens=384_000))

    assert reply.message.content is not None


async def test_the_router_ignores_the_effort_on_messages(both, plan, emulator):
    asked = plan.messages.stream if both.kind == "async" else plan.messages.create
    with pytest.warns(UserWarning, match="step-router-v1 ignores the effort on the Messages API"):
        asked(max_tokens=99, effort="low", **ROUTED)


async def test_the_router_takes_an_effort_on_chat(both, plan, emulator):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        await both.get(plan.chat.create(reasoning_effort="low", **ROUTED))
    assert emulator.requests[-1].body["reasoning_effort"] == "low"


async def test_several_completion_ids_in_one_stream_are_one_answer_with_the_first(both, plan, server, wire):
    long = [{"role": "user", "content": "Count to 50"}]
    stream = plan.chat.stream(model=MODEL_ROUTER, messages=long)
    chunks = await both.items(stream)
    reply = await both.get(stream.completion())

    assert {chunk["id"] for chunk in chunks if "id" in chunk} == {reply.id}
    assert reply.text.endswith("49, 50")


def test_the_emulator_does_send_several_ids(emulator):
    body = {"model": MODEL_ROUTER, "messages": [{"role": "user", "content": "Count to 50"}], "stream": True}
    headers = {"authorization": "Bearer any"}
    text = httpx.post(f"{emulator.plan_url}/chat/completions", json=body, headers=headers).text
    ids = {line[6:].partition(",")[0] for line in text.splitlines() if line.startswith('data: {"id"')}

    assert len(ids) > 1


def test_the_catalogue_and_the_plan_agree():
    served = {info.id for info in MODELS.values() if "image" in info.kinds and info.on_plan is not False}
    assert served == {"step-image-edit-2"}

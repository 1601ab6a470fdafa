"""The tools as objects: the toolkit, copies and pickles, checkpoints of what they made, and never a key."""

from __future__ import annotations

import copy
import json
import pickle
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.load import dumpd, dumps, loads
from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from pydantic import ValidationError

import langchain_stepfun
from langchain_stepfun import (
    StepFunASR,
    StepFunASRParser,
    StepFunFileLoader,
    StepFunImageEdit,
    StepFunImageGen,
    StepFunImageToImage,
    StepFunSearchRetriever,
    StepFunToolkit,
    StepFunTTS,
    StepFunVoiceClone,
    StepFunWebSearch,
)
from tests.unit_tests.langchain_stepfun.tooling import KEY, PublicService, Use, called

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OBJECTS: dict[str, Callable[..., Any]] = {
    "tts": lambda **settings: StepFunTTS(model_may_set=["voice", "emotion"], **settings),
    "asr": lambda **settings: StepFunASR(model_may_set=["language"], **settings),
    "clone": lambda **settings: StepFunVoiceClone(confirm_paid=True, **settings),
    "search": StepFunWebSearch,
    "draw": lambda **settings: StepFunImageGen(model_may_set=["shape", "steps"], **settings),
    "edit": lambda **settings: StepFunImageEdit(modelverse_api_key=KEY, **settings),
    "transform": StepFunImageToImage,
    "toolkit": lambda **settings: StepFunToolkit(settings={StepFunTTS: {"voice": "linjiajiejie"}}, **settings),
    "parser": StepFunASRParser,
    "loader": lambda **settings: StepFunFileLoader("notes.md", **settings),
    "retriever": StepFunSearchRetriever,
}
TOOLS = ("tts", "asr", "clone", "search", "draw", "edit", "transform")
FREE = [StepFunTTS, StepFunASR, StepFunImageGen, StepFunImageEdit, StepFunImageToImage, StepFunWebSearch]

COPIES: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda made: pickle.loads(pickle.dumps(made)),
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "model_copy": lambda made: made.model_copy(update={"timeout": 9.0}),
}

each_object = pytest.mark.parametrize("make", OBJECTS.values(), ids=OBJECTS)
each_tool = pytest.mark.parametrize("make", [OBJECTS[name] for name in TOOLS], ids=TOOLS)


# --- The toolkit -----------------------------------------------------------------------------------------------------


def test_cloning_is_in_the_toolkit_only_where_it_is_switched_on() -> None:
    free = StepFunToolkit().get_tools()
    paid = StepFunToolkit(confirm_paid=True).get_tools()

    assert [type(tool) for tool in free] == FREE
    assert [type(tool) for tool in paid] == [*FREE, StepFunVoiceClone]


def test_the_toolkits_settings_reach_every_tool(tmp_path: Path) -> None:
    service = PublicService()
    toolkit = StepFunToolkit(
        **service.settings(),
        output_dir=tmp_path / "out",
        root_dir=tmp_path / "in",
        timeout=7,
        show_to_model=True,
        settings={StepFunTTS: {"voice": "linjiajiejie", "timeout": 70}, StepFunASR: {"model": "step-asr"}},
    )

    say, listen, draw, edit, transform, search = made = toolkit.get_tools()

    assert (say.voice, say.output_dir, say.timeout) == ("linjiajiejie", tmp_path / "out", 70)
    assert (listen.model, listen.root_dir, listen.timeout) == ("step-asr", tmp_path / "in", 7)
    assert (draw.output_dir, draw.show_to_model, draw.timeout) == (tmp_path / "out", True, 7)
    assert (edit.root_dir, transform.root_dir) == (tmp_path / "in", tmp_path / "in")
    assert search.timeout == 7
    assert all(tool.api_key.get_secret_value() == KEY for tool in made)
    assert all(tool.http_client is toolkit.http_client for tool in made)
    assert all(tool.handle_tool_error is True for tool in made)


def test_settings_of_a_tool_that_is_not_made_are_refused() -> None:
    class Other(StepFunTTS): ...

    with pytest.raises(ValidationError, match="settings are given for Other"):
        StepFunToolkit(settings={Other: {}})


@each_tool
def test_a_tool_is_named_and_described_as_stepfun_takes_it(make: Callable[..., Any]) -> None:
    function = convert_to_openai_tool(make())["function"]

    assert re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_-]{0,63}", function["name"])
    assert function["parameters"]["type"] == "object"
    assert 20 < len(function["description"]) < 400
    assert all(field.get("description") for field in function["parameters"]["properties"].values())
    assert make(name="mine", description="Mine.").name == "mine"


# --- Copies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("used", [False, True], ids=["fresh", "used"])
@pytest.mark.parametrize("how", COPIES)
@each_object
def test_a_copy_is_alike_and_has_connections_of_its_own(make: Callable[..., Any], how: str, *, used: bool) -> None:
    made = make(api_key=KEY, base_url="http://127.0.0.1:1/v1")
    if used:
        assert made.client is made.client
        _ = getattr(made, "tool_call_schema", None)

    again = COPIES[how](made)

    assert type(again) is type(made)
    assert again.base_url == made.base_url
    assert again.client is not made.client
    if hasattr(made, "tool_call_schema"):
        assert convert_to_openai_tool(again) == convert_to_openai_tool(made)


@pytest.mark.parametrize("how", COPIES)
async def test_a_copy_works(tools, use: Use, monkeypatch, how: str) -> None:
    tool = tools(StepFunTTS, model_may_set=["speed"])
    tool.invoke({"text": "Hello."})
    monkeypatch.setenv("STEP_API_KEY", "any")  # a pickle holds no key: it is found where it wakes up

    again = COPIES[how](tool)

    assert (await use(again, text="Hello.", speed=2)).artifact["mime_type"] == "audio/mpeg"
    again.client.close()
    await again.async_client.aclose()


def test_a_copy_with_other_settings_has_their_schema() -> None:
    tool = StepFunTTS(model_may_set=["speed"])
    assert set(tool.args) == {"text", "speed"}

    assert set(tool.model_copy(update={"model_may_set": ("voice",)}).args) == {"text", "voice"}
    assert set(tool.args) == {"text", "speed"}


def test_a_tool_always_returns_its_artifact() -> None:
    assert StepFunASR(response_format="content_and_artifact").response_format == "content_and_artifact"
    with pytest.raises(ValidationError, match="always 'content_and_artifact'"):
        StepFunASR(response_format="content")


def test_a_schema_of_ones_own_stays() -> None:
    tool = StepFunTTS(args_schema=StepFunTTS().args_schema)
    own = {"type": "object", "properties": {"text": {"type": "string"}}}
    other = StepFunTTS(args_schema=own)

    assert tool.model_copy(update={"model_may_set": ("voice",)}).args.keys() == {"text"}
    assert pickle.loads(pickle.dumps(other)).args_schema == own


# --- What a tool made ------------------------------------------------------------------------------------------------


async def test_what_a_tool_made_survives_checkpoints_and_dumps(tools, use: Use) -> None:
    spoken = await use(tools(StepFunTTS), text="Good morning.")
    heard = await use(tools(StepFunASR, timestamps=True), audio=spoken.artifact)
    found = await use(tools(StepFunWebSearch), query="StepFun")
    drawn = await use(tools(StepFunImageGen, show_to_model=True), prompt="a red house")
    serializer = JsonPlusSerializer()

    for message in (spoken, heard, found, drawn):
        assert serializer.loads_typed(serializer.dumps_typed(message)) == message
        assert loads(dumps(message), allowed_objects=[ToolMessage]) == message
        assert ToolMessage.model_validate_json(message.model_dump_json()) == message
        assert json.loads(json.dumps(message.artifact)) == message.artifact


# --- The key ---------------------------------------------------------------------------------------------------------


@each_object
def test_the_key_is_nowhere_to_be_seen(make: Callable[..., Any]) -> None:
    made = make(api_key=KEY)
    kit = made.get_tools() if isinstance(made, StepFunToolkit) else []

    for one in (made, *kit):
        shown = [repr(one), str(one), str(one.model_dump()), one.model_dump_json(exclude={"args_schema", "settings"})]
        if isinstance(one, BaseTool):
            shown += [json.dumps(dumpd(one)), json.dumps(convert_to_openai_tool(one)), json.dumps(one.args)]
        assert not [text for text in shown if KEY in text]
        assert KEY.encode() not in pickle.dumps(one)


@each_object
def test_a_misspelt_setting_is_told(make: Callable[..., Any]) -> None:
    with pytest.raises(ValidationError, match=r"(?s)tiemout.*Extra inputs are not permitted"):
        make(tiemout=5)


@each_object
def test_a_setting_that_is_refused_shows_no_key(make: Callable[..., Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        make(api_key=KEY, timeout=-1)

    assert KEY[:8] not in str(caught.value)


class Watching(BaseCallbackHandler):
    """Keeps everything that tracers are told."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def on_tool_start(self, *args: Any, **kwargs: Any) -> None:
        self.seen.append(f"{args} {kwargs}")

    def on_tool_end(self, *args: Any, **kwargs: Any) -> None:
        self.seen.append(f"{args} {kwargs}")

    def on_tool_error(self, *args: Any, **kwargs: Any) -> None:
        self.seen.append(f"{args} {kwargs}")


def test_tracers_see_neither_the_key_nor_the_agents_state(tools) -> None:
    watching = Watching()
    tool = tools(StepFunASR, api_key=KEY)

    call = called(tool, {"audio": "last", "runtime": {"state": "the whole conversation"}})
    with pytest.raises(Exception, match="no recording"):
        tool.invoke(call, {"callbacks": [watching]})

    assert len(watching.seen) == 2
    assert not [text for text in watching.seen if KEY in text or "the whole conversation" in text]


# --- Lightness -------------------------------------------------------------------------------------------------------


def test_chat_alone_loads_no_tools() -> None:
    heavy = ("langchain_stepfun.tools", "langchain_stepfun.documents", "langchain_core.tools.retriever", "langgraph")
    script = f"import sys, langchain_stepfun; print([name for name in {heavy!r} if name in sys.modules])"

    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert loaded.strip() == "[]"


def test_every_name_that_is_promised_is_there() -> None:
    assert all(getattr(langchain_stepfun, name) for name in langchain_stepfun.__all__)
    assert set(langchain_stepfun.__all__) <= set(dir(langchain_stepfun))
    with pytest.raises(AttributeError, match="StepFunDancing"):
        _ = langchain_stepfun.StepFunDancing


def test_the_tools_need_no_more_than_langchain_core() -> None:
    script = (
        "import sys, langchain_stepfun.tools, langchain_stepfun.documents; "
        "print([name for name in sys.modules if name in ('langgraph', 'langchain', 'httpx._main', 'websockets')])"
    )

    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert loaded.strip() == "[]"

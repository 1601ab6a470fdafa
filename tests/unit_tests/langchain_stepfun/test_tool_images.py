"""The tools that make pictures: what a model may say, what goes out, what the program and the model get."""

from __future__ import annotations

import base64
import warnings
from typing import TYPE_CHECKING, Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import ToolException
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ValidationError

from langchain_stepfun import StepFunImageEdit, StepFunImageGen, StepFunImageToImage
from langchain_stepfun.tools.artifacts import picture_artifact
from stepfun_client import AuthenticationError, MissingAPIKeyError, Picture
from tests.unit_tests.langchain_stepfun.conftest import WHOLE
from tests.unit_tests.langchain_stepfun.tooling import MEADOW, PublicService, Use, called, scripted

if TYPE_CHECKING:
    from pathlib import Path

    from stepfun_emulator import Emulator

BLOCK = picture_artifact(Picture.of(MEADOW))
EDITS = (StepFunImageEdit, StepFunImageToImage)
each_kind = pytest.mark.parametrize("kind", [StepFunImageGen, *EDITS])
each_edit = pytest.mark.parametrize("kind", EDITS)


def args_of(kind: type) -> dict[str, Any]:
    return {"prompt": "a red house", **({"image": BLOCK} if kind in EDITS else {})}


def parameters(tool: Any) -> dict[str, Any]:
    return convert_to_openai_tool(tool)["function"]["parameters"]


def picture_in(message: ToolMessage) -> Picture:
    return Picture.of(base64.b64decode(message.artifact["base64"]))


# --- What is made ----------------------------------------------------------------------------------------------------


@each_kind
async def test_the_program_gets_a_picture_and_the_model_a_sentence(tools, use: Use, kind: type) -> None:
    message = await use(tools(kind), **args_of(kind), seed=7)

    block, picture = message.artifact, picture_in(message)
    assert (block["type"], block["mime_type"], picture.media_type) == ("image", "image/png", "image/png")
    assert (block["extras"]["width"], block["extras"]["height"]) == (picture.width, picture.height)
    assert (block["extras"]["seed"], block["extras"]["prompt"]) == (7, "a red house")
    assert block["extras"]["model"] == tools(kind).model
    assert block["extras"]["trace_id"]
    assert f"{picture.width}x{picture.height}, png, seed 7" in message.content
    assert "a red house" in message.content
    assert message.content.endswith(f"The picture's id is {block['id']}.")


async def test_the_same_seed_is_the_same_picture(tools, use: Use) -> None:
    tool = tools(StepFunImageGen)

    first, again, other = [await use(tool, prompt="a red house", seed=seed) for seed in (7, 7, 8)]

    assert first.artifact["base64"] == again.artifact["base64"] != other.artifact["base64"]


async def test_an_edit_keeps_the_size_and_changes_the_picture(tools, use: Use) -> None:
    edited = picture_in(await use(tools(StepFunImageEdit), image=BLOCK, prompt="make it night"))

    source = Picture.of(MEADOW)
    assert (edited.width, edited.height) == (source.width, source.height)
    assert edited.content != source.content


async def test_a_long_prompt_is_told_in_short(tools, use: Use) -> None:
    message = await use(tools(StepFunImageGen), prompt="houses " * 60)

    assert len(message.content) < 200
    assert "…” (" in message.content


async def test_a_program_passes_the_picture_itself(tools, use: Use) -> None:
    tool = tools(StepFunImageEdit, seed=7)
    data_uri = {"type": "image", "url": Picture.of(MEADOW).data_uri()}

    made = [(await use(tool, image=form, prompt="night")).artifact for form in (BLOCK, data_uri, MEADOW)]
    made.append((await use(tool, image=Picture.of(MEADOW), prompt="night")).artifact)

    assert len({block["base64"] for block in made}) == 1
    assert tool.invoke({"image": BLOCK, "prompt": "night"}).startswith("Edited: “night” (")


# --- What a model may say --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["step-image-edit-2", "step-2x-large", "step-1x-medium"])
@pytest.mark.parametrize(
    ("shape", "ratio"),
    [("square", 1), ("1:1", 1), ("landscape", 4 / 3), ("portrait", 3 / 4), ("wide", 16 / 9), ("tall", 9 / 16)],
)
async def test_a_shape_is_the_nearest_size_and_the_pixels_prove_it(tools, use, model, shape, ratio) -> None:
    picture = picture_in(await use(tools(StepFunImageGen, model=model, steps=1), prompt="a house", shape=shape))

    drawn = picture.width / picture.height
    assert (drawn > 1, drawn < 1) == (ratio > 1, ratio < 1)
    assert drawn == pytest.approx(ratio, rel=0.21)  # 16:10 is the widest that two of them draw
    if model == "step-image-edit-2":
        assert drawn == pytest.approx(ratio, rel=0.02)


@each_kind
def test_what_is_offered_is_what_the_developer_left_open(kind: type) -> None:
    own = {"prompt", "image"} if kind in EDITS else {"prompt"}
    shape = {"shape"} if kind is not StepFunImageEdit else set()

    assert set(parameters(kind())["properties"]) == own | shape | {"seed"}
    assert set(parameters(kind(seed=3))["properties"]) == own | shape
    assert set(parameters(kind(model="a-model-of-tomorrow"))["properties"]) == own | {"seed"}
    assert set(parameters(kind(model_may_set=()))["properties"]) == own
    assert set(parameters(kind(model_may_set=["steps", "prompt"]))["properties"]) == own | {"steps"}
    assert parameters(kind())["required"] == ["prompt"]


def test_a_size_that_is_set_is_not_the_models_matter() -> None:
    assert "shape" not in StepFunImageGen(size="1360x768").args
    assert "shape" not in StepFunImageToImage(width=512, height=512).args
    assert "shape" in StepFunImageGen(size="1360x768", model_may_set=["shape"]).args


def test_what_a_model_may_choose_among_stands_in_the_schema() -> None:
    shown = parameters(StepFunImageGen(model_may_set=["shape", "steps", "model"]))["properties"]

    assert "wide" in shown["shape"]["anyOf"][0]["enum"]
    assert "9:16" in shown["shape"]["anyOf"][0]["enum"]
    assert (shown["steps"]["anyOf"][0]["minimum"], shown["steps"]["anyOf"][0]["maximum"]) == (1, 50)
    assert shown["model"]["anyOf"][0]["enum"] == ["step-image-edit-2", "step-2x-large", "step-1x-medium"]
    assert "512 characters" in shown["prompt"]["description"]
    edited = parameters(StepFunImageEdit(model="stepfun-ai/step1x-edit", model_may_set="steps"))["properties"]
    assert "characters" not in edited["prompt"]["description"]
    assert edited["image"] == {**edited["image"], "type": "string", "default": "last"}
    assert edited["steps"]["anyOf"][0]["maximum"] == 100


async def test_the_developers_settings_go_out(tools, use: Use, emulator: Emulator) -> None:
    style = {"source_url": MEADOW, "weight": 0.5}
    tool = tools(StepFunImageGen, model="step-1x-medium", size="1280x800", steps=3, cfg_scale=5, style_reference=style)

    await use(tool, prompt="a lake", seed=7)

    sent = emulator.requests[-1].body
    reference = sent.pop("style_reference")
    assert (reference["weight"], reference["source_url"][:22]) == (0.5, "data:image/png;base64,")
    assert sent == {
        "model": "step-1x-medium",
        "prompt": "a lake",
        "size": "1280x800",
        "response_format": "b64_json",
        "seed": 7,
        "steps": 3,
        "cfg_scale": 5,
    }


async def test_a_drawing_over_another_goes_out_with_its_weight(tools, use: Use, emulator: Emulator) -> None:
    tool = tools(StepFunImageToImage, source_weight=0.3, model_may_set=["source_weight", "shape"], size="512x512")

    await use(tool, image=BLOCK, prompt="in ink")
    as_set = emulator.requests[-1].body
    await use(tool, image=BLOCK, prompt="in ink", source_weight=0.9, shape="portrait")
    as_chosen = emulator.requests[-1].body

    assert (as_set["source_weight"], as_set["size"]) == (0.3, "512x512")
    assert (as_chosen["source_weight"], as_chosen["size"]) == (0.9, "800x1280")
    assert base64.b64decode(as_set["source_url"].partition(",")[2]) == MEADOW


async def test_an_edit_is_a_form_with_the_file_and_the_settings(use: Use) -> None:
    service = PublicService()
    settings = {"cfg_scale": 2.5, "negative_prompt": "people", "model_may_set": ["seed", "text_mode", "steps"]}
    tool = StepFunImageEdit(**service.settings(), **settings)

    await use(tool, image=BLOCK, prompt="make it night", seed=7, text_mode=True, steps=4)

    (request,) = service.sent
    fields = {"model": "step-image-edit-2", "prompt": "make it night", "cfg_scale": 2.5, "negative_prompt": "people"}
    for name, value in {**fields, "seed": 7, "text_mode": "true", "steps": 4, "response_format": "b64_json"}.items():
        assert f'name="{name}"\r\n\r\n{value}\r\n'.encode() in request.content
    assert MEADOW in request.content


async def test_what_a_model_sends_beside_its_arguments_is_refused(tools, use, emulator, tmp_path) -> None:
    smuggled = {"model": "x", "output_dir": str(tmp_path), "steps": 50, "size": "512x512", "path": "y", "n": 9}

    with pytest.raises(ToolException, match=r"takes no model, output_dir, steps.*it takes prompt, shape, seed\. "):
        await use(tools(StepFunImageGen), prompt="a lake", **smuggled)
    with pytest.raises(ToolException, match=r"takes no size; it takes prompt, image, seed\. "):  # and no runtime
        await use(tools(StepFunImageEdit), prompt="a lake", size="512x512")

    assert emulator.requests == []
    assert list(tmp_path.iterdir()) == []


async def test_a_model_may_choose_the_image_model_and_the_shape_follows_it(tools, use: Use, emulator) -> None:
    tool = tools(StepFunImageGen, model_may_set=["model", "shape", "negative_prompt"])

    await use(tool, prompt="a lake", model="step-2x-large", shape="wide")

    assert emulator.requests[-1].body["size"] == "1280x800"
    with pytest.raises(ToolException, match="takes no negative_prompt"):
        await use(tool, prompt="a lake", model="step-2x-large", negative_prompt="boats")


@pytest.mark.parametrize(
    "wrong", [{"shape": "round"}, {"shape": "1024x1024"}, {"seed": "x"}, {"seed": -1}, {"prompt": ""}, {"prompt": 7}]
)
async def test_a_value_that_is_not_offered_is_refused(tools, use: Use, emulator: Emulator, wrong: dict) -> None:
    with pytest.raises(ValidationError):
        await use(tools(StepFunImageGen), **{"prompt": "a lake", **wrong})

    assert not emulator.requests


# --- What goes wrong -------------------------------------------------------------------------------------------------


@each_kind
@pytest.mark.parametrize("marker", ["censored-by-emulator", "filtered-by-emulator"])
async def test_moderation_is_told_to_the_model(tools, use: Use, kind: type, marker: str) -> None:
    tool = tools(kind, handle_tool_error=True)

    message = await use(tool, **{**args_of(kind), "prompt": marker})

    assert message.status == "error"
    assert "say it differently" in message.content
    assert message.artifact is None


@each_kind
async def test_what_only_the_developer_can_put_right_is_raised(tools, use: Use, kind: type) -> None:
    with pytest.raises(AuthenticationError):
        await use(tools(kind, api_key="invalid-key", handle_tool_error=True), **args_of(kind))


@pytest.mark.parametrize(
    ("kind", "settings", "said"),
    [
        (StepFunImageGen, {"model_may_set": ["output_dir"]}, "model_may_set holds 'output_dir'"),
        (StepFunImageGen, {"model_may_set": ["source_weight"]}, "model_may_set holds 'source_weight'"),
        (StepFunImageGen, {"model": "a-model-of-tomorrow", "model_may_set": ["shape"]}, "sizes of a-model-of-tomorrow"),
        (StepFunImageGen, {"model": "step-2x-large", "model_may_set": ["text_mode"]}, "takes no text_mode"),
        (StepFunImageGen, {"model": "step-1x-edit"}, "is not for client.images.generate"),
        (StepFunImageGen, {"model": "step-3.7-flash"}, "makes no pictures"),
        (StepFunImageGen, {"size": "512x512"}, "draws no pictures of 512x512"),
        (StepFunImageGen, {"width": 1024}, "both width"),
        (StepFunImageGen, {"steps": 51}, "1 to 50"),
        (StepFunImageGen, {"style_reference": {"source_url": "https://x.test/a.png"}}, "takes no style_reference"),
        (StepFunImageToImage, {"style_reference": {"weight": 1}, "model": "step-1x-medium"}, "style_reference"),
        (StepFunImageGen, {"response_format": "b64_json"}, "always 'content_and_artifact'"),
        (StepFunImageToImage, {"source_weight": 0}, "source_weight"),
        (StepFunImageToImage, {"negative_prompt": "people"}, "takes no negative_prompt"),
        (StepFunImageEdit, {"guidance_scale": 2}, "is for stepfun-ai/step1x-edit alone"),
        (StepFunImageEdit, {"model": "stepfun-ai/step1x-edit", "model_may_set": "cfg_scale"}, "takes no cfg_scale"),
        (StepFunImageEdit, {"max_bytes": 0}, "max_bytes"),
    ],
)
def test_a_setting_that_cannot_work_is_refused_at_once(kind: type, settings: dict, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        kind(**settings)


def test_a_negative_prompt_that_is_lost_is_told_at_once() -> None:
    with pytest.warns(UserWarning, match="ignores negative_prompt"):
        StepFunImageGen(negative_prompt="people")
    with pytest.warns(UserWarning, match="ignores negative_prompt"):
        StepFunImageGen(model_may_set=["negative_prompt"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        StepFunImageGen(model_may_set=["negative_prompt", "cfg_scale"])
        StepFunImageGen(model_may_set=["negative_prompt"], cfg_scale=3)


# --- Files -----------------------------------------------------------------------------------------------------------


@each_kind
async def test_nothing_is_written_by_default(tools, use: Use, tmp_path, monkeypatch, kind: type) -> None:
    monkeypatch.chdir(tmp_path)

    message = await use(tools(kind), **args_of(kind))

    assert list(tmp_path.iterdir()) == []
    assert "path" not in message.artifact["extras"]


@each_kind
async def test_a_file_is_written_where_the_developer_says(tools, use: Use, tmp_path: Path, kind: type) -> None:
    folder = tmp_path / "new" / "folder"
    tool = tools(kind, output_dir=folder)

    messages = [await use(tool, **{**args_of(kind), "prompt": "../../evil.png"}) for _ in range(2)]

    assert {str(file) for file in folder.iterdir()} == {message.artifact["extras"]["path"] for message in messages}
    assert all(file.name.startswith("picture-") and file.suffix == ".png" for file in folder.iterdir())
    for message in messages:
        path = folder / message.artifact["extras"]["path"]
        assert base64.b64encode(path.read_bytes()).decode() == message.artifact["base64"]
        assert message.content.endswith(f"It is saved as {path}.")


# --- modelverse ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["setting", "environment"])
async def test_modelverse_edits_with_its_own_key(tools, use: Use, emulator: Emulator, monkeypatch, by: str) -> None:
    key, place = ("their-own-key", emulator.modelverse_url)
    if by == "environment":
        monkeypatch.setenv("MODELVERSE_API_KEY", key)
        monkeypatch.setenv("MODELVERSE_BASE_URL", place)
    there = {"modelverse_api_key": key, "modelverse_base_url": place} if by == "setting" else {}
    settings = {"model": "stepfun-ai/step1x-edit", "guidance_scale": 4, "negative_prompt": "people", **there}

    message = await use(tools(StepFunImageEdit, api_key="invalid-key", **settings), image=BLOCK, prompt="night", seed=7)

    received = emulator.requests[-1]
    assert received.path == "/modelverse/v1/images/generations"
    assert (received.body["guidance_scale"], received.body["seed"]) == (4, 7)
    assert message.artifact["extras"]["model"] == "stepfun-ai/step1x-edit"
    assert picture_in(message).width == Picture.of(MEADOW).width


async def test_stepfuns_key_is_none_for_modelverse(tools, use: Use, emulator: Emulator, monkeypatch) -> None:
    monkeypatch.delenv("MODELVERSE_API_KEY", raising=False)
    tool = tools(StepFunImageEdit, model="stepfun-ai/step1x-edit", modelverse_base_url=emulator.modelverse_url)

    with pytest.raises(MissingAPIKeyError, match="MODELVERSE_API_KEY"):
        await use(tool, image=BLOCK, prompt="night")

    assert not emulator.requests


# --- Agents ----------------------------------------------------------------------------------------------------------


async def test_a_model_is_shown_its_picture_only_where_the_developer_says(tools, use: Use) -> None:
    message = await use(tools(StepFunImageGen, show_to_model=True), prompt="a red house")

    told, shown = message.content
    assert told == {"type": "text", "text": message.text}
    assert shown == {name: message.artifact[name] for name in ("type", "id", "base64", "mime_type")}
    assert message.artifact["id"] in message.text


@pytest.mark.parametrize("way", list(WHOLE))
async def test_an_agent_draws_looks_at_its_picture_and_edits_it(tools, chat, emulator: Emulator, way: str) -> None:
    drawing, editing = tools(StepFunImageGen, show_to_model=True), tools(StepFunImageEdit, show_to_model=True)
    agent = create_agent(chat(), [drawing, editing])

    asked = HumanMessage('Draw a wide picture of "a red house on a green hill". Which colours does it have?')
    state = await WHOLE[way](agent, {"messages": [asked]})
    assert "Main colours: red" in state["messages"][-1].text
    asked = HumanMessage('Now edit it: "make it night"')
    state = await WHOLE[way](agent, {"messages": [*state["messages"], asked]})

    drawn, edited = [message for message in state["messages"] if isinstance(message, ToolMessage)]
    assert (drawn.name, edited.name) == (drawing.name, editing.name)
    assert (picture_in(drawn).width, picture_in(drawn).height) == (1360, 768)
    assert (picture_in(edited).width, picture_in(edited).height) == (1360, 768)
    assert edited.artifact["base64"] != drawn.artifact["base64"]
    sent = emulator.requests[-1].body["messages"]
    turn = ["user", "assistant", "tool", "user", "assistant"]  # a tool's picture is shown by a user message
    assert [message["role"] for message in sent] == [*turn, *turn[:-1]]
    assert sent[-1]["content"][-1]["type"] == "image_url"


@pytest.mark.parametrize("way", list(WHOLE))
async def test_an_agent_draws_and_edits_in_one_turn(tools, chat, way: str) -> None:
    agent = create_agent(chat(), [tools(StepFunImageGen, show_to_model=True), tools(StepFunImageEdit)])
    asked = HumanMessage('Draw a picture of "a red house on a green hill", then edit it: "make it night".')

    state = await WHOLE[way](agent, {"messages": [asked]})

    results = [message for message in state["messages"] if isinstance(message, ToolMessage)]
    assert [message.text.split(":")[0] for message in results] == ["Drawn", "Edited"]


@pytest.mark.parametrize("way", list(WHOLE))
@pytest.mark.parametrize("reference", ["last", "call_0_0", None])
@each_edit
async def test_a_model_names_what_an_earlier_tool_made(tools, way: str, kind: type, reference: str | None) -> None:
    draw, change = tools(StepFunImageGen, size="1024x1024", seed=7), tools(kind, seed=7)
    named = {"image": reference} if reference else {}
    model = scripted([(draw.name, {"prompt": "a house"})], [(change.name, {"prompt": "at night", **named})])
    agent = create_agent(model, [draw, change])

    state = await WHOLE[way](agent, {"messages": [HumanMessage("Draw it, and change it.")]})

    drawn, changed = [message for message in state["messages"] if isinstance(message, ToolMessage)]
    expected = change.invoke(called(change, {"image": drawn.artifact, "prompt": "at night"}))
    assert changed.artifact["base64"] == expected.artifact["base64"]


@pytest.mark.parametrize("way", list(WHOLE))
async def test_a_picture_the_user_sent_is_edited(tools, way: str) -> None:
    edit = tools(StepFunImageEdit, seed=7)
    shown = {"type": "image", "base64": BLOCK["base64"], "mime_type": "image/png"}
    agent = create_agent(scripted([(edit.name, {"prompt": "at night"})]), [edit])

    state = await WHOLE[way](agent, {"messages": [HumanMessage([{"type": "text", "text": "Make it night."}, shown])]})

    expected = edit.invoke(called(edit, {"image": BLOCK, "prompt": "at night"}))
    assert state["messages"][-2].artifact["base64"] == expected.artifact["base64"]

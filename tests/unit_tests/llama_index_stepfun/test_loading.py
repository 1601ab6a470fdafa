"""`load`: a model's name becomes an LLM or a tool that works, with the file's settings on the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from llama_index_stepfun import StepFun, StepFunToolSpec, load
from stepfun_client import InvalidParameterError

if TYPE_CHECKING:
    from llama_index.core.tools import FunctionTool, ToolOutput

    from stepfun_emulator import Emulator
    from tests.unit_tests.llama_index_stepfun.conftest import Ask

SEED = Path(__file__).parents[2] / "data" / "config.yml"
KEY = "sk-a-key-nobody-may-see"


def spec_of(tool: FunctionTool) -> StepFunToolSpec:
    """The spec whose method a tool is."""
    spec = getattr(tool.real_fn, "__self__", None)
    assert isinstance(spec, StepFunToolSpec)
    return spec


@pytest.fixture
async def loaded(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[..., Any]]:
    """Load a model that is reached at the emulator, with a key of the environment."""
    monkeypatch.setenv("STEP_API_KEY", "any")
    emulator.requests.clear()
    made: list[Any] = []

    def make(name: str, config: Any = None, **overrides: Any) -> Any:
        one = load(name, config, **{"api_base": emulator.base_url, "max_retries": 0, **overrides})
        made.append(one if isinstance(one, StepFun) else spec_of(one))
        return one

    yield make
    for one in made:
        one.client.close()
        await one.async_client.aclose()


async def _call(tool: FunctionTool, **kwargs: Any) -> ToolOutput:
    return tool.call(**kwargs)


async def _acall(tool: FunctionTool, **kwargs: Any) -> ToolOutput:
    return await tool.acall(**kwargs)


@pytest.fixture(params=[_call, _acall], ids=["call", "acall"])
def use(request: pytest.FixtureRequest) -> Any:
    """Both ways to use a tool."""
    return request.param


# --- The seed's example ----------------------------------------------------------------------------------------------


async def test_the_seeds_text_model_answers(loaded: Callable[..., Any], emulator: Emulator, ask: Ask) -> None:
    llm = loaded("step-2-16k", SEED)

    assert isinstance(llm, StepFun)
    assert "42" in (await ask(llm, "What is 6 * 7?")).message.content
    body = emulator.requests[-1].body
    assert (body["model"], body["max_tokens"]) == ("step-2-16k", 16384)


async def test_the_seeds_voice_speaks(loaded: Callable[..., Any], emulator: Emulator, use: Any) -> None:
    said = await use(loaded("step-tts-vivid", str(SEED)), text="智能阶跃，十倍每一个人的可能")

    assert [block.block_type for block in said.blocks] == ["text", "audio"]
    assert emulator.requests[-1].body["model"] == "step-tts-vivid"


def test_the_seeds_model_that_sees() -> None:
    llm = load("step-1o-turbo-vision", SEED, api_key=KEY)

    assert (llm.model, llm.api_base, llm.api_key.get_secret_value()) == (
        "step-1o-turbo-vision",
        "https://api.stepfun.com/v1",
        KEY,
    )
    assert KEY not in f"{llm!r} {llm.to_json()}"


def test_a_missing_key_is_told_with_file_and_line() -> None:
    for name in ("step-2-16k", "step-tts-vivid"):
        with pytest.raises(InvalidParameterError) as raised:
            load(name, SEED)
        assert str(raised.value).startswith(f"{SEED}, line 4: providers.step.api_key needs the environment variable")


# --- Types -----------------------------------------------------------------------------------------------------------

MADE = {
    **dict.fromkeys(("text", "imageunderstand", "multimodal", "functioncalling", "chat"), "StepFun"),
    "tts": "speak",
    "asr": "transcribe",
    "generateimage": "draw",
    "editimage": "edit_image",
    "transformimage": "transform_image",
    "image": "draw",
}
MODEL_OF = {
    "speak": "speech_model",
    "transcribe": "asr_model",
    "draw": "image_model",
    "edit_image": "edit_model",
    "transform_image": "transform_model",
}


@pytest.mark.parametrize(("type_", "name"), MADE.items())
def test_what_is_made_of_a_type(type_: str, name: str) -> None:
    made = load("step-next", {"models": {"step-next": {"type": type_}}})

    if isinstance(made, StepFun):
        assert (name, made.model) == ("StepFun", "step-next")
    else:
        assert made.metadata.name == name
        assert getattr(spec_of(made), MODEL_OF[name]) == "step-next"


@pytest.mark.parametrize(
    ("name", "tool"),
    [
        ("stepaudio-2.5-tts", "speak"),
        ("stepaudio-2.5-asr", "transcribe"),
        ("step-image-edit-2", "draw"),
        ("step-1x-edit", "edit_image"),
    ],
)
def test_without_a_configuration_the_catalogue_serves(name: str, tool: str) -> None:
    assert load("step-3.7-flash").model == "step-3.7-flash"
    assert load(name).metadata.name == tool


# --- Parameters ------------------------------------------------------------------------------------------------------

PARAMETERS = {
    "tts": (
        {"model": "step-tts-2", "voice": "linjiajiejie", "response_format": "wav", "speed": 1.5},
        {"voice": "linjiajiejie", "response_format": "wav", "speech_options": {"speed": 1.5}},
    ),
    "asr": (
        {"model": "stepaudio-2.5-asr", "language": "en", "timestamps": True},
        {"timestamps": True, "asr_options": {"language": "en"}},
    ),
    "generate": (
        {"model": "step-1x-medium", "size": "1280x800", "seed": 5},
        {"image_options": {"size": "1280x800", "seed": 5}},
    ),
    "transform": (
        {"model": "step-2x-large", "type": "transformimage", "source_weight": 0.8, "steps": 9},
        {"source_weight": 0.8, "transform_options": {"steps": 9}},
    ),
    "edit": (
        {"model": "step-image-edit-2", "type": "editimage", "text_mode": True},
        {"edit_options": {"text_mode": True}},
    ),
}


@pytest.mark.parametrize(("written", "held"), PARAMETERS.values(), ids=PARAMETERS)
def test_parameters_arrive_where_the_spec_has_them(written: dict[str, Any], held: dict[str, Any]) -> None:
    spec = spec_of(load("mine", {"models": {"mine": {**written, "timeout": 33}}}))

    assert {name: getattr(spec, name) for name in held} == held
    assert spec.timeout == 33


async def test_an_llms_parameters_are_on_the_wire(loaded: Callable[..., Any], emulator: Emulator, ask: Ask) -> None:
    own = {"model": "step-3.7-flash", "temperature": 0.5, "stop": ["end"], "reasoning_format": "deepseek-style"}

    await ask(loaded("mine", {"models": {"mine": own}}), "What is 6 * 7?")

    assert own.items() <= emulator.requests[-1].body.items()


async def test_a_voices_parameters_are_on_the_wire(loaded: Callable[..., Any], emulator: Emulator, use: Any) -> None:
    own = {"model": "step-tts-2", "voice": "linjiajiejie", "response_format": "wav", "speed": 1.5}

    await use(loaded("mine", {"models": {"mine": own}}), text="Good day.")

    assert own.items() <= emulator.requests[-1].body.items()


def test_overrides_win_and_options_add_up() -> None:
    config = {"models": {"reader": {"model": "step-tts-2", "voice": "x", "speed": 1.5, "volume": 0.5}}}

    spec = spec_of(load("reader", config, voice="y", speech_options={"speed": 2}, model_may_set=["voice"]))

    assert (spec.voice, spec.model_may_set) == ("y", ["voice"])
    assert spec.speech_options == {"speed": 2, "volume": 0.5}
    assert load("step-3", api_base="https://a.test/v1").base_url == "https://a.test/v1"


# --- Refusals --------------------------------------------------------------------------------------------------------

REFUSED = {
    "by the rules of speech": ("step-tts-2:\n    speed: 7", 3, "speed is refused"),
    "by a field": ("x: {type: transformimage,\n    source_weight: 3}", 3, "source_weight is refused"),
    "a format": ("step-tts-2:\n    response_format: ogg", 3, "response_format is refused"),
    "a type": ("step-3:\n    type: tts", 3, "is 'tts', which step-3 is not"),
}


@pytest.mark.parametrize(("models", "line", "said"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_is_told_with_its_line(tmp_path: Path, models: str, line: int, said: str) -> None:
    path = tmp_path / "config.yml"
    path.write_text(f"models:\n  {models}\n")

    with pytest.raises(InvalidParameterError) as raised:
        load(models.partition(":")[0], path)

    assert str(raised.value).startswith(f"{path}, line {line}: ")
    assert said in str(raised.value)


def test_an_override_that_is_none() -> None:
    with pytest.raises(InvalidParameterError, match="StepFun takes no topp"):
        load("step-3", topp=1)
    with pytest.raises(InvalidParameterError, match="StepFunToolSpec takes no speed; it takes api_key, "):
        load("step-tts-2", speed=1)


def test_a_limit_that_is_not_kept_is_told() -> None:
    provider = {"limits": {"max_concurrency": 2}}
    with pytest.warns(UserWarning, match=r"models\.step-3: StepFun does not keep .* max_concurrency"):
        load("step-3", {"providers": {"step": provider}, "models": {"step-3": None}})


async def test_another_companys_host_has_a_key_of_its_own(
    emulator: Emulator, use: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("MODELVERSE_API_KEY", raising=False)
    monkeypatch.setenv("MY_OTHER_KEY", "mv-key")
    (tmp_path / "meadow.png").write_bytes((SEED.parent / "meadow.png").read_bytes())
    provider = {"api_key": "${MY_OTHER_KEY}", "base_url": emulator.modelverse_url, "max_retries": 0}
    config = {
        "providers": {"modelverse": provider},
        "models": {"editor": {"model": "stepfun-ai/step1x-edit", "guidance_scale": 4}},
    }
    tool = load("editor", config, root_dir=tmp_path)

    made = await use(tool, image="meadow.png", prompt="in ink")

    assert [block.block_type for block in made.blocks] == ["text", "image"]
    assert emulator.requests[-1].path.startswith("/modelverse/")
    assert emulator.requests[-1].body["guidance_scale"] == 4
    spec_of(tool).client.close()
    await spec_of(tool).async_client.aclose()

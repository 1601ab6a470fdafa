"""`load`: a model's name becomes a chat model or a tool that works, with the file's settings on the wire."""

from __future__ import annotations

import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr, ValidationError

import langchain_stepfun
from langchain_stepfun import ChatStepFun, load
from stepfun_client import InvalidParameterError
from stepfun_client.config import load_config
from tests.unit_tests.langchain_stepfun.tooling import KEY, Use

if TYPE_CHECKING:
    from stepfun_emulator import Emulator
    from tests.unit_tests.langchain_stepfun.conftest import Ask

SEED = Path(__file__).parents[2] / "data" / "config.yml"


@pytest.fixture
async def loaded(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Load a model that is reached at the emulator, with a key of the environment."""
    monkeypatch.setenv("STEP_API_KEY", "any")
    emulator.requests.clear()
    made: list[Any] = []

    def make(name: str, config: Any = None, **overrides: Any) -> Any:
        made.append(load(name, config, **{"base_url": emulator.base_url, "max_retries": 0, **overrides}))
        return made[-1]

    yield make
    for one in made:
        one.client.close()
        await one.async_client.aclose()


def sent(emulator: Emulator) -> dict[str, Any]:
    return emulator.requests[-1].body


# --- The seed's example ----------------------------------------------------------------------------------------------


async def test_the_seeds_text_model_answers(loaded: Callable[..., Any], emulator: Emulator, ask: Ask) -> None:
    model = loaded("step-2-16k", SEED)

    assert isinstance(model, ChatStepFun)
    assert "42" in (await ask(model, "What is 6 * 7?")).text
    assert (sent(emulator)["model"], sent(emulator)["max_tokens"]) == ("step-2-16k", 16384)


def test_the_seeds_models_are_what_their_types_say(loaded: Callable[..., Any]) -> None:
    made = {name: type(loaded(name, str(SEED))).__name__ for name in load_config(SEED).models}

    assert made == {
        "step-2-16k": "ChatStepFun",
        "step-1o-turbo-vision": "ChatStepFun",
        "step-tts-vivid": "StepFunTTS",
    }


async def test_the_seeds_voice_speaks(loaded: Callable[..., Any], emulator: Emulator, use: Use) -> None:
    message = await use(loaded("step-tts-vivid", SEED), text="智能阶跃，十倍每一个人的可能")

    assert message.artifact["type"] == "audio"
    assert sent(emulator)["model"] == "step-tts-vivid"


def test_the_seeds_address_and_key_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEP_API_KEY", KEY)
    model = load("step-2-16k", SEED)

    assert (model.api_key.get_secret_value(), model.base_url) == (KEY, "https://api.stepfun.com/v1")
    assert KEY not in repr(model)
    assert KEY.encode() not in pickle.dumps(model)


def test_a_missing_key_is_told_with_file_and_line() -> None:
    with pytest.raises(InvalidParameterError) as raised:
        load("step-2-16k", SEED)

    assert f"{SEED}, line 4: providers.step.api_key needs the environment variable STEP_API_KEY" in str(raised.value)
    assert load("step-2-16k", SEED, api_key=KEY).api_key == SecretStr(KEY), "a variable that is not needed"


# --- Types -----------------------------------------------------------------------------------------------------------

MADE = {
    "text": "ChatStepFun",
    "imageunderstand": "ChatStepFun",
    "multimodal": "ChatStepFun",
    "functioncalling": "ChatStepFun",
    "chat": "ChatStepFun",
    "tts": "StepFunTTS",
    "asr": "StepFunASR",
    "generateimage": "StepFunImageGen",
    "editimage": "StepFunImageEdit",
    "transformimage": "StepFunImageToImage",
    "image": "StepFunImageGen",
}


@pytest.mark.parametrize(("type_", "kind"), MADE.items())
def test_what_is_made_of_a_type(type_: str, kind: str) -> None:
    made = load("step-next", {"models": {"step-next": {"type": type_}}})

    assert type(made) is getattr(langchain_stepfun, kind)
    assert made.model == "step-next"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("step-3.7-flash", "ChatStepFun"),
        ("stepaudio-2.5-tts", "StepFunTTS"),
        ("stepaudio-2.5-asr", "StepFunASR"),
        ("step-image-edit-2", "StepFunImageGen"),
        ("step-1x-edit", "StepFunImageEdit"),
        ("stepfun-ai/step1x-edit", "StepFunImageEdit"),
    ],
)
def test_without_a_configuration_the_catalogue_serves(name: str, kind: str) -> None:
    made = load(name)

    assert (type(made).__name__, made.model) == (kind, name)


# --- Parameters ------------------------------------------------------------------------------------------------------

PARAMETERS = {
    "chat": (
        {"model": "step-3.7-flash", "temperature": 0.5, "stop": ["end"], "reasoning_effort": "low", "n": 1},
        {"temperature": 0.5, "stop": ["end"], "reasoning_effort": "low", "n": 1},
    ),
    "tts": (
        {"model": "step-tts-2", "voice": "linjiajiejie", "response_format": "wav", "speed": 1.5, "sample_rate": 16000},
        {"voice": "linjiajiejie", "format": "wav", "speed": 1.5, "sample_rate": 16000},
    ),
    "asr": (
        {"model": "stepaudio-2.5-asr", "language": "en", "hotwords": ["StepFun"], "timestamps": True},
        {"language": "en", "hotwords": ["StepFun"], "timestamps": True},
    ),
    "generate": (
        {"model": "step-1x-medium", "size": "1280x800", "seed": 5, "steps": 20, "cfg_scale": 7},
        {"size": "1280x800", "seed": 5, "steps": 20, "cfg_scale": 7},
    ),
    "transform": (
        {"model": "step-2x-large", "type": "transformimage", "source_weight": 0.8, "width": 512, "height": 512},
        {"source_weight": 0.8, "width": 512, "height": 512},
    ),
    "edit": (
        {"model": "step-image-edit-2", "type": "editimage", "text_mode": True, "seed": 3},
        {"text_mode": True, "seed": 3},
    ),
    "edit elsewhere": ({"model": "stepfun-ai/step1x-edit", "guidance_scale": 3.5}, {"guidance_scale": 3.5}),
}


@pytest.mark.parametrize(("written", "held"), PARAMETERS.values(), ids=PARAMETERS)
def test_parameters_arrive_under_the_classes_own_names(written: dict[str, Any], held: dict[str, Any]) -> None:
    made = load("mine", {"models": {"mine": {**written, "timeout": 33}}})

    assert {name: getattr(made, name) for name in held} == held
    assert (made.model, made.timeout) == (written["model"], 33)


async def test_a_voices_settings_are_on_the_wire(loaded: Callable[..., Any], emulator: Emulator, use: Use) -> None:
    own = {"type": "tts", "model": "step-tts-2", "voice": "linjiajiejie", "response_format": "wav", "speed": 1.5}
    config = {"models": {"reader": own}}

    await use(loaded("reader", config), text="Good day.")

    wanted = {"voice": "linjiajiejie", "response_format": "wav", "speed": 1.5}
    assert wanted.items() <= sent(emulator).items()


async def test_a_pictures_settings_are_on_the_wire(loaded: Callable[..., Any], emulator: Emulator, use: Use) -> None:
    config = {"models": {"painter": {"model": "step-1x-medium", "size": "512x512", "seed": 5, "steps": 3}}}

    message = await use(loaded("painter", config), prompt="a lighthouse")

    drawn = [request.body for request in emulator.requests if request.path.endswith("/images/generations")][-1]
    assert {"model": "step-1x-medium", "size": "512x512", "seed": 5, "steps": 3}.items() <= drawn.items()
    assert message.artifact["type"] == "image"


def test_overrides_win() -> None:
    config = {
        "providers": {"a": {"timeout": 5}},
        "models": {"mine": {"model": "step-3", "temperature": 0.1, "stop": "x"}},
    }

    made = load("mine", config, temperature=0.9, timeout=7, stop_sequences=["y"], model="step-2-mini")

    assert (made.temperature, made.timeout, made.stop, made.model) == (0.9, 7, ["y"], "step-2-mini")


def test_what_a_file_says_wrong_may_be_overridden() -> None:
    tool = load("reader", {"models": {"reader": {"type": "tts", "voice": "x"}}}, model_may_set=["speed"], speed=1.5)

    assert (tool.voice, tool.model_may_set, tool.speed) == ("x", ("speed",), 1.5)


def test_a_model_that_does_not_stream_is_not_streamed(loaded: Callable[..., Any], emulator: Emulator) -> None:
    config = {"models": {"calm": {"model": "step-3.7-flash", "supports_streaming": False}}}

    parts = list(loaded("calm", config).stream("What is 6 * 7?"))

    assert "42" in "".join(part.text for part in parts)
    assert "stream" not in sent(emulator)
    assert not load("step-3.7-flash").disable_streaming


# --- Providers -------------------------------------------------------------------------------------------------------


def test_models_of_one_configuration_share_their_providers_limit() -> None:
    provider = {"limits": {"max_concurrency": 2}}
    config = load_config({"providers": {"step": provider}, "models": {"step-3": None, "step-2-16k": None}})

    one, other = load("step-3", config), load("step-2-16k", config)

    assert one.concurrency_limit is other.concurrency_limit is config.limit("step")
    assert one.concurrency_limit.limit == 2
    assert load("step-3", config, concurrency_limit=5).concurrency_limit.limit == 5


def test_a_tool_that_keeps_no_limit_says_so() -> None:
    config = {"providers": {"step": {"limits": {"max_concurrency": 2}}}, "models": {"step-tts-2": None}}

    with pytest.warns(UserWarning, match=r"models\.step-tts-2: StepFunTTS does not keep .* max_concurrency"):
        load("step-tts-2", config)


def test_another_companys_host_has_a_key_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEP_API_KEY", "sk-stepfun")
    monkeypatch.setenv("MY_OTHER_KEY", KEY)
    provider = {"api_key": "${MY_OTHER_KEY}", "base_url": "https://elsewhere.test/v1", "timeout": 9}
    config = {"providers": {"modelverse": provider}, "models": {"stepfun-ai/step1x-edit": {"vendor": "modelverse"}}}

    tool = load("stepfun-ai/step1x-edit", config)

    assert tool.modelverse_api_key == SecretStr(KEY)
    assert (tool.modelverse_base_url, tool.base_url, tool.timeout) == ("https://elsewhere.test/v1", None, 9)
    assert tool.api_key == SecretStr("sk-stepfun")
    monkeypatch.delenv("MY_OTHER_KEY")
    with pytest.raises(InvalidParameterError, match="MY_OTHER_KEY"):
        load("stepfun-ai/step1x-edit", config, api_key="x")
    assert load("stepfun-ai/step1x-edit", config, modelverse_api_key=KEY).modelverse_api_key == SecretStr(KEY)


# --- Refusals --------------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    def write(text: str) -> Path:
        path = tmp_path / "config.yml"
        path.write_text(text)
        return path

    return write


REFUSED = {
    "by a field": ("step-3.7-flash: {timeout: 9, reasoning_format: loud}", {}, 2, "reasoning_format"),
    "by the class": ("x: {type: transformimage,\n  source_weight: 3}", {}, 3, "source_weight is refused"),
    "by the class, by its own name": (
        "step-tts-2:\n    voice: x\n    response_format: ogg",
        {},
        4,
        "response_format is refused",
    ),
    "a name that is none": ("a: {type: tts}", {"name": "b"}, None, "models has no 'b'; it has a"),
}


@pytest.mark.parametrize(("models", "asked", "line", "said"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_is_told_with_its_line(
    file: Callable[[str], Path], models: str, asked: dict[str, str], line: int | None, said: str
) -> None:
    path = file(f"models:\n  {models}\n")
    name = asked.get("name", models.partition(":")[0])

    with pytest.raises(InvalidParameterError) as raised:
        load(name, path)

    assert str(raised.value).startswith(f"{path}: " if line is None else f"{path}, line {line}: ")
    assert said in str(raised.value)


def test_an_override_is_to_blame_for_itself() -> None:
    config = {"models": {"step-3": {"top_p": 0.5}}}
    with pytest.raises(InvalidParameterError, match="ChatStepFun takes no topp; it takes api") as raised:
        load("step-3", config, topp=1)
    assert raised.value.param == "topp"
    with pytest.raises(ValidationError, match="temperature"):
        load("step-3", config, temperature=9)


def test_a_setting_and_an_override_that_do_not_go_together() -> None:
    config = {"models": {"step-3": {"n": 2}}}
    with pytest.raises(InvalidParameterError, match=r"config: models\.step-3\.n is refused: n must be 1"):
        load("step-3", config, streaming=True)


def test_load_is_light() -> None:
    program = (
        "import sys, langchain_stepfun; before = 'stepfun_client.config' in sys.modules; "
        "langchain_stepfun.load('step-3.7-flash'); "
        "print(before, 'yaml' in sys.modules and 'langchain_stepfun.tools' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["False", "False"]


def test_nothing_is_warned_of_without_reason() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load("step-2-16k", SEED, api_key="any")

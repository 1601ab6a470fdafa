"""Configurations: what is read, what is refused and where, and that a key is seen nowhere."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from stepfun_client import AsyncStepFunClient, InvalidParameterError, StepFunClient
from stepfun_client.config import Config, load_config
from stepfun_client.config.document import read_file
from stepfun_client.config.kinds import ROLES
from tests.unit_tests.stepfun_client.test_key_hunt import told_by, told_by_error

SEED = Path(__file__).parents[2] / "data" / "config.yml"
KEY = "sk-hunted-0123456789abcdef"
FRAGMENT = KEY[-16:]
HELLO = [{"role": "user", "content": "What is 6 * 7?"}]


@pytest.fixture
def written(tmp_path):
    """Write a configuration file."""

    def write(text: str | bytes, name: str = "config.yml") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def refusal(config) -> InvalidParameterError:
    with pytest.raises(InvalidParameterError) as raised:
        load_config(config)
    return raised.value


# --- What is read ----------------------------------------------------------------------------------------------------


class TestTheSeedsConfiguration:
    """The example of the AgentFlow section, as it is written there."""

    def test_it_loads(self):
        config = load_config(SEED)

        assert list(config.providers) == ["step"]
        assert {
            name: (model.id, model.role, model.parameters, model.streams) for name, model in config.models.items()
        } == {
            "step-2-16k": ("step-2-16k", "chat", {"max_tokens": 16384}, True),
            "step-1o-turbo-vision": ("step-1o-turbo-vision", "chat", {}, None),
            "step-tts-vivid": ("step-tts-vivid", "tts", {}, False),
        }
        assert all(model.provider is config.providers["step"] for model in config.models.values())

    def test_its_client_has_its_key_and_its_address(self, monkeypatch):
        monkeypatch.setenv("STEP_API_KEY", KEY)

        client = load_config(str(SEED)).client("step")

        assert client.base_url == "https://api.stepfun.com/v1"
        assert client._settings.key() == KEY

    def test_its_types_are_all_known(self):
        seed = {"text", "imageunderstand", "multimodal", "tts", "asr", "generateimage", "editimage", "functioncalling"}
        assert seed < set(ROLES)


@pytest.mark.parametrize(
    ("type_", "role"),
    [
        *((name, "chat") for name in ("text", "imageunderstand", "multimodal", "functioncalling", "chat")),
        ("tts", "tts"),
        ("asr", "asr"),
        ("generateimage", "generate"),
        ("editimage", "edit"),
        ("transformimage", "transform"),
        ("image", "generate"),
    ],
)
def test_a_model_the_catalogue_does_not_know_may_be_of_any_type(type_, role):
    assert load_config({"models": {"step-next": {"type": type_}}}).models["step-next"].role == role


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("step-3.7-flash", "chat"),
        ("step-audio-2", "chat"),
        ("step-tts-2", "tts"),
        ("stepaudio-2.5-asr", "asr"),
        ("step-image-edit-2", "generate"),
        ("step-1x-edit", "edit"),
        ("stepfun-ai/step1x-edit", "edit"),
    ],
)
def test_without_a_type_the_catalogue_says_it(name, role):
    assert Config().find(name).role == role
    assert load_config({"models": {name: None}}).models[name].role == role
    assert load_config({"models": {"mine": {"model": name}}}).find("mine").id == name


async def test_every_setting_of_a_provider_arrives(monkeypatch):
    monkeypatch.setenv("HOST", "local.test")
    monkeypatch.setenv("TOKEN", "t0ken")
    provider = {
        "api_key": "${TOKEN}",
        "base_url": "https://${HOST}/v1",
        "region": "global",
        "plan": True,
        "timeout": 12.5,
        "max_retries": 0,
        "default_headers": {"X-App": "mine ${TOKEN}"},
        "limits": {"max_concurrency": 3},
    }
    config = load_config({"providers": {"step": provider}})
    for client in (config.client(), config.async_client("step")):
        held = client._settings
        assert isinstance(client, (StepFunClient, AsyncStepFunClient))
        assert client.base_url == "https://local.test/step_plan/v1"
        assert (held.key(), held.region, held.timeout, held.max_retries) == ("t0ken", "global", 12.5, 0)
        assert held.default_headers == {"X-App": "mine t0ken"}
    assert config.limit("step").limit == 3
    assert config.limit("step") is config.limit() is copy.deepcopy(config).limit()


def test_without_providers_the_environment_counts(monkeypatch, emulator):
    monkeypatch.setenv("STEP_API_KEY", "any")
    monkeypatch.setenv("STEPFUN_BASE_URL", emulator.base_url)
    with Config().client() as client:
        assert "42" in client.chat.create(model="step-3.7-flash", messages=HELLO).text
    assert Config().limit() is None


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "providers:\nmodels:\n", "\ufeffmodels: {}\n"])
def test_nothing_is_a_configuration_too(written, text):
    config = load_config(written(text))
    assert (config.providers, config.models) == ({}, {})


def test_a_models_own_patience_wins():
    config = load_config(
        {"providers": {"step": {"timeout": 10, "max_retries": 1}}, "models": {"step-3": {"timeout": 60.5}}}
    )
    assert config.find("step-3").settings() == {"timeout": 60.5, "max_retries": 1}
    assert config.find("step-3").settings(without=["timeout"]) == {"max_retries": 1}


def test_a_configuration_is_passed_on_as_it_is():
    config = load_config({})
    assert load_config(config) is config is copy.copy(config)
    assert load_config(None) == Config()


def test_yaml_is_read_as_people_mean_it(written):
    """Names stay texts whatever they look like; dates are texts; flags and numbers are what they are."""
    config = load_config(written("models:\n  2024-11-01:\n    type: tts\n    voice: 2024-11-01\n    speed: 1\n"))
    assert config.models["2024-11-01"].parameters == {"voice": "2024-11-01", "speed": 1}


# --- What is refused, and where --------------------------------------------------------------------------------------

# What is written, the line the error names, and what it says.
WRONG = {
    "an unknown section": ("model:\n  a: {}\n", 1, "takes no key 'model'; allowed are models, providers; did you mean"),
    "no table": ("- a\n", 1, "the configuration must be a table"),
    "providers that are a text": ("providers: step\n", 1, "providers must be a table"),
    "a provider that is a text": ("providers:\n  step: x\n", 2, "providers.step must be a table"),
    "a misspelt key": (
        "providers:\n  step:\n    timeout: 5\n    apikey: x\n",
        4,
        "apikey'; allowed are api_key, base_url, default_headers, limits, max_retries, plan, region, timeout; did you",
    ),
    "a region": ("providers:\n  a:\n    region: eu\n", 3, "providers.a.region must be one of cn, global"),
    "a timeout": ("providers: {a: {timeout: 0}}\n", 1, "must be a number of seconds above 0"),
    "a timeout in words": ("providers: {a: {timeout: soon}}\n", 1, "must be a number of seconds above 0"),
    "retries": ("providers: {a: {max_retries: -1}}\n", 1, "must be a whole number from 0"),
    "half a retry": ("providers: {a: {max_retries: 1.5}}\n", 1, "must be a whole number from 0"),
    "a plan": ("providers: {a: {plan: 1}}\n", 1, "providers.a.plan must be true or false"),
    "an address": ("providers: {a: {base_url: api.stepfun.com}}\n", 1, "must be an address that begins with https://"),
    "a broken address": ("providers: {a: {base_url: 'http://[::1'}}\n", 1, "must be an address"),
    "an address with a password": ("providers: {a: {base_url: 'http://me:pw@a.b'}}\n", 1, "without user or password"),
    "limits": ("providers: {a: {limits: {rpm: 5}}}\n", 1, "limits takes no key 'rpm'; allowed are max_concurrency"),
    "a limit": ("providers: {a: {limits: {max_concurrency: 0}}}\n", 1, "must be a whole number from 1"),
    "headers": ("providers:\n  a:\n    default_headers:\n      X-App: 1\n", 4, "default_headers must hold texts only"),
    "a key without value": ("providers:\n  a:\n    api_key:\n", 3, "api_key has no value; it must be a text"),
    "an empty key": ("providers:\n  a:\n    api_key: ''\n", 3, "api_key must be a text"),
    "a variable without braces": ("providers: {a: {api_key: $STEP_API_KEY}}\n", 1, "write it as ${STEP_API_KEY}"),
    "no variable": ("providers:\n  a:\n    api_key: '${STEP-KEY}'\n", 3, "begins no variable; write ${NAME}"),
    "a type": (
        "models:\n  a:\n    type: txt\n",
        3,
        f"models.a.type is 'txt', which is no type; allowed are {', '.join(ROLES)}",
    ),
    "no type": ("models:\n  a:\n    voice: x\n", 2, "models.a needs a type, since the catalogue does not know"),
    "a type that is a list": ("models:\n  a:\n    type: [text]\n", 3, "models.a.type must be a text"),
    "tts of a chat model": (
        "models:\n  step-2-16k:\n    type: tts\n",
        3,
        "models.step-2-16k.type is 'tts', which step-2-16k is not; allowed are text, functioncalling, chat",
    ),
    "pictures for a model that reads": ("models:\n  step-2-16k:\n    type: imageunderstand\n", 3, "allowed are text"),
    "drawing with a model that edits": (
        "models:\n  x:\n    model: step-1x-edit\n    type: generateimage\n",
        4,
        "which step-1x-edit is not; allowed are editimage, image",
    ),
    "tools for a model without": (
        "models:\n  step-audio-r1.1:\n    type: functioncalling\n",
        3,
        "allowed are text, multimodal, chat",
    ),
    "a model of conversations": ("models:\n  stepaudio-2.5-realtime:\n", 2, "in realtime only"),
    "a claim": (
        "models:\n  step-2-16k:\n    supports_multimodal: true\n",
        3,
        "is true, but step-2-16k takes texts only",
    ),
    "a claim in words": ("models:\n  step-3:\n    supports_streaming: often\n", 3, "must be true or false"),
    "a vendor": (
        "providers:\n  step: {}\nmodels:\n  step-3:\n    vendor: steps\n",
        5,
        "models.step-3.vendor is 'steps', which is no provider of this configuration; allowed are step",
    ),
    "a vendor where there is none": (
        "models:\n  step-3:\n    vendor: step\n",
        3,
        "add it under providers, or leave vendor out",
    ),
    "no vendor": ("providers: {a: {}, b: {}}\nmodels:\n  step-3: {}\n", 3, "needs a vendor; allowed are a, b"),
    "a third party's model with StepFun's key": (
        "providers: {a: {api_key: '${KEY}'}}\nmodels:\n  stepfun-ai/step1x-edit: {vendor: a}\n",
        3,
        "give it a provider of its own with a base_url such as https://api.modelverse.cn/v1",
    ),
    "another kind's parameter": (
        "models:\n  step-tts-2:\n    voice: x\n    temperature: 1\n",
        4,
        "models.step-tts-2 takes no key 'temperature'; allowed are extra_body, instruction",
    ),
    "a parameter's type": ("models:\n  step-3:\n    max_tokens: many\n", 3, "max_tokens must be a whole number from 1"),
    "true for a number": ("models:\n  step-3:\n    max_tokens: true\n", 3, "must be a whole number from 1"),
    "a parameter's range": ("models:\n  step-3:\n    n: 1\n    temperature: 3\n", 4, "temperature is refused: "),
    "a range of speech": ("models:\n  step-tts-2:\n    speed: 7\n", 3, "speed is refused: speed is 7"),
    "what a voice cannot": ("models:\n  step-tts-2:\n    instruction: softly\n", 3, "takes no instruction"),
    "what a way of listening cannot": ("models:\n  step-asr:\n    language: zh\n", 3, "language is not known to the"),
    "a size": ("models:\n  step-1x-medium:\n    size: 3x3\n", 3, "models.step-1x-medium.size is refused"),
    "an edit's guidance": ("models:\n  step-1x-medium: {guidance_scale: 2}\n", 2, "takes no key"),
    "guidance by the other host's name": ("models:\n  step-1x-edit: {guidance_scale: 2}\n", 2, "cfg_scale is its name"),
    "a parameter that is empty": ("models:\n  step-3:\n    stop:\n", 3, "has no value; it must be a text or a list"),
    "a variable in a model": ("models:\n  step-tts-2:\n    voice: '${VOICE}'\n", 3, "under providers only"),
    "a key twice": ("models: {}\nproviders: {}\nmodels: {}\n", 3, "has 'models' twice; it is on line 1 already"),
    "a model twice": ("models:\n  step-3: {}\n  step-3: {}\n", 3, "twice; it is on line 2 already"),
    "an anchor": ("models:\n  a: &x {type: tts}\n", 2, "has an anchor or an alias"),
    "an alias": ("models:\n  a: {}\n  b: *x\n", 3, "has an anchor or an alias"),
    "an anchor at a key": ("models:\n  &x a: {}\n", 2, "has an anchor or an alias"),
    "a tag": ("models: !!python/object/apply:os.system ['true']\n", 1, "has a tag"),
    "a tag of a text": ("models:\n  a:\n    type: !x tts\n", 3, "has a tag"),
    "a merge": ("models:\n  step-3:\n    <<: {n: 1}\n", 3, "takes no key"),
    "a list for a key": ("models:\n  ? [a]\n  : {}\n", 2, "has a key that is no text"),
    "two documents": ("models: {}\n---\nmodels: {}\n", 2, "holds a second document"),
    "too deep": ("models:\n  " + "[" * 40 + "]" * 40, 2, "is nested more than 16 levels deep"),
    "a bomb of brackets": ("[" * 100_000, 1, "is nested more than 16 levels deep"),
    "no number": ("models:\n  step-3:\n    temperature: .nan\n", 3, "numbers are finite"),
    "infinity": ("models:\n  step-3:\n    extra_body: {x: .inf}\n", 3, "numbers are finite"),
    "an endless number": (f"models:\n  step-3:\n    n: {'9' * 5000}\n", 3, "numbers are finite"),
    "a tabulator": ("models:\n\tstep-3: {}\n", 2, "is not valid YAML: found character '\\t' that cannot start"),
    "an open bracket": ("models: {a: 1\nproviders: {}\n", 2, "is not valid YAML: "),
    "an open quote": ("models:\n  a: 'x\n", 3, "is not valid YAML: found unexpected end of stream"),
    "an escape": ('models:\n  a: "\\UFFFFFFFF"\n', None, "is not valid YAML"),
    "a control character": ("models:\n  a: \x01\n", 2, "holds a character that YAML does not allow"),
    "another encoding": ("models:\n  a: é\n".encode("latin-1"), 2, "is not UTF-8"),
    "another encoding's mark": ("models: {}".encode("utf-16"), 1, "is not UTF-8"),
    "a large file": ("#" * 300_000, None, "has more than 262,144 bytes"),
}


@pytest.mark.parametrize(("text", "line", "said"), WRONG.values(), ids=WRONG)
def test_it_is_said_what_is_wrong_and_where(written, text, line, said):
    path = written(text)
    error = refusal(path)
    assert str(error).startswith(f"{path}: " if line is None else f"{path}, line {line}: ")
    assert said in str(error)
    assert error.param


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"models": {"a": {"type": "txt"}}}, "config: models.a.type is 'txt'"),
        ({"models": {1: {}}}, "config: models has a key that is no text"),
        ({"models": {"step-3": {"temperature": float("nan")}}}, "config: models.step-3.temperature is a number"),
        ({"models": {"step-3": {"stop": [["x"]]}}}, "config: models.step-3.stop must be a text or a list of texts"),
        ({"models": {"step-3": {"audio": object()}}}, "config: models.step-3.audio must be a table"),
    ],
)
def test_a_mapping_is_told_by_its_path(given, said):
    assert said in str(refusal(given))


def test_a_mapping_that_holds_itself_is_refused():
    endless: dict = {}
    endless["models"] = endless
    assert "nested more than 16 levels deep" in str(refusal(endless))


@pytest.mark.parametrize("path", ["nowhere.yml", ".", "a\0b"])
def test_a_file_that_cannot_be_read(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "cannot be read" in str(refusal(path))


@pytest.mark.parametrize("given", [5, b"config.yml", "", f"providers: {KEY}", f"a:\n  {KEY}", f"{{a: {KEY}}}"])
def test_the_content_of_a_file_is_no_path_and_is_not_quoted(given):
    error = refusal(given)
    assert "pass the path of a YAML file" in str(error)
    assert KEY not in str(error)


def test_names_that_are_not_there():
    config = load_config({"providers": {"a": {}, "b": {}}, "models": {"step-3": {"vendor": "a"}}})
    for ask, said in (
        (lambda: config.find("step-4"), "models has no 'step-4'; it has step-3"),
        (lambda: config.client("c"), "providers have no 'c'; there are a, b"),
        (config.async_client, "providers are several; name one; there are a, b"),
        (lambda: Config().client("a"), "providers have no 'a'; there are none"),
        (lambda: Config().find("step-4"), "config={'models': {'step-4': {'type': 'text'}}}"),
        (lambda: Config().find("stepaudio-2.5-realtime"), "in realtime only"),
    ):
        with pytest.raises(InvalidParameterError) as raised:
            ask()
        assert said in str(raised.value)


def test_without_pyyaml_it_is_said_what_to_install(written, monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(ImportError, match=r"stepfun-integrations\[config\]"):
        load_config(written("models: {}\n"))
    assert load_config({"models": {"step-3": {}}}).find("step-3")


def test_yaml_is_loaded_for_files_alone():
    program = "import stepfun_client.config, sys; print('yaml' in sys.modules, 'httpx' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["False", "False"]


# --- Variables -------------------------------------------------------------------------------------------------------

TWO = """\
providers:
  one:
    api_key: "${ONE_KEY}"
  two:
    base_url: "https://two.test/${TWO_PATH}"
    api_key: "${TWO_KEY}"
models:
  step-3: {vendor: one}
"""


def test_a_variable_is_needed_when_its_provider_is(written, monkeypatch):
    path = written(TWO)
    config = load_config(path)
    monkeypatch.setenv("ONE_KEY", "1st")

    assert config.client("one")._settings.key() == "1st"
    with pytest.raises(InvalidParameterError) as raised:
        config.client("two")
    assert f"{path}, line 6: providers.two.api_key needs the environment variable TWO_KEY, which is not set" in str(
        raised.value
    )

    monkeypatch.setenv("TWO_KEY", " ")
    with pytest.raises(InvalidParameterError, match=r"line 6: .* TWO_KEY, which is empty"):
        config.client("two")
    monkeypatch.setenv("TWO_KEY", "2nd")
    with pytest.raises(InvalidParameterError, match=r"line 5: providers\.two\.base_url needs .* TWO_PATH"):
        config.client("two")


def test_a_variable_is_read_each_time(monkeypatch):
    config = load_config({"providers": {"a": {"api_key": "${ROTATED}"}}})
    keys = []
    for value in ("first", "second"):
        monkeypatch.setenv("ROTATED", value)
        keys.append(config.client()._settings.key())
    assert keys == ["first", "second"]


def test_an_address_of_a_variable_is_checked_when_it_is_known(monkeypatch):
    monkeypatch.setenv("ADDRESS", "nonsense")
    config = load_config({"providers": {"a": {"base_url": "${ADDRESS}"}}})
    with pytest.raises(InvalidParameterError, match=r"providers\.a\.base_url must be an address"):
        config.client()


# --- The key ---------------------------------------------------------------------------------------------------------

LITERAL = f"""\
providers:
  step:
    api_key: {KEY}
    base_url: https://a.test/v1
    default_headers:
      X-Token: {KEY}
models:
  step-3.7-flash:
    temperature: 0.5
"""


def quietly(config):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return load_config(config)


def test_a_key_in_the_file_works_and_is_warned_of(written):
    path = written(LITERAL)
    with pytest.warns(UserWarning, match="line 3: .*is a key itself") as warned:
        config = load_config(path)
    assert config.client()._settings.key() == KEY
    assert not any(FRAGMENT in str(one.message) for one in warned)


def test_nobody_is_warned_of_a_variable_or_of_a_key_that_is_none(written):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_config(written("providers: {a: {api_key: any}, b: {api_key: '${STEP_API_KEY}'}}\n"))
        load_config({"providers": {"a": {"api_key": KEY}, "b": {"api_key": SecretStr(KEY)}}})


def test_the_key_is_told_by_nothing(written):
    config = quietly(written(LITERAL))
    client = quietly(written(LITERAL.replace(f"X-Token: {KEY}", "X-App: mine"))).client()
    provider = copy.deepcopy(config.provider())
    assert copy.copy(provider).settings()["api_key"].get_secret_value() == KEY
    for thing in (config, provider, config.find("step-3.7-flash"), copy.deepcopy(config), client):
        assert not any(FRAGMENT in text for text in told_by(thing))
        assert FRAGMENT.encode() not in pickle.dumps(thing)


def test_a_debugger_that_looks_at_what_is_being_read_sees_no_key(written):
    root = read_file(written(LITERAL))
    assert root.plain["providers"]["step"]["api_key"] == KEY
    assert FRAGMENT not in f"{root} {root.value} {root.value['providers'].value}"


def test_the_name_of_a_variable_may_be_told():
    config = load_config({"providers": {"a": {"api_key": "${STEP_API_KEY}", "base_url": "https://${X}/v1"}}})
    assert "api_key='${STEP_API_KEY}'" in repr(config)
    assert "base_url='https://${X}/v1'" in repr(config)
    assert "***" in repr(load_config({"providers": {"a": {"api_key": "sk-${HALF}"}}}))


def test_a_pickle_holds_names_of_variables_and_no_key(written, monkeypatch):
    monkeypatch.setenv("STEP_API_KEY", KEY)
    named = pickle.loads(pickle.dumps(load_config(SEED)))
    assert named.client()._settings.key() == KEY
    assert named == load_config(SEED)

    literal = pickle.loads(pickle.dumps(quietly(written(LITERAL))))
    assert literal.find("step-3.7-flash").parameters == {"temperature": 0.5}
    with pytest.raises(InvalidParameterError, match=r"line 3: providers\.step\.api_key was left out of the pickle"):
        literal.client()


ASTRAY = {
    "no blank after the colon": f"providers:\n  step:\n    api_key:{KEY}\n    plan: true\n",
    "no blank, alone": f"providers:\n  step:\n    api_key:{KEY}\n",
    "an open quote": f'providers:\n  step:\n    api_key: "{KEY}\n',
    "a tabulator": f"providers:\n  step:\n\tapi_key: {KEY}\n",
    "an alias": f"providers:\n  step:\n    api_key: *{KEY}\n",
    "an anchor": f"providers:\n  step:\n    api_key: &{KEY}\n",
    "a tag": f"providers:\n  step:\n    api_key: !{KEY} x\n",
    "a handle": f"providers:\n  step:\n    api_key: !{KEY.replace('-', '')}!x x\n",
    "a directive": f"%TAG !{KEY.replace('-', '')}! a\n%TAG !{KEY.replace('-', '')}! b\n---\na: b\n",
    "a table": f"providers:\n  step:\n    api_key: {{{KEY}}}\n",
    "a list": f"providers:\n  step:\n    api_key: [{KEY}]\n",
    "the place of a key": f"providers:\n  step:\n    {KEY}: x\n",
    "the place of a provider": f"providers:\n  {KEY}:\n    apikey: 1\n",
    "the place of a section": f"{KEY}:\n  step: 1\n",
    "twice": f"providers:\n  {KEY}: {{}}\n  {KEY}: {{}}\n",
    "below itself": f"providers:\n  step:\n    {KEY}:\n      - &a b\n",
    "another setting": f"providers:\n  step:\n    region: {KEY}\n",
    "a timeout": f"providers:\n  step:\n    timeout: {KEY}\n",
    "an address": f"providers:\n  step:\n    base_url: {KEY}\n",
    "an address with a user": f"providers:\n  step:\n    base_url: https://{KEY}@a.test\n",
    "a broken variable": f"providers:\n  step:\n    api_key: ${{{KEY}}}\n",
    "a default in a variable": f"providers:\n  step:\n    api_key: ${{STEP_API_KEY:-{KEY}}}\n",
    "a header's name": f"providers:\n  step:\n    default_headers:\n      {KEY}: 1\n",
    "a type": f"models:\n  a:\n    type: {KEY}\n",
    "a vendor": f"models:\n  step-3:\n    vendor: {KEY}\n",
    "right, but with another mistake": LITERAL.replace("0.5", "5"),
    "right, and a mistake of YAML": LITERAL + "}",
    "right, and another encoding": LITERAL.encode() + b"\xff",
    "right, and a control character": LITERAL + "\x02",
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("text", ASTRAY.values(), ids=ASTRAY)
def test_a_key_that_went_astray_is_not_quoted(written, text):
    error = refusal(written(text))
    told = [*told_by_error(error), repr(pickle.dumps(error))]
    assert not any(FRAGMENT in one for one in told)


# --- Whatever is written ---------------------------------------------------------------------------------------------

_SNIPPETS = st.sampled_from(
    [*"{}[]:,&*!|>'\"%@`#-? \n\t$", "  ", "\n  ", ": ", "- ", "${", "<<: ", "---\n", "null", ".inf", "0x", "\\U0", "é"]
)
_EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 12), _SNIPPETS | st.text(max_size=3)), max_size=6)


@given(edits=_EDITS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_mangled_file_is_read_or_refused_and_its_key_kept(tmp_path, edits):
    text = LITERAL
    for where, dropped, put in edits:
        at = int(where * len(text))
        text = text[:at] + put + text[at + dropped :]
    path = tmp_path / "mangled.yml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    outcome = read_or_refused(path)
    if isinstance(outcome, InvalidParameterError):
        assert str(outcome).startswith(str(path))
        assert not any(FRAGMENT in told for told in told_by_error(outcome))
    else:
        assert not any(FRAGMENT in told for told in map(repr, outcome.providers.values()))


def read_or_refused(config):
    try:
        return quietly(config)
    except InvalidParameterError as error:
        return error


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8) | st.integers(), inner, max_size=3),
    max_leaves=6,
)
_KEYS = st.sampled_from(
    ["api_key", "base_url", "limits", "default_headers", "vendor", "type", "model", "voice", "stop"]
)
_TABLES = st.dictionaries(
    st.sampled_from(["step-3", "step-tts-2", "x"]), _VALUES | st.dictionaries(_KEYS, _VALUES, max_size=4), max_size=3
)


@given(config=st.fixed_dictionaries({}, optional={"providers": _TABLES | _VALUES, "models": _TABLES | _VALUES}))
@settings(max_examples=150, deadline=None)
def test_any_mapping_is_read_or_refused(config):
    outcome = read_or_refused(config)
    if isinstance(outcome, InvalidParameterError):
        assert str(outcome).startswith("config: ")
    else:
        assert set(outcome.models) == set(config.get("models") or {})
        assert set(outcome.providers) == set(config.get("providers") or {})

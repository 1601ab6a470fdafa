"""langchain-tests' standard suites, unit and integration, with no xfail; played from cassettes.

What is skipped is inherent: StepFun's chat takes no PDF. The suites fetch sample files from the public network; here
they get stand-ins from `tests/data`, so nothing is skipped for that. `tests/integration_tests` runs them live.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.load import load
from langchain_tests.unit_tests import ChatModelUnitTests

from langchain_stepfun import ChatStepFun
from tests.standard_suite import StandardSuite, serve_samples

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel


@pytest.fixture(autouse=True)
def samples(monkeypatch: pytest.MonkeyPatch) -> None:
    serve_samples(monkeypatch)


@pytest.fixture(autouse=True)
def name_the_class_to_load(monkeypatch: pytest.MonkeyPatch) -> None:
    """Load as a user has to: langchain-core's "all" are the packages it lists by itself, and not even a new one of its
    own.

    The suite's `test_serdes` asks for "all"; what is loaded, and that it equals what was dumped, stays the suite's
    matter.
    """
    named = partial(load, allowed_objects=[ChatStepFun])
    monkeypatch.setattr(
        "langchain_tests.unit_tests.chat_models.load", lambda value, **given: named(value, **_without(given))
    )


def _without(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name != "allowed_objects"}


class TestChatStepFunUnit(ChatModelUnitTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatStepFun

    @property
    def chat_model_params(self) -> dict:
        return {"model": "step-3.7-flash", "api_key": "sk-test"}

    @property
    def init_from_env_params(self) -> tuple[dict, dict, dict]:
        return {"STEP_API_KEY": "sk-env"}, {"model": "step-3.7-flash"}, {"api_key": "sk-env"}

    supports_image_inputs = supports_image_urls = supports_video_inputs = supports_audio_inputs = True
    supports_image_tool_message = supports_json_mode = supports_anthropic_inputs = True


@pytest.mark.vcr
class TestChatStepFunRecorded(StandardSuite):
    """The integration suite, from cassettes."""

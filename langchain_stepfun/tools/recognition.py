"""`StepFunASR`: a tool that writes down what is said in a recording."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from langchain_core.tools import InjectedToolArg
from pydantic import BaseModel, Field, create_model, field_validator

from langchain_stepfun.tools.artifacts import Block, transcript_artifact
from langchain_stepfun.tools.naming import Address, Runtime, check_form
from langchain_stepfun.tools.recording import RecordingTool
from langchain_stepfun.tools.sources import audio_field
from langchain_stepfun.tools.tool import only_known, told_to_the_model
from stepfun_client.catalog import find

if TYPE_CHECKING:
    from stepfun_client.api.transcript import Transcript

_CHOICES: dict[str, Any] = {
    "language": (str | None, Field(default=None, description="The language that is spoken, e.g. zh or en.")),
    "hotwords": (
        list[str] | None,
        Field(default=None, max_length=100, description="Names and rare words that may occur in it."),
    ),
}
_THE_MODELS_OWN = ("file", "url", "format", "sample_rate", "bits", "channels")


class StepFunASR(RecordingTool):
    """Writes down what is said in a recording: the model names the recording and reads the transcript.

    The model may name a recording of the conversation (`"last"`, the id another tool told, or the id of the tool call
    that made it), an https URL of a public host, or, with `root_dir`, a file of that folder. In an agent the
    conversation is the agent's state; no more than langchain's `create_agent` or a `ToolNode` is needed. A program may
    also pass the recording itself: `tool.invoke({"audio": block})` with a standard audio block, an `Audio`, or bytes.

    The artifact is a standard text block with the transcript; segments and words with their times in seconds, the
    language and the length stand in its `extras`.

    Args:
        model: A recognising model. `step-asr-1.1` takes URLs only, which StepFun fetches itself.
        language: The language that is spoken; without it StepFun finds out.
        hotwords: Names and rare words to expect.
        enable_itn: Whether spoken numbers become digits.
        timestamps: Whether to tell when things are said, where the model can.
        extra_body: Anything else for StepFun, unchecked.
        root_dir: A folder whose files the model may name; none by default. Links that lead out of it are not followed.
        max_bytes: The largest recording taken; 100 MB by default.
        model_may_set: What the model may choose beside the recording: `"language"`, `"hotwords"`; nothing by default.
        api_key: The key; this and what follows as for `StepFunTTS`.
        region: `"cn"` or `"global"`.
        plan: True to call Step Plan's paths.
        base_url: Another address.
        timeout: Seconds between two bytes; 90 by default.
        max_retries: How often a call is repeated after a lost connection, 408, 429 or 5xx.
        default_headers: Headers of every call.
        http_client: An `httpx.Client` of your own.
        http_async_client: An `httpx.AsyncClient` of your own.

    Raises:
        ToolException: For what a model can put right: a recording that is not there, is none, is too large, or lies
            where the model may not look.
        StepFunError: For everything else that fails.

    Example:
        >>> spoken = StepFunTTS().invoke({"type": "tool_call", "id": "1", "name": "say", "args": {"text": "Good day."}})
        >>> listen = StepFunASR()
        >>> listen.invoke({"audio": spoken.artifact})
        'Good day.'
    """

    name: str = "stepfun_speech_to_text"
    description: str = "Write down what is said in a recording of speech. Returns the transcript."

    model: str = "stepaudio-2.5-asr"
    language: str | None = None
    hotwords: Sequence[str] | None = None
    enable_itn: bool | None = None
    timestamps: bool | None = None
    extra_body: dict[str, Any] | None = None
    model_may_set: tuple[str, ...] = ()

    @field_validator("model_may_set", mode="before")
    @classmethod
    def _check_choices(cls, given: Any) -> Any:
        return only_known(given, tuple(_CHOICES), "audio")

    def _arguments(self) -> type[BaseModel]:
        chosen = {name: _CHOICES[name] for name in self.model_may_set}
        return create_model("StepFunASRInput", audio=audio_field(self.root_dir), **chosen, runtime=(Runtime, None))

    def _run(self, audio: Any, runtime: Annotated[Any, InjectedToolArg] = None, **chosen: Any) -> tuple[str, Block]:
        source = self._passed_on(audio, runtime) or self._recording(audio, runtime)
        with told_to_the_model(*_THE_MODELS_OWN, *self.model_may_set):
            heard = self.client.transcription.create(source, **self._options(chosen))
        return _handed_over(heard)

    async def _arun(
        self, audio: Any, runtime: Annotated[Any, InjectedToolArg] = None, **chosen: Any
    ) -> tuple[str, Block]:
        source = self._passed_on(audio, runtime) or await self._arecording(audio, runtime)
        with told_to_the_model(*_THE_MODELS_OWN, *self.model_may_set):
            heard = await self.async_client.transcription.create(source, **self._options(chosen))
        return _handed_over(heard)

    def _passed_on(self, audio: Any, runtime: Any) -> str | None:
        """Return a URL that StepFun fetches itself, for a model that takes nothing else."""
        info = find(self.model)
        if info is None or "async" not in info.transports:
            return None
        found = self._found(audio, runtime)
        if not isinstance(found, Address):
            return None
        check_form(found)
        return found.url

    def _options(self, chosen: dict[str, Any]) -> dict[str, Any]:
        settings = {
            "language": self.language,
            "hotwords": self.hotwords,
            "enable_itn": self.enable_itn,
            "timestamps": self.timestamps,
            "extra_body": self.extra_body,
        }
        made = {name: value for name, value in chosen.items() if value is not None}
        given = {name: value for name, value in {**settings, **made}.items() if value is not None}
        return {"model": self.model, "progress": False, **given}


def _handed_over(heard: Transcript) -> tuple[str, Block]:
    return heard.text or "No speech was recognised in this recording.", transcript_artifact(heard)

"""`StepFunVoiceClone`: a tool that clones a voice, for money."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from langchain_core.tools import InjectedToolArg
from pydantic import BaseModel, Field, create_model, model_validator
from typing_extensions import Self

from langchain_stepfun.tools.artifacts import Block, audio_artifact
from langchain_stepfun.tools.naming import Runtime
from langchain_stepfun.tools.recording import RecordingTool
from langchain_stepfun.tools.sources import audio_field
from langchain_stepfun.tools.tool import told_to_the_model
from stepfun_client import InvalidParameterError

if TYPE_CHECKING:
    from stepfun_client.api.voices import ClonedVoice

_THE_MODELS_OWN = ("file", "url", "format", "text")


class StepFunVoiceClone(RecordingTool):
    """Clones a voice from a recording of 5 to 10 seconds. Each clone costs money, so it has to be switched on.

    StepFun charged 9.9 yuan a voice in June 2026. The tool is in no toolkit unless asked for. The recording is checked
    before anything is sent, and the request to clone is sent once. Clone voices only of people who agreed to it.

    The artifact is the audio block of StepFun's sample, or a text block with the voice's id where it sends none; both
    carry `extras["voice_id"]`, which `StepFunTTS(voice=...)` takes.

    Args:
        confirm_paid: True, to say that the model may spend money.
        model: The speaking model the voice is for.
        root_dir: A folder whose files the model may name; none by default.
        max_bytes: The largest recording taken.
        api_key: The key; this and what follows as for `StepFunTTS`.
        region: `"cn"` or `"global"`.
        plan: True to call Step Plan's paths.
        base_url: Another address.
        timeout: Seconds between two bytes.
        max_retries: How often the upload is repeated after a lost connection; the clone itself is never sent twice.
        default_headers: Headers of every call.
        http_client: An `httpx.Client` of your own.
        http_async_client: An `httpx.AsyncClient` of your own.

    Raises:
        ToolException: For what a model can put right: a recording that is not there, is none, or has the wrong length.
        StepFunError: For everything else that fails.

    Example:
        >>> StepFunVoiceClone(model="step-tts-2", confirm_paid=True).name
        'stepfun_clone_voice'
    """

    name: str = "stepfun_clone_voice"
    description: str = (
        "Clone the voice of a recording of 5 to 10 seconds (wav or mp3) of one speaker. This costs money each time: do "
        "it only when the user asked for it and the speaker agreed. Returns the new voice's id."
    )

    model: str = "step-tts-2"
    confirm_paid: bool = False

    @model_validator(mode="after")
    def _check_that_it_may_cost(self) -> Self:
        if not self.confirm_paid:
            raise InvalidParameterError(
                "cloning a voice costs money each time, and the model decides when: say StepFunVoiceClone("
                "confirm_paid=True) to allow it",
                param="confirm_paid",
            )
        return self

    def _arguments(self) -> type[BaseModel]:
        said: Any = (
            str | None,
            Field(default=None, description="What is said in the recording, word for word, if known."),
        )
        return create_model(
            "StepFunVoiceCloneInput", audio=audio_field(self.root_dir), text=said, runtime=(Runtime, None)
        )

    def _run(
        self, audio: Any, text: str | None = None, runtime: Annotated[Any, InjectedToolArg] = None
    ) -> tuple[str, Block]:
        recording = self._recording(audio, runtime)
        with told_to_the_model(*_THE_MODELS_OWN):
            voice = self.client.voices.create(recording, model=self.model, text=text)
        return _handed_over(voice)

    async def _arun(
        self, audio: Any, text: str | None = None, runtime: Annotated[Any, InjectedToolArg] = None
    ) -> tuple[str, Block]:
        recording = await self._arecording(audio, runtime)
        with told_to_the_model(*_THE_MODELS_OWN):
            voice = await self.async_client.voices.create(recording, model=self.model, text=text)
        return _handed_over(voice)


def _handed_over(voice: ClonedVoice) -> tuple[str, Block]:
    known = " It had been cloned before." if voice.duplicated else ""
    facts = {"voice_id": voice.id, "duplicated": voice.duplicated, "sample_text": voice.sample_text}
    content = f"The cloned voice's id is {voice.id}.{known}"
    if voice.sample_audio:
        artifact = audio_artifact(voice.sample_audio, **facts)
        return f"{content} A sample's recording id is {artifact['id']}.", artifact
    extras = {name: value for name, value in facts.items() if value is not None}
    return content, {"type": "text", "text": voice.id, "extras": extras}

"""`StepFunTTS`: a tool that speaks a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_core.tools import ToolException
from pydantic import BaseModel, Field, create_model, field_validator, model_validator
from typing_extensions import Self

from langchain_stepfun.tools.artifacts import Block, audio_artifact
from langchain_stepfun.tools.choices import CHOICES, VOICES, check_choices, choice_fields, chosen_params, wire_names
from langchain_stepfun.tools.output import prepare, saved
from langchain_stepfun.tools.tool import StepFunTool, only_known, told_to_the_model
from stepfun_client.api.speech_params import SampleRate, SpeechFormat, SpeechParams, checked_speech, longest_text

if TYPE_CHECKING:
    from stepfun_client.audio import Audio

_SETTINGS = (
    *("speed", "volume", "sample_rate", "voice_label", "instruction", "pronunciation_map", "markdown_filter"),
    *("language", "extra_body"),
)


class StepFunTTS(StepFunTool):
    """Speaks a text: the model sends the text, the program gets the recording.

    The model reads a short sentence with the recording's length and id; the recording itself is the artifact, a
    standard audio block: `{"type": "audio", "base64": ..., "mime_type": ..., "extras": {"voice": ...,
    "duration_seconds": ...}}`. A text of more than 1,000 characters is spoken in several requests, and joined.

    Args:
        model: A speaking model, e.g. `"step-tts-2"` or `"stepaudio-2.5-tts"`.
        voice: An official voice's name, or the id of a cloned voice.
        format: `"mp3"`, `"wav"`, `"flac"`, `"opus"` or `"pcm"`; long texts are joined in mp3, wav and pcm.
        speed: 0.5 to 2.
        volume: 0.1 to 2.
        sample_rate: In hertz: 8000, 16000, 22050, 24000 (StepFun's default) or 48000.
        voice_label: One of `{"emotion": ...}`, `{"style": ...}` and `{"language": ...}`; not on `stepaudio-2.5-tts`.
        instruction: How to speak, in words; on `stepaudio-2.5-tts` and later.
        pronunciation_map: How to pronounce words: `{"tone": ["阿胶/e1胶"]}`.
        markdown_filter: Whether Markdown's marks are left unspoken.
        language: The text's language; on `stepaudio-3-tts`.
        extra_body: Anything else for StepFun, unchecked.
        output_dir: A folder the recording is also written to, made if it is not there; the tool makes the file's name.
            By default nothing is written.
        model_may_set: What the model may choose beside the text: any of `"voice"`, `"speed"`, `"volume"`, `"emotion"`,
            `"style"`, `"dialect"`, `"instruction"`, `"format"`, `"sample_rate"` and `"model"`; nothing by default. What
            it chooses wins over the setting here.
        voices: The voices it may choose among, if it may; `voice` is always one of them.
        max_characters: The longest text a model may have spoken at once, since each character costs.
        api_key: The key; without one, `STEP_API_KEY` and then `STEPFUN_API_KEY` are read.
        region: `"cn"` for api.stepfun.com, `"global"` for api.stepfun.ai.
        plan: True to call Step Plan's paths.
        base_url: Another address; without one, `STEPFUN_BASE_URL`, then the region's.
        timeout: Seconds between two bytes; 90 by default.
        max_retries: How often a call is repeated after a lost connection, 408, 429 or 5xx.
        default_headers: Headers of every call.
        http_client: An `httpx.Client` of your own, used as it is and never closed here.
        http_async_client: An `httpx.AsyncClient` of your own, likewise.

    Raises:
        ToolException: For what a model can put right: a text that is empty or too long, two labels, a text that
            moderation refuses.
        StepFunError: For everything else that fails.

    Example:
        >>> tool = StepFunTTS(voice="linjiajiejie", model_may_set=["speed"])
        >>> call = {"type": "tool_call", "id": "1", "name": tool.name, "args": {"text": "Hello!", "speed": 1.2}}
        >>> message = tool.invoke(call)
        >>> message.artifact["mime_type"], message.artifact["extras"]["voice"]
        ('audio/mpeg', 'linjiajiejie')
    """

    name: str = "stepfun_text_to_speech"
    description: str = (
        "Speak a text aloud: makes a recording of exactly this text in a natural voice and hands it to the user. You "
        "get the recording's id. Send only what is to be heard, in the language it is to be heard in."
    )

    model: str = "step-tts-2"
    voice: str = VOICES[0]
    format: SpeechFormat = "mp3"
    speed: float | None = None
    volume: float | None = None
    sample_rate: SampleRate | None = None
    voice_label: Mapping[str, str] | None = None
    instruction: str | None = None
    pronunciation_map: Mapping[str, Sequence[str]] | None = None
    markdown_filter: bool | None = None
    language: str | None = None
    extra_body: Mapping[str, Any] | None = None
    output_dir: Path | None = None
    model_may_set: tuple[str, ...] = ()
    voices: tuple[str, ...] = VOICES
    max_characters: int = Field(default=5000, ge=1)

    @field_validator("model_may_set", mode="before")
    @classmethod
    def _check_choices(cls, given: Any) -> Any:
        return only_known(given, CHOICES, "text")

    @model_validator(mode="after")
    def _check_speech_settings(self) -> Self:
        checked_speech(self.model, self.voice, self._params())
        check_choices(self)
        return self

    def _arguments(self) -> type[BaseModel]:
        text = (str, Field(min_length=1, description="The text to speak."))
        return create_model("StepFunTTSInput", text=text, **choice_fields(self))

    def _run(self, text: str, **chosen: Any) -> tuple[str, Block]:
        request = self._request(text, chosen)
        with told_to_the_model("input", *wire_names(self.model_may_set)):
            audio = self.client.speech.create(**request)
        return self._handed_over(audio)

    async def _arun(self, text: str, **chosen: Any) -> tuple[str, Block]:
        request = self._request(text, chosen)
        with told_to_the_model("input", *wire_names(self.model_may_set)):
            audio = await self.async_client.speech.create(**request)
        return self._handed_over(audio)

    def _params(self) -> SpeechParams:
        settings = {name: getattr(self, name) for name in _SETTINGS}
        return SpeechParams(**{"response_format": self.format, **settings})  # type: ignore[typeddict-item]

    def _request(self, text: str, chosen: Mapping[str, Any]) -> dict[str, Any]:
        own = {"model": self.model, "voice": self.voice, **self._params(), **chosen_params(chosen)}
        if not text.strip():
            raise ToolException("text is empty: say what is to be said")
        most = min(self.max_characters, longest_text(own["model"], own["response_format"]) or self.max_characters)
        if len(text) > most:
            raise ToolException(
                f"text has {len(text):,} characters; allowed are {most:,}. Say less, or say it in parts"
            )
        prepare(self.output_dir)
        return {"input": text, "progress": False, **own}

    def _handed_over(self, audio: Audio) -> tuple[str, Block]:
        path = saved(audio, self.output_dir, prefix="speech")
        artifact = audio_artifact(audio, path=path)
        length = "" if audio.duration_seconds is None else f", {audio.duration_seconds:.1f} s"
        where = f" It is saved as {path}." if path else ""
        return (
            f"Spoken ({audio.voice}{length}, {audio.format}). The recording's id is {artifact['id']}.{where}",
            artifact,
        )

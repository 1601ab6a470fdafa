"""Tools that speak and listen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from llama_index.core.base.llms.types import AudioBlock, TextBlock
from llama_index.core.bridge.pydantic import BaseModel, Field, PrivateAttr, model_validator
from typing_extensions import Self

from llama_index_stepfun.recognition import DEFAULT_MODEL, asks_for_times, takes_urls_only
from llama_index_stepfun.tools.part import Arguments, ToolPart, named_by, told_to_the_model
from llama_index_stepfun.tools.shelf import Shelf
from llama_index_stepfun.tools.sources import Link, find
from stepfun_client.api.speech_params import checked_speech, longest_text
from stepfun_client.api.transcription_params import checked_params, way_of
from stepfun_client.core.fetching import plainly_public
from stepfun_client.errors import InvalidParameterError

if TYPE_CHECKING:
    from stepfun_client.api.transcript import Transcript
    from stepfun_client.audio import Audio

RECORDING = (
    "The recording: the id of audio made earlier (audio-...), an https:// URL of a public host, or, if a folder has "
    "been opened to you, the path of a file in it."
)
"""How a model is told to name a recording."""


class Speak(BaseModel):
    """Say a text aloud: makes speech and hands it to the user's application, which plays it.

    You get a short note with the id of the audio, not the sound. Call it once for the whole text.
    """

    text: str = Field(description="What to say, word for word, as plain text without markup.")
    voice: str | None = Field(default=None, description="The name or id of another voice than the usual one.")
    speed: float | None = Field(default=None, description="How fast: 0.5 to 2, where 1 is normal.")
    volume: float | None = Field(default=None, description="How loud: 0.1 to 2, where 1 is normal.")
    instruction: str | None = Field(
        default=None, description="How to say it, in up to 200 characters, e.g. 'cheerful, almost whispering'."
    )


class Transcribe(BaseModel):
    """Write down what is said in a recording, and when it is said where that is known."""

    audio: str = Field(description=RECORDING)


ARGUMENTS: Arguments = {"speak": Speak, "aspeak": Speak, "transcribe": Transcribe, "atranscribe": Transcribe}

CHOICES = ("voice", "speed", "volume", "instruction")
"""What a model may choose where `model_may_set` lists it."""


class SpeechTools(ToolPart):
    """`speak` and `transcribe`, and where sounds are found."""

    speech_model: str = "step-tts-2"
    voice: str = "cixingnansheng"
    response_format: Literal["mp3", "wav", "flac", "opus", "pcm"] = "mp3"
    speech_options: dict[str, Any] = Field(default_factory=dict)
    max_characters: int = Field(default=5000, ge=1)
    asr_model: str = DEFAULT_MODEL
    timestamps: bool | None = None
    asr_options: dict[str, Any] = Field(default_factory=dict)

    _sounds: Shelf[Any] = PrivateAttr(default_factory=lambda: Shelf("audio"))

    @model_validator(mode="after")
    def _check_speech_options(self) -> Self:
        """Check what is certain whatever is said, and whatever is heard."""
        options = {"model": self.speech_model, "voice": self.voice, **self.speech_options}
        with named_by("speech_options", self.speech_options, model="speech_model"):
            checked_speech(options.pop("model"), options.pop("voice"), _without_progress(options))
        heard = self._recognition()
        with named_by("asr_options", self.asr_options, model="asr_model", timestamps="timestamps"):
            checked_params(way_of(heard.pop("model"), heard.get("transport")), heard)
        return self

    def speak(
        self,
        text: str,
        voice: str | None = None,
        speed: float | None = None,
        volume: float | None = None,
        instruction: str | None = None,
    ) -> list[TextBlock | AudioBlock]:
        """Speak a text: a note for the model, and the sound; see `Speak` for what a model is told."""
        chosen = self._chosen(voice=voice, speed=speed, volume=volume, instruction=instruction)
        return self._spoken(self.client.speech.create(**self._speech(text, chosen)))

    async def aspeak(
        self,
        text: str,
        voice: str | None = None,
        speed: float | None = None,
        volume: float | None = None,
        instruction: str | None = None,
    ) -> list[TextBlock | AudioBlock]:
        """Speak a text, asynchronously; see `speak`."""
        chosen = self._chosen(voice=voice, speed=speed, volume=volume, instruction=instruction)
        return self._spoken(await self.async_client.speech.create(**self._speech(text, chosen)))

    def transcribe(self, audio: str) -> list[TextBlock]:
        """Write down what is said in a recording; see `Transcribe` for what a model is told.

        Returns:
            The text, and a second block with a line for each timed segment where there are several.
        """
        found = self._find(audio)
        sound = self._passed_on(found) or self._sound(found)
        return _written(self.client.transcription.create(sound, **self._recognition()))

    async def atranscribe(self, audio: str) -> list[TextBlock]:
        """Write down what is said in a recording, asynchronously; see `transcribe`."""
        found = self._find(audio)
        sound = self._passed_on(found) or await self._asound(found)
        return _written(await self.async_client.transcription.create(sound, **self._recognition()))

    def _speech(self, text: object, chosen: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(text, str) or not text.strip():
            raise InvalidParameterError("text is empty: say what is to be said", param="text")
        how = {"voice": self.voice, "response_format": self.response_format, **self.speech_options, **chosen}
        most = min(self.max_characters, longest_text(self.speech_model, how["response_format"]) or self.max_characters)
        if len(text) > most:
            raise InvalidParameterError(
                f"text has {len(text):,} characters; allowed are {most:,}. Say less, or say it in parts", param="text"
            )
        self._make_room()
        return {"model": self.speech_model, "input": text, "progress": False, **how}

    def _spoken(self, audio: Audio) -> list[TextBlock | AudioBlock]:
        told, block = self._handed_over(audio)
        return [TextBlock(text=f"Spoken and handed to the user's application: {told}."), block]

    def _handed_over(self, audio: Audio) -> tuple[str, AudioBlock]:
        """Keep and save a sound that was made: what a model is told of it, and what the application gets."""
        name = self._sounds.put(audio, most=self.keep, most_bytes=self.keep_bytes)
        length = "" if audio.duration_seconds is None else f", {audio.duration_seconds:.1f} s"
        saved = self._saved(audio, f"{name}.{audio.format}")
        # Given in base64: core takes bytes for base64 where they could be.
        block = AudioBlock(audio=audio.base64().encode(), format=audio.format)
        return f"{name} ({audio.format}{length}{saved})", block

    def _recognition(self) -> dict[str, Any]:
        times = asks_for_times(self.asr_model, wanted=self.timestamps)
        return {"model": self.asr_model, "timestamps": times, "progress": False, **self.asr_options}

    def _find(self, name: object) -> Audio | bytes | Link:
        return find(name, self._sounds, root_dir=self.root_dir, most_bytes=self.max_bytes)

    def _passed_on(self, found: Audio | bytes | Link) -> str | None:
        """Return the URL for a model that takes nothing else, and whose recordings StepFun fetches itself."""
        if not isinstance(found, Link) or not takes_urls_only(self.asr_model):
            return None
        with told_to_the_model("audio"):
            plainly_public(found.url)
        return found.url

    def _sound(self, found: Audio | bytes | Link) -> Audio | bytes:
        return self._fetched(found, "audio") if isinstance(found, Link) else found

    async def _asound(self, found: Audio | bytes | Link) -> Audio | bytes:
        return await self._afetched(found, "audio") if isinstance(found, Link) else found


def _without_progress(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name != "progress"}


def _written(transcript: Transcript) -> list[TextBlock]:
    timed = [one for one in transcript.segments if one.start is not None and one.end is not None]
    lines = [f"[{one.start:.1f}-{one.end:.1f} s] {one.text.strip()}" for one in timed]
    blocks = [TextBlock(text=transcript.text or "[nothing is said in this recording]")]
    return [*blocks, TextBlock(text="\n".join(lines))] if len(lines) > 1 else blocks

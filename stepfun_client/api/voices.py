"""Voices: `/audio/voices`, cloned from a recording, and the official ones (WIRE.md sections 6 and 7)."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field

from stepfun_client.api.pages import Listed, Page, all_pages
from stepfun_client.api.resource import (
    AsyncResource,
    BodyOptions,
    CallOptions,
    Resource,
    WireModel,
    WirePart,
    checked,
    posting,
    read,
    sending,
    some_text,
)
from stepfun_client.api.speech_params import VoiceOptions, check_voice
from stepfun_client.api.voice_samples import Sample, VoiceSource, asked, uploaded
from stepfun_client.audio import Audio
from stepfun_client.core.call import Call, Flow
from stepfun_client.errors import InvalidParameterError

if TYPE_CHECKING:
    from typing import TypeAlias

    from typing_extensions import Unpack

    OfficialVoices: TypeAlias = "list[OfficialVoice]"  # `list` is a method below

MOST_SAMPLE_CHARACTERS = 50

_SEPARATORS = re.compile(r"\s*[、,，;；]\s*")

HeardT = TypeVar("HeardT", bound="_Heard")


def _decoded(value: Any) -> Any:
    """Read sound in base64; where there is none, the reply says so with an empty text."""
    if not isinstance(value, str):
        return value
    content = base64.b64decode("".join(value.rpartition("base64,")[2].split()), validate=True)
    return Audio.of(content, format="wav") if content else None


def _decoded_if_readable(value: Any) -> Any:
    """Read sound in base64; what cannot be read is left out, for it must not take a paid voice with it."""
    try:
        return _decoded(value)
    except ValueError:
        return None


class Voice(Listed):
    """A cloned voice of the account.

    Attributes:
        id: What names it: `client.speech.create(voice=...)` takes it.
        file_id: The recording it was made from.
        created_at: When it was made, in Unix seconds.
    """

    file_id: str | None = None


class _Heard(WireModel):
    """A reply with a sample of a voice."""

    sample_text: str | None = None
    sample_audio: Annotated[Audio | None, BeforeValidator(_decoded_if_readable)] = Field(default=None, repr=False)
    file_id: str | None = None


class ClonedVoice(_Heard):
    """A voice that was just cloned.

    Attributes:
        id: What names it: `client.speech.create(voice=...)` takes it.
        duplicated: Whether it had been cloned before.
        sample_text: What the sample says; None where the service sends none.
        sample_audio: A sample of the voice; None where the service sends none that can be read.
        file_id: The recording that was sent; where `duplicated`, `client.voices.list` may name an earlier one.
    """

    id: str
    duplicated: bool = False


class VoicePreview(_Heard):
    """How a voice would sound.

    Attributes:
        sample_text: What is said.
        sample_audio: The sound.
        request_id: The service's name for the request.
        file_id: The recording, which stays with StepFun: `client.voices.create(file_id=...)` takes it.
    """

    sample_audio: Annotated[Audio, BeforeValidator(_decoded)] = Field(repr=False)
    request_id: str | None = None


def _listed(scenes: Any) -> Any:
    if isinstance(scenes, str):
        return [scene for scene in _SEPARATORS.split(scenes.strip()) if scene]
    return [] if scenes is None else scenes


class OfficialVoice(WirePart):
    """A voice of StepFun's own.

    Attributes:
        id: What names it: `client.speech.create(voice=...)` takes it.
        name: What it is called, in Chinese.
        description: How it sounds.
        scenes: What it is good for.
    """

    id: str
    name: str | None = Field(default=None, validation_alias="voice-name")
    description: str | None = Field(default=None, validation_alias="voice-description")
    scenes: Annotated[list[str], BeforeValidator(_listed)] = Field(
        default_factory=list, validation_alias="recommended_scene"
    )


class _OfficialReply(WireModel):
    voices: list[str] = Field(default_factory=list)
    details: dict[str, dict[str, Any]] = Field(default_factory=dict, validation_alias="voices-details")


def clone(
    file: VoiceSource | None, *, model: str, file_id: str | None, text: str | None, **options: Unpack[BodyOptions]
) -> Flow[ClonedVoice]:
    """Upload a recording where one is given, and clone its voice: once, whatever happens."""
    _check(model, file, file_id, text=text)
    sample = yield from uploaded(file, file_id, options)
    body = {"model": model, "file_id": sample.file_id, "text": text}
    # Paid: never re-send one whose fate is unknown (WIRE.md section 3).
    call = posting("/audio/voices", _given(body), options, kind="audio", repeatable=False)
    advice = (
        "whether the voice was made is not known: look for this file_id in client.voices.list() before paying again"
    )
    voice: ClonedVoice = yield from asked(call, ClonedVoice, sample, advice)
    return _named(voice, sample, model=model, voice=voice.id)


def preview_voice(
    file: VoiceSource | None,
    *,
    model: str,
    file_id: str | None,
    sample_text: str,
    text: str | None,
    **params: Unpack[VoiceOptions],
) -> Flow[VoicePreview]:
    """Upload a recording where one is given, and let its voice say something."""
    _check(model, file, file_id, text=text)
    if len(some_text(sample_text, "sample_text")) > MOST_SAMPLE_CHARACTERS:
        raise InvalidParameterError(
            f"sample_text has {len(sample_text)} characters; it must have {MOST_SAMPLE_CHARACTERS} at most",
            param="sample_text",
        )
    given = checked(VoiceOptions, params)
    check_voice(model, "cloned", given)
    options: Any = {name: given.pop(name) for name in BodyOptions.__annotations__ if name in given}
    sample = yield from uploaded(file, file_id, options)
    body = {"model": model, "file_id": sample.file_id, "text": text, "sample_text": sample_text, **given}
    call = posting("/audio/voices/preview", _given(body), options, kind="audio")
    heard: VoicePreview = yield from asked(call, VoicePreview, sample, "try again with file_id=...")
    heard.sample_text = heard.sample_text or sample_text
    return _named(heard, sample, model=model, voice=None)


def list_voices(**options: Unpack[CallOptions]) -> Flow[list[Voice]]:
    """List the account's cloned voices."""
    return (yield from all_pages(Page[Voice], "/audio/voices", options))


def official_voices(model: str, **options: Unpack[CallOptions]) -> Flow[list[OfficialVoice]]:
    """List the official voices of a model."""
    check_voice(model, "official", {})
    reply = yield Call("GET", "/audio/system_voices", query={"model": model}, **sending(options))
    listed = read(_OfficialReply, reply)
    ids = dict.fromkeys([*listed.voices, *listed.details])
    return [OfficialVoice.model_validate({**listed.details.get(voice, {}), "id": voice}) for voice in ids]


def _check(model: str, file: object, file_id: str | None, *, text: str | None) -> None:
    check_voice(model, "cloned", {})
    if (file is None) == (file_id is None):
        raise InvalidParameterError(
            "pass either a file, which is uploaded, or the file_id of one that was, not both and not neither",
            param="file",
        )
    if file_id is not None:
        some_text(file_id, "file_id")
    if text is not None:
        some_text(text, "text")


def _given(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}


def _named(heard: HeardT, sample: Sample, *, model: str, voice: str | None) -> HeardT:
    heard.file_id = heard.file_id or sample.file_id
    if heard.sample_audio:
        heard.sample_audio = replace(
            heard.sample_audio, model=model, voice=voice, text=heard.sample_text, trace_id=heard.trace_id
        )
    return heard


class Voices(Resource):
    """`client.voices`: cloned voices, and the official ones."""

    def create(
        self,
        file: VoiceSource | None = None,
        *,
        model: str,
        file_id: str | None = None,
        text: str | None = None,
        **options: Unpack[BodyOptions],
    ) -> ClonedVoice:
        """Clone a voice from a recording of 5 to 10 seconds. **Each new voice is paid** (9.9 yuan in June 2026).

        So the recording is checked before anything is sent, and the request to clone is sent once: where its fate is
        unknown (no reply, a timeout, 5xx) it is not sent again, and the error names the uploaded file, by which
        `list` tells whether the voice was made. Clone voices only of people who agreed to it.

        Args:
            file: The recording, wav or mp3: a `pathlib.Path`, bytes, a file open for reading in binary mode, or an
                `Audio` (bare samples become a wav). It is uploaded with purpose `storage`, and deleted where the
                service refuses to clone it. Step Plan takes no uploads: pass `file_id` there.
            model: The speaking model the voice is for, e.g. `"step-tts-2"`.
            file_id: A recording uploaded before, in place of `file`; it is not checked.
            text: What is said in the recording, word for word, where known.
            **options: `timeout`, `extra_headers` and `extra_body` of this call.

        Returns:
            The voice; its `id` is what `client.speech.create(voice=...)` takes.

        Raises:
            InvalidParameterError: If the recording is no wav or mp3 of 5 to 10 seconds, or `model` does not speak.
            APIStatusError: If the service refuses or fails.
            APIConnectionError: If no reply came; the voice may have been made.

        Example:
            >>> words = "The quick brown fox jumps over the lazy dog, and the dog does not mind it at all today."
            >>> said = client.speech.create(
            ...     model="step-tts-2", voice="cixingnansheng", input=words, response_format="wav"
            ... )
            >>> voice = client.voices.create(said, model="step-tts-2", text=words)
            >>> voice.id in [known.id for known in client.voices.list()]
            True
        """
        return self._runner.run(clone(file, model=model, file_id=file_id, text=text, **options))

    def preview(
        self,
        file: VoiceSource | None = None,
        *,
        model: str,
        file_id: str | None = None,
        sample_text: str,
        text: str | None = None,
        **params: Unpack[VoiceOptions],
    ) -> VoicePreview:
        """Hear how a voice would sound before it is cloned.

        Args:
            file: The recording; see `create`. It stays uploaded, for `create(file_id=preview.file_id)`.
            model: The speaking model.
            file_id: A recording uploaded before, in place of `file`; it is not checked.
            sample_text: What to say, up to 50 characters.
            text: What is said in the recording, word for word, where known.
            **params: See `VoiceOptions`.

        Returns:
            The sound, a wav.

        Raises:
            InvalidParameterError: If the recording or a parameter is not what StepFun takes.
            APIStatusError: If the service refuses or fails.

        Example:
            >>> words = "The quick brown fox jumps over the lazy dog, and the dog does not mind it at all today."
            >>> said = client.speech.create(
            ...     model="step-tts-2", voice="cixingnansheng", input=words, response_format="wav"
            ... )
            >>> heard = client.voices.preview(said, model="step-tts-2", sample_text="Hello!")
            >>> heard.sample_audio.format, heard.sample_audio.text
            ('wav', 'Hello!')
        """
        job = preview_voice(file, model=model, file_id=file_id, sample_text=sample_text, text=text, **params)
        return self._runner.run(job)

    def list(self, **options: Unpack[CallOptions]) -> list[Voice]:
        """List the account's cloned voices, the newest first, page after page to the end.

        Example:
            >>> all(voice.id for voice in client.voices.list())
            True
        """
        return self._runner.run(list_voices(**options))

    def official(self, model: str, **options: Unpack[CallOptions]) -> OfficialVoices:
        """List the official voices of a speaking model. Step Plan has no such list: ask with plan=False.

        Args:
            model: The model's id.
            **options: `timeout` and `extra_headers` of this call.

        Returns:
            The voices, with names, descriptions and what they are good for where the service says so.

        Raises:
            InvalidParameterError: If the model does not speak.

        Example:
            >>> voices = client.voices.official("step-tts-2")
            >>> "cixingnansheng" in [voice.id for voice in voices]
            True
        """
        return self._runner.run(official_voices(model, **options))


class AsyncVoices(AsyncResource):
    """`client.voices` of the asynchronous client; see `Voices`."""

    async def create(
        self,
        file: VoiceSource | None = None,
        *,
        model: str,
        file_id: str | None = None,
        text: str | None = None,
        **options: Unpack[BodyOptions],
    ) -> ClonedVoice:
        """Clone a voice, paid; see `Voices.create`."""
        return await self._runner.run(clone(file, model=model, file_id=file_id, text=text, **options))

    async def preview(
        self,
        file: VoiceSource | None = None,
        *,
        model: str,
        file_id: str | None = None,
        sample_text: str,
        text: str | None = None,
        **params: Unpack[VoiceOptions],
    ) -> VoicePreview:
        """Hear how a voice would sound; see `Voices.preview`."""
        job = preview_voice(file, model=model, file_id=file_id, sample_text=sample_text, text=text, **params)
        return await self._runner.run(job)

    async def list(self, **options: Unpack[CallOptions]) -> list[Voice]:
        """List the account's cloned voices; see `Voices.list`."""
        return await self._runner.run(list_voices(**options))

    async def official(self, model: str, **options: Unpack[CallOptions]) -> OfficialVoices:
        """List the official voices of a model; see `Voices.official`."""
        return await self._runner.run(official_voices(model, **options))

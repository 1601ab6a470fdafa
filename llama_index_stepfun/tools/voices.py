"""The tool that clones a voice: each costs money, so it is only there when a developer asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama_index.core.base.llms.types import TextBlock
from llama_index.core.bridge.pydantic import BaseModel, Field

from llama_index_stepfun.tools.speech import RECORDING, SpeechTools

if TYPE_CHECKING:
    from stepfun_client.api.voices import ClonedVoice

    from llama_index_stepfun.tools.part import Arguments


class CloneVoice(BaseModel):
    """Make a new voice from a recording of one person, 5 to 10 seconds of wav or mp3. Costs money each time.

    Only with that person's consent. You get the new voice's id.
    """

    audio: str = Field(description=RECORDING)


ARGUMENTS: Arguments = {"clone_voice": CloneVoice, "aclone_voice": CloneVoice}


class VoiceTools(SpeechTools):
    """`clone_voice`, which takes its recordings from where `transcribe` does."""

    clone_voices: bool = False
    clone_model: str = "step-tts-2"

    def clone_voice(self, audio: str) -> list[TextBlock]:
        """Clone the voice of a recording for `clone_model`; see `CloneVoice` for what a model is told."""
        return _cloned(self.client.voices.create(self._sound(self._find(audio)), model=self.clone_model))

    async def aclone_voice(self, audio: str) -> list[TextBlock]:
        """Clone the voice of a recording, asynchronously; see `clone_voice`."""
        return _cloned(
            await self.async_client.voices.create(await self._asound(self._find(audio)), model=self.clone_model)
        )


def _cloned(voice: ClonedVoice) -> list[TextBlock]:
    had = " The same recording had been cloned before." if voice.duplicated else ""
    return [TextBlock(text=f"The new voice's id is {voice.id}.{had}")]

"""The tool that clones a voice: each costs money, so it is only there when a developer asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama_index.core.base.llms.types import AudioBlock, TextBlock
from llama_index.core.bridge.pydantic import BaseModel, Field

from llama_index_stepfun.tools.speech import RECORDING, SpeechTools

if TYPE_CHECKING:
    from llama_index_stepfun.tools.part import Arguments
    from stepfun_client.api.voices import ClonedVoice


class CloneVoice(BaseModel):
    """Make a new voice from a recording of one person, 5 to 10 seconds of wav or mp3. Costs money each time.

    Only with that person's consent. You get the new voice's id.
    """

    audio: str = Field(description=RECORDING)
    text: str | None = Field(default=None, description="What is said in it, word for word, if you know.")


ARGUMENTS: Arguments = {"clone_voice": CloneVoice, "aclone_voice": CloneVoice}


class VoiceTools(SpeechTools):
    """`clone_voice`, which takes its recordings from where `transcribe` does."""

    clone_voices: bool = False
    clone_model: str = "step-tts-2"

    def clone_voice(self, audio: str, text: str | None = None) -> list[TextBlock | AudioBlock]:
        """Clone the voice of a recording for `clone_model`; see `CloneVoice` for what a model is told.

        Returns:
            The voice's id, and a sample of the voice where the service sends one.
        """
        sound = self._sound(self._find(audio))
        self._make_room()
        return self._cloned(self.client.voices.create(sound, model=self.clone_model, text=text))

    async def aclone_voice(self, audio: str, text: str | None = None) -> list[TextBlock | AudioBlock]:
        """Clone the voice of a recording, asynchronously; see `clone_voice`."""
        sound = await self._asound(self._find(audio))
        self._make_room()
        return self._cloned(await self.async_client.voices.create(sound, model=self.clone_model, text=text))

    def _cloned(self, voice: ClonedVoice) -> list[TextBlock | AudioBlock]:
        had = " The same recording had been cloned before." if voice.duplicated else ""
        note = f"The new voice's id is {voice.id}.{had}"
        if voice.sample_audio is None:
            return [TextBlock(text=note)]
        told, block = self._handed_over(voice.sample_audio)
        return [TextBlock(text=f"{note} A sample of it was handed to the user's application: {told}."), block]

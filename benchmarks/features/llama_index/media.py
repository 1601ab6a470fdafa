"""Films, sounds and documents, to the model and from it."""

from __future__ import annotations

import base64
import io
import wave
from typing import TYPE_CHECKING

from llama_index.core.base.llms.types import AudioBlock, DocumentBlock, ImageBlock, VideoBlock

from benchmarks.features.llama_index.asking import asked, last
from benchmarks.features.probing import Case, Probes
from benchmarks.features.samples import QUESTION, SPEAKER, SPOKEN, SPOKEN_STREAMED, film, picture, sound

if TYPE_CHECKING:
    from llama_index.core.base.llms.types import ChatMessage

PROBES = Probes()


@PROBES.add("`ImageBlock`", "`ImageBlock`")
def image(case: Case) -> bool:
    """The model sees it."""
    shown = asked(ImageBlock(image=picture(), image_mimetype="image/png"))
    return "red" in _said(case.model().chat(shown).message)


@PROBES.add("`VideoBlock`", "`VideoBlock`")
def video(case: Case) -> bool:
    """The model gets it."""
    shown = asked(VideoBlock(video=film(), video_mimetype="video/mp4"))
    return "MP4 video" in _said(case.model().chat(shown).message)


@PROBES.add("`AudioBlock`", "`AudioBlock`")
def audio(case: Case) -> bool:
    """The model gets it: StepFun wants a data URI."""
    heard = asked(AudioBlock(audio=sound(), format="wav"))
    return "WAV audio" in _said(case.model(model="stepaudio-2.5-chat").chat(heard).message)


@PROBES.add("`DocumentBlock`", "`DocumentBlock`")
def document(case: Case) -> bool:
    """The model reads it, by StepFun's extraction."""
    text = "Anna paid the bill of 1,280 yuan on Monday.\n"
    given = DocumentBlock(data=text.encode(), title="bill.txt", document_mimetype="text/plain")
    return "Anna" in _said(case.model().chat(asked(given, question="Who paid the bill?")).message)


@PROBES.add("Spoken answer as an `AudioBlock`", "语音回答成为 `AudioBlock`")
def spoken(case: Case) -> bool:
    """The sound, all of it, with its format."""
    reply = case.model(model=SPEAKER, **SPOKEN).chat(asked(question=QUESTION))
    return _heard(reply.message) == (_truth(case), "wav")


@PROBES.add("Spoken answer as an `AudioBlock`, streamed", "语音回答成为 `AudioBlock`，流式")
def spoken_streamed(case: Case) -> bool:
    """The same sound, whole with the last response."""
    reply = last(case.model(model=SPEAKER, **SPOKEN_STREAMED).stream_chat(asked(question=QUESTION)))
    with wave.open(io.BytesIO(_truth(case))) as recording:
        return _heard(reply.message) == (recording.readframes(recording.getnframes()), "pcm")


def _truth(case: Case) -> bytes:
    message = case.wire(QUESTION, model=SPEAKER, **SPOKEN)["choices"][0]["message"]
    return base64.b64decode(message["audio"]["data"])


def _heard(message: ChatMessage) -> tuple[bytes, str | None]:
    """Return the sound and its format; core keeps bytes as base64."""
    block = next(block for block in message.blocks if isinstance(block, AudioBlock))
    return block.resolve_audio().read(), block.format


def _said(message: ChatMessage) -> str:
    return message.content or ""

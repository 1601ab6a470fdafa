"""Pictures, films and sounds, to the model and from it."""

from __future__ import annotations

import base64
import io
import wave
from typing import TYPE_CHECKING, Any

from langchain_core.messages import HumanMessage

from benchmarks.features.answers import streamed
from benchmarks.features.probing import Case, Probes
from benchmarks.features.samples import QUESTION, SPEAKER, SPOKEN, SPOKEN_STREAMED, block, film, picture, sound

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage

PROBES = Probes()


def _asked(*blocks: Any) -> list[HumanMessage]:
    return [HumanMessage([*blocks, {"type": "text", "text": "Describe it."}])]


@PROBES.add("Image block, base64", "图片块，base64")
def image(case: Case) -> bool:
    """The model sees it."""
    return "red" in case.model().invoke(_asked(block("image", picture(), "image/png"))).text


@PROBES.add("Image block, by `file_id`", "图片块，`file_id`")
def image_by_id(case: Case) -> bool:
    """The model sees a picture uploaded before."""
    files = {"file": ("square.png", picture(), "image/png")}
    uploaded = case.post("files", data={"purpose": "storage"}, files=files)
    return "red" in case.model().invoke(_asked({"type": "image", "file_id": uploaded["id"]})).text


@PROBES.add("Image block, `detail` kept", "图片块，保留 `detail`")
def image_detail(case: Case) -> bool:
    """More detail, more tokens."""
    low, high = (
        case.model().invoke(_asked(block("image", picture(), "image/png", extras={"detail": detail}))).usage_metadata
        for detail in ("low", "high")
    )
    return low["input_tokens"] < high["input_tokens"]


@PROBES.add("Video block", "视频块")
def video(case: Case) -> bool:
    """The model gets it."""
    return "MP4 video" in case.model().invoke(_asked(block("video", film(), "video/mp4"))).text


@PROBES.add("Audio block", "音频块")
def audio(case: Case) -> bool:
    """The model gets it: StepFun wants a data URI."""
    asked = _asked(block("audio", sound(), "audio/wav"))
    return "WAV audio" in case.model(model="stepaudio-2.5-chat").invoke(asked).text


@PROBES.add("Spoken answer as an audio block", "语音回答成为音频块")
def spoken(case: Case) -> bool:
    """The sound, all of it, with its MIME type."""
    return _heard(case.model(model=SPEAKER).invoke(QUESTION, **SPOKEN)) == _said(case)


@PROBES.add("Spoken answer as an audio block, streamed", "语音回答成为音频块，流式")
def spoken_streamed(case: Case) -> bool:
    """The same sound, from the chunks added up."""
    reply = streamed(case.model(model=SPEAKER), QUESTION, **SPOKEN_STREAMED)
    with wave.open(io.BytesIO(_said(case))) as recording:
        return _heard(reply) == recording.readframes(recording.getnframes())


def _said(case: Case) -> bytes:
    message = case.wire(QUESTION, model=SPEAKER, **SPOKEN)["choices"][0]["message"]
    return base64.b64decode(message["audio"]["data"])


def _heard(message: AIMessage) -> bytes:
    blocks = [block for block in message.content_blocks if block["type"] == "audio"]
    return b"".join(base64.b64decode(block["base64"]) for block in blocks if block.get("mime_type"))

"""What a tool hands to the program: standard content blocks of plain values, which survive checkpoints and dumps."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stepfun_client.api.search import SearchResult
    from stepfun_client.api.transcript import Segment, Transcript
    from stepfun_client.audio import Audio
    from stepfun_client.picture import Picture

Block = dict[str, Any]


def audio_artifact(audio: Audio, **extras: Any) -> Block:
    """Write a recording as a standard audio block, under an id by which a model can name it.

    Args:
        audio: The recording.
        **extras: What else is known, put under `extras` with the recording's own facts; None is left out.
    """
    facts = {
        "format": audio.format,
        "sample_rate": audio.sample_rate,
        "channels": audio.channels,
        "duration_seconds": audio.duration_seconds,
        "voice": audio.voice,
        "model": audio.model,
        "text": audio.text,
        "trace_id": audio.trace_id,
        **extras,
    }
    return {
        "type": "audio",
        "id": f"audio_{uuid.uuid4().hex[:12]}",
        "base64": audio.base64(),
        "mime_type": audio.media_type,
        "extras": _known(facts),
    }


def picture_artifact(picture: Picture, **extras: Any) -> Block:
    """Write a picture as a standard image block, under an id by which a model can name it.

    Args:
        picture: The picture, fetched.
        **extras: What else is known, put under `extras` with the picture's own facts; None is left out.
    """
    facts = {
        "width": picture.width,
        "height": picture.height,
        "seed": picture.seed,
        "model": picture.model,
        "prompt": picture.prompt,
        "trace_id": picture.trace_id,
        **extras,
    }
    return {
        "type": "image",
        "id": f"image_{uuid.uuid4().hex[:12]}",
        "base64": picture.base64(),
        "mime_type": picture.media_type,
        "extras": _known(facts),
    }


def transcript_artifact(transcript: Transcript) -> Block:
    """Write a transcript as a standard text block, its segments and words under `extras`."""
    facts = {
        "language": transcript.language,
        "duration_seconds": transcript.duration_seconds,
        "segments": [_segment(segment) for segment in transcript.segments],
        "model": transcript.model,
        "trace_id": transcript.trace_id,
    }
    return {"type": "text", "text": transcript.text, "extras": _known(facts)}


def citation(result: SearchResult) -> Block:
    """Write a search result as a standard citation."""
    extras = _known({"position": result.position, "time": result.time, "content": result.content})
    cited = {"url": result.url, "title": result.title, "cited_text": result.snippet or result.content}
    return {"type": "citation", **_known(cited), "extras": extras}


def _segment(segment: Segment) -> dict[str, Any]:
    words = [_known({"text": word.text, "start": word.start, "end": word.end}) for word in segment.words]
    facts = {"text": segment.text, "start": segment.start, "end": segment.end, "channel": segment.channel}
    return {**_known(facts), **({"words": words} if words else {})}


def _known(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value is not None}

"""Where a tool takes recordings from: what a model named (see `naming`), or what a program passes itself.

Nothing that a model sends as JSON can be a block, an `Audio` or bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from langchain_core.tools import ToolException
from pydantic import InstanceOf

from langchain_stepfun.tools.naming import Address, Kind, check_size, content_of, named, named_field
from stepfun_client.api.speech_params import DEFAULT_SAMPLE_RATE
from stepfun_client.audio import Audio

MAX_BYTES = 100_000_000
"""What recognition takes at most (WIRE.md section 8: under 100 MB)."""

RECORDING = Kind("recording", "audio", "wav, mp3, ogg or flac", lambda media_type: media_type.startswith("audio/"))

_PCM_TYPES = ("audio/pcm", "audio/l16")

Recording = Audio | bytes


def audio_field(root_dir: Path | None) -> Any:
    """Make the schema's field for a recording: a text to a model, and for a program also a block, an Audio or bytes."""
    return named_field(RECORDING, InstanceOf[Audio] | InstanceOf[bytes] | Mapping[str, Any], root_dir)


def find_recording(given: Any, *, runtime: Any, root_dir: Path | None, max_bytes: int) -> Recording | Address:
    """Find the recording that is meant.

    Args:
        given: A model's words, or a standard audio block, an `Audio`, or a file's bytes.
        runtime: The agent's state around the call; None outside an agent.
        root_dir: The folder whose files a model may name; None for no files.
        max_bytes: The largest recording taken.

    Returns:
        The recording, or the address to fetch it from.

    Raises:
        ToolException: If it is none, or none that may be taken; it says what may.
    """
    found = given
    if isinstance(found, str):
        found = named(found, RECORDING, runtime=runtime, root_dir=root_dir, max_bytes=max_bytes)
    if isinstance(found, Mapping):
        found = _in_block(found)
    if isinstance(found, Address):
        return found
    if not isinstance(found, (Audio, bytes)):
        raise ToolException(f"A {type(found).__name__} is no recording; pass an audio block, an Audio, or bytes")
    check_size(len(found), RECORDING, max_bytes)
    return found


def _in_block(block: Mapping[str, Any]) -> Recording | Address:
    """Take the recording out of a standard audio block."""
    content = content_of(block, RECORDING)
    if isinstance(content, Address):
        return content
    if block.get("mime_type") not in _PCM_TYPES:
        return RECORDING.checked(content)
    return Audio.of(
        content,
        format="pcm",
        sample_rate=_extra_number(block, "sample_rate", DEFAULT_SAMPLE_RATE),
        channels=_extra_number(block, "channels", 1),
    )


def _extra_number(block: Mapping[str, Any], name: str, default: int) -> int:
    extras = block.get("extras")
    number = extras.get(name) if isinstance(extras, Mapping) else None
    return number if isinstance(number, int) and number > 0 else default

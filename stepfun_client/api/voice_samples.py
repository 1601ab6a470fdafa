"""Recordings that voices are made from: checked, uploaded, and accounted for where what they are for fails.

What is not known for certain is not refused: the way past every check is a file uploaded before (WIRE.md section 7).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from stepfun_client.api.files import delete_file, upload
from stepfun_client.api.resource import BodyOptions, WireModel, checked, read
from stepfun_client.audio import Audio
from stepfun_client.errors import APIStatusError, InvalidParameterError, StepFunError
from stepfun_client.sniffing import sniff

if TYPE_CHECKING:
    from typing import TypeAlias

    from stepfun_client.core.call import Call, Flow, Source

VoiceSource: TypeAlias = "Source | Audio"

SHORTEST_SECONDS, LONGEST_SECONDS = 5.0, 10.0

_MOST_BYTES = 128 << 20  # of a file with purpose storage
_FORMATS = {"audio/wav": "wav", "audio/mpeg": "mp3"}
_WAY_PAST = (
    "Or upload it yourself with client.files.create(..., purpose='storage') and pass file_id=..., which is not checked"
)

ReplyT = TypeVar("ReplyT", bound=WireModel)


@dataclass(frozen=True)
class Sample:
    """A recording that StepFun has; `ours` where it was uploaded just now, for this."""

    file_id: str
    ours: bool


def uploaded(file: VoiceSource | None, file_id: str | None, options: Mapping[str, Any]) -> Flow[Sample]:
    """Check a recording and upload it; where none is given, the one that was uploaded before is meant.

    Raises:
        InvalidParameterError: If it is no wav or mp3 of 5 to 10 seconds.
    """
    if file is None:
        return Sample(file_id or "", ours=False)
    content, form = _recording(file)
    name = f"{Path(_name_of(file)).stem or 'sample'}.{form}"
    own = {option: value for option, value in checked(BodyOptions, options).items() if option != "extra_body"}
    stored = yield from upload(content, purpose="storage", filename=name, **own)
    return Sample(stored.id, ours=True)


def asked(call: Call, kind: type[ReplyT], sample: Sample, advice: str) -> Flow[ReplyT]:
    """Make the call. Where it is refused, a recording uploaded for it is deleted; where it fails, it is named.

    Args:
        call: The call.
        kind: What its reply is read into.
        sample: The recording it is about.
        advice: What to do next where it is not known what became of the call.
    """
    try:
        reply = yield call
        return read(kind, reply)
    except StepFunError as error:
        if not _is_refusal(error):
            _add(error, f"the recording is file {sample.file_id}: {advice}")
        elif sample.ours and not (yield from _deleted(sample.file_id)):
            _add(error, f"the recording stays uploaded as file {sample.file_id}")
        raise


def _add(error: StepFunError, fact: str) -> None:
    error.message = f"{error.message}; {fact}"
    error.args = (error.message, *error.args[1:])


def _is_refusal(error: StepFunError) -> bool:
    """Whether the service certainly did nothing."""
    return isinstance(error, APIStatusError) and 400 <= error.status_code < 500 and error.status_code != 408


def _deleted(file_id: str) -> Flow[bool]:
    try:
        yield from delete_file(file_id)
    except StepFunError:
        return False
    return True


def _recording(file: VoiceSource) -> tuple[bytes, str]:
    """Read a recording and check what StepFun would refuse."""
    content = _content_of(file)
    form = _FORMATS.get(sniff(content) or "")
    if form is None:
        raise InvalidParameterError(
            f"the recording is {sniff(content) or 'of no known kind'}; StepFun clones voices from wav and mp3. Convert "
            f"it: ffmpeg -i input -ac 1 output.wav. {_WAY_PAST}",
            param="file",
        )
    seconds = Audio.of(content, format=form).duration_seconds
    if seconds is None:
        raise InvalidParameterError(
            f"the {form} recording is broken: its length cannot be read. {_WAY_PAST}", param="file"
        )
    if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        raise InvalidParameterError(
            f"the recording lasts {seconds:.2f} s; StepFun clones voices from {SHORTEST_SECONDS:.0f} to "
            f"{LONGEST_SECONDS:.0f} s. Cut it: ffmpeg -i input -t 9 output.wav. {_WAY_PAST}",
            param="file",
        )
    return content, form


def _content_of(file: VoiceSource) -> bytes:
    content = _read(file)
    if len(content) > _MOST_BYTES:
        raise InvalidParameterError(
            f"the recording has more than {_MOST_BYTES >> 20} MB; StepFun clones voices from "
            f"{SHORTEST_SECONDS:.0f} to {LONGEST_SECONDS:.0f} s",
            param="file",
        )
    return content


def _read(file: VoiceSource) -> bytes:
    """Read a recording, but not much more than is allowed."""
    if isinstance(file, Audio):
        return file.to_wav().content if file.format == "pcm" else file.content
    if isinstance(file, os.PathLike):
        with Path(file).open("rb") as opened:
            return opened.read(_MOST_BYTES + 1)
    if isinstance(file, (bytes, bytearray, memoryview)):
        return bytes(file)
    content = file.read(_MOST_BYTES + 1) if hasattr(file, "read") else None
    if not isinstance(content, bytes):
        raise InvalidParameterError(
            f"the recording is a {type(file).__name__}; pass a path as pathlib.Path(...), bytes, a file open for "
            "reading in binary mode, or an Audio. For a URL: client.fetch(url).content",
            param="file",
        )
    return content


def _name_of(file: VoiceSource) -> str:
    name = file if isinstance(file, os.PathLike) else getattr(file, "name", None)
    return os.fspath(name) if isinstance(name, (str, os.PathLike)) else "sample"

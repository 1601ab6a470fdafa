"""Where a tool takes recordings from. Whatever a model says about it is hostile until it has been checked.

A model names a recording: one of the conversation, by its id or that of the tool call that made it; an https URL, of
which `client.fetch` visits public hosts only; or, where the developer opened a folder, a file inside it. A program may
also pass the recording itself, which nothing that a model sends as JSON can be.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from langchain_core.messages import BaseMessage, ToolMessage
from langchain_core.tools import InjectedToolArg, ToolException
from pydantic import Field, InstanceOf, SkipValidation, WithJsonSchema

from stepfun_client.api.speech_params import DEFAULT_SAMPLE_RATE
from stepfun_client.audio import Audio
from stepfun_client.core.fetching import is_public, place_of
from stepfun_client.errors import InvalidParameterError
from stepfun_client.sniffing import sniff

MAX_BYTES = 100_000_000
"""What recognition takes at most (WIRE.md section 8: under 100 MB)."""

Runtime = Annotated[Any, InjectedToolArg, SkipValidation, Field(default=None, exclude=True)]
"""A schema's field that an agent fills with its state: it knows it by the name `runtime`, and no model can set it."""

LATEST = "last"

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_PCM_TYPES = ("audio/pcm", "audio/l16")


@dataclass(frozen=True)
class Address:
    """A recording that is elsewhere: an https URL, its host not checked yet."""

    url: str


Recording = Audio | bytes


def described(root_dir: Path | None) -> str:
    """Tell a model how it may name a recording."""
    ways = [f"{LATEST!r} for the newest recording of the conversation", "a recording's id", "an https URL"]
    if root_dir is not None:
        ways.append("the path of a file in the folder that is open to you")
    return f"{', '.join(ways[:-1])}, or {ways[-1]}"


def audio_field(root_dir: Path | None) -> Any:
    """Make the schema's field for a recording: a text to a model, and for a program also a block, an Audio or bytes."""
    told = f"Which recording: {described(root_dir)}."
    kind = str | InstanceOf[Audio] | InstanceOf[bytes] | Mapping[str, Any]
    return (Annotated[kind, WithJsonSchema({"type": "string"})], Field(description=told))


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
    if isinstance(given, str):
        found = _named(given.strip(), runtime, root_dir, max_bytes)
    elif isinstance(given, Mapping):
        found = _in_block(given)
    else:
        found = given
    return found if isinstance(found, Address) else _checked(found, max_bytes)


def check_form(address: Address) -> None:
    """Check what can be checked of an address that StepFun itself visits, from its own network.

    Raises:
        ToolException: If it holds a user or password, another service's port, or a host that is plainly not public.
    """
    try:
        host = place_of(address.url).host
    except InvalidParameterError as error:
        raise ToolException(str(error)) from error
    is_number = ":" in host or host.rpartition(".")[2].isdecimal()
    is_inside = "." not in host.rstrip(".") or host.rstrip(".").endswith((".localhost", ".internal"))
    if (is_number and not is_public(host)) or (is_inside and not is_number):
        raise ToolException(f"{host} is no public host; name an https URL of one")


def as_recording(content: bytes) -> bytes:
    """Check that what was fetched or read is sound, and return it.

    Raises:
        ToolException: If it is something else.
    """
    kind = sniff(content)
    if not (kind or "").startswith("audio/"):
        raise ToolException(
            f"This is no recording but {kind or 'something unknown'}; name a wav, mp3, ogg or flac file"
        )
    return content


def _named(name: str, runtime: Any, root_dir: Path | None, max_bytes: int) -> Recording | Address:
    if _SCHEME.match(name):
        return _address(name)
    known = list(_recordings(_messages(runtime)))
    for names, block in known:
        if name == LATEST or name in names:
            return _in_block(block)
    if root_dir is not None:
        return as_recording(_file_content(name, root_dir, max_bytes))
    ids = ", ".join(names[0] for names, _ in known if names) or "none so far"
    raise ToolException(
        f"There is no recording {name[:80]!r}. Allowed: {described(root_dir)}. Recordings of this conversation, the "
        f"newest first: {ids}"
    )


def _address(url: str) -> Address:
    if not url.lower().startswith("https://"):
        raise ToolException(f"{url.partition(':')[0]}: addresses are not visited; name an https URL of a public host")
    return Address(url)


def _in_block(block: Mapping[str, Any]) -> Recording | Address:
    """Take the recording out of a standard audio block."""
    if block.get("type") != "audio":
        raise ToolException(f"A block of type {block.get('type')!r} holds no recording; pass one of type 'audio'")
    if isinstance(encoded := block.get("base64"), str):
        return _decoded(encoded, block)
    url = block.get("url")
    if isinstance(url, str) and url.startswith("data:"):
        return _decoded(url.partition(",")[2], block)
    if isinstance(url, str):
        return _address(url)
    raise ToolException("This audio block holds neither base64 nor a url")


def _decoded(encoded: str, block: Mapping[str, Any]) -> Recording:
    try:
        content = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise ToolException(f"The audio block's content is no base64 ({error})") from None
    if block.get("mime_type") not in _PCM_TYPES:
        return as_recording(content)
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


def _checked(found: Any, max_bytes: int) -> Recording:
    if not isinstance(found, (Audio, bytes)):
        raise ToolException(f"A {type(found).__name__} is no recording; pass an audio block, an Audio, or bytes")
    if len(found) > max_bytes:
        raise ToolException(f"The recording has {len(found):,} bytes; at most {max_bytes:,} are taken")
    return found


def _file_content(name: str, root_dir: Path, max_bytes: int) -> bytes:
    """Read a file of the open folder. What lies outside is not told from what is not there."""
    root = root_dir.resolve()
    try:
        path = (root / name).resolve()
        if not (path.is_relative_to(root) and path.is_file()):
            raise FileNotFoundError
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except (OSError, ValueError):
        raise ToolException(
            f"There is no recording {name[:80]!r}, neither in the conversation nor in the folder open to you. "
            f"Allowed: {described(root_dir)}"
        ) from None
    if len(content) > max_bytes:
        raise ToolException(f"{name[:80]!r} has more than {max_bytes:,} bytes, which is the most that is taken")
    return content


def _messages(runtime: Any) -> list[BaseMessage]:
    state = getattr(runtime, "state", None)
    held = state.get("messages") if isinstance(state, Mapping) else getattr(state, "messages", state)
    return [message for message in held if isinstance(message, BaseMessage)] if isinstance(held, Sequence) else []


def _recordings(messages: Sequence[BaseMessage]) -> Iterator[tuple[list[str], Mapping[str, Any]]]:
    """Yield the conversation's recordings, the newest first, each with the names it goes by."""
    for message in reversed(messages):
        held: Any = message.content_blocks
        outer = message.id
        if isinstance(message, ToolMessage):
            held, outer = message.artifact, message.tool_call_id
        for block in reversed(held if isinstance(held, list) else [held]):
            if isinstance(block, Mapping) and block.get("type") == "audio":
                yield [name for name in (block.get("id"), outer) if name], block

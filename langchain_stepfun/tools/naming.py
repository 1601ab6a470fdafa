"""How a model names a file that a tool is to take. Whatever it says is hostile until it has been checked.

A model names a file of the conversation, by its id, that of the tool call that made it, or the path it was saved as; an
https URL, of which `client.fetch` visits public hosts only; or, where the developer opened a folder, a file inside it.
Which kind of file it must be, and that its content is one, is the caller's: see `Kind`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from langchain_core.messages import BaseMessage, ToolMessage
from langchain_core.tools import InjectedToolArg, ToolException
from pydantic import Field, SkipValidation, WithJsonSchema

from stepfun_client.core.fetching import plainly_public
from stepfun_client.errors import InvalidParameterError
from stepfun_client.named_files import read_inside, scheme_of
from stepfun_client.sniffing import sniff

Runtime = Annotated[Any, InjectedToolArg, SkipValidation, Field(default=None, exclude=True)]
"""A schema's field that an agent fills with its state: it knows it by the name `runtime`, and no model can set it."""

LATEST = "last"


@dataclass(frozen=True)
class Kind:
    """A kind of file that tools take.

    Attributes:
        noun: What a model calls it.
        block: The type of standard content block that holds one.
        forms: The formats to name, for messages.
        holds: Whether a MIME type, found by the content, is of this kind.
    """

    noun: str
    block: str
    forms: str
    holds: Callable[[str], bool]

    def checked(self, content: bytes) -> bytes:
        """Check that a file is of this kind by its content, and return it.

        Raises:
            ToolException: If it is something else.
        """
        found = sniff(content)
        if not (found and self.holds(found)):
            raise ToolException(f"This is no {self.noun} but {found or 'something unknown'}; name a {self.forms} file")
        return content


@dataclass(frozen=True)
class Address:
    """A file that is elsewhere: an https URL, its host not checked yet."""

    url: str


def described(kind: Kind, root_dir: Path | None) -> str:
    """Tell a model how it may name a file."""
    ways = [f"{LATEST!r} for the newest {kind.noun} of the conversation", f"a {kind.noun}'s id", "an https URL"]
    if root_dir is not None:
        ways.append("the path of a file in the folder that is open to you")
    return f"{', '.join(ways[:-1])}, or {ways[-1]}"


def named_field(kind: Kind, also: Any, root_dir: Path | None, *, default: Any = ...) -> Any:
    """Make the schema's field for a file: a text to a model, and for a program also what else is taken."""
    told = f"Which {kind.noun}: {described(kind, root_dir)}."
    return (Annotated[str | also, WithJsonSchema({"type": "string"})], Field(default, description=told))


def named(
    name: str, kind: Kind, *, runtime: Any, root_dir: Path | None, max_bytes: int
) -> Mapping[str, Any] | bytes | Address:
    """Find the file that a model means.

    Args:
        name: The model's words.
        kind: What it must be.
        runtime: The agent's state around the call; None outside an agent.
        root_dir: The folder whose files a model may name; None for no files.
        max_bytes: The largest file of the folder that is read.

    Returns:
        A block of the conversation, a checked file of the folder, or the address to fetch it from.

    Raises:
        ToolException: If there is none, or none that may be taken; it says what may.
    """
    name = name.strip()
    if scheme_of(name):
        return _address(name)
    known = list(_held(kind, _messages(runtime)))
    for names, block in known:
        if name == LATEST or name in names:
            return block
    if root_dir is not None and name != LATEST:
        return kind.checked(_file_content(name, kind, root_dir, max_bytes))
    if name == LATEST:
        file = "" if root_dir is None else ", or the path of a file in the folder that is open to you"
        raise ToolException(f"There is no {kind.noun} in this conversation yet. Make one, or name an https URL{file}")
    ids = ", ".join(names[0] for names, _ in known if names) or "none so far"
    raise ToolException(
        f"There is no {kind.noun} {name[:80]!r}. Allowed: {described(kind, root_dir)}. {kind.noun.capitalize()}s of "
        f"this conversation, the newest first: {ids}"
    )


def content_of(block: Mapping[str, Any], kind: Kind) -> bytes | Address:
    """Take out of a standard block what it holds; it is not checked yet.

    Raises:
        ToolException: If it is a block of another type, or holds nothing that can be taken.
    """
    if block.get("type") != kind.block:
        raise ToolException(
            f"A block of type {block.get('type')!r} holds no {kind.noun}; pass one of type {kind.block!r}"
        )
    encoded, url = block.get("base64"), block.get("url")
    if isinstance(url, str) and not isinstance(encoded, str):
        if not url.startswith("data:"):
            return _address(url)
        encoded = url.partition(",")[2]
    if not isinstance(encoded, str):
        raise ToolException(f"This {kind.block} block holds neither base64 nor a url")
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ToolException(f"The {kind.block} block's content is no base64 ({error})") from None


def check_size(size: int, kind: Kind, max_bytes: int) -> None:
    """Check that a file is not too large.

    Raises:
        ToolException: If it is.
    """
    if size > max_bytes:
        raise ToolException(f"The {kind.noun} has {size:,} bytes; at most {max_bytes:,} are taken")


def check_form(address: Address) -> None:
    """Check what can be checked of an address that StepFun itself visits, from its own network.

    Raises:
        ToolException: If it holds a user or password, another service's port, or a host that is plainly not public.
    """
    try:
        plainly_public(address.url)
    except InvalidParameterError as error:
        raise ToolException(error.message) from error


def _address(url: str) -> Address:
    if not url.lower().startswith("https://"):
        raise ToolException(
            f"{scheme_of(url) or url[:80]}: addresses are not visited; name an https URL of a public host"
        )
    return Address(url)


def _file_content(name: str, kind: Kind, root_dir: Path, max_bytes: int) -> bytes:
    """Read a file of the open folder."""
    try:
        return read_inside(root_dir, name, max_bytes=max_bytes)
    except InvalidParameterError as error:
        raise ToolException(
            f"There is no {kind.noun} {name[:80]!r} in the conversation, nor one to take in the folder open to you: "
            f"{error.message}. Allowed: {described(kind, root_dir)}"
        ) from None


def _messages(runtime: Any) -> list[BaseMessage]:
    state = getattr(runtime, "state", None)
    held = state.get("messages") if isinstance(state, Mapping) else getattr(state, "messages", state)
    return [message for message in held if isinstance(message, BaseMessage)] if isinstance(held, Sequence) else []


def _held(kind: Kind, messages: Sequence[BaseMessage]) -> Iterator[tuple[list[str], Mapping[str, Any]]]:
    """Yield the conversation's files of a kind, the newest first, each with the names it goes by."""
    for message in reversed(messages):
        held: list[Any] = list(message.content_blocks)
        outer = message.id
        if isinstance(message, ToolMessage):
            made = message.artifact if isinstance(message.artifact, list) else [message.artifact]
            held, outer = (made if _of(kind, made) else held), message.tool_call_id
        for block in reversed(_of(kind, held)):
            yield [name for name in (block.get("id"), outer, *_saved_as(block)) if name], block


def _saved_as(block: Mapping[str, Any]) -> list[str]:
    """The file a tool told of: its name is one of what the conversation holds, and no file is read for it."""
    extras = block.get("extras")
    path = extras.get("path") if isinstance(extras, Mapping) else None
    return [path, Path(path).name] if isinstance(path, str) else []


def _of(kind: Kind, blocks: Sequence[Any]) -> list[Mapping[str, Any]]:
    return [block for block in blocks if isinstance(block, Mapping) and block.get("type") == kind.block]

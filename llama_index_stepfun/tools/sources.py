"""What a model may name as a tool's input: something made earlier, a public https URL, a file in an opened folder.

Whatever a model sends is hostile until shown otherwise: everything is refused before it is opened, fetched or paid for,
and a refusal tells nothing about files outside the folder.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from stepfun_client.errors import InvalidParameterError
from stepfun_client.named_files import read_inside, scheme_of
from stepfun_client.sniffing import sniff

if TYPE_CHECKING:
    from pathlib import Path

    from llama_index_stepfun.tools.shelf import Shelf, ThingT

LONGEST_NAME = 2048

_PROGRAMS = ("image/svg+xml",)  # a drawing in words, which may hold scripts and links: no picture to StepFun either

_UNSEEMLY = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")  # neither a file system nor a URL knows lone surrogates


class Link(NamedTuple):
    """An https URL that is still to be fetched, by a client that visits public hosts only."""

    url: str


def find(name: object, shelf: Shelf[ThingT], *, root_dir: Path | None, most_bytes: int) -> ThingT | bytes | Link:
    """Find what a model named.

    Args:
        name: What the model said; a string, if it is well-behaved.
        shelf: What was made earlier.
        root_dir: The folder whose files may be read, or None for none.
        most_bytes: The largest file to read.

    Returns:
        The thing from the shelf, a file's content of the shelf's kind, or a link to one.

    Raises:
        InvalidParameterError: If it is none of what is allowed; the message is for the model.
    """
    kind = shelf.kind
    given = name.strip() if isinstance(name, str) else ""
    if not given or len(given) > LONGEST_NAME or _UNSEEMLY.search(given):
        raise _refusal(given, kind, "it is empty, too long, or holds control characters", root_dir)
    if shelf.is_name(given):
        thing = shelf.get(given)
        if thing is None:
            raise _refusal(given, kind, "nothing of that name is kept any more; make it again", root_dir)
        return thing
    if given.lower().startswith("https://"):
        return Link(given)
    if scheme_of(given):
        raise _refusal(given, kind, "of URLs only https:// is allowed", root_dir)
    if root_dir is None:
        raise _refusal(given, kind, "no folder has been opened to you", root_dir)
    try:
        content = read_inside(root_dir, given, max_bytes=most_bytes)
    except InvalidParameterError as error:
        raise _refusal(given, kind, error.message, root_dir) from None
    return of_kind(content, kind, given)


def of_kind(content: bytes, kind: str, name: str) -> bytes:
    """Return content that is of a kind, told by its first bytes: `"audio"` or `"image"`.

    Raises:
        InvalidParameterError: If it is of another kind, or of none that is known.
    """
    found = sniff(content)
    if found is None or not found.startswith(f"{kind}/") or found in _PROGRAMS:
        raise InvalidParameterError(
            f"{name[:200]!r} is no {kind} ({found or 'its content is of no known kind'}); name another file", param=kind
        )
    return content


def _refusal(given: str, kind: str, reason: str, root_dir: Path | None) -> InvalidParameterError:
    file = "" if root_dir is None else ", the path of a file in the folder opened to you"
    return InvalidParameterError(
        f"{given[:200]!r} is not taken: {reason}. Allowed are the id of something made earlier ({kind}-...){file}, and "
        f"an https:// URL of a public host",
        param=kind,
    )

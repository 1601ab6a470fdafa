"""The pictures, films and sounds of a conversation: from where they come and what they must be (WIRE.md section 4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from stepfun_emulator.errors import Refusal, invalid, unfetchable
from stepfun_emulator.media import KINDS, Medium, read_data_uri, sniff

if TYPE_CHECKING:
    from stepfun_emulator.catalogue import Model

StoredFile = Callable[[str], "bytes | None"]


@dataclass(frozen=True)
class Attachments:
    """Reads the media of one request.

    Args:
        model: Decides which kinds are accepted.
        stored: Gives the content of an uploaded file of purpose ``storage``, or None.
    """

    model: Model
    stored: StoredFile

    def unsupported(self, param: str, kind: object) -> Refusal:
        """The refusal of a type of content that there is not."""
        return self._refusal(param, f"content type {kind!r} is not supported")

    def check(self, kind: str, param: str) -> None:
        """See that the model takes a kind of media.

        Raises:
            Refusal: It does not; the router has an error type of its own for that.
        """
        if kind not in self.model.takes:
            raise self._refusal(param, f"model {self.model.id} does not accept {kind} input")

    def _refusal(self, param: str, message: str) -> Refusal:
        if self.model.routes:
            return Refusal(400, "unsupported_content_type", message, param=param)
        return invalid(param, message)

    def medium(self, kind: str, source: str, at: str, *, detail: str = "low") -> Medium:
        """Read one.

        Args:
            kind: ``image``, ``video`` or ``audio``.
            source: A URL, a data URI or, but for audio, ``stepfile://`` and a file's id.
            at: Where the source stands in the request.
            detail: ``low`` or ``high``.

        Raises:
            Refusal: It cannot be read, or is of another kind.
        """
        if kind != "audio" and source.startswith(("http://", "https://")):
            if (urlsplit(source).hostname or "").endswith(".invalid"):
                raise unfetchable(source)
            return Medium(kind, url=source, detail=detail)
        data = self._bytes(kind, source, at)
        form = sniff(data)
        if KINDS.get(form) != kind:
            accepted = ", ".join(name for name, of in KINDS.items() if of == kind)
            raise Refusal(400, "input_invalid", f"{at} is not a supported {kind}: expected {accepted}", param=at)
        return Medium(kind, form, data, detail=detail)

    def _bytes(self, kind: str, source: str, at: str) -> bytes:
        if kind != "audio" and source.startswith("stepfile://"):
            data = self.stored(source.removeprefix("stepfile://"))
            if data is None:
                raise Refusal(400, "input_invalid", f"no file of purpose storage under {source}", param=at)
            return data
        try:
            declared, data = read_data_uri(source)
        except ValueError as error:
            raise Refusal(400, "input_invalid", f"url invalid. url: {source[:60]} msg: {error}", param=at) from None
        if declared.partition("/")[0] != kind:
            raise Refusal(400, "input_invalid", f"{at} declares {declared or 'no type'}, expected {kind}/*", param=at)
        return data

"""A picture with what is known about it: shows inline in notebooks, saves itself, knows how large it is."""

from __future__ import annotations

import base64
import html
import io
import os
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stepfun_client.dimensions import dimensions
from stepfun_client.errors import InvalidParameterError
from stepfun_client.saving import save_whole
from stepfun_client.sniffing import by_name, ending_of, sniff

if TYPE_CHECKING:
    from PIL.Image import Image

PICTURE_TYPES = ("image/png", "image/jpeg", "image/webp", "image/gif")

_OTHER_PICTURES = (".avif", ".bmp", ".heic", ".svg", ".tif", ".tiff")
_SHOWN_AS_THEMSELVES = ("image/png", "image/jpeg")
_SHOWN_BYTES = 32 << 20  # what a notebook is asked to hold in one cell
_URL_LIFE = "about 30 days (7 on modelverse)"


@dataclass(frozen=True)
class Picture:
    """A picture: what generating, transforming and editing return.

    In a notebook, the last expression of a cell shows inline. `Picture.of` tells the format and the size by the
    content; the constructor takes everything as it is given.

    Attributes:
        content: The file's bytes; None while only its URL is known (then `client.images.fetch(picture)` gets them).
        url: Where it is, for about 30 days (7 on modelverse); None where the service sent the file itself.
        media_type: `image/png`, `image/jpeg`, `image/webp` or `image/gif`; None while there is no content.
        width: In pixels, by the file's own header; None where unknown.
        height: In pixels, by the file's own header; None where unknown.
        seed: What makes the same picture again.
        finish_reason: How the service ended, e.g. `success`.
        model: The model that made it.
        prompt: What was asked for.
        trace_id: The exchange it came from; StepFun's support asks for it.
        created: When it was made, in Unix seconds.
    """

    content: bytes | None = field(default=None, repr=False)
    url: str | None = None
    media_type: str | None = None
    width: int | None = None
    height: int | None = None
    seed: int | None = None
    finish_reason: str | None = None
    model: str | None = None
    prompt: str | None = None
    trace_id: str | None = None
    created: int | None = None

    @classmethod
    def of(
        cls,
        content: bytes | bytearray | memoryview,
        *,
        url: str | None = None,
        seed: int | None = None,
        finish_reason: str | None = None,
        model: str | None = None,
        prompt: str | None = None,
        trace_id: str | None = None,
        created: int | None = None,
    ) -> Picture:
        """Make one from a file's bytes: what it is and how large, its content says.

        Args:
            content: A PNG, JPEG, WebP or GIF file.
            url: Where it came from.
            seed: What makes the same picture again.
            finish_reason: How the service ended.
            model: The model that made it.
            prompt: What was asked for.
            trace_id: The exchange it came from.
            created: When it was made, in Unix seconds.

        Returns:
            The picture. A file that is cut off or broken has what could be read.

        Raises:
            InvalidParameterError: If the content is none of these formats: an SVG or a web page, say.

        Example:
            >>> Picture.of(b"GIF89a" + bytes.fromhex("4001 c800"))
            Picture(gif, 320x200, 10 bytes)
        """
        content = bytes(content)
        media_type = sniff(content)
        if media_type not in PICTURE_TYPES:
            raise InvalidParameterError(
                f"the content is {media_type or 'of no known kind'}, no picture: a Picture is a PNG, JPEG, WebP or GIF",
                param="content",
            )
        width, height = dimensions(content) or (None, None)
        return cls(
            content,
            url,
            media_type,
            width,
            height,
            seed=seed,
            finish_reason=finish_reason,
            model=model,
            prompt=prompt,
            trace_id=trace_id,
            created=created,
        )

    @property
    def format(self) -> str | None:
        """`png`, `jpeg`, `webp` or `gif`; None while there is no content."""
        return self.media_type.rpartition("/")[2] if self.media_type else None

    def base64(self) -> str:
        """The content in base64.

        Raises:
            InvalidParameterError: If only the picture's URL is known.
        """
        return base64.b64encode(bytes(self)).decode("ascii")

    def data_uri(self) -> str:
        """The content as a `data:` URI, which chat models and the image calls take.

        Raises:
            InvalidParameterError: If only the picture's URL is known.

        Example:
            >>> Picture.of(b"GIF89a").data_uri()
            'data:image/gif;base64,R0lGODlh'
        """
        return f"data:{self.media_type};base64,{self.base64()}"

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the content to a file, whole or not at all; a file that is there is replaced.

        Args:
            path: Where to; its directory must exist. An ending that promises another format is refused, another or none
                is left as it is.

        Returns:
            The path, as it was given.

        Raises:
            InvalidParameterError: If the ending contradicts the format, or only the picture's URL is known.
            OSError: If the file cannot be written.

        Example:
            >>> import tempfile
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     Picture.of(b"GIF89a").save(Path(folder) / "hello.gif").name
            'hello.gif'
        """
        path, content = Path(path), bytes(self)
        self._check_ending(path)
        save_whole(path, content)
        return path

    def to_pil(self) -> Image:
        """The picture as Pillow's `PIL.Image.Image`.

        Raises:
            InvalidParameterError: If Pillow is not installed, cannot read the file, or only the picture's URL is known.
        """
        content = bytes(self)
        try:
            from PIL import Image  # noqa: PLC0415 - the only need for it, and an optional one
        except ImportError:
            raise InvalidParameterError(
                "to_pil() needs Pillow: pip install pillow. Without it, .save(path) writes the picture and .content "
                "are its bytes"
            ) from None
        try:
            return Image.open(io.BytesIO(content))
        except (OSError, Image.DecompressionBombError) as error:
            raise InvalidParameterError(f"Pillow cannot read this {self.format} file: {error}") from None

    def __bytes__(self) -> bytes:
        if self.content is None:
            raise InvalidParameterError(
                "only this picture's URL is known, not its content: fetch it with client.images.fetch(picture), or ask "
                "for it at once with fetch=True",
                param="content",
            )
        return self.content

    def __repr__(self) -> str:
        told = f"{len(self.content)} bytes" if self.content is not None else f"at {self.url}"
        return f"Picture({', '.join([*self._facts(), told])})"

    def _repr_html_(self) -> str | None:
        """The picture for notebooks; None for what is shown as itself: Jupyter would prefer the HTML to it."""
        return None if self._is_shown_as_itself() else self._html()

    def _is_shown_as_itself(self) -> bool:
        return self.media_type in _SHOWN_AS_THEMSELVES and 0 < len(self.content or b"") <= _SHOWN_BYTES

    def _html(self) -> str:
        """The picture with what is known beneath it."""
        line = html.escape(" · ".join(self._facts()))
        if self.content is None:
            return f"<div>{line}</div><div>{self._link()}</div>"
        if len(self.content) > _SHOWN_BYTES:
            return f"<div>{line} · {len(self.content):,} bytes are too many to show here: .save(path)</div>"
        alt = html.escape(self.prompt or "picture")
        return f'<div><img src="{self.data_uri()}" alt="{alt}" style="max-width: 100%"><div>{line}</div></div>'

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        """What Jupyter shows: the picture where it can, else one line.

        PNG and JPEG are given as themselves, which every viewer shows; many leave a `data:` URI in HTML out.
        """
        bundle = {"text/html": self._html, "text/plain": self.__repr__}
        shown = "text/html"
        if self._is_shown_as_itself():
            shown = str(self.media_type)
            bundle[shown] = self.base64
        wanted = set(include or (shown, "text/plain")) - set(exclude or ())
        return {kind: write() for kind, write in bundle.items() if kind in wanted}

    def _facts(self) -> list[str]:
        size = f"{self.width}x{self.height}" if self.width and self.height else None
        seed = f"seed {self.seed}" if self.seed is not None else None
        return [fact for fact in (self.model, self.format, size, seed) if fact]

    def _link(self) -> str:
        """Where it is, as a link; what somebody else calls a URL may be a script."""
        url = html.escape(str(self.url))
        link = f'<a href="{url}" rel="noreferrer">{url}</a>' if is_url(self.url) else url
        return f"not fetched: {link} is valid for {_URL_LIFE}; client.images.fetch(picture) gets it"

    def _check_ending(self, path: Path) -> None:
        ending = path.suffix.lower()
        if ending in _OTHER_PICTURES or by_name(path.name) not in {None, self.media_type}:
            raise InvalidParameterError(
                f"{path.name!r} does not fit: this is {self.format}, and saving does not convert. End it with "
                f"{ending_of(self.media_type or '') or 'its own ending'}, or convert it: picture.to_pil().save(path)",
                param="path",
            )


def is_url(value: Any) -> bool:
    """Whether it names a file elsewhere, by http or https.

    >>> is_url("https://example.com/cat.png"), is_url("javascript:alert(1)")
    (True, False)
    """
    return isinstance(value, str) and value[:8].lower().startswith(("http://", "https://"))

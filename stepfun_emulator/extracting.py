"""The text of documents, as ``GET /files/{id}/content`` gives it."""

from __future__ import annotations

import io
import re
import zipfile
from html import unescape
from html.parser import HTMLParser

_OFFICE = re.compile(r"word/document\.xml|ppt/slides/slide\d+\.xml|xl/sharedStrings\.xml")
_PARAGRAPH = re.compile(r"</(?:w:p|a:p|si)>")
_TAG = re.compile(r"<[^>]*>")


def extract(ending: str, data: bytes) -> str:
    """The text of a document; for a format that the standard library cannot read, a sentence that says so."""
    if ending in ("txt", "md", "csv", "xml"):
        return _decoded(data)
    if ending in ("html", "htm"):
        page = _Page()
        page.feed(_decoded(data))
        return page.text()
    if ending in ("docx", "pptx", "xlsx"):
        return _office(data)
    return f"[The StepFun emulator does not read {ending} files: {len(data)} bytes were uploaded.]"


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("gb18030", "replace")


def _office(data: bytes) -> str:
    """The paragraphs of an Office file, which is XML in a zip."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = [archive.read(name).decode() for name in sorted(archive.namelist()) if _OFFICE.fullmatch(name)]
    except (zipfile.BadZipFile, UnicodeDecodeError):
        return "[The StepFun emulator could not read this Office file.]"
    text = _TAG.sub("", _PARAGRAPH.sub("\n", "\n".join(parts)))
    return "\n".join(line.strip() for line in unescape(text).splitlines() if line.strip())


class _Page(HTMLParser):
    """What a reader of a page sees."""

    _SILENT = frozenset({"script", "style", "template", "head"})
    _BLOCKS = frozenset({"p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "section", "title"})

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._silent += tag in self._SILENT
        if tag in self._BLOCKS:
            self._parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in self._SILENT and self._silent > 0

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._parts.append(data)

    def text(self) -> str:
        """The text, one line a block."""
        lines = (" ".join(line.split()) for line in "".join(self._parts).splitlines())
        return "\n".join(line for line in lines if line)

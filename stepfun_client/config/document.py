"""A configuration's text as a tree that knows its lines: plain YAML, read strictly and within bounds.

Whatever is refused is refused without quoting values: the text may hold a key, well placed or not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stepfun_client.errors import InvalidParameterError

MOST_BYTES = 256 * 1024
DEEPEST = 16

_MOST_OF_A_NUMBER = 2**63
_NUMBERS = "numbers are finite, and of 64 bits at most"
_QUOTED = re.compile(r"(?P<quote>['\"])(?!<|\\.['\"])(?:(?!(?P=quote)).){2,}(?P=quote)")
_LONGEST_NAME = 100
_LIKE_A_SECRET = re.compile(r"(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{16,}")
_HARMLESS_NAME = re.compile(r"[A-Za-z_-]{1,32}")


@dataclass(frozen=True)
class Place:
    """Where something stands: a file and a line, and the path of keys that leads there.

    Attributes:
        source: The file's path, or `"config"` for a mapping.
        line: The line, from 1; None in a mapping.
        key: The path of keys, e.g. `"models.step-2-16k.type"`; empty for the whole.
    """

    source: str
    line: int | None = None
    key: str = ""

    def inside(self, name: str, line: int | None = None) -> Place:
        """Return the place of a key, or of a number of a list, in here; a key that looks like a secret is not told."""
        name = "***" if len(name) > _LONGEST_NAME or _LIKE_A_SECRET.search(name) else name
        return Place(self.source, line, f"{self.key}.{name}" if self.key else name)

    def __str__(self) -> str:
        return self.source if self.line is None else f"{self.source}, line {self.line}"

    def refused(self, what: str) -> InvalidParameterError:
        """Make the error that says what is wrong here."""
        return InvalidParameterError(f"{self}: {self.key or 'the configuration'} {what}", param=self.key or "config")


@dataclass(frozen=True, repr=False)
class Entry:
    """A value and its place; lists and tables hold entries. Its `repr` does not show the value, which may be a key."""

    value: Any
    place: Place

    def __repr__(self) -> str:
        return f"<{self.place.key} in {self.place}>"

    @property
    def plain(self) -> Any:
        """The value without places."""
        if isinstance(self.value, dict):
            return {name: entry.plain for name, entry in self.value.items()}
        return [entry.plain for entry in self.value] if isinstance(self.value, list) else self.value


def shown(name: str) -> str:
    """Quote a name in an error, unless it could as well be a key that went astray."""
    return repr(name) if _HARMLESS_NAME.fullmatch(name) else "what is written here"


def listed(names: Iterable[str]) -> str:
    """List names in an error."""
    return ", ".join(names) or "none"


class _Refusal(Exception):  # noqa: N818 - it goes no further than this module
    """Something is wrong with the text; the error is made where no variable holds the text any more."""

    def __init__(self, place: Place, what: str) -> None:
        super().__init__(what)
        self.place = place
        self.what = what


# --- From a file -----------------------------------------------------------------------------------------------------


def read_file(path: Path) -> Entry:
    """Read a YAML file: one document of texts, numbers, flags, lists and tables.

    Args:
        path: The file, of 256 KiB at most.

    Raises:
        InvalidParameterError: If it cannot be read, or is not plain YAML: a key that is given twice, an anchor, an
            alias or a tag, more than one document, more than 16 levels.
        ImportError: If PyYAML is not installed.
    """
    found = _tree(path)
    if isinstance(found, _Refusal):
        raise found.place.refused(found.what)
    return found


def _tree(path: Path) -> Entry | _Refusal:
    """Build the tree, or say what is wrong: as a value, since an error would lead to the text it was raised for."""
    place = Place(str(path))
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        return _Refusal(place, f"cannot be read: {getattr(error, 'strerror', None) or 'this is no path of a file'}")
    if len(content) > MOST_BYTES:
        return _Refusal(place, f"has more than {MOST_BYTES:,} bytes; that is no configuration")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _Refusal(Place(str(path), _line_of(content, error.start)), "is not UTF-8; save it as UTF-8")
    return _composed(text, place)


def _composed(text: str, place: Place) -> Entry | _Refusal:
    yaml = _yaml()
    try:
        loader = yaml.SafeLoader(text)
    except yaml.reader.ReaderError as error:
        line = _line_of(text.encode(), len(text[: error.position].encode()))
        return _Refusal(Place(place.source, line), "holds a character that YAML does not allow")
    try:
        return _Composer(yaml, loader, place.source).document(place)
    except _Refusal as refusal:
        return refusal
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return _Refusal(
            Place(place.source, mark and mark.line + 1), f"is not valid YAML: {_without_quotes(error.problem)}"
        )
    except (ValueError, OverflowError):  # of a \U that is no character
        return _Refusal(place, "is not valid YAML: it holds an escape of no character")
    finally:
        loader.dispose()


def _yaml() -> Any:
    try:
        import yaml  # noqa: PLC0415 - only those who configure by file need it
    except ImportError:
        raise ImportError(
            "a configuration file needs PyYAML: pip install 'stepfun-integrations[config]'; a mapping needs nothing"
        ) from None
    return yaml


def _line_of(content: bytes, position: int) -> int:
    return content.count(b"\n", 0, position) + 1


def _without_quotes(problem: str | None) -> str:
    """Keep PyYAML's words, unless they quote more than a character or the name of a mark."""
    return problem if problem and not _QUOTED.search(problem) else "look at this line, and at the one above"


class _Composer:
    """Makes entries of the parser's events, so that nothing YAML can do beyond plain data is ever done."""

    def __init__(self, yaml: Any, loader: Any, source: str) -> None:
        self._source = source
        self._yaml = yaml
        self._loader = loader
        self._makers: dict[str, Callable[[Any], Any]] = {
            "tag:yaml.org,2002:null": loader.construct_yaml_null,
            "tag:yaml.org,2002:bool": loader.construct_yaml_bool,
            "tag:yaml.org,2002:int": loader.construct_yaml_int,
            "tag:yaml.org,2002:float": loader.construct_yaml_float,
        }

    def document(self, place: Place) -> Entry:
        """Read the one document there is; an empty one is an empty table."""
        self._loader.get_event()  # the stream begins
        if self._next_is(self._yaml.StreamEndEvent):
            return Entry(None, place)
        self._loader.get_event()  # the document begins
        root = self._entry(place, 0)
        self._loader.get_event()  # the document ends
        if not self._next_is(self._yaml.StreamEndEvent):
            raise self._refused(self._loader.peek_event(), "holds a second document; one is read")
        return root

    def _next_is(self, kind: type[Any]) -> bool:
        return bool(self._loader.check_event(kind))

    def _entry(self, place: Place, depth: int) -> Entry:
        event = self._loader.get_event()
        self._check(event, depth)
        place = Place(place.source, place.line or _line(event), place.key)
        if isinstance(event, self._yaml.MappingStartEvent):
            return Entry(self._table(place, depth), place)
        if isinstance(event, self._yaml.SequenceStartEvent):
            return Entry(self._list(place, depth), place)
        return Entry(self._scalar(event), place)

    def _check(self, event: Any, depth: int) -> None:
        if isinstance(event, self._yaml.AliasEvent) or event.anchor:
            raise self._refused(event, "has an anchor or an alias; write out what it stands for")
        if event.tag is not None:
            raise self._refused(event, "has a tag; plain YAML is read, without tags")
        if depth > DEEPEST:
            raise self._refused(event, f"is nested more than {DEEPEST} levels deep")

    def _refused(self, event: Any, what: str) -> _Refusal:
        """Name the line and not the path: what is no plain YAML may hold a key where a name should stand."""
        return _Refusal(Place(self._source, _line(event)), what)

    def _table(self, place: Place, depth: int) -> dict[str, Entry]:
        table: dict[str, Entry] = {}
        while not self._next_is(self._yaml.MappingEndEvent):
            key = self._loader.get_event()
            self._check(key, depth)
            if not isinstance(key, self._yaml.ScalarEvent):
                raise self._refused(key, "has a key that is no text")
            if key.value in table:
                first = table[key.value].place.line
                raise self._refused(key, f"has {shown(key.value)} twice; it is on line {first} already")
            table[key.value] = self._entry(place.inside(key.value, _line(key)), depth + 1)
        self._loader.get_event()
        return table

    def _list(self, place: Place, depth: int) -> list[Entry]:
        items: list[Entry] = []
        while not self._next_is(self._yaml.SequenceEndEvent):
            items.append(self._entry(place.inside(str(len(items))), depth + 1))
        self._loader.get_event()
        return items

    def _scalar(self, event: Any) -> Any:
        """Read a number, a flag or nothing; everything else, dates too, is a text."""
        tag = self._loader.resolve(self._yaml.ScalarNode, event.value, event.implicit)
        make = self._makers.get(tag)
        if make is None:
            return event.value
        node = self._yaml.ScalarNode(tag, event.value, event.start_mark, event.end_mark)
        try:
            value = make(node)
        except ValueError:
            value = math.nan
        if _is_beyond(value):
            raise self._refused(event, f"has a number that is none here; {_NUMBERS}")
        return value


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _is_beyond(value: Any) -> bool:
    """Say whether a number is one that JSON or the service could not take."""
    return isinstance(value, (int, float)) and not -_MOST_OF_A_NUMBER <= value < _MOST_OF_A_NUMBER


# --- From a mapping --------------------------------------------------------------------------------------------------


def read_mapping(given: Mapping[str, Any]) -> Entry:
    """Read a mapping of the same shape; its places have no lines.

    Raises:
        InvalidParameterError: If a key is no text, or it is nested more than 16 levels deep.
    """
    try:
        return _entry_of(given, Place("config"), 0)
    except _Refusal as refusal:
        place, what = refusal.place, refusal.what
    raise place.refused(what)


def _entry_of(value: Any, place: Place, depth: int) -> Entry:
    if depth > DEEPEST:
        raise _Refusal(place, f"is nested more than {DEEPEST} levels deep")
    if isinstance(value, Mapping):
        if not all(isinstance(name, str) for name in value):
            raise _Refusal(place, "has a key that is no text")
        return Entry({name: _entry_of(held, place.inside(name), depth + 1) for name, held in value.items()}, place)
    if isinstance(value, (list, tuple)):
        return Entry([_entry_of(held, place.inside(str(n)), depth + 1) for n, held in enumerate(value)], place)
    if _is_beyond(value):
        raise _Refusal(place, f"is a number that is none here; {_NUMBERS}")
    return Entry(value, place)

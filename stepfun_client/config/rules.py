"""What may stand where in a configuration: the keys of a table, and the shape of each value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from pydantic import SecretStr

from stepfun_client.config.document import Entry, listed, shown


@dataclass(frozen=True)
class Rule:
    """The shape of a value.

    Attributes:
        wanted: What it must be, in words.
        fits: Whether a plain value is.
    """

    wanted: str
    fits: Callable[[Any], bool]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


TEXT = Rule("a text", _is_text)
SECRET = Rule("a text, best one like ${STEP_API_KEY}", lambda value: _is_text(value) or isinstance(value, SecretStr))
FLAG = Rule("true or false", lambda value: isinstance(value, bool))
NUMBER = Rule("a number", _is_number)
SECONDS = Rule("a number of seconds above 0", lambda value: _is_number(value) and value > 0)
WHOLE = Rule("a whole number", _is_whole)
FROM_ZERO = Rule("a whole number from 0", lambda value: _is_whole(value) and value >= 0)
FROM_ONE = Rule("a whole number from 1", lambda value: _is_whole(value) and value >= 1)
TEXTS = Rule("a list of texts", _are_texts)
TEXT_OR_TEXTS = Rule("a text or a list of texts", lambda value: _is_text(value) or _are_texts(value))
TABLE = Rule("a table of keys and values", lambda value: isinstance(value, dict))


def one_of(*names: str) -> Rule:
    """Return the rule of a value that is one of a few."""
    return Rule(f"one of {listed(names)}", lambda value: isinstance(value, str) and value in names)


def entries(entry: Entry) -> dict[str, Entry]:
    """Return a table's entries; nothing is an empty table.

    Raises:
        InvalidParameterError: If it is no table.
    """
    if entry.value is None:
        return {}
    if not isinstance(entry.value, dict):
        raise entry.place.refused(f"must be {TABLE.wanted}")
    return entry.value


def checked(entry: Entry, rules: Mapping[str, Rule]) -> dict[str, Entry]:
    """Return a table's entries, each of them known and of the right shape.

    Args:
        entry: The table.
        rules: The keys that are allowed, each with its rule.

    Raises:
        InvalidParameterError: For a key that is not allowed, and for a value that does not fit.
    """
    found = entries(entry)
    for name, held in found.items():
        if name not in rules:
            close = get_close_matches(name[:40], rules, 1)
            meant = f"; did you mean {close[0]}?" if close else ""
            allowed = f"allowed are {listed(sorted(rules))}{meant}"
            raise replace(entry.place, line=held.place.line).refused(f"takes no key {shown(name)}; {allowed}")
        check(held, rules[name])
    return found


def check(entry: Entry, rule: Rule) -> None:
    """Refuse a value that does not fit, without quoting it."""
    if entry.value is None:
        raise entry.place.refused(f"has no value; it must be {rule.wanted}, or be left out")
    if not rule.fits(entry.plain):
        raise entry.place.refused(f"must be {rule.wanted}")

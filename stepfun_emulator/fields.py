"""Reading the nested objects of a request field by field; a refusal names the field by its whole path."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from stepfun_emulator.errors import invalid, undocumented


class Fields:
    """One object of a request.

    Args:
        value: What was sent.
        path: Where it stands, ``""`` for the whole body.
        documented: The fields that the documents know.
        lenient: Ignore all others, as the service does, instead of refusing them.

    Raises:
        Refusal: It is no object, or has a field that is not documented.
    """

    def __init__(self, value: Any, path: str, documented: tuple[str, ...], *, lenient: bool) -> None:
        self._path = path
        self._lenient = lenient
        if not isinstance(value, dict):
            raise invalid(path or "body", f"{path or 'the body'} must be a JSON object")
        for name in value:
            if name not in documented and not lenient:
                raise undocumented(self.path(name))
        self._value = {name: one for name, one in value.items() if one is not None}

    def path(self, name: str) -> str:
        """The whole path of a field."""
        return f"{self._path}.{name}" if self._path else name

    def given(self, name: str) -> bool:
        """Whether there is such a field; null is as good as none."""
        return name in self._value

    def value(self, name: str, default: Any = None) -> Any:
        """Whatever was sent."""
        return self._value.get(name, default)

    def object(self, name: str, *documented: str) -> Fields:
        """A field that must be an object."""
        return Fields(self._value.get(name), self.path(name), documented, lenient=self._lenient)

    def text(self, name: str, default: str | None = None) -> str:
        """A string; without a default it must be there and not empty."""
        value = self._value.get(name, default)
        if not isinstance(value, str) or (default is None and not value):
            raise invalid(self.path(name), f"{self.path(name)} must be a {'non-empty ' * (default is None)}string")
        return value

    def string(self, name: str) -> str:
        """A string that must be there, but may be empty."""
        value = self._value.get(name)
        if not isinstance(value, str):
            raise invalid(self.path(name), f"{self.path(name)} must be a string")
        return value

    def choice(self, name: str, allowed: tuple[str, ...]) -> str:
        """One of several strings."""
        value = self._value.get(name)
        if value not in allowed:
            raise invalid(self.path(name), f"{self.path(name)} must be one of {', '.join(allowed)}, not {value!r}")
        return str(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A boolean."""
        value = self._value.get(name, default)
        if not isinstance(value, bool):
            raise invalid(self.path(name), f"{self.path(name)} must be a boolean")
        return value

    def whole(self, name: str, low: int, high: int, default: int | None = None) -> int:
        """A whole number in a range; without a default it must be there."""
        value = self._value.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise invalid(self.path(name), f"{self.path(name)} must be a whole number from {low} to {high}")
        return value

    def number(self, name: str, low: float, high: float, default: float) -> float:
        """A number in a range."""
        value = self._value.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise invalid(self.path(name), f"{self.path(name)} must be a number from {low} to {high}")
        return value

    def texts(self, name: str) -> list[str]:
        """An array of non-empty strings; empty where there is none."""
        value = self._value.get(name, [])
        if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
            raise invalid(self.path(name), f"{self.path(name)} must be an array of non-empty strings")
        return value

    def content(self, name: str) -> bytes:
        """Bytes in base64, at least one."""
        try:
            return base64.b64decode(self.text(name), validate=True)
        except (binascii.Error, ValueError):
            raise invalid(self.path(name), f"{self.path(name)} is not valid base64") from None

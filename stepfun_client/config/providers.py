"""Providers: where models are reached and with which key, the key out of sight."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from stepfun_client.config.rules import (
    FLAG,
    FROM_ONE,
    FROM_ZERO,
    SECONDS,
    SECRET,
    TABLE,
    TEXT,
    checked,
    entries,
    one_of,
)

if TYPE_CHECKING:
    from stepfun_client.config.document import Entry, Place
    from stepfun_client.core.settings import Region

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SHORTEST_SECRET = 8

_PROVIDER = {
    "api_key": SECRET,
    "base_url": TEXT,
    "region": one_of("cn", "global"),
    "plan": FLAG,
    "timeout": SECONDS,
    "max_retries": FROM_ZERO,
    "default_headers": TABLE,
    "limits": TABLE,
}
CONNECTION = tuple(name for name in _PROVIDER if name != "limits")
"""What a provider says of a client, by the client's own names."""

_LIMITS = {"max_concurrency": FROM_ONE}


@dataclass(frozen=True, repr=False)
class Text:
    """A text with `${VARIABLE}` in it, which is filled in each time it is used.

    A secret shows itself nowhere and is in no pickle; the name of the variable that holds one is and may.

    Attributes:
        place: Where it stands.
        secret: Whether it is to be kept out of sight.
        template: The text as written; None in what was unpickled without its secret.
    """

    place: Place
    secret: bool
    template: SecretStr | None

    @property
    def is_literal(self) -> bool:
        """Whether no variable is in it."""
        return self.template is None or not _VARIABLE.search(self.template.get_secret_value())

    def __repr__(self) -> str:
        text = self.template.get_secret_value() if self.template else ""
        return repr(text) if not self.secret or _VARIABLE.fullmatch(text) else "'***'"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "template": None if self.secret and self._holds_more() else self.template}

    def __deepcopy__(self, _memo: dict[int, Any]) -> Text:
        """Stay the same: a copy stays in this process, and may keep the secret."""
        return self

    def _holds_more(self) -> bool:
        """Say whether it is more than the name of a variable."""
        return self.template is None or not _VARIABLE.fullmatch(self.template.get_secret_value())

    def filled(self) -> SecretStr:
        """Fill the variables in.

        Raises:
            InvalidParameterError: If one is not set or is empty, or if the text was left out of a pickle.
        """
        if self.template is None:
            raise self.place.refused("was left out of the pickle; name an environment variable, as in ${STEP_API_KEY}")
        for name in _VARIABLE.findall(self.template.get_secret_value()):
            if not os.environ.get(name, "").strip():
                state = "is empty" if name in os.environ else "is not set"
                raise self.place.refused(f"needs the environment variable {name}, which {state}; set it and try again")
        return SecretStr(_VARIABLE.sub(lambda found: os.environ[found[1]], self.template.get_secret_value()))


@dataclass(frozen=True)
class Provider:
    """Where models are reached, and how patiently; what is None is `StepFunClient`'s default.

    Attributes:
        name: Its name in the configuration.
        place: Where it stands.
        api_key: The key: best a variable's name.
        base_url: The address.
        region: `"cn"` or `"global"`.
        plan: Whether Step Plan's paths are called.
        timeout: Seconds between two bytes.
        max_retries: How often a failed call is repeated.
        default_headers: Headers of every call.
        max_concurrency: How many calls may run at once.
    """

    name: str
    place: Place
    api_key: Text | None = None
    base_url: Text | None = None
    region: Region | None = None
    plan: bool | None = None
    timeout: float | None = None
    max_retries: int | None = None
    default_headers: Mapping[str, Text] = field(default_factory=dict)
    max_concurrency: int | None = None

    def settings(self, *, without: Collection[str] = ()) -> dict[str, Any]:
        """Return what is set, as arguments of a client, with variables filled in.

        Args:
            without: What is not needed, so that its variables need not be set.

        Raises:
            InvalidParameterError: If a variable is missing, or an address is none.
        """
        held = {name: getattr(self, name) for name in CONNECTION if name not in without}
        return {name: _settled(value) for name, value in held.items() if value is not None and value != {}}


def _settled(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: text.filled().get_secret_value() for name, text in value.items()}
    if not isinstance(value, Text):
        return value
    filled = value.filled()
    if value.secret:
        return filled
    _check_address(filled.get_secret_value(), value.place)
    return filled.get_secret_value()


def read_providers(entry: Entry | None) -> dict[str, Provider]:
    """Read the table of providers.

    Raises:
        InvalidParameterError: For a key that is not allowed and a value that does not fit, never quoting a value.
    """
    return {name: _provider(name, held) for name, held in entries(entry).items()} if entry else {}


def _provider(name: str, entry: Entry) -> Provider:
    found = checked(entry, _PROVIDER)
    plain = {key: found[key].value for key in ("region", "plan", "timeout", "max_retries") if key in found}
    return Provider(
        name,
        entry.place,
        api_key=_api_key(found["api_key"]) if "api_key" in found else None,
        base_url=_address(found["base_url"]) if "base_url" in found else None,
        default_headers=_headers(found["default_headers"]) if "default_headers" in found else {},
        max_concurrency=_max_concurrency(found["limits"]) if "limits" in found else None,
        **plain,
    )


def _text(entry: Entry, *, secret: bool) -> Text:
    template = entry.value if isinstance(entry.value, SecretStr) else SecretStr(entry.value)
    if "${" in _VARIABLE.sub("", template.get_secret_value()):
        raise entry.place.refused("holds a ${ that begins no variable; write ${NAME}, of letters, digits and _")
    return Text(entry.place, secret, template)


def _api_key(entry: Entry) -> Text:
    key = _text(entry, secret=True)
    if isinstance(entry.value, str) and re.fullmatch(r"\$\w+", entry.value):
        raise entry.place.refused("names a variable without braces; write it as ${STEP_API_KEY}")
    if key.is_literal and entry.place.line is not None and len(entry.value) >= _SHORTEST_SECRET:
        warnings.warn(
            f"{entry.place}: {entry.place.key} is a key itself, for everybody to read who reads this file; keep it in "
            "an environment variable and write ${STEP_API_KEY} here",
            stacklevel=2,
        )
    return key


def _address(entry: Entry) -> Text:
    address = _text(entry, secret=False)
    if address.is_literal:
        _check_address(entry.value, entry.place)
    return address


def _check_address(address: str, place: Place) -> None:
    try:
        parts = urlsplit(address.strip())
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        fits = False
    if not fits:
        raise place.refused("must be an address that begins with https://, without user or password in it")


def _headers(entry: Entry) -> dict[str, Text]:
    found = entries(entry)
    for held in found.values():
        if not TEXT.fits(held.plain):  # not said of which: a key may have got where the name should stand
            raise replace(entry.place, line=held.place.line).refused("must hold texts only")
    return {name: _text(held, secret=True) for name, held in found.items()}


def _max_concurrency(entry: Entry) -> int | None:
    found = checked(entry, _LIMITS)
    return found["max_concurrency"].value if "max_concurrency" in found else None

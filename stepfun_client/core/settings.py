"""Where to call, with which key, how patiently: the configuration both clients share."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from pydantic import SecretStr

from stepfun_client.core.fetching import DEFAULT_PORTS
from stepfun_client.errors import GLOBAL_KEY_PAGE, KEY_PAGE, InvalidParameterError, MissingAPIKeyError
from stepfun_client.plan import check_plan_model, check_plan_path

if TYPE_CHECKING:
    from stepfun_client.core.call import Kind

Region = Literal["cn", "global"]

KEY_VARIABLES = ("STEP_API_KEY", "STEPFUN_API_KEY")
BASE_URL_VARIABLE = "STEPFUN_BASE_URL"
CONNECT_TIMEOUT_SECONDS = 5.0
_SHORTEST_SECRET = 8


@dataclass(frozen=True)
class Vendor:
    """Whose service is called: where it is, and where its key is found.

    Attributes:
        name: What it is called; an address that holds the name is believed to be its own.
        addresses: The address all paths are appended to, by region.
        base_url_variable: The environment variable that names another address.
        key_variables: The environment variables that may hold the key, the first that does counts.
        key_pages: Where to get a key, by region; empty where that is not known.
    """

    name: str
    addresses: Mapping[Region, str]
    base_url_variable: str
    key_variables: tuple[str, ...]
    key_pages: Mapping[Region, str] = field(default_factory=dict)


STEPFUN = Vendor(
    "StepFun",
    {"cn": "https://api.stepfun.com/v1", "global": "https://api.stepfun.ai/v1"},
    BASE_URL_VARIABLE,
    KEY_VARIABLES,
    {"cn": KEY_PAGE, "global": GLOBAL_KEY_PAGE},
)

# Between two bytes; the seeds suggest 30-60 s for chat, 60-120 for images, 30-90 for audio (WIRE.md section 1).
_READ_TIMEOUT_SECONDS: dict[Kind, float] = {"chat": 60.0, "image": 120.0, "audio": 90.0, "file": 60.0, "plain": 60.0}


@dataclass(frozen=True)
class Settings:
    """A client's configuration. The key is held masked, and is left out of pickles.

    Attributes:
        api_key: The key as given; None to read it from the environment when it is first needed.
        region: Which of StepFun's two services, each with its own keys.
        plan: Whether to call Step Plan's paths.
        base_url: The address all paths are appended to; None for the region's.
        timeout: Seconds between two bytes for every call; None for the defaults by kind.
        max_retries: How often a failed attempt is repeated.
        default_headers: Headers of every call.
        vendor: Whose service it is.
    """

    api_key: SecretStr | None = None
    region: Region = "cn"
    plan: bool = False
    base_url: str | None = None
    timeout: float | None = None
    max_retries: int = 2
    default_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    vendor: Vendor = field(default=STEPFUN, repr=False)

    def __post_init__(self) -> None:
        if self.region not in STEPFUN.addresses:
            raise InvalidParameterError(
                f"region is {self.region!r}; it must be 'cn' (api.stepfun.com) or 'global' (api.stepfun.ai)",
                param="region",
            )
        if self.max_retries < 0:
            raise InvalidParameterError(f"max_retries is {self.max_retries}; it must be 0 or more", param="max_retries")
        if self.timeout is not None and self.timeout <= 0:
            raise InvalidParameterError(
                f"timeout is {self.timeout}; it must be above 0 seconds, or None for the defaults", param="timeout"
            )
        check_no_credentials(self.base_url)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the key out: what is unpickled reads it from the environment of the process it wakes up in."""
        return {**self.__dict__, "api_key": None}

    def __deepcopy__(self, _memo: dict[int, Any]) -> Settings:
        """Copy with the key: a copy stays in this process."""
        return replace(self)

    @property
    def address(self) -> str:
        """The address all paths are appended to, without a final slash.

        `base_url` wins over the environment, which wins over the region. With `plan=True`, a given address that ends in
        `/v1` is moved to `/step_plan/v1` on the same host.
        """
        given = (self.base_url or os.environ.get(self.vendor.base_url_variable) or "").strip().rstrip("/")
        address = given or self.vendor.addresses[self.region]
        return re.sub(r"(?<!/step_plan)/v1$", "/step_plan/v1", address) if self.plan else address

    @property
    def root(self) -> str:
        """The address, checked.

        Raises:
            InvalidParameterError: If it is none.
        """
        address = self.address
        check_no_credentials(address)
        if not address.startswith(("http://", "https://")):
            raise InvalidParameterError(
                f"base_url is {address!r}; it must begin with https:// (or http:// for a local server)",
                param="base_url",
            )
        return address

    @property
    def on_plan(self) -> bool:
        """Whether Step Plan is called: as `plan` says, or by an address that leads there."""
        return self.plan or "/step_plan/" in f"{self.address}/"

    def check(self, path: str, model: str | None = None) -> None:
        """Refuse what is certainly not there: what Step Plan lacks, and what the open platform lacks.

        Args:
            path: The path below the address, with its leading slash.
            model: The model that is asked for, where one is.

        Raises:
            InvalidParameterError: If the path or the model is not served there.
        """
        if self.vendor != STEPFUN:
            return
        on_plan = self.on_plan
        if on_plan:
            check_plan_path(path)
        if model is not None:
            check_plan_model(model, on_plan=on_plan)

    @property
    def origin(self) -> tuple[str, str, int]:
        """The address' scheme, host and port: what is there is the service's own.

        Raises:
            InvalidParameterError: If the address has none.
        """
        try:
            parts = urlsplit(self.root)
            return parts.scheme, parts.hostname or "", parts.port or DEFAULT_PORTS[parts.scheme]
        except ValueError as error:
            raise InvalidParameterError(f"base_url is {self.root!r}: {error}", param="base_url") from None

    def beside(self, own: Settings) -> Settings:
        """Return what a call to this service is made with by a client that was made for another.

        Of the client it has the patience and nothing else: neither its key nor its headers. Only a client that was made
        for this very service, at an address that holds its name and with a key of its own, calls it as it calls
        everything.

        Args:
            own: The client's settings.
        """
        at_home = self.vendor.name.lower() in own.address.lower()
        if at_home and own.api_key and not self.api_key and not self.base_url:
            return own
        base_url = self.base_url or (own.address if at_home else None)
        return replace(self, base_url=base_url, timeout=own.timeout, max_retries=own.max_retries)

    def key(self) -> str:
        """Find the key.

        Raises:
            MissingAPIKeyError: If none was given and none stands in the environment.
            InvalidParameterError: If it holds what no key can hold, such as a line break inside.
        """
        secret = self._find_key()
        if secret is None:
            raise self._no_key()
        if not _is_well_formed(secret):
            raise InvalidParameterError(
                "the API key holds characters no key can hold (blanks, line breaks or non-ASCII); copy it again",
                param="api_key",
            )
        return secret.get_secret_value()

    def _no_key(self) -> MissingAPIKeyError:
        vendor = self.vendor
        first, *others = vendor.key_variables
        variables = f"{first} (or {', '.join(others)})" if others else first
        page = vendor.key_pages.get(self.region)
        return MissingAPIKeyError(
            f"no {vendor.name} API key: set the environment variable {variables}, or pass api_key=..."
            + (f"; get a key at {page}" if page else "")
        )

    def _find_key(self) -> SecretStr | None:
        """Return the key still masked, so that a traceback which shows a caller's locals does not show it."""
        given = self.api_key.get_secret_value() if self.api_key else None
        for key in chain((given,), map(os.environ.get, self.vendor.key_variables)):
            if key and key.strip():
                return SecretStr(key.strip())
        return None

    def redact(self, text: str) -> str:
        """Take the key out of a text, should the service have quoted it.

        A short one, such as `"any"` for a local server, is no secret, but may well be a word.
        """
        secret = self._find_key()
        return text.replace(secret.get_secret_value(), "***") if secret and len(secret) >= _SHORTEST_SECRET else text

    def read_timeout(self, kind: Kind, wanted: float | None) -> float:
        """Choose the seconds between two bytes: the call's, else the client's, else the kind's."""
        return wanted or self.timeout or _READ_TIMEOUT_SECONDS[kind]


def check_no_credentials(address: str | None, *, param: str = "base_url") -> None:
    """Refuse an address with a user or a password in it, which every error and log line would show.

    Args:
        address: The address; None for none.
        param: What it was given as.

    Raises:
        InvalidParameterError: If they are there; it does not show the address.
    """
    address = (address or "").strip()
    rest = address.partition("://")[2] or address
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    port = "" if host.endswith("]") else host.partition(":")[2].rpartition(":")[2]
    # A slash in a password ends the host early: then what seems to be its port is none.
    if "@" in host or ("@" in rest and port and not port.isdigit()):
        raise InvalidParameterError(
            f"{param} holds a user or a password, and addresses are shown in errors and logs; leave them out. A key "
            "goes into api_key=..., and what a gateway of your own asks for into default_headers={...}",
            param=param,
        )


def _is_well_formed(secret: SecretStr) -> bool:
    key = secret.get_secret_value()
    return key.isascii() and key.isprintable() and " " not in key

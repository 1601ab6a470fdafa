"""`Config`: providers and models by name, and what is made of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from stepfun_client.client import AsyncStepFunClient, StepFunClient
from stepfun_client.config.document import Entry, Place, listed, read_file, read_mapping
from stepfun_client.config.models import Model, catalogued, read_models
from stepfun_client.config.providers import Provider, read_providers
from stepfun_client.config.rules import TABLE, checked, entries
from stepfun_client.core.concurrency import ConcurrencyLimit
from stepfun_client.errors import InvalidParameterError

_SECTIONS = {"providers": TABLE, "models": TABLE}


@dataclass(frozen=True)
class Config:
    """Providers and models by their names.

    No `repr`, pickle or error shows a key. A pickle holds the names of variables, but no key that was written out.

    Attributes:
        providers: Where models are reached.
        models: What is used, and how.
        source: The file it was read from; `"config"` for a mapping, None where there is none.
    """

    providers: Mapping[str, Provider] = field(default_factory=dict)
    models: Mapping[str, Model] = field(default_factory=dict)
    source: str | None = None
    _limits: dict[str, ConcurrencyLimit] = field(default_factory=dict, repr=False, compare=False)

    def find(self, name: str) -> Model:
        """Look a model up; where no configuration was read, in the catalogue.

        Raises:
            InvalidParameterError: If there is none of this name.
        """
        if self.source is None:
            return catalogued(name)
        if name not in self.models:
            raise Place(self.source, key="models").refused(f"has no {name!r}; it has {listed(self.models)}")
        return self.models[name]

    def provider(self, name: str | None = None) -> Provider | None:
        """Look a provider up.

        Args:
            name: Its name; not needed where there is one, or none.

        Returns:
            The provider; None where there is none, for the environment's key and the usual address.

        Raises:
            InvalidParameterError: If there is none of this name, or if there are several and none is named.
        """
        if name is None and len(self.providers) <= 1:
            return next(iter(self.providers.values()), None)
        if name is None or name not in self.providers:
            wrong = "are several; name one" if name is None else f"have no {name!r}"
            raise Place(self.source or "config", key="providers").refused(
                f"{wrong}; there are {listed(self.providers)}"
            )
        return self.providers[name]

    def client(self, name: str | None = None) -> StepFunClient:
        """Make a client of a provider; see `provider` for the name.

        Raises:
            InvalidParameterError: If there is no such provider, or a variable it needs is not set.
        """
        found = self.provider(name)
        return StepFunClient(**(found.settings() if found else {}))

    def async_client(self, name: str | None = None) -> AsyncStepFunClient:
        """Make an asynchronous client of a provider; see `client`."""
        found = self.provider(name)
        return AsyncStepFunClient(**(found.settings() if found else {}))

    def limit(self, name: str | None = None) -> ConcurrencyLimit | None:
        """Return the limit of a provider's calls at once, the same one each time; None where there is none.

        A client does not keep it by itself: hold it around calls of your own, `with config.limit().held(): ...`.
        """
        found = self.provider(name)
        if found is None or found.max_concurrency is None:
            return None
        return self._limits.setdefault(found.name, ConcurrencyLimit(found.max_concurrency))

    def __copy__(self) -> Config:
        """Stay the same: it does not change, and its limits count for one account."""
        return self

    def __deepcopy__(self, _memo: dict[int, Any]) -> Config:
        return self


Configuration: TypeAlias = "Config | str | os.PathLike[str] | Mapping[str, Any] | None"
"""What stands for a configuration wherever one is asked for."""


def load_config(config: Configuration) -> Config:
    """Read a configuration: providers, models, and their parameters.

    Args:
        config: The path of a YAML file, a mapping of the same shape, or a `Config`, which is returned as it is. None
            stands for no configuration: each model of the catalogue with its defaults.

    Returns:
        The configuration. Variables are filled in when a provider is used, so that none has to be set for the others.

    Raises:
        InvalidParameterError: With file, line and what is allowed: for what is no YAML, keys and types that are none,
            values that do not fit, and a type the catalogue knows the model is not of. No value of a provider is
            quoted.
        ImportError: If PyYAML is not installed and a file is to be read.

    Example:
        >>> config = load_config({
        ...     "providers": {"step": {"api_key": "${STEP_API_KEY}", "limits": {"max_concurrency": 5}}},
        ...     "models": {"fast": {"vendor": "step", "model": "step-3.7-flash", "temperature": 0.2}},
        ... })
        >>> config.models["fast"].role
        'chat'
        >>> with config.client("step") as stepfun:
        ...     ask = [{"role": "user", "content": "What is 6 * 7?"}]
        ...     print(stepfun.chat.create(model=config.find("fast").id, messages=ask).text)
        6 * 7 = 42
    """
    if config is None:
        return Config()
    if isinstance(config, Config):
        return config
    found = _found(config)
    if isinstance(found, InvalidParameterError):
        raise found
    return found


def _found(config: object) -> Config | InvalidParameterError:
    """Read a configuration, or make the error: raised elsewhere, so that no traceback leads to what was read."""
    try:
        return _read(read_mapping(config) if isinstance(config, Mapping) else read_file(_path(config)))
    except InvalidParameterError as error:
        return error.with_traceback(None)


def _path(config: object) -> Path:
    """Return the path of a file, if it is one: the content of a file is not to be quoted as a path would be."""
    path = os.fspath(config) if isinstance(config, (str, os.PathLike)) else None
    if not isinstance(path, str) or not path.strip() or any(mark in path for mark in ("\n", "{", ": ")):
        raise InvalidParameterError(
            "config is neither a path nor a mapping; pass the path of a YAML file, or its content as a mapping",
            param="config",
        )
    return Path(path).expanduser()


def _read(root: Entry) -> Config:
    found = {name: held for name, held in entries(root).items() if name not in _SECTIONS or held.value is not None}
    checked(Entry(found, root.place), _SECTIONS)
    providers = read_providers(found.get("providers"))
    return Config(providers, read_models(found.get("models"), providers), root.place.source)

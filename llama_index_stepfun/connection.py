"""What every LlamaIndex class of this package shares: how StepFun is reached, and clients made at first use."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Literal

from llama_index.core.bridge.pydantic import ConfigDict, Field, PrivateAttr, SecretStr, field_validator
from llama_index.core.schema import BaseComponent
from typing_extensions import Self

from stepfun_client import AsyncStepFunClient, StepFunClient
from stepfun_client.core.settings import check_no_credentials

_SETTINGS = ("api_key", "region", "plan", "base_url", "timeout", "max_retries", "default_headers")


class Connected(BaseComponent):
    """The connection's settings as fields, and the two clients as properties.

    The clients are made at first use and left out of copies and pickles. The key is in no `to_dict`, `repr` or pickle.
    """

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,  # a misspelt api_key is a key
        populate_by_name=True,
        arbitrary_types_allowed=True,
    )

    api_key: SecretStr | None = Field(default=None, exclude=True, repr=False)
    region: Literal["cn", "global"] = "cn"
    plan: bool = False
    base_url: str | None = Field(default=None, alias="api_base")
    timeout: float | None = Field(default=None, gt=0)
    max_retries: int = Field(default=2, ge=0)
    default_headers: Mapping[str, str] | None = Field(default=None, exclude=True, repr=False)
    http_client: Any = Field(default=None, exclude=True, repr=False)
    http_async_client: Any = Field(default=None, exclude=True, repr=False)

    _sync: StepFunClient | None = PrivateAttr(default=None)
    _async: AsyncStepFunClient | None = PrivateAttr(default=None)

    @field_validator("base_url")
    @classmethod
    def _check_base_url(cls, given: str | None) -> str | None:
        check_no_credentials(given)
        return given

    @property
    def api_base(self) -> str | None:
        """The address that was given, by LlamaIndex's name for it."""
        return self.base_url

    @property
    def client(self) -> StepFunClient:
        """The synchronous client underneath, made at first use."""
        if self._sync is None:
            self._sync = StepFunClient(**self._settings(), http_client=self.http_client)
        return self._sync

    @property
    def async_client(self) -> AsyncStepFunClient:
        """The asynchronous client underneath, made at first use."""
        if self._async is None:
            self._async = AsyncStepFunClient(**self._settings(), http_client=self.http_async_client)
        return self._async

    def _settings(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _SETTINGS}

    def __getstate__(self) -> dict[str, Any]:
        """Leave key, clients and connections out of pickles."""
        bare = self._without_clients()
        for name in ("api_key", "http_client", "http_async_client"):
            bare.__dict__[name] = None
        state: dict[str, Any] = super(Connected, bare).__getstate__()
        return state

    def __deepcopy__(self, _memo: dict[int, Any] | None = None) -> Self:
        """Copy with the key, and with connections of its own; handlers, limiter and httpx clients stay shared."""
        return self._without_clients()

    __copy__ = __deepcopy__

    def _without_clients(self) -> Self:
        own: dict[str, Any] = {
            name: copy.deepcopy(value) if isinstance(value, (dict, list)) else value
            for name, value in self.__dict__.items()
        }
        return type(self).model_construct(**own)

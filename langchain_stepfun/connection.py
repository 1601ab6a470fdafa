"""What every LangChain class of this package shares: how StepFun is reached, and clients made at first use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from langchain_core.utils import secret_from_env
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr, field_validator
from typing_extensions import Self

from stepfun_client import AsyncStepFunClient, StepFunClient
from stepfun_client.core.settings import KEY_VARIABLES, check_no_credentials

_SETTINGS = ("api_key", "region", "plan", "base_url", "timeout", "max_retries", "default_headers")
_LEFT_OUT = {"api_key": None, "http_client": None, "http_async_client": None}


class Connected(BaseModel):
    """The connection's settings as fields, and the two clients as properties.

    The clients are made at first use and left out of copies and pickles; a pickle holds no key either.
    """

    # The input holds the key; and a setting that is misspelt is told, not dropped.
    model_config = ConfigDict(hide_input_in_errors=True, extra="forbid")

    api_key: SecretStr | None = Field(default_factory=secret_from_env(KEY_VARIABLES, default=None), repr=False)
    region: Literal["cn", "global"] = "cn"
    plan: bool = False
    base_url: str | None = None
    timeout: float | None = Field(default=None, gt=0)
    max_retries: int = Field(default=2, ge=0)
    default_headers: Mapping[str, str] | None = Field(default=None, repr=False)
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

    def __getstate__(self) -> dict[Any, Any]:
        """Leave key, clients and connections out of pickles."""
        state = super().__getstate__()
        private = {**(state["__pydantic_private__"] or {}), "_sync": None, "_async": None}
        return {**state, "__dict__": {**state["__dict__"], **_LEFT_OUT}, "__pydantic_private__": private}

    def __copy__(self) -> Self:
        """Copy without the clients, which belong to the settings they were made with."""
        copied = super().__copy__()
        copied._sync = copied._async = None  # noqa: SLF001 - the copy's own
        return copied

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """Copy with the key and the user's own httpx clients, but with connections of its own."""
        memo = {} if memo is None else memo
        for shared in (self.http_client, self.http_async_client):
            memo[id(shared)] = shared
        for made in (self._sync, self._async):
            memo[id(made)] = None
        return super().__deepcopy__(memo)

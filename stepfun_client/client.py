"""`StepFunClient` and `AsyncStepFunClient`: configuration, and the resources on it, each loaded at first use."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Generator, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import SecretStr
from typing_extensions import Self

from stepfun_client.core.call import MOST_FETCHED_BYTES, fetch
from stepfun_client.core.settings import Region, Settings
from stepfun_client.resources import AsyncResources, Resources

if TYPE_CHECKING:
    from stepfun_client.core.call import Call, Fetched, Flow, StreamReader
    from stepfun_client.core.dialogue import Dialogue
    from stepfun_client.core.transport import (  # noqa: F401 - named in the bases below
        AsyncDriver,
        AsyncHTTPClient,
        Driver,
        HTTPClient,
    )

T = TypeVar("T")
InT = TypeVar("InT")
HTTPClientT = TypeVar("HTTPClientT")
DriverT = TypeVar("DriverT")


class _Configured(Generic[HTTPClientT, DriverT]):
    """What both clients hold: the settings, an httpx client of the user's, and a driver made at first use."""

    _settings = Settings()  # what `repr` shows in the traceback of a constructor that failed

    def __init__(
        self,
        api_key: str | SecretStr | None = None,
        *,
        region: Region = "cn",
        plan: bool = False,
        base_url: str | None = None,
        timeout: float | None = None,
        max_retries: int = 2,
        http_client: HTTPClientT | None = None,
        default_headers: Mapping[str, str] | None = None,
    ) -> None:
        api_key = SecretStr(api_key) if isinstance(api_key, str) else api_key  # tracebacks may show this frame's locals
        self._settings = Settings(
            api_key=api_key,
            region=region,
            plan=plan,
            base_url=base_url,
            timeout=timeout,
            max_retries=max_retries,
            default_headers=dict(default_headers or {}),
        )
        self._http_client = http_client
        self._made: dict[str, DriverT] = {}

    @property
    def settings(self) -> Settings:
        """Where to call, with which key, how patiently."""
        return self._settings

    def __repr__(self) -> str:
        settings = self._settings
        return f"{type(self).__name__}(base_url={settings.address!r}, max_retries={settings.max_retries})"

    def __getstate__(self) -> dict[str, Any]:
        return {"_settings": self._settings}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._settings = state["_settings"]
        self._http_client = None
        self._made = {}

    def __deepcopy__(self, _memo: dict[int, Any] | None = None) -> Self:
        """Copy with the key and the user's httpx client, but with connections of its own."""
        copied = self.__class__.__new__(self.__class__)
        copied.__setstate__({"_settings": self._settings})
        copied._http_client = self._http_client  # noqa: SLF001 - the copy's own
        return copied

    __copy__ = __deepcopy__

    @property
    def base_url(self) -> str:
        """The address all paths are appended to."""
        return self._settings.root

    def _make_driver(self) -> DriverT:
        raise NotImplementedError

    @property
    def _driver(self) -> DriverT:
        """The driver, and with it httpx, loaded when the first call is made."""
        made = self._made.get("driver")
        return made or self._made.setdefault("driver", self._make_driver())  # atomic, without a lock a fork could copy


class StepFunClient(Resources, _Configured["HTTPClient", "Driver"]):
    """StepFun's API, synchronously.

    Args:
        api_key: The key; without one, `STEP_API_KEY` and then `STEPFUN_API_KEY` are read at the first call.
        region: `"cn"` for api.stepfun.com, `"global"` for api.stepfun.ai; a key works in its own region only.
        plan: True to call Step Plan's paths (`/step_plan/v1`). What the plan lacks (files, search, knowledge, official
            voices and more, see `stepfun_client.plan`) is then refused before it is sent.
        base_url: Another address, e.g. the emulator's; without one, `STEPFUN_BASE_URL`, then the region's. With
            `plan=True`, an address that ends in `/v1` is moved to `/step_plan/v1`.
        timeout: Seconds between two bytes for every call. By default 60 for chat, 120 for images, 90 for audio, and
            always 5 to connect.
        max_retries: How often a call is repeated after a lost connection, 408, 429 or 5xx.
        http_client: An httpx client of your own (proxies, certificates, transports); it is used as it is and never
            closed here. Without one, httpx's usual environment variables for proxies count.
        default_headers: Headers of every call.

    The object is cheap to make, is safe to share between threads (the asynchronous one: between event loops), pickles
    and copies; a pickle holds neither key nor connections.

    Raises:
        InvalidParameterError: If an argument is none of what is allowed.

    Example:
        >>> with StepFunClient() as client:
        ...     reply = client.chat.create(
        ...         model="step-3.7-flash", messages=[{"role": "user", "content": "What is 6 * 7?"}]
        ...     )
        >>> print(reply.text)
        6 * 7 = 42
    """

    def _make_driver(self) -> Driver:
        from stepfun_client.core.transport import Driver  # httpx loads at first use

        return Driver(self._settings, self._http_client)

    def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end: for jobs of several calls of your own; the resources do this for theirs."""
        return self._driver.run(flow)

    def events(self, call: Call, reader: StreamReader[T]) -> Generator[T]:
        """Open a stream at the first step and yield what the reader makes of it."""
        return self._driver.stream(call, reader)

    def converse(
        self, dialogue: Dialogue[InT, T], pieces: Iterable[InT], *, timeout: float | None = None
    ) -> Generator[T]:
        """Hold a dialogue over a WebSocket, from the first piece on, and yield what it makes of the answers."""
        from stepfun_client.core.dialogue import converse  # websockets loads at first use

        return converse(self._settings, dialogue, pieces, timeout=timeout)

    def fetch(self, url: str, *, max_bytes: int = MOST_FETCHED_BYTES, timeout: float | None = None) -> Fetched:
        """Fetch a file from a public address, whoever wrote it: a user, a document, a model.

        Only hosts of the internet at large are visited: what a name leads to is checked, the connection goes to the
        checked address, and each of at most 5 redirects is checked again. The service's own address (`base_url`) is
        allowed wherever it is. The key is not sent, and neither the environment's proxies nor, but for the service's
        own address, an `http_client` of yours is used: both could lead elsewhere.

        Args:
            url: An http or https URL without user or password; port 80, 443, or one from 1024.
            max_bytes: The most to read, unpacked.
            timeout: Seconds between two bytes; the client's, else 60. A visit takes 10 minutes at most.

        Returns:
            The content, what the server calls it, and where it came from in the end.

        Raises:
            InvalidParameterError: If the address is not allowed (nothing is sent), or there is more than `max_bytes`.
            APIStatusError: If the server refuses or fails.
            APIConnectionError: If it cannot be reached.
            APIResponseError: If what it sends cannot be unpacked.

        Example:
            >>> client.fetch("http://169.254.169.254/latest/meta-data")
            Traceback (most recent call last):
            stepfun_client.errors.InvalidParameterError: ... 169.254.169.254 is no public address. Allowed are ...
        """
        return self.run(fetch(url, max_bytes=max_bytes, timeout=timeout))

    def close(self) -> None:
        """Close the connections. The client may be used again and makes new ones."""
        if made := self._made.get("driver"):
            made.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncStepFunClient(AsyncResources, _Configured["AsyncHTTPClient", "AsyncDriver"]):
    """StepFun's API, asynchronously; the arguments are those of `StepFunClient`, with an `httpx.AsyncClient`.

    Example:
        >>> async def ask(question):
        ...     async with AsyncStepFunClient() as client:
        ...         reply = await client.chat.create(
        ...             model="step-3.7-flash", messages=[{"role": "user", "content": question}]
        ...         )
        ...     return reply.text
        >>> print(asyncio.run(ask("What is 6 * 7?")))
        6 * 7 = 42
    """

    def _make_driver(self) -> AsyncDriver:
        from stepfun_client.core.transport import AsyncDriver  # httpx loads at first use

        return AsyncDriver(self._settings, self._http_client)

    async def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end: for jobs of several calls of your own; the resources do this for theirs."""
        return await self._driver.run(flow)

    def events(self, call: Call, reader: StreamReader[T]) -> AsyncGenerator[T]:
        """Open a stream at the first step and yield what the reader makes of it."""
        return self._driver.stream(call, reader)

    def converse(
        self, dialogue: Dialogue[InT, T], pieces: Iterable[InT] | AsyncIterable[InT], *, timeout: float | None = None
    ) -> AsyncGenerator[T]:
        """Hold a dialogue over a WebSocket, from the first piece on, and yield what it makes of the answers."""
        from stepfun_client.core.dialogue import converse_async  # websockets loads at first use

        return converse_async(self._settings, dialogue, pieces, timeout=timeout)

    async def fetch(self, url: str, *, max_bytes: int = MOST_FETCHED_BYTES, timeout: float | None = None) -> Fetched:
        """Fetch a file from a public address; see `StepFunClient.fetch`."""
        return await self.run(fetch(url, max_bytes=max_bytes, timeout=timeout))

    async def aclose(self) -> None:
        """Close the connections of this event loop. The client may be used again and makes new ones."""
        if made := self._made.get("driver"):
            await made.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

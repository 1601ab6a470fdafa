"""What all resources share: who runs their calls, the options every call takes, and how replies are read."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Generator, Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    TypeAdapter,
    ValidationError,
    model_validator,
    with_config,
)
from typing_extensions import TypedDict

from stepfun_client.core.call import Call, encode_json, unreadable
from stepfun_client.errors import InvalidParameterError, StepFunError, stream_error, trace_id_of

if TYPE_CHECKING:
    from stepfun_client.core.call import Flow, Reply, StreamReader
    from stepfun_client.core.dialogue import Dialogue
    from stepfun_client.core.settings import Settings

T = TypeVar("T")
InT = TypeVar("InT")
ReplyT = TypeVar("ReplyT", bound="WireModel")


class Runner(Protocol):
    """What runs flows and streams synchronously: a `StepFunClient`."""

    @property
    def settings(self) -> Settings:
        """Where to call, with which key, how patiently."""

    def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end."""

    def events(self, call: Call, reader: StreamReader[T]) -> Generator[T]:
        """Open a stream and yield what the reader makes of it."""

    def converse(
        self, dialogue: Dialogue[InT, T], pieces: Iterable[InT], *, timeout: float | None = None
    ) -> Generator[T]:
        """Hold a dialogue over a WebSocket and yield what it makes of the answers."""


class AsyncRunner(Protocol):
    """What runs flows and streams asynchronously: an `AsyncStepFunClient`."""

    @property
    def settings(self) -> Settings:
        """Where to call, with which key, how patiently."""

    async def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end."""

    def events(self, call: Call, reader: StreamReader[T]) -> AsyncGenerator[T]:
        """Open a stream and yield what the reader makes of it."""

    def converse(
        self, dialogue: Dialogue[InT, T], pieces: Iterable[InT] | AsyncIterable[InT], *, timeout: float | None = None
    ) -> AsyncGenerator[T]:
        """Hold a dialogue over a WebSocket and yield what it makes of the answers."""


class Resource:
    """A family of calls on a `StepFunClient`."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner


class AsyncResource:
    """A family of calls on an `AsyncStepFunClient`."""

    def __init__(self, runner: AsyncRunner) -> None:
        self._runner = runner


class CallOptions(TypedDict, total=False):
    """What every call takes beside its own parameters.

    Attributes:
        timeout: Seconds between two bytes, for this call only.
        extra_headers: Headers of this call; they win over the client's.
    """

    timeout: Annotated[float, Field(gt=0)] | None
    extra_headers: Mapping[str, str] | None


class BodyOptions(CallOptions, total=False):
    """What a call with a JSON body takes beside its own parameters.

    Attributes:
        extra_body: Anything else, laid over the body unchecked.
    """

    extra_body: Mapping[str, Any] | None


def some_text(value: Any, param: str) -> str:
    """Check that a value is a text, and not an empty one.

    Raises:
        InvalidParameterError: If it is none.
    """
    if not isinstance(value, str) or not value.strip():
        raise InvalidParameterError(f"{param} is {value!r:.80}; it must be a text, and not empty", param=param)
    return value


def sending(options: Mapping[str, Any]) -> dict[str, Any]:
    """Turn the options every call takes into what a `Call` is made with."""
    given = checked(CallOptions, options)
    return {"timeout": given.get("timeout"), "headers": given.get("extra_headers") or {}}


def posting(path: str, body: Mapping[str, Any], options: Mapping[str, Any], **facts: Any) -> Call:
    """Describe a call with a JSON body; `facts` are the `Call`'s own, such as its kind."""
    given = checked(BodyOptions, options)
    content = encode_json(body, extra_body=given.pop("extra_body", None))
    return Call("POST", path, content=content, **sending(given), **facts)


class WirePart(BaseModel):
    """A part of a reply. Fields this package does not know yet are kept: what StepFun adds tomorrow survives."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, body: Any) -> Any:
        if not isinstance(body, dict):
            return body
        return {name: value for name, value in body.items() if value is not None or name not in cls.model_fields}


class WireModel(WirePart):
    """A reply.

    Attributes:
        trace_id: The exchange's trace id; quote it to StepFun's support.
    """

    trace_id: str | None = None

    _headers: Mapping[str, str] = PrivateAttr(default_factory=dict)

    @property
    def headers(self) -> Mapping[str, str]:
        """The reply's headers, names in lower case."""
        return self._headers


def read(model: type[ReplyT], reply: Reply) -> ReplyT:
    """Read a JSON reply into a model, with the exchange's trace id.

    Raises:
        APIResponseError: If the reply is no JSON, or has not the promised shape.
        APIStatusError: If it is an error after all, in spite of its status.
    """
    return validated(model, reply.json(), headers=reply.headers)


def validated(model: type[ReplyT], body: Any, *, headers: Mapping[str, str]) -> ReplyT:
    """Read a JSON value into a model, with the exchange's trace id."""
    trace_id = trace_id_of(headers, body)
    try:
        result = model.model_validate(body)
    except ValidationError as error:
        unread = _said_instead(body, error, trace_id)
    else:
        result.trace_id = trace_id
        result._headers = headers  # noqa: SLF001 - the reply's own
        return result
    raise unread  # outside the handler: pydantic's error quotes the reply, and should not hang on ours


def _said_instead(body: Any, error: ValidationError, trace_id: str | None) -> StepFunError:
    if isinstance(body, dict) and (problem := body.get("error")):
        return stream_error(problem, trace_id=trace_id)
    return unreadable(str(body).encode(), error, trace_id=trace_id)


def checked(params: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Check parameters against the TypedDict that declares them; drop those that are None.

    Raises:
        InvalidParameterError: For an unknown name or a value out of range, before anything is sent.
    """
    try:
        result: dict[str, Any] = _adapter_of(params).validate_python({k: v for k, v in given.items() if v is not None})
    except ValidationError as error:
        raise _explained(params, error) from None
    return result


@cache
def _adapter_of(params: Any) -> TypeAdapter[Any]:
    return TypeAdapter(with_config(ConfigDict(extra="forbid", arbitrary_types_allowed=True))(params))


def _explained(params: type[Any], error: ValidationError) -> InvalidParameterError:
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0]) if first["loc"] else params.__name__
    where = ".".join(str(part) for part in first["loc"] if "[" not in str(part))  # no branch of a union: literal[...]
    if first["type"] == "extra_forbidden":
        known = ", ".join(sorted(params.__annotations__))
        past = next((past for past in ("extra_body", "extra_session") if past in params.__annotations__), None)
        way = f"; send anything else on purpose with {past}={{...}}" if past else ""
        return InvalidParameterError(
            f"{name!r} is no parameter of this call; known are {known}. StepFun ignores what it does not know, so a "
            f"typing error would go unnoticed{way}",
            param=name,
        )
    given = repr(first["input"])
    given = given if len(given) <= 80 else given[:80] + "…"
    return InvalidParameterError(f"{where} is {given}: {_lower_first(first['msg'])}", param=name)


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]

"""The Responses API, OpenAI's shape: `POST /responses` (WIRE.md section 5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import Field

from stepfun_client.api.chat_checks import check_effort, check_tools
from stepfun_client.api.resource import AsyncResource, BodyOptions, Resource, checked, posting, read, some_text
from stepfun_client.api.responses_reply import OutputItem, Response, failure, function_output, input_items
from stepfun_client.api.responses_stream import ResponseEvent, ResponseReader
from stepfun_client.api.streams import AsyncStream, Stream
from stepfun_client.catalog import find
from stepfun_client.errors import InvalidParameterError

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from stepfun_client.api.resource import AsyncRunner, Runner
    from stepfun_client.core.call import Call, Flow

__all__ = [
    "AsyncResponseStream",
    "AsyncResponses",
    "OutputItem",
    "Response",
    "ResponseEvent",
    "ResponseStream",
    "Responses",
    "function_output",
]

Input: TypeAlias = "str | Iterable[Mapping[str, Any] | OutputItem]"


class ResponseParams(BodyOptions, total=False):
    """What an answer takes beside `model` and `input`. None leaves a parameter out.

    Attributes:
        instructions: The system prompt.
        effort: How hard to think: `"low"`, `"medium"` or `"high"`.
        reasoning: The same as the wire has it: `{"effort": ...}`.
        max_output_tokens: The longest answer in tokens, thinking included.
        tools: Flat functions: `{"type": "function", "name": ..., "description": ..., "parameters": {...}}`.
        tool_choice: `"auto"`; StepFun takes no other.
        text: `{"format": {"type": "text" | "json_object" | "json_schema", ...}}`.
        temperature: 0 to 2.
        top_p: 0 to 1.
        extra_body: Anything else, laid over the body unchecked.
    """

    instructions: str | None
    effort: str | None
    reasoning: Mapping[str, Any] | None
    max_output_tokens: Annotated[int, Field(ge=1)] | None
    tools: Sequence[Mapping[str, Any]] | None
    tool_choice: str | None
    text: Mapping[str, Any] | None
    temperature: Annotated[float, Field(ge=0, le=2)] | None
    top_p: Annotated[float, Field(ge=0, le=1)] | None


def response_call(*, model: str, input: Input, stream: bool, params: Mapping[str, Any]) -> Call:  # noqa: A002
    """Build the request of an answer, checked as far as the rules are certain.

    Raises:
        InvalidParameterError: If a parameter is unknown or breaks a rule of WIRE.md section 5.
    """
    given = checked(ResponseParams, params)
    options = {name: given.pop(name) for name in BodyOptions.__annotations__ if name in given}
    body = {"model": some_text(model, "model"), "input": input_items(input), **_with_effort(given)}
    if known := find(model):
        check_effort((body.get("reasoning") or {}).get("effort"), known, "effort")
    _check_tools(given)
    return posting("/responses", {**body, "stream": True} if stream else body, options, kind="chat", model=model)


def _with_effort(given: dict[str, Any]) -> dict[str, Any]:
    """Write the effort where the wire has it."""
    effort, reasoning = given.pop("effort", None), given.get("reasoning") or {}
    if effort is None:
        return given
    if reasoning.get("effort", effort) != effort:
        raise InvalidParameterError(
            f"effort is {effort!r} and reasoning says {reasoning['effort']!r}; give one of them", param="effort"
        )
    return {**given, "reasoning": {**reasoning, "effort": effort}}


def _check_tools(given: Mapping[str, Any]) -> None:
    if given.get("tool_choice") not in (None, "auto"):
        raise InvalidParameterError(
            f"tool_choice is {given['tool_choice']!r}; the Responses API takes 'auto' only; client.chat takes a named "
            "function too",
            param="tool_choice",
        )
    tools = given.get("tools") or ()
    if any("function" in tool for tool in tools):
        raise InvalidParameterError(
            "the Responses API takes flat functions: {'type': 'function', 'name': ..., 'parameters': {...}}; it is "
            "client.chat that takes them with 'function' around them",
            param="tools",
        )
    check_tools({"type": tool.get("type"), "function": tool} for tool in tools)


def answer(*, model: str, input: Input, params: Mapping[str, Any]) -> Flow[Response]:  # noqa: A002
    """Ask for a whole answer."""
    reply = yield response_call(model=model, input=input, stream=False, params=params)
    response = read(Response, reply)
    if response.status == "failed" or response.error:
        raise failure(response.error, trace_id=response.trace_id)
    return response


class ResponseStream(Stream[ResponseEvent]):
    """An answer in events: iterate it, or ask for the whole."""

    def __init__(self, runner: Runner, call: Call) -> None:
        self._reader = ResponseReader()
        super().__init__(runner.events(call, self._reader))

    @property
    def trace_id(self) -> str | None:
        """The stream's trace id, as soon as the service has answered."""
        return self._reader.trace_id

    def response(self) -> Response:
        """Read what is left and return the whole answer.

        Raises:
            StreamInterruptedError: If the stream was cut, or closed before its end.
        """
        self._read_to_end()
        return self._reader.response()


class AsyncResponseStream(AsyncStream[ResponseEvent]):
    """An answer in events, asynchronously; see `ResponseStream`."""

    def __init__(self, runner: AsyncRunner, call: Call) -> None:
        self._reader = ResponseReader()
        super().__init__(runner.events(call, self._reader))

    @property
    def trace_id(self) -> str | None:
        """The stream's trace id, as soon as the service has answered."""
        return self._reader.trace_id

    async def response(self) -> Response:
        """Read what is left and return the whole answer; see `ResponseStream.response`."""
        await self._read_to_end()
        return self._reader.response()


class Responses(Resource):
    """`client.responses`: answers as typed items, in OpenAI's newer shape."""

    def create(
        self,
        *,
        model: str,
        input: Input,  # noqa: A002 - the wire's name
        **params: Unpack[ResponseParams],
    ) -> Response:
        """Ask for one whole answer.

        Args:
            model: A model id, e.g. `"step-3.7-flash"`.
            input: A question, or items: messages `{"role", "content"}`, what an earlier answer's `to_input()` gave, and
                the results of functions (see `function_output`). Output items of an earlier answer may be given as
                they are.
            **params: See `ResponseParams`.

        Returns:
            The answer: `.text`, `.reasoning`, `.function_calls`, and all of it in `.output`. Where `.status` is
            `"incomplete"`, `.incomplete_details` says why.

        Raises:
            InvalidParameterError: If an argument breaks a rule that is certain; nothing has been sent.
            APIStatusError: If the service refuses or fails.

        Example:
            >>> client.responses.create(model="step-3.7-flash", input="What is 6 * 7?").text
            '6 * 7 = 42'
        """
        return self._runner.run(answer(model=model, input=input, params=params))

    def stream(
        self,
        *,
        model: str,
        input: Input,  # noqa: A002
        **params: Unpack[ResponseParams],
    ) -> ResponseStream:
        """Ask for an answer in events; nothing is sent before the first one is asked for.

        Returns:
            A stream of `ResponseEvent`s to iterate, whose `response()` is the whole answer.

        Raises:
            InvalidParameterError: If an argument breaks a rule that is certain; nothing has been sent.
            StreamInterruptedError: While iterating, if the stream is cut.

        Example:
            >>> for event in client.responses.stream(model="step-3.7-flash", input="What is 6 * 7?"):
            ...     if event.type == "response.output_text.delta":
            ...         print(event.delta, end="")
            6 * 7 = 42
        """
        return ResponseStream(self._runner, response_call(model=model, input=input, stream=True, params=params))


class AsyncResponses(AsyncResource):
    """`client.responses` of the asynchronous client; see `Responses`."""

    async def create(
        self,
        *,
        model: str,
        input: Input,  # noqa: A002
        **params: Unpack[ResponseParams],
    ) -> Response:
        """Ask for one whole answer; see `Responses.create`."""
        return await self._runner.run(answer(model=model, input=input, params=params))

    def stream(
        self,
        *,
        model: str,
        input: Input,  # noqa: A002
        **params: Unpack[ResponseParams],
    ) -> AsyncResponseStream:
        """Ask for an answer in events, to iterate with `async for`; see `Responses.stream`."""
        return AsyncResponseStream(self._runner, response_call(model=model, input=input, stream=True, params=params))

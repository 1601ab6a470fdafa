"""The Messages API, Anthropic's shape: `POST /messages` and `POST /messages/count_tokens` (WIRE.md section 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from stepfun_client.api.messages_checks import check_messages, check_model, check_tools
from stepfun_client.api.messages_reply import InputTokens, Message
from stepfun_client.api.messages_stream import MessageEvent, MessageFold, MessagesStreamReader
from stepfun_client.api.resource import AsyncResource, BodyOptions, Resource, checked, posting, read, validated
from stepfun_client.api.streams import AsyncStream, Stream
from stepfun_client.errors import InvalidParameterError, StreamInterruptedError

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from stepfun_client.api.resource import AsyncRunner, Runner
    from stepfun_client.core.call import Call, Flow

Turns = Sequence[Mapping[str, Any]]


class PromptParams(BodyOptions, total=False):
    """What a prompt is made of beside `model` and `messages`. None leaves a parameter out.

    Attributes:
        system: The system prompt: a text, or text blocks.
        tools: `{"name": ..., "description": ..., "input_schema": {"type": "object", ...}}`.
        tool_choice: `{"type": "auto" | "any" | "none"}`, or one tool `{"type": "tool", "name": ...}`. No source
            documents it here; it is Anthropic's.
        output_config: `{"effort": ...}`.
        effort: The same, shorter: `"low"`, `"medium"` or `"high"`, as far as the model knows them.
        extra_body: Anything else, laid over the body unchecked.
    """

    system: str | Sequence[Mapping[str, Any]] | None
    tools: Sequence[Mapping[str, Any]] | None
    tool_choice: Mapping[str, Any] | None
    output_config: Mapping[str, Any] | None
    effort: str | None


class MessageParams(PromptParams, total=False):
    """What a message takes beside `model`, `messages` and `max_tokens`; see `PromptParams` too.

    Attributes:
        temperature: 0 to 2.
        top_p: 0 to 1.
        top_k: 0 to 500.
        stop_sequences: Up to where to answer.
    """

    temperature: Annotated[float, Field(ge=0, le=2)] | None
    top_p: Annotated[float, Field(ge=0, le=1)] | None
    top_k: Annotated[int, Field(ge=0, le=500)] | None
    stop_sequences: Sequence[str] | None


class _Request(MessageParams, total=False):
    max_tokens: Annotated[int, Field(ge=1)]


def message_call(*, model: str, messages: Turns, max_tokens: int, stream: bool, params: Mapping[str, Any]) -> Call:
    """Build the request of a message, checked as far as the rules are certain.

    Raises:
        InvalidParameterError: If a parameter is unknown or breaks a rule of WIRE.md sections 3 and 5.
    """
    if max_tokens is None:
        raise InvalidParameterError(
            "max_tokens is None; the Messages API wants it: the longest answer in tokens, thinking included, 1 or more",
            param="max_tokens",
        )
    return _call("/messages", model, messages, {**params, "max_tokens": max_tokens}, stream=stream)


def count_call(*, model: str, messages: Turns, params: Mapping[str, Any]) -> Call:
    """Build the request of a count, checked likewise."""
    return _call("/messages/count_tokens", model, messages, checked(PromptParams, params), stream=False)


def _call(path: str, model: str, messages: Turns, params: Mapping[str, Any], *, stream: bool) -> Call:
    given = checked(_Request, params)
    options = {name: given.pop(name) for name in BodyOptions.__annotations__ if name in given}
    body: dict[str, Any] = {"model": model, "messages": check_messages(messages), **_with_effort(given)}
    check_tools(body.get("tools") or ())
    check_model(body)
    if stream:
        body["stream"] = True
    return posting(path, body, options, kind="chat", model=model)


def _with_effort(given: dict[str, Any]) -> dict[str, Any]:
    """Write the effort where the wire has it."""
    effort, config = given.pop("effort", None), given.get("output_config") or {}
    if effort is None:
        return given
    if config.get("effort", effort) != effort:
        raise InvalidParameterError(
            f"effort is {effort!r} and output_config says {config['effort']!r}; give one of them", param="effort"
        )
    return {**given, "output_config": {**config, "effort": effort}}


def message(**asked: Any) -> Flow[Message]:
    """Ask for one whole reply; the arguments are those of `message_call`."""
    reply = yield message_call(stream=False, **asked)
    return read(Message, reply)


def counted(**asked: Any) -> Flow[InputTokens]:
    """Ask how many tokens a prompt has; the arguments are those of `count_call`."""
    reply = yield count_call(**asked)
    return read(InputTokens, reply)


class Messages(Resource):
    """`client.messages`: the Messages API, whole and streamed."""

    def create(self, *, model: str, messages: Turns, max_tokens: int, **params: Unpack[MessageParams]) -> Message:
        """Ask for one whole reply.

        Args:
            model: A model id, e.g. `"step-3.7-flash"`.
            messages: The conversation: `{"role": "user" | "assistant", "content": ...}`, the content a text or blocks
                `text`, `image`, `tool_use`, `tool_result` (WIRE.md section 5).
            max_tokens: The longest answer in tokens, thinking included; 1 or more.
            **params: See `MessageParams`.

        Returns:
            The message, with its `trace_id`.

        Raises:
            InvalidParameterError: If an argument breaks a rule that is certain; nothing has been sent.
            APIStatusError: If the service refuses or fails, by its status.
            APIConnectionError: If it cannot be reached.

        Example:
            >>> reply = client.messages.create(
            ...     model="step-3.7-flash", max_tokens=1024, messages=[{"role": "user", "content": "What is 6 * 7?"}]
            ... )
            >>> print(reply.text, reply.stop_reason)
            6 * 7 = 42 end_turn
        """
        return self._runner.run(message(model=model, messages=messages, max_tokens=max_tokens, params=params))

    def stream(self, *, model: str, messages: Turns, max_tokens: int, **params: Unpack[MessageParams]) -> MessageStream:
        """Ask for a reply in pieces; nothing is sent before the first one is asked for.

        Args:
            model: A model id, e.g. `"step-3.7-flash"`.
            messages: The conversation, as `create` takes it.
            max_tokens: The longest answer in tokens, thinking included; 1 or more.
            **params: See `MessageParams`.

        Returns:
            A stream of events to iterate, plain dicts, whose `message()` is the whole reply.

        Raises:
            InvalidParameterError: If an argument breaks a rule that is certain; nothing has been sent.
            StreamInterruptedError: While iterating, if the stream is cut.

        Example:
            >>> stream = client.messages.stream(
            ...     model="step-3.7-flash", max_tokens=1024, messages=[{"role": "user", "content": "What is 6 * 7?"}]
            ... )
            >>> for event in stream:
            ...     if event["type"] == "content_block_delta":
            ...         print(event["delta"].get("text", ""), end="")
            6 * 7 = 42
            >>> stream.message().usage.output_tokens > 0
            True
        """
        call = message_call(model=model, messages=messages, max_tokens=max_tokens, stream=True, params=params)
        return MessageStream(self._runner, call)

    def count_tokens(self, *, model: str, messages: Turns, **params: Unpack[PromptParams]) -> InputTokens:
        """Count a prompt's tokens, system prompt and tools included, without asking for an answer.

        Args:
            model: The model whose tokens count.
            messages: The conversation, as `create` takes it.
            **params: See `PromptParams`.

        Returns:
            The count, as `input_tokens`; `int(count)` is the same.

        Raises:
            InvalidParameterError: If an argument breaks a rule that is certain; nothing has been sent.
            APIStatusError: If the service refuses or fails.

        Example:
            >>> count = client.messages.count_tokens(
            ...     model="step-3.7-flash", messages=[{"role": "user", "content": "Hello"}]
            ... )
            >>> int(count) > 0
            True
        """
        return self._runner.run(counted(model=model, messages=messages, params=params))


class AsyncMessages(AsyncResource):
    """`client.messages` of the asynchronous client; see `Messages`."""

    async def create(self, *, model: str, messages: Turns, max_tokens: int, **params: Unpack[MessageParams]) -> Message:
        """Ask for one whole reply; see `Messages.create`."""
        return await self._runner.run(message(model=model, messages=messages, max_tokens=max_tokens, params=params))

    def stream(
        self, *, model: str, messages: Turns, max_tokens: int, **params: Unpack[MessageParams]
    ) -> AsyncMessageStream:
        """Ask for a reply in pieces, to iterate with `async for`; see `Messages.stream`."""
        call = message_call(model=model, messages=messages, max_tokens=max_tokens, stream=True, params=params)
        return AsyncMessageStream(self._runner, call)

    async def count_tokens(self, *, model: str, messages: Turns, **params: Unpack[PromptParams]) -> InputTokens:
        """Count a prompt's tokens; see `Messages.count_tokens`."""
        return await self._runner.run(counted(model=model, messages=messages, params=params))


class _StreamState:
    """What both streams keep: the reader, and the fold of what it has read."""

    def __init__(self) -> None:
        self._reader = MessagesStreamReader()
        self._fold = MessageFold()

    @property
    def trace_id(self) -> str | None:
        """The stream's trace id, as soon as the service has answered."""
        return self._reader.trace_id

    @property
    def headers(self) -> Mapping[str, str]:
        """The reply's headers, names in lower case; empty before the service has answered."""
        return self._reader.headers

    def _take(self, piece: MessageEvent) -> None:
        self._fold.add(piece)

    def _folded(self) -> Message:
        if not self._fold.is_whole:  # what one network read brought may not have been taken
            raise StreamInterruptedError(
                "the stream was closed or broke before its end, so there is no whole message", trace_id=self.trace_id
            )
        return validated(Message, self._fold.body(), headers=self._reader.headers)


class MessageStream(_StreamState, Stream[MessageEvent]):
    """A streamed reply: iterate it for its events, or ask for the whole.

    Leaving it unread (`break`, `close`, the end of a `with` block, or dropping it) closes the connection.
    """

    def __init__(self, runner: Runner, call: Call) -> None:
        _StreamState.__init__(self)
        Stream.__init__(self, runner.events(call, self._reader))

    def message(self) -> Message:
        """Read what is left and return the whole message.

        Raises:
            StreamInterruptedError: If the stream was cut, or closed before its end.
        """
        self._read_to_end()
        return self._folded()


class AsyncMessageStream(_StreamState, AsyncStream[MessageEvent]):
    """A streamed reply, asynchronously; see `MessageStream`. Awaiting it gives itself, for code written that way."""

    def __init__(self, runner: AsyncRunner, call: Call) -> None:
        _StreamState.__init__(self)
        AsyncStream.__init__(self, runner.events(call, self._reader))

    async def message(self) -> Message:
        """Read what is left and return the whole message; see `MessageStream.message`."""
        await self._read_to_end()
        return self._folded()

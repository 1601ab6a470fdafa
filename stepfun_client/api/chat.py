"""Chat completions: `POST /chat/completions` (WIRE.md section 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from stepfun_client.api.chat_checks import audio_format, check_model_rules, check_shape
from stepfun_client.api.chat_stream import ChatChunk, ChatFold, ChatStreamReader, cached_tokens, one_reasoning
from stepfun_client.api.resource import (
    AsyncResource,
    AsyncRunner,
    CallOptions,
    Resource,
    Runner,
    WireModel,
    WirePart,
    checked,
    read,
    validated,
)
from stepfun_client.api.streams import AsyncStream, Stream
from stepfun_client.core.call import Call, Flow, encode_json
from stepfun_client.errors import StreamInterruptedError

if TYPE_CHECKING:
    from typing_extensions import Unpack


class ChatParams(CallOptions, total=False):
    """What a chat completion takes beside `model` and `messages`. None leaves a parameter out.

    Attributes:
        tools: Function tools `{"type": "function", "function": {...}}` and StepFun's own `web_search` and `retrieval`.
        tool_choice: `"auto"`, `"none"`, or one function by name `{"type": "function", "function": {"name": ...}}`.
            `"required"` is not documented by StepFun.
        parallel_tool_calls: Not documented by StepFun; sent as given.
        max_tokens: The longest answer in tokens, thinking included.
        temperature: 0 to 2.
        top_p: 0 to 1.
        n: How many choices.
        stop: Up to where to answer: a text or several.
        frequency_penalty: 0 to 1.
        response_format: `{"type": "text" | "json_object" | "json_schema", ...}`.
        reasoning_effort: `"low"`, `"medium"` or `"high"`, as far as the model knows them.
        reasoning_format: `"general"` or `"deepseek-style"`; both are read alike here.
        modalities: `["text"]` or `["text", "audio"]`.
        audio: `{"voice": ..., "format": ...}`; the format is wav without stream, pcm (24 kHz, mono, 16 bit) in a
            stream, and may be left out.
        stream_options: `{"include_usage": bool}`; usage is asked for unless this says otherwise.
        extra_body: Anything else, laid over the body unchecked.
    """

    tools: Sequence[Mapping[str, Any]] | None
    tool_choice: str | Mapping[str, Any] | None
    parallel_tool_calls: bool | None
    max_tokens: Annotated[int, Field(ge=1)] | None
    temperature: Annotated[float, Field(ge=0, le=2)] | None
    top_p: Annotated[float, Field(ge=0, le=1)] | None
    n: Annotated[int, Field(ge=1)] | None
    stop: str | Sequence[str] | None
    frequency_penalty: Annotated[float, Field(ge=0, le=1)] | None
    response_format: Mapping[str, Any] | None
    reasoning_effort: str | None
    reasoning_format: Literal["general", "deepseek-style"] | None
    modalities: Sequence[Literal["text", "audio"]] | None
    audio: Mapping[str, Any] | None
    stream_options: Mapping[str, Any] | None
    extra_body: Mapping[str, Any] | None


class FunctionCall(WirePart):
    """The function a tool call names, and its arguments as the JSON text the model wrote."""

    name: str = ""
    arguments: str = ""


class ToolCall(WirePart):
    """A tool call. One that StepFun has run itself carries `results`, and must be neither executed nor answered."""

    id: str = ""
    type: str = "function"
    function: FunctionCall = FunctionCall()
    results: list[dict[str, Any]] | None = None

    @property
    def is_server_call(self) -> bool:
        """Whether StepFun ran it, as `web_search` and `retrieval`."""
        return self.type != "function"


class SpokenAnswer(WirePart):
    """A spoken answer: base64 of a wav file, or of pcm samples (24 kHz, mono, 16 bit) from a stream; and its words."""

    data: str = ""
    transcript: str = ""


class ChatMessage(WirePart):
    """An assistant's message."""

    role: str = "assistant"
    content: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[ToolCall] | None = None
    audio: SpokenAnswer | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_reasoning(cls, message: Any) -> Any:
        return one_reasoning(dict(message)) if isinstance(message, Mapping) else message


class ChatChoice(WirePart):
    """One of the answers. `finish_reason` is None for spoken answers, and may be `"stop"` beside tool calls."""

    index: int = 0
    message: ChatMessage
    finish_reason: str | None = None


class Usage(WirePart):
    """What an exchange used, in tokens."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    prompt_tokens_details: dict[str, Any] | None = None

    @property
    def cached(self) -> int | None:
        """Input tokens that came from the prompt cache; None where the service does not say."""
        return cached_tokens(self.model_dump())


class ChatCompletion(WireModel):
    """A whole reply."""

    id: str = ""
    created: int = 0
    model: str = ""
    choices: Annotated[list[ChatChoice], Field(min_length=1)]
    usage: Usage | None = None

    @property
    def message(self) -> ChatMessage:
        """The first choice's message."""
        return self.choices[0].message

    @property
    def text(self) -> str:
        """The first choice's text; for a spoken answer, its words."""
        message = self.message
        return message.content or (message.audio.transcript if message.audio else "")

    @property
    def reasoning(self) -> str | None:
        """What the model thought before it answered."""
        return self.message.reasoning_content

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The first choice's tool calls, StepFun's own included."""
        return self.message.tool_calls or []


def chat_call(*, model: str, messages: Sequence[Mapping[str, Any]], stream: bool, params: Mapping[str, Any]) -> Call:
    """Build the request, checked as far as the rules are certain.

    Raises:
        InvalidParameterError: If a parameter is unknown or breaks a rule of WIRE.md section 4.
    """
    given = checked(ChatParams, params)
    timeout = given.pop("timeout", None)
    headers = given.pop("extra_headers", None) or {}
    extra_body = given.pop("extra_body", None)
    body: dict[str, Any] = {"model": model, "messages": check_shape(messages, given.get("tools")), **given}
    if stream:
        body["stream"] = True
        body.setdefault("stream_options", {"include_usage": True})
    if "audio" in body and "format" not in body["audio"]:
        body["audio"] = {**body["audio"], "format": audio_format(stream=stream)}
    check_model_rules(body)
    content = encode_json(body, extra_body=extra_body)
    return Call(
        "POST", "/chat/completions", content=content, kind="chat", model=model, headers=headers, timeout=timeout
    )


def completion(
    *, model: str, messages: Sequence[Mapping[str, Any]], **params: Unpack[ChatParams]
) -> Flow[ChatCompletion]:
    """Ask for one whole reply."""
    reply = yield chat_call(model=model, messages=messages, stream=False, params=params)
    return read(ChatCompletion, reply)


class Chat(Resource):
    """`client.chat`: chat completions, whole and streamed."""

    def create(
        self, *, model: str, messages: Sequence[Mapping[str, Any]], **params: Unpack[ChatParams]
    ) -> ChatCompletion:
        """Ask for one whole reply.

        Args:
            model: A model id, e.g. `"step-3.7-flash"`.
            messages: The conversation as StepFun's message objects (WIRE.md section 4).
            **params: See `ChatParams`.

        Returns:
            The completion, with its `trace_id`.

        Raises:
            InvalidParameterError: If an argument breaks a rule that is certain; nothing has been sent.
            APIStatusError: If the service refuses or fails, by its status.
            APIConnectionError: If it cannot be reached.

        Example:
            >>> reply = client.chat.create(
            ...     model="step-3.7-flash", messages=[{"role": "user", "content": "What is 6 * 7?"}]
            ... )
            >>> print(reply.text)
            6 * 7 = 42
        """
        return self._runner.run(completion(model=model, messages=messages, **params))

    def stream(self, *, model: str, messages: Sequence[Mapping[str, Any]], **params: Unpack[ChatParams]) -> ChatStream:
        """Ask for a reply in pieces; nothing is sent before the first one is asked for.

        Args:
            model: A model id, e.g. `"step-3.7-flash"`.
            messages: The conversation as StepFun's message objects (WIRE.md section 4).
            **params: See `ChatParams`.

        Returns:
            A stream to iterate, whose `completion()` is the whole reply.

        Raises:
            InvalidParameterError: If an argument breaks a rule that is certain; nothing has been sent.
            StreamInterruptedError: While iterating, if the stream is cut.

        Example:
            >>> stream = client.chat.stream(
            ...     model="step-3.7-flash", messages=[{"role": "user", "content": "What is 6 * 7?"}]
            ... )
            >>> for chunk in stream:
            ...     for choice in chunk["choices"]:
            ...         print(choice["delta"].get("content") or "", end="")
            6 * 7 = 42
            >>> stream.completion().usage.total_tokens > 0
            True
        """
        return ChatStream(self._runner, chat_call(model=model, messages=messages, stream=True, params=params), params)


class AsyncChat(AsyncResource):
    """`client.chat` of the asynchronous client; see `Chat`."""

    async def create(
        self, *, model: str, messages: Sequence[Mapping[str, Any]], **params: Unpack[ChatParams]
    ) -> ChatCompletion:
        """Ask for one whole reply; see `Chat.create`."""
        return await self._runner.run(completion(model=model, messages=messages, **params))

    def stream(
        self, *, model: str, messages: Sequence[Mapping[str, Any]], **params: Unpack[ChatParams]
    ) -> AsyncChatStream:
        """Ask for a reply in pieces, to iterate with `async for`; see `Chat.stream`."""
        return AsyncChatStream(
            self._runner, chat_call(model=model, messages=messages, stream=True, params=params), params
        )


class _StreamState:
    """What both streams keep: the reader, and the fold of what it has read."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        asked = {**params, **(params.get("extra_body") or {})}
        self._choices = asked.get("n") or 1
        self._reader = ChatStreamReader(choices=self._choices)
        self._fold = ChatFold()

    @property
    def trace_id(self) -> str | None:
        """The stream's trace id, as soon as the service has answered."""
        return self._reader.trace_id

    @property
    def headers(self) -> Mapping[str, str]:
        """The reply's headers, names in lower case; empty before the service has answered."""
        return self._reader.headers

    def _take(self, piece: ChatChunk) -> None:
        self._fold.add(piece)

    def _folded(self, *, was_read: bool) -> ChatCompletion:
        is_taken = was_read or self._fold.finished >= self._choices  # one network read may bring more than was taken
        if not (self._reader.complete and is_taken):
            raise StreamInterruptedError(
                "the stream was closed or broke before its end, so there is no whole reply", trace_id=self.trace_id
            )
        return validated(ChatCompletion, self._fold.body(), headers=self._reader.headers)


class ChatStream(_StreamState, Stream[ChatChunk]):
    """A streamed reply: iterate it for clean chunks, or ask for the whole.

    Leaving it unread (`break`, `close`, the end of a `with` block, or dropping it) closes the connection.
    """

    def __init__(self, runner: Runner, call: Call, params: Mapping[str, Any]) -> None:
        _StreamState.__init__(self, params)
        Stream.__init__(self, runner.events(call, self._reader))

    def completion(self) -> ChatCompletion:
        """Read what is left and return the whole reply.

        Raises:
            StreamInterruptedError: If the stream was cut, or closed before its end.
        """
        self._read_to_end()
        return self._folded(was_read=self._was_read)


class AsyncChatStream(_StreamState, AsyncStream[ChatChunk]):
    """A streamed reply, asynchronously; see `ChatStream`. Awaiting it gives itself, for code written that way."""

    def __init__(self, runner: AsyncRunner, call: Call, params: Mapping[str, Any]) -> None:
        _StreamState.__init__(self, params)
        AsyncStream.__init__(self, runner.events(call, self._reader))

    async def completion(self) -> ChatCompletion:
        """Read what is left and return the whole reply; see `ChatStream.completion`."""
        await self._read_to_end()
        return self._folded(was_read=self._was_read)

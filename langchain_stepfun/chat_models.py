"""`ChatStepFun`: StepFun's chat models for LangChain."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import ConfigDict, Field, PrivateAttr, SecretStr, model_validator
from typing_extensions import Self

from langchain_stepfun.errors import model_errors
from langchain_stepfun.messages import PROVIDER, from_wire, reply_metadata, sum_usage, to_wire, usage_metadata
from langchain_stepfun.profiles import profile_of
from langchain_stepfun.streaming import MessageReader
from langchain_stepfun.tool_binding import tool_choice_to_wire, tools_to_wire
from stepfun_client import AsyncStepFunClient, InvalidParameterError, StepFunClient, __version__
from stepfun_client.api.chat import chat_call
from stepfun_client.catalog import MODEL_DEFAULT_CHAT

if TYPE_CHECKING:
    from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
    from langchain_core.language_models import LanguageModelInput, ModelProfile
    from langchain_core.language_models.base import LangSmithParams
    from langchain_core.messages import AIMessage, BaseMessage
    from langchain_core.runnables import Runnable

    from stepfun_client.api.chat import ChatCompletion
    from stepfun_client.core.call import Call

_CONNECTION = ("api_key", "region", "plan", "base_url", "timeout", "max_retries", "default_headers")
_REQUEST = (
    "temperature",
    "top_p",
    "max_tokens",
    "frequency_penalty",
    "n",
    "reasoning_effort",
    "reasoning_format",
    "modalities",
    "audio",
    "extra_body",
)


class ChatStepFun(BaseChatModel):
    """StepFun's chat models: reasoning, tools, pictures, video and sound, streamed or whole.

    Args:
        model: A model id; any that StepFun takes, known to the catalogue or not.
        api_key: The key; without one, `STEP_API_KEY` and then `STEPFUN_API_KEY` are read at the first call.
        region: `"cn"` for api.stepfun.com, `"global"` for api.stepfun.ai; a key works in its own region only.
        plan: True to call Step Plan's paths.
        base_url: Another address; without one, `STEPFUN_BASE_URL`, then the region's.
        timeout: Seconds between two bytes; 60 by default, and always 5 to connect.
        max_retries: How often a call is repeated after a lost connection, 408, 429 or 5xx.
        default_headers: Headers of every call.
        http_client: An `httpx.Client` of your own, used as it is and never closed here.
        http_async_client: An `httpx.AsyncClient` of your own, likewise.
        temperature: 0 to 2.
        top_p: 0 to 1.
        max_tokens: The longest answer in tokens, thinking included.
        stop: Up to where to answer: a text or several.
        frequency_penalty: 0 to 1.
        n: How many answers; not in streams.
        reasoning_effort: `"low"`, `"medium"` or `"high"`, as far as the model knows them.
        reasoning_format: `"general"` or `"deepseek-style"`; both are read alike.
        send_reasoning: Whether reasoning goes back to the model together with its tool calls.
        modalities: `["text"]` or `["text", "audio"]`.
        audio: `{"voice": ..., "format": "wav" | "pcm"}`: wav without stream, pcm in a stream.
        streaming: Whether `invoke` streams underneath.
        include_response_headers: Whether `response_metadata` holds the reply's headers.
        model_kwargs: Further parameters, checked like the others.
        extra_body: Anything else, laid over the request unchecked.

    Every answer's `response_metadata` tells `model_name`, `finish_reason`, `id` and `trace_id`; reasoning is in
    `additional_kwargs["reasoning_content"]` and among the `content_blocks`; `usage_metadata` counts once.

    Raises:
        Errors that are StepFun's and langchain-core's at once, e.g. `stepfun_client.RateLimitError` and
        `langchain_core.exceptions.ModelRateLimitError`; see `langchain_stepfun.errors`.

    Example:
        >>> model = ChatStepFun(model="step-3.7-flash", reasoning_effort="low")
        >>> print(model.invoke("What is 6 * 7?").text)
        6 * 7 = 42
    """

    model_config = ConfigDict(extra="forbid", populate_by_name=True, arbitrary_types_allowed=True)

    model: str = MODEL_DEFAULT_CHAT
    api_key: SecretStr | None = Field(default=None, repr=False)
    region: Literal["cn", "global"] = "cn"
    plan: bool = False
    base_url: str | None = None
    timeout: float | None = Field(default=None, gt=0)
    max_retries: int = Field(default=2, ge=0)
    default_headers: Mapping[str, str] | None = Field(default=None, repr=False)
    http_client: Any = Field(default=None, exclude=True, repr=False)
    http_async_client: Any = Field(default=None, exclude=True, repr=False)

    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    max_tokens: int | None = Field(default=None, ge=1)
    stop: str | list[str] | None = Field(default=None, alias="stop_sequences")
    frequency_penalty: float | None = Field(default=None, ge=0, le=1)
    n: int | None = Field(default=None, ge=1)
    reasoning_effort: str | None = None
    reasoning_format: Literal["general", "deepseek-style"] | None = None
    send_reasoning: bool = True
    modalities: list[str] | None = None
    audio: dict[str, Any] | None = None
    streaming: bool = False
    include_response_headers: bool = False
    model_kwargs: dict[str, Any] = Field(default_factory=dict)
    extra_body: dict[str, Any] | None = None

    _sync: StepFunClient | None = PrivateAttr(default=None)
    _async: AsyncStepFunClient | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _check_stepfun_choices(self) -> Self:
        if self.streaming and (self.n or 1) > 1:
            raise InvalidParameterError("n must be 1 with streaming=True: a stream makes one message", param="n")
        return self

    @model_validator(mode="after")
    def _set_stepfun_version(self) -> Self:
        self._add_version("stepfun-integrations", __version__)
        return self

    # --- What LangChain asks about a model ---------------------------------------------------------------------------

    @property
    def _llm_type(self) -> str:
        return "stepfun-chat"

    @property
    def model_name(self) -> str:
        """The model's id, under the name other integrations give it."""
        return self.model

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self.model, **self._params()}

    @property
    def lc_secrets(self) -> dict[str, str]:
        """The key, by the variable that holds it where a serialized model is loaded again."""
        return {"api_key": "STEP_API_KEY"}

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Say that `dumps` and `loads` work."""
        return True

    def _resolve_model_profile(self) -> ModelProfile | None:
        return profile_of(self.model)

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop, **kwargs)
        params["ls_provider"] = PROVIDER
        params["ls_model_name"] = kwargs.get("model") or self.model
        return params

    # --- Clients, made at first use ----------------------------------------------------------------------------------

    @property
    def client(self) -> StepFunClient:
        """The synchronous client underneath, made at first use."""
        if self._sync is None:
            self._sync = StepFunClient(**self._connection(), http_client=self.http_client)
        return self._sync

    @property
    def async_client(self) -> AsyncStepFunClient:
        """The asynchronous client underneath, made at first use."""
        if self._async is None:
            self._async = AsyncStepFunClient(**self._connection(), http_client=self.http_async_client)
        return self._async

    def _connection(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _CONNECTION}

    def __getstate__(self) -> dict[Any, Any]:
        """Leave key, clients and connections out of pickles."""
        state = super().__getstate__()
        left_out = {"api_key": None, "http_client": None, "http_async_client": None}
        return {**state, "__dict__": {**state["__dict__"], **left_out}, "__pydantic_private__": _NO_CLIENTS}

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

    # --- Requests and replies ----------------------------------------------------------------------------------------

    def _params(self) -> dict[str, Any]:
        given = {name: getattr(self, name) for name in _REQUEST}
        return {**{name: value for name, value in given.items() if value is not None}, **self.model_kwargs}

    def _request(self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Put a request together: this model's parameters, and over them the call's."""
        given = {name: value for name, value in kwargs.items() if name != "stream"}
        until = stop or given.pop("stop", None) or self.stop
        request = {"model": self.model, **self._params(), **given, "messages": self._wire(messages)}
        return {**request, "stop": until} if until else request

    def _wire(self, messages: list[BaseMessage]) -> list[dict[str, Any]]:
        return to_wire(messages, send_reasoning=self.send_reasoning)

    def _result(self, reply: ChatCompletion, headers: Mapping[str, str] | None = None) -> ChatResult:
        body = reply.model_dump(exclude_unset=True)
        usage = usage_metadata(body.get("usage"))
        generations: list[ChatGeneration] = []
        for choice in body["choices"]:
            metadata = reply_metadata(
                model=body.get("model"),
                finish_reason=choice.get("finish_reason"),
                request_id=body.get("id"),
                trace_id=reply.trace_id,
                headers=headers,
            )
            # Several answers share one usage; it is counted with the first.
            message = from_wire(choice["message"], usage=None if generations else usage, metadata=metadata)
            generations.append(ChatGeneration(message=message))
        output = {"model_name": body.get("model"), "token_usage": body.get("usage") or {}}
        return ChatResult(generations=generations, llm_output=output)

    def _combine_llm_outputs(self, llm_outputs: list[dict[str, Any] | None]) -> dict[str, Any]:
        return sum_usage(llm_outputs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 - core reports what is returned
        **kwargs: Any,
    ) -> ChatResult:
        with model_errors():
            return self._result(self.client.chat.create(**self._request(messages, stop, kwargs)))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002 - core reports what is returned
        **kwargs: Any,
    ) -> ChatResult:
        with model_errors():
            return self._result(await self.async_client.chat.create(**self._request(messages, stop, kwargs)))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 - core reports what is yielded
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        with model_errors():
            yield from self.client.events(self._stream_call(messages, stop, kwargs), self._reader())

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002 - core reports what is yielded
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        with model_errors():
            async for chunk in self.async_client.events(self._stream_call(messages, stop, kwargs), self._reader()):
                yield chunk

    def _stream_call(self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]) -> Call:
        request = self._request(messages, stop, kwargs)
        if (request.get("n") or 1) > 1:
            raise InvalidParameterError("n must be 1 in a stream: a stream makes one message", param="n")
        return chat_call(model=request.pop("model"), messages=request.pop("messages"), stream=True, params=request)

    def _reader(self) -> MessageReader:
        return MessageReader(tell_headers=self.include_response_headers)

    # --- Tools -------------------------------------------------------------------------------------------------------

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | Any],
        *,
        tool_choice: str | bool | dict[str, Any] | None = None,
        strict: bool | None = None,
        parallel_tool_calls: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Bind tools, the caller's and StepFun's own, mixed freely.

        Args:
            tools: Functions, pydantic classes, TypedDicts, `BaseTool`s, function dicts, and the tools StepFun runs by
                itself: `{"type": "web_search"}`, `{"type": "retrieval", "function": {...}}`.
            tool_choice: A tool's name, `"auto"`, `"none"`, `"any"` or `"required"` or True for at least one, or a wire
                object. StepFun documents `"auto"`, `"none"` and a name.
            strict: Whether the model must keep to each function's schema.
            parallel_tool_calls: Whether several calls may come at once; not documented by StepFun, sent as given.
            **kwargs: Further parameters of each call.

        Returns:
            A runnable that answers with tool calls.

        Raises:
            InvalidParameterError: If `tool_choice` names a tool that is not bound.

        Example:
            >>> def multiply(a: int, b: int) -> int:
            ...     '''Multiply two numbers.'''
            ...     return a * b
            >>> model = ChatStepFun().bind_tools([multiply])
            >>> model.invoke("Multiply 6 and 7").tool_calls[0]["args"]
            {'a': 6, 'b': 7}
        """
        with model_errors():
            wire = tools_to_wire(tools, strict=strict)
            given = {
                "tools": wire,
                "tool_choice": tool_choice_to_wire(tool_choice, wire),
                "parallel_tool_calls": parallel_tool_calls,
            }
        return self.bind(**{name: value for name, value in given.items() if value is not None}, **kwargs)


_NO_CLIENTS = {"_sync": None, "_async": None}

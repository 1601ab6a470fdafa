"""`ChatStepFun`: StepFun's chat models for LangChain."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from langchain_core.language_models.chat_models import BaseChatModel
from pydantic import ConfigDict, Field, PrivateAttr, field_validator, model_validator
from typing_extensions import Self

from langchain_stepfun.connection import Connected
from langchain_stepfun.content_blocks import PROVIDER
from langchain_stepfun.counting import TokenCounting
from langchain_stepfun.errors import model_errors
from langchain_stepfun.events import EventStream
from langchain_stepfun.messages import to_wire
from langchain_stepfun.profiles import current_profile
from langchain_stepfun.protocols import API, ChatProtocol, WireProtocol, protocol_of
from langchain_stepfun.results import chat_result, sum_usage
from langchain_stepfun.streaming import MessageStream, TranslatedReader, Translator
from langchain_stepfun.structured_output import Method, structured
from langchain_stepfun.tool_binding import tools_to_wire
from stepfun_client import ConcurrencyLimit, InvalidParameterError, __version__
from stepfun_client.api.chat_checks import check_tool
from stepfun_client.api.sending import sending, sending_async
from stepfun_client.api.tool_choice import tool_choice_to_wire
from stepfun_client.catalog import MODEL_DEFAULT_CHAT

if TYPE_CHECKING:
    from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
    from langchain_core.language_models import LanguageModelInput, ModelProfile
    from langchain_core.language_models.base import LangSmithParams
    from langchain_core.messages import AIMessage, BaseMessage
    from langchain_core.outputs import ChatGenerationChunk, ChatResult
    from langchain_core.runnables import Runnable
    from langchain_protocol.protocol import MessagesData

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


MadeT = TypeVar("MadeT")


class ChatStepFun(TokenCounting, BaseChatModel, Connected):
    """StepFun's chat models: reasoning, tools, pictures, video and sound, streamed or whole.

    Args:
        model: A model id; any that StepFun takes, known to the catalogue or not.
        api_key: The key; without one, `STEP_API_KEY` and then `STEPFUN_API_KEY` are read, now and at the
            first call.
        region: `"cn"` for api.stepfun.com, `"global"` for api.stepfun.ai; a key works in its own region only.
        plan: True to call Step Plan's paths.
        base_url: Another address; without one, `STEPFUN_BASE_URL`, then the region's.
        timeout: Seconds between two bytes; 60 by default, and always 5 to connect.
        max_retries: How often a call is repeated after a lost connection, 408, 429 or 5xx.
        default_headers: Headers of every call.
        http_client: An `httpx.Client` of your own, used as it is and never closed here.
        http_async_client: An `httpx.AsyncClient` of your own, likewise.
        api: Which of StepFun's APIs to speak: `"chat"`, or `"messages"` for the Messages API, which some models are
            served on alone. The latter takes text and pictures, functions as tools, and none of `frequency_penalty`,
            `n`, `reasoning_format`, `modalities`, `audio`, `upload_above`; an answer is at most 32,768 tokens long
            where `max_tokens` says nothing, and reasoning of earlier turns is not sent back.
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
        audio: `{"voice": ...}`; a spoken answer is wav without stream, pcm (24 kHz, mono, 16 bit) in a stream.
        streaming: Whether `invoke` streams underneath.
        include_response_headers: Whether `response_metadata` holds the reply's headers.
        upload_above: From how many bytes on a picture or a video is uploaded (and deleted after the answer) rather than
            sent along; None sends all along.
        concurrency_limit: How many calls of this model may run at once in this process, each held until its stream
            ends, as StepFun counts them; a number, or a `stepfun_client.ConcurrencyLimit` that several models share.
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
    api: API = Field(default="chat", frozen=True)
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
    upload_above: int | None = Field(default=None, ge=0)
    concurrency_limit: ConcurrencyLimit | None = Field(default=None, exclude=True, repr=False)

    _protocol: WireProtocol = PrivateAttr(default_factory=ChatProtocol)

    @field_validator("concurrency_limit", mode="before")
    @classmethod
    def _make_stepfun_limit(cls, given: Any) -> Any:
        return ConcurrencyLimit(given) if isinstance(given, int) else given

    @model_validator(mode="after")
    def _check_stepfun_choices(self) -> Self:
        if self.streaming and (self.n or 1) > 1:
            raise InvalidParameterError("n must be 1 with streaming=True: a stream makes one message", param="n")
        if wrong := {"model", "messages"} & self.model_kwargs.keys():
            raise InvalidParameterError(
                f"model_kwargs must not hold {', '.join(sorted(wrong))}: it is an argument of its own",
                param="model_kwargs",
            )
        self._speak()
        return self

    def _speak(self) -> None:
        """Choose what speaks the API, and the profile that is true of the model there."""
        self._protocol = protocol_of(self.api)
        self._protocol.check({**self._params(), **({} if self.upload_above is None else {"upload_above": True})})
        self.profile = current_profile(self.profile, self.model, self._protocol.profile_of)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Copy, with other values where `update` says so; a profile that was the other model's is this one's."""
        copied = super().model_copy(update=update, deep=deep)
        with model_errors():
            copied._speak()  # noqa: SLF001 - the copy's own
        return copied

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
        return {"model": self.model, "api": self.api, **self._params()}

    @property
    def lc_secrets(self) -> dict[str, str]:
        """The key, by the variable that holds it where a serialized model is loaded again."""
        return {"api_key": "STEP_API_KEY"}

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Say that `dumps` and `loads` work."""
        return True

    def _resolve_model_profile(self) -> ModelProfile | None:
        return self._protocol.profile_of(self.model)

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop, **kwargs)
        params["ls_provider"] = PROVIDER
        params["ls_model_name"] = kwargs.get("model") or self.model
        return params

    # --- Requests and replies ----------------------------------------------------------------------------------------

    def _params(self) -> dict[str, Any]:
        given = {name: getattr(self, name) for name in _REQUEST}
        return {**{name: value for name, value in given.items() if value is not None}, **self.model_kwargs}

    def _request(self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Put a request together: this model's parameters, and over them the call's."""
        given = {name: value for name, value in kwargs.items() if name != "stream"}
        own = given.pop("stop", None)
        until = stop if stop is not None else own if own is not None else self.stop
        if self.extra_body and given.get("extra_body"):
            given["extra_body"] = {**self.extra_body, **given["extra_body"]}
        request = {"model": self.model, **self._params(), **given, "messages": self._wire(messages)}
        return {**request, "stop": until} if until else request

    def _wire(self, messages: list[BaseMessage]) -> list[dict[str, Any]]:
        return to_wire(messages, send_reasoning=self.send_reasoning)

    def _combine_llm_outputs(self, llm_outputs: list[dict[str, Any] | None]) -> dict[str, Any]:
        return sum_usage(llm_outputs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 - core reports what is returned
        **kwargs: Any,
    ) -> ChatResult:
        with model_errors(), self._sending(messages, stop, kwargs) as request:
            reply = self.client.run(self._protocol.ask(request))
            return chat_result(reply, tell_headers=self.include_response_headers)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002 - core reports what is returned
        **kwargs: Any,
    ) -> ChatResult:
        with model_errors():
            async with self._sending_async(messages, stop, kwargs) as request:
                reply = await self.async_client.run(self._protocol.ask(request))
                return chat_result(reply, tell_headers=self.include_response_headers)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 - core reports what is yielded
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        return self._translated(MessageStream(), messages, stop, kwargs)

    def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002 - core reports what is yielded
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        return self._atranslated(MessageStream(), messages, stop, kwargs)

    def _stream_chat_model_events(
        self,
        messages: list[BaseMessage],
        *,
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 - core reports what is yielded
        **kwargs: Any,
    ) -> Iterator[MessagesData]:
        """Yield v3 events; langchain-core finds this hook by its name."""
        return self._translated(EventStream(), messages, stop, kwargs)

    def _astream_chat_model_events(
        self,
        messages: list[BaseMessage],
        *,
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002 - core reports what is yielded
        **kwargs: Any,
    ) -> AsyncIterator[MessagesData]:
        """Yield v3 events asynchronously; langchain-core finds this hook by its name."""
        return self._atranslated(EventStream(), messages, stop, kwargs)

    def _translated(
        self, translator: Translator[MadeT], messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]
    ) -> Iterator[MadeT]:
        """Stream in the translator's words."""
        reader = self._reader(translator)
        with model_errors(), self._sending(messages, stop, kwargs) as request:
            yield from self.client.events(self._protocol.open(request), reader)
        yield from reader.conclusion

    async def _atranslated(
        self, translator: Translator[MadeT], messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]
    ) -> AsyncIterator[MadeT]:
        """Stream in the translator's words, asynchronously."""
        reader = self._reader(translator)
        with model_errors():
            async with self._sending_async(messages, stop, kwargs) as request:
                call = self._protocol.open(request)
                async with aclosing(self.async_client.events(call, reader)) as made:
                    async for item in made:
                        yield item
        for item in reader.conclusion:
            yield item

    def _reader(self, translator: Translator[MadeT]) -> TranslatedReader[MadeT]:
        return TranslatedReader(translator, self._protocol.reader(), tell_headers=self.include_response_headers)

    def _sending(self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]) -> Any:
        request = self._request(messages, stop, kwargs)
        return sending(self.client, request, limit=self.concurrency_limit, upload_above=self.upload_above)

    def _sending_async(self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]) -> Any:
        request = self._request(messages, stop, kwargs)
        return sending_async(self.async_client, request, limit=self.concurrency_limit, upload_above=self.upload_above)

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
            for tool in wire:
                check_tool(tool)
            given = {
                "tools": wire or None,  # an agent without tools binds an empty list
                "tool_choice": tool_choice_to_wire(tool_choice, wire),
                "parallel_tool_calls": parallel_tool_calls,
            }
        return self.bind(**{name: value for name, value in given.items() if value is not None}, **kwargs)

    def with_structured_output(
        self,
        schema: dict[str, Any] | type,
        *,
        method: Method | None = None,
        include_raw: bool = False,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """Answer with what a schema describes.

        Args:
            schema: A pydantic class (v1 or v2), a TypedDict, a JSON schema, or a function dict.
            method: `"json_schema"` (StepFun keeps to the schema; some models), `"function_calling"` (a forced tool
                call), or `"json_mode"` (any JSON object; the schema is put into the prompt). By default `json_schema`
                where the model is known to take it, else `function_calling`, which the Messages API takes alone.
            include_raw: Whether to return `{"raw", "parsed", "parsing_error"}` instead of the parsed answer alone.
            strict: Whether the service must keep to the schema; None leaves it out.
            **kwargs: None are taken.

        Returns:
            A runnable that answers with a pydantic object for a pydantic class, else with a dict; streamed, a dict
            grows with the answer, and a pydantic object comes when what there is makes one.

        Raises:
            InvalidParameterError: If the method is none of the three, or a further argument is given.
            AnswerCutError: When run, if the answer was cut at `max_tokens`.

        Example:
            >>> class Product(BaseModel):
            ...     '''A product of two numbers.'''
            ...     a: int
            ...     b: int
            >>> ChatStepFun(model="step-3.5-flash").with_structured_output(Product).invoke("Multiply 6 and 7")
            Product(a=6, b=7)
        """
        with model_errors():
            if kwargs:
                raise InvalidParameterError(
                    f"with_structured_output takes no {', '.join(kwargs)}; it takes schema, method, include_raw, strict"
                )
            chosen = self._protocol.method(self.model, method)
            return structured(self, schema, method=chosen, strict=strict, include_raw=include_raw)

"""`StepFun`: StepFun's chat models for LlamaIndex."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Literal

from llama_index.core.base.llms.generic_utils import (
    achat_to_completion_decorator,
    astream_chat_to_completion_decorator,
    chat_to_completion_decorator,
    stream_chat_to_completion_decorator,
)
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseAsyncGen,
    CompletionResponseGen,
    LLMMetadata,
    MessageRole,
)
from llama_index.core.bridge.pydantic import ConfigDict, Field
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback

from llama_index_stepfun.connection import Connected
from llama_index_stepfun.messages import from_wire, to_wire, told
from llama_index_stepfun.streaming import ResponseReader
from llama_index_stepfun.structured import Structured
from llama_index_stepfun.tool_calls import ToolCalling, tools_to_wire
from stepfun_client.api.chat import chat_call
from stepfun_client.api.sending import sending, sending_async
from stepfun_client.catalog import MODEL_DEFAULT_CHAT, find

if TYPE_CHECKING:
    from stepfun_client.api.chat import ChatCompletion
    from stepfun_client.core.call import Call

FileMode = Literal["inline", "upload", "hybrid"]

UNKNOWN_CONTEXT_TOKENS = 32_000
"""The window assumed of a model the catalogue knows none of; `context_window` says better."""

_REQUEST = (
    "temperature",
    "top_p",
    "max_tokens",
    "stop",
    "frequency_penalty",
    "reasoning_effort",
    "modalities",
    "audio",
)


class StepFun(Structured, ToolCalling, Connected):
    """StepFun's chat models: thinking, tools, pictures, video, sound and documents, streamed or whole.

    Args:
        model: A model id; any that StepFun takes, known to the catalogue or not.
        api_key: The key; without one, `STEP_API_KEY` and then `STEPFUN_API_KEY` are read at the first call. It is in no
            `to_dict`, `repr`, pickle or event.
        region: `"cn"` for api.stepfun.com, `"global"` for api.stepfun.ai; a key works in its own region only.
        plan: True to call Step Plan's paths.
        base_url: Another address; `api_base` is another name of it. Without one, `STEPFUN_BASE_URL`, then the region's.
        timeout: Seconds between two bytes; 60 by default, and always 5 to connect.
        max_retries: How often a call is repeated after a lost connection, 408, 429 or 5xx.
        default_headers: Headers of every call.
        http_client: An `httpx.Client` of your own, used as it is and never closed here.
        http_async_client: An `httpx.AsyncClient` of your own, likewise.
        temperature: 0 to 2.
        top_p: 0 to 1.
        max_tokens: The longest answer in tokens, thinking included.
        stop: Up to where to answer.
        frequency_penalty: 0 to 1.
        reasoning_effort: `"low"`, `"medium"` or `"high"`, as far as the model knows them.
        modalities: `["text"]` or `["text", "audio"]`.
        audio: `{"voice": ...}` for a spoken answer.
        tools: Tools StepFun runs by itself, sent with every call beside an agent's own: `{"type": "web_search"}`.
        file_mode: How pictures and videos go: `"inline"`, `"upload"` (and deleted after the answer), or `"hybrid"`:
            uploaded above `upload_above` bytes.
        upload_above: The threshold of `"hybrid"`, in bytes.
        context_window: The model's window in tokens, where the catalogue is wrong or knows none.
        is_chat_model: For code written for other classes; StepFun's models are chat models.
        is_function_calling_model: Whether agents may call tools; by default what the catalogue says, else yes.
        additional_kwargs: Further parameters of every call.
        extra_body: Anything else, laid over the request unchecked.

    Raises:
        Errors of `stepfun_client`, each with what to do next and the trace id.

    Example:
        >>> llm = StepFun(model="step-3.7-flash", reasoning_effort="low")
        >>> print(llm.complete("What is 6 * 7?"))
        6 * 7 = 42
    """

    model_config = ConfigDict(protected_namespaces=())

    model: str = MODEL_DEFAULT_CHAT
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    max_tokens: int | None = Field(default=None, ge=1)
    stop: str | list[str] | None = None
    frequency_penalty: float | None = Field(default=None, ge=0, le=1)
    reasoning_effort: str | None = None
    modalities: list[str] | None = None
    audio: dict[str, Any] | None = None
    tools: list[dict[str, Any]] = Field(default_factory=list)
    file_mode: FileMode = "inline"
    upload_above: int = Field(default=1_000_000, ge=0)
    context_window: int | None = Field(default=None, ge=1)
    is_chat_model: bool = True
    is_function_calling_model: bool | None = None
    additional_kwargs: dict[str, Any] = Field(default_factory=dict)
    extra_body: dict[str, Any] | None = None

    def __init__(
        self,
        model: str = MODEL_DEFAULT_CHAT,
        temperature: float | None = None,
        max_tokens: int | None = None,
        additional_kwargs: dict[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        given: dict[str, Any] = {"model": model, "temperature": temperature, "max_tokens": max_tokens, **settings}
        given["additional_kwargs"] = additional_kwargs or {}
        super().__init__(**given)

    @classmethod
    def class_name(cls) -> str:
        """Return the name serialized components are known by."""
        return "StepFun_LLM"

    @property
    def metadata(self) -> LLMMetadata:
        """What the model can do, from the catalogue; what is set here wins."""
        info = find(self.model)
        window = self.context_window or (info and info.context) or UNKNOWN_CONTEXT_TOKENS
        calls_tools = self.is_function_calling_model
        if calls_tools is None:
            calls_tools = info is None or info.tools is not False
        return LLMMetadata(
            context_window=window,
            num_output=self.max_tokens or min((info and info.max_output) or 4096, window // 4),
            is_chat_model=self.is_chat_model,
            is_function_calling_model=calls_tools,
            model_name=self.model,
            system_role=MessageRole.SYSTEM,
        )

    # --- Chat --------------------------------------------------------------------------------------------------------

    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Ask for one whole reply; `kwargs` are parameters of this call."""
        return self._chat(messages, **kwargs)

    @llm_chat_callback()
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Ask for one whole reply, asynchronously; see `chat`."""
        return await self._achat(messages, **kwargs)

    @llm_chat_callback()
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """Ask for a reply in pieces: each response holds the whole message so far, and in `delta` what is new."""
        return self._stream(messages, **kwargs)

    @llm_chat_callback()
    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseAsyncGen:
        """Ask for a reply in pieces, asynchronously: awaited, then iterated; see `stream_chat`."""
        return self._astream(messages, **kwargs)

    def _chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        with sending(self.client, self._request(messages, kwargs), upload_above=self._upload_above()) as request:
            return _response(self.client.chat.create(**request))

    async def _achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        given = self._request(messages, kwargs)
        async with sending_async(self.async_client, given, upload_above=self._upload_above()) as request:
            return _response(await self.async_client.chat.create(**request))

    def _stream(self, messages: Sequence[ChatMessage], **kwargs: Any) -> Generator[ChatResponse, None, None]:
        with sending(self.client, self._request(messages, kwargs), upload_above=self._upload_above()) as request:
            yield from self.client.events(_stream_call(request), ResponseReader())

    async def _astream(self, messages: Sequence[ChatMessage], **kwargs: Any) -> AsyncGenerator[ChatResponse, None]:
        given = self._request(messages, kwargs)
        async with (
            sending_async(self.async_client, given, upload_above=self._upload_above()) as request,
            aclosing(self.async_client.events(_stream_call(request), ResponseReader())) as responses,
        ):
            async for response in responses:
                yield response

    def _request(self, messages: Sequence[ChatMessage], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Put a request together: this model's parameters, and over them the call's."""
        given = {name: getattr(self, name) for name in (*_REQUEST, "extra_body")}
        request = {
            "model": self.model,
            **{name: value for name, value in given.items() if value is not None},
            **self.additional_kwargs,
            **kwargs,
        }
        info = find(request["model"])
        hears, sees = (info is None or sense in info.inputs for sense in ("audio", "image"))
        request["messages"] = to_wire(messages, hears=hears, sees=sees)
        if tools := [*tools_to_wire(self.tools), *tools_to_wire(kwargs.get("tools") or ())]:
            request["tools"] = tools
        return request

    def _upload_above(self) -> int | None:
        return {"inline": None, "upload": 0, "hybrid": self.upload_above}[self.file_mode]

    # --- Completions, by core's converters; the chat beneath calls nobody back a second time -------------------------

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:  # noqa: ARG002, FBT001, FBT002 - core's signature
        """Complete a prompt, asked as a user's message."""
        return chat_to_completion_decorator(self._chat)(prompt, **kwargs)

    @llm_completion_callback()
    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:  # noqa: ARG002, FBT001, FBT002 - core's signature
        """Complete a prompt, asynchronously; see `complete`."""
        return await achat_to_completion_decorator(self._achat)(prompt, **kwargs)

    @llm_completion_callback()
    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:  # noqa: ARG002, FBT001, FBT002 - core's signature
        """Complete a prompt in pieces; see `complete`."""
        return stream_chat_to_completion_decorator(self._stream)(prompt, **kwargs)

    @llm_completion_callback()
    async def astream_complete(
        self,
        prompt: str,
        formatted: bool = False,  # noqa: ARG002, FBT001, FBT002 - core's signature
        **kwargs: Any,
    ) -> CompletionResponseAsyncGen:
        """Complete a prompt in pieces, asynchronously; see `complete`."""

        async def responses(messages: Sequence[ChatMessage], **given: Any) -> ChatResponseAsyncGen:
            return self._astream(messages, **given)

        return await astream_chat_to_completion_decorator(responses)(prompt, **kwargs)


def _response(reply: ChatCompletion) -> ChatResponse:
    raw = reply.model_dump(exclude_unset=True)
    choice = raw["choices"][0]
    extra = told(raw, trace_id=reply.trace_id, finish_reason=choice.get("finish_reason"))
    return ChatResponse(message=from_wire(choice["message"]), raw=raw, additional_kwargs=extra)


def _stream_call(request: dict[str, Any]) -> Call:
    params = {name: value for name, value in request.items() if name not in ("model", "messages")}
    return chat_call(model=request["model"], messages=request["messages"], stream=True, params=params)

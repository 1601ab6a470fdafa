"""Structured prediction: `json_schema` where the model keeps to it, else a forced tool call; the system prompt in both.

Core's own way loses the system prompt in its asynchronous program and does not force the call in its streamed one.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import TYPE_CHECKING, Any

from llama_index.core.program.function_program import get_function_tool
from llama_index.core.program.utils import process_streaming_objects

from stepfun_client.catalog import find
from stepfun_client.errors import APIResponseError

if TYPE_CHECKING:
    from llama_index.core.base.llms.types import ChatMessage, ChatResponse
    from llama_index.core.prompts import PromptTemplate
    from pydantic import BaseModel


class Structured:
    """The four hooks core asks for structured output, on top of an LLM's chat."""

    if TYPE_CHECKING:
        model: str
        chat: Any
        achat: Any
        stream_chat: Any
        astream_chat: Any
        _get_messages: Any
        _prepare_chat_with_tools: Any

    def structured_predict(
        self,
        output_cls: type[BaseModel],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Any:
        """Answer with an object of `output_cls`.

        Args:
            output_cls: A pydantic class.
            prompt: What to ask.
            llm_kwargs: Parameters of this call.
            **prompt_args: What fills the prompt.

        Raises:
            APIResponseError: If the answer is cut or does not fit the class.
        """
        return _read(output_cls, self.chat(**self._structured_call(output_cls, prompt, llm_kwargs, prompt_args)))

    async def astructured_predict(
        self,
        output_cls: type[BaseModel],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Any:
        """Answer with an object of `output_cls`, asynchronously; see `structured_predict`."""
        return _read(output_cls, await self.achat(**self._structured_call(output_cls, prompt, llm_kwargs, prompt_args)))

    def _structured_stream_call(
        self,
        output_cls: type[BaseModel],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Generator[Any, None, None]:
        partial: Any = None
        for response in self.stream_chat(**self._structured_call(output_cls, prompt, llm_kwargs, prompt_args)):
            partial = _read_partial(output_cls, response, partial, self)
            yield partial

    async def _structured_astream_call(
        self,
        output_cls: type[BaseModel],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> AsyncGenerator[Any, None]:
        async def partials() -> AsyncGenerator[Any, None]:
            partial: Any = None
            call = self._structured_call(output_cls, prompt, llm_kwargs, prompt_args)
            async for response in await self.astream_chat(**call):
                partial = _read_partial(output_cls, response, partial, self)
                yield partial

        return partials()

    def _structured_call(
        self,
        output_cls: type[BaseModel],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None,
        prompt_args: dict[str, Any],
    ) -> dict[str, Any]:
        """Put the call together that asks for the class."""
        messages: list[ChatMessage] = self._get_messages(prompt, **prompt_args)
        info = find(self.model)
        if info is not None and info.json_schema:
            schema = {"name": output_cls.__name__, "schema": output_cls.model_json_schema()}
            wanted = {"response_format": {"type": "json_schema", "json_schema": schema}}
            return {"messages": messages, **wanted, **(llm_kwargs or {})}
        prepared: dict[str, Any] = self._prepare_chat_with_tools(
            [get_function_tool(output_cls)], chat_history=messages, tool_required=True, **(llm_kwargs or {})
        )
        return prepared


def _read(output_cls: type[BaseModel], response: ChatResponse) -> Any:
    if response.additional_kwargs.get("finish_reason") == "length":
        raise APIResponseError(
            "the answer was cut at max_tokens, so there is no whole object to read; raise max_tokens (thinking counts "
            "against it) or lower reasoning_effort",
            trace_id=response.additional_kwargs.get("trace_id"),
        )
    text = _json_of(response)
    try:
        return output_cls.model_validate_json(text)
    except ValueError as error:
        raise APIResponseError(
            f"the answer does not fit {output_cls.__name__}: {error}",
            trace_id=response.additional_kwargs.get("trace_id"),
            body=text,
        ) from error


def _json_of(response: ChatResponse) -> str:
    calls = response.message.additional_kwargs.get("tool_calls")
    text = calls[0]["function"]["arguments"] if calls else response.message.content
    return text or "{}"


def _read_partial(output_cls: type[BaseModel], response: ChatResponse, before: Any, llm: Any) -> Any:
    return process_streaming_objects(
        response, output_cls, cur_objects=None if before is None else [before], flexible_mode=True, llm=llm
    )

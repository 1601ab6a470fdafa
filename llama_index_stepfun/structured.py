"""Structured prediction: `json_schema` where the model keeps to it, else a forced tool call; the system prompt in both.

Core's own way loses the system prompt in its asynchronous program and does not force the call in its streamed one. What
is left to core is text with a parser: for models without tools, and where `pydantic_program_mode` asks for it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import TYPE_CHECKING, Any

from llama_index.core.instrumentation import get_dispatcher  # type: ignore[attr-defined]  # core names it so
from llama_index.core.instrumentation.events.llm import LLMStructuredPredictEndEvent, LLMStructuredPredictStartEvent
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.program.function_program import get_function_tool
from llama_index.core.program.utils import process_streaming_objects
from llama_index.core.types import PydanticProgramMode

from llama_index_stepfun.tool_calls import cut_error, was_cut
from stepfun_client.catalog import find
from stepfun_client.errors import APIResponseError

if TYPE_CHECKING:
    from llama_index.core.base.llms.types import ChatMessage, ChatResponse
    from llama_index.core.prompts import PromptTemplate
    from pydantic import BaseModel

_dispatcher = get_dispatcher(__name__)

_DECIDED_BY_CALL = ("tool_choice", "tool_required", "allow_parallel_tool_calls")


class Structured(FunctionCallingLLM):
    """The four hooks core asks for structured output, on top of an LLM's chat."""

    @_dispatcher.span
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
        call = self._structured_call(output_cls, prompt, llm_kwargs, prompt_args)
        if call is None:
            return super().structured_predict(output_cls, prompt, llm_kwargs, **prompt_args)
        _tell_start(output_cls, prompt, prompt_args)
        return _told_end(_read(output_cls, self.chat(**call)))

    @_dispatcher.span
    async def astructured_predict(
        self,
        output_cls: type[BaseModel],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Any:
        """Answer with an object of `output_cls`, asynchronously; see `structured_predict`."""
        call = self._structured_call(output_cls, prompt, llm_kwargs, prompt_args)
        if call is None:
            return await super().astructured_predict(output_cls, prompt, llm_kwargs, **prompt_args)
        _tell_start(output_cls, prompt, prompt_args)
        return _told_end(_read(output_cls, await self.achat(**call)))

    def _structured_stream_call(
        self,
        output_cls: type[BaseModel],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Generator[Any, None, None]:
        """Stream objects that grow; the last one is whole, and checked like one that came at once."""
        call = self._structured_call(output_cls, prompt, llm_kwargs, prompt_args)
        if call is None:
            yield from super()._structured_stream_call(output_cls, prompt, llm_kwargs, **prompt_args)
            return
        partial: Any = None
        for response in self.stream_chat(**call):
            partial = _read_partial(output_cls, response, partial, self)
            yield partial
        yield _read(output_cls, response)

    async def _structured_astream_call(
        self,
        output_cls: type[BaseModel],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> AsyncGenerator[Any, None]:
        call = self._structured_call(output_cls, prompt, llm_kwargs, prompt_args)
        if call is None:
            return await super()._structured_astream_call(output_cls, prompt, llm_kwargs, **prompt_args)
        responses = await self.astream_chat(**call)

        async def partials() -> AsyncGenerator[Any, None]:
            partial: Any = None
            async for response in responses:
                partial = _read_partial(output_cls, response, partial, self)
                yield partial
            yield _read(output_cls, response)

        return partials()

    def _structured_call(
        self,
        output_cls: type[BaseModel],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None,
        prompt_args: dict[str, Any],
    ) -> dict[str, Any] | None:
        """Put the call together that asks for the class; None where core's parser of texts is the way."""
        mode, info = self.pydantic_program_mode, find(self.metadata.model_name)
        by_schema = mode is PydanticProgramMode.DEFAULT and info is not None and info.json_schema
        by_tool = mode in (PydanticProgramMode.DEFAULT, PydanticProgramMode.FUNCTION)
        if not by_schema and not (by_tool and self.metadata.is_function_calling_model):
            return None
        messages: list[ChatMessage] = self._get_messages(prompt, **prompt_args)
        given = {name: value for name, value in (llm_kwargs or {}).items() if name not in _DECIDED_BY_CALL}
        if by_schema:
            schema = {"name": output_cls.__name__, "schema": output_cls.model_json_schema()}
            wanted = {"response_format": {"type": "json_schema", "json_schema": schema}}
            return {"messages": messages, **wanted, **given}
        tool = get_function_tool(output_cls)
        return self._prepare_chat_with_tools([tool], chat_history=messages, tool_required=True, **given)


def _tell_start(output_cls: type[BaseModel], prompt: PromptTemplate, prompt_args: dict[str, Any]) -> None:
    _dispatcher.event(LLMStructuredPredictStartEvent(output_cls=output_cls, template=prompt, template_args=prompt_args))


def _told_end(output: Any) -> Any:
    _dispatcher.event(LLMStructuredPredictEndEvent(output=output))
    return output


def _read(output_cls: type[BaseModel], response: ChatResponse) -> Any:
    if was_cut(response):
        raise cut_error(f"the {output_cls.__name__}", response)
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


def _read_partial(output_cls: type[BaseModel], response: ChatResponse, before: Any, llm: FunctionCallingLLM) -> Any:
    known = None if before is None else [before]
    so_far = response.model_copy(update={"additional_kwargs": {}})  # whether it was cut is for the end to say
    return process_streaming_objects(so_far, output_cls, cur_objects=known, flexible_mode=True, llm=llm)

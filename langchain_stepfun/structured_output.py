"""Structured output: what is asked of the model, by one of three methods, and how the answer is read."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal

from langchain_core.messages import AIMessage, BaseMessage, SystemMessage
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.output_parsers.openai_tools import JsonOutputKeyToolsParser, PydanticToolsParser
from langchain_core.runnables import Runnable, RunnableGenerator, RunnableLambda, RunnableMap, RunnablePassthrough
from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool
from langchain_core.utils.pydantic import is_basemodel_subclass

from langchain_stepfun.errors import AnswerCutError
from stepfun_client.catalog import find
from stepfun_client.errors import InvalidParameterError

if TYPE_CHECKING:
    from langchain_core.language_models import LanguageModelInput
    from langchain_core.language_models.chat_models import BaseChatModel

Method = Literal["json_schema", "function_calling", "json_mode"]
Schema = Mapping[str, Any] | type

_METHODS = ("json_schema", "function_calling", "json_mode")
_INSTRUCTION = "Answer with one JSON object that matches this JSON schema, and with nothing else:\n{schema}"


def method_for(model: str) -> Method:
    """Choose `json_schema` where the catalogue says that it is real, else `function_calling`."""
    info = find(model)
    return "json_schema" if info is not None and info.json_schema else "function_calling"


def structured(
    model: BaseChatModel, schema: Any, *, method: Method, strict: bool | None, include_raw: bool
) -> Runnable[LanguageModelInput, Any]:
    """Wrap a model so that it answers with what `schema` describes.

    Args:
        model: The model to ask.
        schema: A pydantic class (v1 or v2), a TypedDict, a JSON schema, or a function dict.
        method: How to ask for it.
        strict: Whether the service must keep to the schema; None leaves it out.
        include_raw: Whether to return `{"raw", "parsed", "parsing_error"}` instead of the parsed answer alone.

    Raises:
        InvalidParameterError: If the method is none of the three.
    """
    if method not in _METHODS:
        raise InvalidParameterError(f"method is {method!r}; it must be one of {', '.join(_METHODS)}", param="method")
    asked = _ask(model, schema, method, strict=strict)
    parsed = RunnableGenerator(_whole, _awhole) | _parser(schema, method)
    if not include_raw:
        return asked | parsed
    read = RunnablePassthrough.assign(parsed=itemgetter("raw") | parsed, parsing_error=lambda _: None)
    failed = RunnablePassthrough.assign(parsed=lambda _: None)
    return RunnableMap(raw=asked) | read.with_fallbacks([failed], exception_key="parsing_error")


def _ask(
    model: BaseChatModel, schema: Any, method: Method, *, strict: bool | None
) -> Runnable[LanguageModelInput, Any]:
    traced = {"ls_structured_output_format": {"kwargs": {"method": method, "strict": strict}, "schema": schema}}
    if method == "function_calling":
        return model.bind_tools([schema], tool_choice=_name(schema), strict=strict, **traced)
    json_schema = convert_to_json_schema(schema, strict=strict)
    if method == "json_mode":
        instruction = _INSTRUCTION.format(schema=json.dumps(json_schema, ensure_ascii=False))
        prepared: Runnable[Any, Any] = RunnableLambda(partial(_with_instruction, model, instruction))
        return prepared | model.bind(response_format={"type": "json_object"}, **traced)
    described = {"name": _name(schema), "schema": json_schema, **({} if strict is None else {"strict": strict})}
    return model.bind(response_format={"type": "json_schema", "json_schema": described}, **traced)


def _name(schema: Any) -> str:
    name: str = convert_to_openai_tool(schema)["function"]["name"]
    return name


def _with_instruction(model: BaseChatModel, instruction: str, given: LanguageModelInput) -> list[BaseMessage]:
    """Put the schema where the model reads it first: into the system message, or into one of its own."""
    messages = model._convert_input(given).to_messages()  # noqa: SLF001 - how every chat model reads its input
    if messages and isinstance(messages[0], SystemMessage):
        return [SystemMessage(content=f"{messages[0].text}\n\n{instruction}"), *messages[1:]]
    return [SystemMessage(content=instruction), *messages]


def _parser(schema: Any, method: Method) -> Runnable[Any, Any]:
    is_pydantic = isinstance(schema, type) and is_basemodel_subclass(schema)
    if method == "function_calling":
        if is_pydantic:
            return PydanticToolsParser(tools=[schema], first_tool_only=True)
        return JsonOutputKeyToolsParser(key_name=_name(schema), first_tool_only=True)
    return PydanticOutputParser(pydantic_object=schema) if is_pydantic else JsonOutputParser()


def _whole(messages: Iterator[AIMessage]) -> Iterator[AIMessage]:
    """Let whole answers pass; half a JSON document is no parse failure, but an answer that was cut."""
    for message in messages:
        _refuse_cut(message)
        yield message


async def _awhole(messages: AsyncIterator[AIMessage]) -> AsyncIterator[AIMessage]:
    """See `_whole`."""
    async for message in messages:
        _refuse_cut(message)
        yield message


def _refuse_cut(message: AIMessage) -> None:
    if message.response_metadata.get("finish_reason") == "length":
        raise AnswerCutError(
            "the answer was cut at max_tokens, so there is no whole object to read; raise max_tokens (thinking counts "
            "against it) or lower reasoning_effort",
            trace_id=message.response_metadata.get("trace_id"),
        )

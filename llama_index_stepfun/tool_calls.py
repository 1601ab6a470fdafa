"""Tools and tool calls: the hooks core asks for them, and how they are written to the wire and read from it."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Generator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    MessageRole,
    ToolCallBlock,
)
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.llms.utils import parse_partial_json

from stepfun_client.api.tool_choice import is_server_tool, server_tool, tool_choice_to_wire
from stepfun_client.errors import APIResponseError, InvalidParameterError

if TYPE_CHECKING:
    from llama_index.core.tools.types import BaseTool


class ToolCalling(FunctionCallingLLM):
    """The hooks core asks for tool calls, on top of an LLM's chat."""

    def _prepare_chat_with_tools(  # noqa: PLR0917 - core's signature
        self,
        tools: Sequence[BaseTool],
        user_msg: str | ChatMessage | None = None,
        chat_history: list[ChatMessage] | None = None,
        verbose: bool = False,  # noqa: ARG002, FBT001, FBT002 - core's signature
        allow_parallel_tool_calls: bool = False,  # noqa: ARG002, FBT001, FBT002 - core's signature
        tool_required: bool = False,  # noqa: FBT001, FBT002 - core's signature
        tool_choice: str | bool | Mapping[str, Any] | None = None,  # noqa: FBT001 - core's signature
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Prepare a call with tools; the caller's history stays as it is."""
        messages = list(chat_history or ())
        if user_msg is not None:
            messages.append(
                ChatMessage(role=MessageRole.USER, content=user_msg) if isinstance(user_msg, str) else user_msg
            )
        wire = tools_to_wire(tools)
        chosen = tool_choice_to_wire(tool_choice if tool_choice is not None else tool_required, wire)
        prepared = {"messages": messages, **({"tools": wire} if wire else {}), **kwargs}
        return {**prepared, "tool_choice": chosen} if wire and chosen else prepared

    def _validate_chat_with_tools_response(
        self,
        response: ChatResponse,
        tools: Sequence[BaseTool],  # noqa: ARG002 - core's signature
        allow_parallel_tool_calls: bool = False,  # noqa: FBT001, FBT002 - core's signature
        **kwargs: Any,  # noqa: ARG002 - core's signature
    ) -> ChatResponse:
        """Keep the first call alone where several may not come: StepFun documents no switch for it."""
        if not allow_parallel_tool_calls:
            first_call_only(response.message)
        return response

    def stream_chat_with_tools(  # noqa: PLR0917 - core's signature
        self,
        tools: Sequence[BaseTool],
        user_msg: str | ChatMessage | None = None,
        chat_history: list[ChatMessage] | None = None,
        verbose: bool = False,  # noqa: FBT001, FBT002 - core's signature
        allow_parallel_tool_calls: bool = False,  # noqa: FBT001, FBT002 - core's signature
        tool_required: bool = False,  # noqa: FBT001, FBT002 - core's signature
        **kwargs: Any,
    ) -> ChatResponseGen:
        """Stream a call with tools; core leaves out here what it does for whole replies, see the hook above."""
        asked = (user_msg, chat_history, verbose, allow_parallel_tool_calls, tool_required)
        responses = super().stream_chat_with_tools(tools, *asked, **kwargs)

        def checked() -> Generator[ChatResponse, None, None]:
            for response in responses:
                yield self._validate_chat_with_tools_response(response, tools, allow_parallel_tool_calls)

        return checked()

    async def astream_chat_with_tools(  # noqa: PLR0917 - core's signature
        self,
        tools: Sequence[BaseTool],
        user_msg: str | ChatMessage | None = None,
        chat_history: list[ChatMessage] | None = None,
        verbose: bool = False,  # noqa: FBT001, FBT002 - core's signature
        allow_parallel_tool_calls: bool = False,  # noqa: FBT001, FBT002 - core's signature
        tool_required: bool = False,  # noqa: FBT001, FBT002 - core's signature
        **kwargs: Any,
    ) -> ChatResponseAsyncGen:
        """Stream a call with tools asynchronously; see `stream_chat_with_tools`."""
        asked = (user_msg, chat_history, verbose, allow_parallel_tool_calls, tool_required)
        responses = await super().astream_chat_with_tools(tools, *asked, **kwargs)

        async def checked() -> AsyncGenerator[ChatResponse, None]:
            async for response in responses:
                yield self._validate_chat_with_tools_response(response, tools, allow_parallel_tool_calls)

        return checked()

    def get_tool_calls_from_response(
        self,
        response: ChatResponse,
        error_on_no_tool_call: bool = True,  # noqa: FBT001, FBT002 - core's signature
        **kwargs: Any,  # noqa: ARG002 - core's signature
    ) -> list[ToolSelection]:
        """Read the tool calls of a response, whole or still being streamed.

        Raises:
            APIResponseError: If the answer ended at `max_tokens` in the middle of a call.
            InvalidParameterError: If there is no call, and one was wanted.
        """
        if was_cut(response) and not all(map(_is_whole, _calls(response.message))):
            raise cut_error("a tool call", response)
        calls = selections(response.message)
        if not calls and error_on_no_tool_call:
            raise InvalidParameterError(
                f"the model called no tool, it said: {response.message.content!r}; pass tool_required=True to force a "
                "call"
            )
        return calls


# --- Pure functions --------------------------------------------------------------------------------------------------


def tools_to_wire(tools: Iterable[BaseTool | Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Turn LlamaIndex's tools, wire objects, and the tools StepFun runs by itself into StepFun's."""
    return [_tool_to_wire(tool) for tool in tools]


def _tool_to_wire(tool: BaseTool | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(tool, Mapping):
        return server_tool(tool) if is_server_tool(tool) else dict(tool)
    described: dict[str, Any] = tool.metadata.to_openai_tool(skip_length_check=True)
    return described


def selections(message: ChatMessage) -> list[ToolSelection]:
    """Read a message's calls. While a call is still being streamed, its arguments are read as far as they have come."""
    return [
        ToolSelection(tool_id=call.tool_call_id or "", tool_name=call.tool_name, tool_kwargs=_read(call.tool_kwargs))
        for call in _calls(message)
    ]


def first_call_only(message: ChatMessage) -> None:
    """Keep the first call alone, in both places it stands."""
    further = {id(call) for call in _calls(message)[1:]}
    if further:
        message.blocks = [block for block in message.blocks if id(block) not in further]
        message.additional_kwargs["tool_calls"] = message.additional_kwargs["tool_calls"][:1]


def was_cut(response: ChatResponse) -> bool:
    """Whether the answer ended at `max_tokens`."""
    return response.additional_kwargs.get("finish_reason") == "length"


def cut_error(what: str, response: ChatResponse) -> APIResponseError:
    """Say that an answer was cut in the middle of something."""
    return APIResponseError(
        f"the answer was cut at max_tokens in the middle of {what}; raise max_tokens (thinking counts against it) or "
        "lower reasoning_effort",
        trace_id=response.additional_kwargs.get("trace_id"),
        body=response.message.content,
    )


def _calls(message: ChatMessage) -> list[ToolCallBlock]:
    return [block for block in message.blocks if isinstance(block, ToolCallBlock)]


def _is_whole(call: ToolCallBlock) -> bool:
    if isinstance(call.tool_kwargs, str):
        try:
            json.loads(call.tool_kwargs)
        except ValueError:
            return False
    return True


def _read(kwargs: dict[str, Any] | str) -> dict[str, Any]:
    if not isinstance(kwargs, str):
        return kwargs
    try:
        read: Any = parse_partial_json(kwargs)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}

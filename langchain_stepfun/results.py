"""A whole reply as LangChain's `ChatResult`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from langchain_core.outputs import ChatGeneration, ChatResult

from langchain_stepfun.messages import from_wire, reply_metadata, usage_metadata

if TYPE_CHECKING:
    from stepfun_client.api.chat import ChatCompletion


def chat_result(reply: ChatCompletion, *, tell_headers: bool) -> ChatResult:
    """Turn a reply into a result, a message for each choice; they share one usage, told with the first."""
    body = reply.model_dump(exclude_unset=True)
    usage = usage_metadata(body.get("usage"))
    generations: list[ChatGeneration] = []
    for choice in body["choices"]:
        metadata = reply_metadata(
            model=body.get("model"),
            finish_reason=choice.get("finish_reason"),
            request_id=body.get("id"),
            trace_id=reply.trace_id,
            headers=reply.headers if tell_headers else None,
        )
        message = from_wire(choice["message"], usage=None if generations else usage, metadata=metadata)
        generations.append(ChatGeneration(message=message))
    output = {"model_name": body.get("model"), "token_usage": body.get("usage") or {}}
    return ChatResult(generations=generations, llm_output=output)


def sum_usage(outputs: Sequence[Mapping[str, Any] | None]) -> dict[str, Any]:
    """Add up the `llm_output` of several replies."""
    total: dict[str, int] = {}
    names: dict[str, Any] = {}
    for output in outputs:
        if output is None:
            continue
        names.setdefault("model_name", output.get("model_name"))
        for name, count in (output.get("token_usage") or {}).items():
            if isinstance(count, int):
                total[name] = total.get(name, 0) + count
    return {**names, "token_usage": total}

"""What a message cost, by the catalogue's dated price list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepfun_client.costs import Cost, chat_cost

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage


def cost_of(message: AIMessage) -> Cost | None:
    """Say what an answer cost; costs add up with `+`.

    Args:
        message: An answer of `ChatStepFun`, with its `usage_metadata` and `response_metadata`.

    Returns:
        The sum in yuan with the month of its price list; None where usage or price are not known.

    Example:
        >>> print(cost_of(ChatStepFun(model="step-3.7-flash").invoke("What is 6 * 7?")))
        0.000... yuan by the price list of 2026-06
    """
    usage = message.usage_metadata
    if not usage:
        return None
    return chat_cost(
        message.response_metadata.get("model_name", ""),
        input_tokens=usage["input_tokens"],
        output_tokens=usage["output_tokens"],
        cached_tokens=usage.get("input_token_details", {}).get("cache_read", 0),
    )

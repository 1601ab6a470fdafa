"""Counting tokens: by the service where it can be asked, else by an estimate that is fair to Chinese."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from langchain_stepfun.errors import model_errors
from langchain_stepfun.tool_binding import tools_to_wire
from stepfun_client.errors import StepFunError
from stepfun_client.estimate import estimate_message_tokens, estimate_tokens

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

    from langchain_stepfun.protocols.protocol import WireProtocol
    from stepfun_client import StepFunClient


class TokenCounting:
    """The two methods LangChain counts tokens with, for a chat model of StepFun's."""

    if TYPE_CHECKING:
        model: str
        client: StepFunClient
        _protocol: WireProtocol
        _wire: Callable[[list[BaseMessage]], list[dict[str, Any]]]

    def get_num_tokens(self, text: str) -> int:
        """Estimate a text's tokens offline, fairly to Chinese; text splitters ask often."""
        return estimate_tokens(text)

    def get_num_tokens_from_messages(
        self,
        messages: list[BaseMessage],
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | Any] | None = None,
    ) -> int:
        """Count a conversation's tokens by the service, which asks for no answer; offline, estimate them.

        Args:
            messages: The conversation.
            tools: Tools that would be sent with it; where the service does not count them, they are estimated.

        Returns:
            The count. Where the service cannot be asked, an estimate, with a warning.
        """
        with model_errors():
            request: dict[str, Any] = {"model": self.model, "messages": self._wire(messages)}
            if tools:
                request["tools"] = tools_to_wire(tools)
        try:
            return self._protocol.count(request, self.client)
        except StepFunError as error:
            warnings.warn(f"the tokens are estimated, since StepFun did not count them: {error}", stacklevel=2)
        described = json.dumps(request["tools"], ensure_ascii=False) if tools else ""
        return estimate_message_tokens(request["messages"]) + estimate_tokens(described)

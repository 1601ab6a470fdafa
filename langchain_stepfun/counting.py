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

    from stepfun_client import StepFunClient


class TokenCounting:
    """The two methods LangChain counts tokens with, for a chat model of StepFun's."""

    if TYPE_CHECKING:
        model: str
        client: StepFunClient
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
            tools: Tools that would be sent with it; the service does not count them, so they are estimated.

        Returns:
            The count. Where the service cannot be asked, an estimate, with a warning.
        """
        with model_errors():
            wire = self._wire(messages)
            described = json.dumps(tools_to_wire(tools), ensure_ascii=False) if tools else ""
        try:
            counted = self.client.tokens.count(model=self.model, messages=wire).total_tokens
        except StepFunError as error:
            warnings.warn(f"the tokens are estimated, since StepFun did not count them: {error}", stacklevel=2)
            counted = estimate_message_tokens(wire)
        return counted + estimate_tokens(described)

"""StepFun's APIs for ChatStepFun, one module each; one is chosen by its name when a model is made."""

from __future__ import annotations

from typing import Literal

from langchain_stepfun.protocols.chat import ChatProtocol
from langchain_stepfun.protocols.protocol import WireProtocol

API = Literal["chat", "messages"]

__all__ = ["API", "ChatProtocol", "WireProtocol", "protocol_of"]


def protocol_of(api: API) -> WireProtocol:
    """Make what speaks an API; whoever speaks chat only loads no other."""
    if api == "messages":
        from langchain_stepfun.protocols.messages import MessagesProtocol  # noqa: PLC0415 - see above

        return MessagesProtocol()
    return ChatProtocol()

"""The chat completions API: requests go as they are, and so do replies (WIRE.md section 4)."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import TYPE_CHECKING

from langchain_stepfun.profiles import profile_of
from langchain_stepfun.structured_output import method_for
from stepfun_client.api.chat import chat_call, completion
from stepfun_client.api.chat_stream import ChatStreamReader
from stepfun_client.errors import InvalidParameterError
from stepfun_client.estimate import estimate_tokens

if TYPE_CHECKING:
    from langchain_core.language_models import ModelProfile

    from langchain_stepfun.protocols.protocol import ChunkReader, Request
    from langchain_stepfun.structured_output import Method
    from stepfun_client.api.chat import ChatCompletion
    from stepfun_client.client import StepFunClient
    from stepfun_client.core.call import Call, Flow


class ChatProtocol:
    """Speaks chat completions."""

    def ask(self, request: Request) -> Flow[ChatCompletion]:
        """Ask for one whole reply."""
        return completion(**request)

    def open(self, request: Request) -> Call:
        """Make the call of a stream, which makes one message."""
        params = {name: value for name, value in request.items() if name not in ("model", "messages")}
        if int({**params, **(params.get("extra_body") or {})}.get("n") or 1) > 1:
            raise InvalidParameterError("n must be 1 in a stream: a stream makes one message", param="n")
        return chat_call(model=request["model"], messages=request["messages"], stream=True, params=params)

    def reader(self) -> ChunkReader:
        """Make what reads a stream."""
        return ChatStreamReader()

    def count(self, request: Request, client: StepFunClient) -> int:
        """Ask the service about the messages; it does not count the tools, so they are estimated.

        Step Plan counts for the Messages API alone: there, that one is asked.
        """
        if client.settings.on_plan:
            from langchain_stepfun.protocols.messages import MessagesProtocol  # noqa: PLC0415 - seldom needed

            return MessagesProtocol().count(request, client)
        counted = client.tokens.count(model=request["model"], messages=request["messages"]).total_tokens
        tools = request.get("tools")
        return counted + estimate_tokens(json.dumps(tools, ensure_ascii=False)) if tools else counted

    def check(self, given: Collection[str]) -> None:
        """Refuse nothing: every parameter of ChatStepFun is one of chat's."""

    def profile_of(self, model: str) -> ModelProfile | None:
        """Describe what a model can do, as the catalogue has it."""
        return profile_of(model)

    def method(self, model: str, wanted: Method | None) -> Method:
        """Choose what is wanted, else by the model."""
        return wanted or method_for(model)

"""The Messages API: Anthropic's shape outside, chat's inside (WIRE.md section 5)."""

from __future__ import annotations

import warnings
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from langchain_stepfun.profiles import narrowed_profile_of
from stepfun_client.api.messages import message, message_call
from stepfun_client.api.messages_from_chat import check_possible, messages_request
from stepfun_client.api.messages_to_chat import MessagesChatReader, completion_of
from stepfun_client.errors import InvalidParameterError

if TYPE_CHECKING:
    from langchain_core.language_models import ModelProfile

    from langchain_stepfun.protocols.protocol import ChunkReader, Request
    from langchain_stepfun.structured_output import Method
    from stepfun_client.api.chat import ChatCompletion
    from stepfun_client.client import StepFunClient
    from stepfun_client.core.call import Call, Flow

_PROMPT = ("model", "messages", "system", "tools")


class MessagesProtocol:
    """Speaks the Messages API.

    Text and pictures go in; the longest answer is 32,768 tokens where `max_tokens` says no other (see
    `messages_from_chat.default_max_tokens`).
    """

    def ask(self, request: Request) -> Flow[ChatCompletion]:
        """Ask for one whole reply."""
        reply = yield from message(**_arguments(request))
        return completion_of(reply)

    def open(self, request: Request) -> Call:
        """Make the call of a stream."""
        return message_call(stream=True, **_arguments(request))

    def reader(self) -> ChunkReader:
        """Make what reads a stream."""
        return MessagesChatReader()

    def count(self, request: Request, client: StepFunClient) -> int:
        """Ask the service about messages and tools."""
        asked = messages_request(request)
        return client.messages.count_tokens(**{name: asked[name] for name in _PROMPT if name in asked}).input_tokens

    def check(self, given: Collection[str]) -> None:
        """Refuse chat's own parameters, and uploads: a picture is sent by address or as base64 here."""
        check_possible(given)
        if "upload_above" in given:
            raise InvalidParameterError(
                "the Messages API takes no uploaded files, so there is no upload_above: leave it out, or use the chat "
                "API",
                param="upload_above",
            )

    def profile_of(self, model: str) -> ModelProfile | None:
        """Describe what is left of a model's abilities over this API."""
        return narrowed_profile_of(model)

    def method(self, model: str, wanted: Method | None) -> Method:  # noqa: ARG002 - it is the same for all
        """Choose function calling, the only way here; say so where another was wanted."""
        if wanted in ("json_schema", "json_mode"):
            warnings.warn(
                f"the Messages API has no response_format, so {wanted} is asked for by function_calling", stacklevel=3
            )
            return "function_calling"
        return wanted or "function_calling"


def _arguments(request: Request) -> dict[str, Any]:
    """Turn a chat request into the arguments of `message_call`."""
    given = messages_request(request)
    asked = {name: given.pop(name) for name in ("model", "messages", "max_tokens")}
    return {**asked, "params": given}

"""What one of StepFun's APIs must be able to do for ChatStepFun, which knows no other difference between them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from stepfun_client.api.chat_stream import ChatChunk
from stepfun_client.core.call import StreamReader

if TYPE_CHECKING:
    from langchain_core.language_models import ModelProfile

    from langchain_stepfun.structured_output import Method
    from stepfun_client.api.chat import ChatCompletion
    from stepfun_client.client import StepFunClient
    from stepfun_client.core.call import Call, Flow

Request = Mapping[str, Any]


class ChunkReader(StreamReader[ChatChunk], Protocol):
    """Reads a stream's bytes as clean chat chunks, and knows the reply's head."""

    @property
    def trace_id(self) -> str | None:
        """The stream's trace id."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The reply's headers."""


class WireProtocol(Protocol):
    """One of StepFun's APIs: what is asked, and what is read, is in chat's words on this side of it.

    A request holds `model`, `messages` and the parameters of `client.chat.create`.
    """

    def ask(self, request: Request) -> Flow[ChatCompletion]:
        """Ask for one whole reply."""

    def open(self, request: Request) -> Call:
        """Make the call of a stream, which makes one message."""

    def reader(self) -> ChunkReader:
        """Make what reads a stream."""

    def count(self, request: Request, client: StepFunClient) -> int:
        """Ask the service how many tokens a request's messages and tools have."""

    def check(self, given: Collection[str]) -> None:
        """Refuse parameters, by their names, that this API has no place for."""

    def profile_of(self, model: str) -> ModelProfile | None:
        """Describe what a model can do over this API; None for a model the catalogue does not know."""

    def method(self, model: str, wanted: Method | None) -> Method:
        """Choose how structured output is asked for."""

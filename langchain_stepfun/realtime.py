"""`StepFunRealtime`: a conversation by voice, with LangChain's tools and messages."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.tools import BaseTool, StructuredTool, tool
from pydantic import ConfigDict, Field
from typing_extensions import Self

from langchain_stepfun.connection import Connected
from langchain_stepfun.content_blocks import PROVIDER
from langchain_stepfun.errors import model_errors
from langchain_stepfun.tool_binding import tools_to_wire
from stepfun_client.api.realtime_params import ToolResult, Turn
from stepfun_client.errors import InvalidParameterError

if TYPE_CHECKING:
    from stepfun_client.api.realtime_session import AsyncRealtimeSession, RealtimeSession

_UNTOLD = frozenset({"image", "video", "file"})

DEFAULT_MODEL = "stepaudio-2.5-realtime"


class StepFunRealtime(Connected):
    """A voice that listens, answers and calls LangChain's tools, while it is being spoken to.

    Sound is 16 bit, 24 kHz, mono, both ways. `connect` and `aconnect` open a session, which is iterated for events (see
    `stepfun_client.api.realtime_events`); bound tools are called beside it, and their answers spoken. `messages_of`
    turns what was said into messages, a history for any chat model.

    Args:
        model: A realtime model's id.
        voice: An official voice's name, or a cloned voice's id.
        instructions: What the model is and how it speaks.
        modalities: `["text", "audio"]`, or `["text"]` for written answers.
        turn_detection: `"server_vad"`, its settings, or `"manual"`: then the session's `commit()` ends the user's turn
            and `respond()` asks for the answer.
        reconnect: Whether a lost session, or one whose 30 minutes are over, is replaced by one that goes on with it.
        extra_session: Anything else, laid over the session's settings unchecked.
        tools: What `bind_tools` binds.

    The other arguments are `ChatStepFun`'s: api_key, region, plan, base_url, timeout, max_retries, default_headers.

    Example:
        >>> from langchain_core.tools import tool
        >>> @tool
        ... def multiply(a: int, b: int) -> int:
        ...     '''Multiply two numbers.'''
        ...     return a * b
        >>> voice = StepFunRealtime(voice="linjiajiejie").bind_tools([multiply])
        >>> with voice.connect() as session:
        ...     session.send_text("Multiply 6 and 7")
        ...     for event in session:
        ...         if event.type == "response.done" and "42" in session.history[-1].text:
        ...             break
        >>> [message.type for message in messages_of(session)]
        ['human', 'ai']
    """

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True, protected_namespaces=())

    model: str = DEFAULT_MODEL
    voice: str | None = None
    instructions: str | None = None
    modalities: list[Literal["text", "audio"]] | None = None
    turn_detection: Literal["server_vad", "manual"] | dict[str, Any] = "server_vad"
    reconnect: bool = False
    extra_session: dict[str, Any] | None = None
    tools: list[Any] = Field(default_factory=list, repr=False)

    def bind_tools(self, tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool]) -> Self:
        """Bind tools, as `ChatStepFun.bind_tools` does: the caller's and StepFun's own, mixed freely.

        `BaseTool`s and functions are called by the session. Pydantic classes and function dicts only announce a
        function: its call comes as a `FunctionCall` event, to be answered with the session's `send_tool_result`.

        Returns:
            A copy that has them.
        """
        return self.model_copy(update={"tools": list(tools)})

    def connect(self, history: Iterable[BaseMessage] = ()) -> RealtimeSession:
        """Open a session; use it as a context manager.

        Args:
            history: What was said before, e.g. to a chat model: the words of the human and the AI messages.

        Returns:
            The session, not open yet.

        Raises:
            InvalidParameterError: If an argument breaks a rule that is certain, or a tool is asynchronous; nothing has
                been sent.
        """
        with model_errors():
            own = self._own_tools()
            _check_synchronous(own)
            callables = {name: _called(one) for name, one in own.items()}
            return self.client.realtime.connect(callables=callables, **self._conversation(history))

    def aconnect(self, history: Iterable[BaseMessage] = ()) -> AsyncRealtimeSession:
        """Open an asynchronous session: `async with voice.aconnect() as session`; see `connect`."""
        with model_errors():
            callables = {name: _acalled(one) for name, one in self._own_tools().items()}
            return self.async_client.realtime.connect(callables=callables, **self._conversation(history))

    def _conversation(self, history: Iterable[BaseMessage]) -> dict[str, Any]:
        given = {
            "voice": self.voice,
            "instructions": self.instructions,
            "modalities": self.modalities,
            "turn_detection": self.turn_detection,
            "extra_session": self.extra_session,
            "tools": tools_to_wire(self.tools) or None,
        }
        return {"model": self.model, "reconnect": self.reconnect, "history": _turns(history), **given}

    def _own_tools(self) -> dict[str, BaseTool]:
        """The tools that can be called: functions become tools, as an agent makes them."""
        made = [
            one if isinstance(one, BaseTool) else tool(one)
            for one in self.tools
            if isinstance(one, BaseTool) or (callable(one) and not isinstance(one, type))
        ]
        return {one.name: one for one in made}


def messages_of(session: RealtimeSession | AsyncRealtimeSession) -> list[BaseMessage]:
    """Turn what was said in a session into messages, in order, as a history for a chat model.

    Args:
        session: A session, open or over. An answer that was interrupted ends where it was.
    """
    metadata = {"model_provider": PROVIDER}
    return [
        HumanMessage(turn.text) if turn.role == "user" else AIMessage(turn.text, response_metadata=metadata)
        for turn in session.history
    ]


def _turns(history: Iterable[BaseMessage]) -> list[Turn]:
    turns = []
    for message in history:
        if isinstance(message, (HumanMessage, AIMessage)):
            if any(block["type"] in _UNTOLD for block in message.content_blocks):
                warnings.warn(f"a realtime session is told the words of the {message.type} message only", stacklevel=4)
            if text := message.text:
                turns.append(Turn("user" if isinstance(message, HumanMessage) else "assistant", text))
        elif not isinstance(message, ToolMessage):
            raise InvalidParameterError(
                f"a realtime session is told of human and AI messages, not of a {message.type} one; say what the model "
                "is with instructions='...'",
                param="history",
            )
    return turns


def _check_synchronous(tools: Mapping[str, BaseTool]) -> None:
    for name, one in tools.items():
        if isinstance(one, StructuredTool) and one.func is None:
            raise InvalidParameterError(
                f"the tool {name} is asynchronous, and this session is not; open it with aconnect(), or give the tool "
                "a plain function",
                param="tools",
            )


def _called(one: BaseTool) -> Callable[..., ToolResult]:
    def call(**arguments: Any) -> ToolResult:
        return _result(one.invoke(_call_of(one, arguments)))

    return call


def _acalled(one: BaseTool) -> Callable[..., Any]:
    async def call(**arguments: Any) -> ToolResult:
        return _result(await one.ainvoke(_call_of(one, arguments)))

    return call


def _call_of(one: BaseTool, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"type": "tool_call", "id": f"call_{uuid4().hex}", "name": one.name, "args": arguments}


def _result(answer: Any) -> ToolResult:
    """What the model is told, and the whole message with its artifact for the program."""
    if isinstance(answer, ToolMessage):
        return ToolResult(answer.text, answer)
    return ToolResult(str(answer), answer)

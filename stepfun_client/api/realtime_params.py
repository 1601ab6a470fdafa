"""How a realtime conversation is set up: checked, and written as `session.update` (WIRE.md section 12)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict

from stepfun_client.api.chat_checks import check_tool
from stepfun_client.api.resource import checked, some_text
from stepfun_client.catalog import find
from stepfun_client.errors import InvalidParameterError

SAMPLE_RATE = 24000
"""Samples a second, of both sides: 16 bit, little-endian, mono."""

SESSION_SECONDS = 1800.0
"""How long a session lasts at most."""

Tool = Callable[..., Any]


@dataclass(frozen=True)
class ToolResult:
    """What a callable may return: what the model is told, and what the program gets beside it.

    Attributes:
        output: What the model is told.
        value: Anything; it is handed on with the `ToolAnswered` event.
    """

    output: str
    value: Any = None


@dataclass
class Turn:
    """What somebody said.

    Attributes:
        role: Who.
        text: What, as far as it was heard: an answer that was interrupted ends there.
    """

    role: Literal["user", "assistant"]
    text: str = ""


class ServerVAD(TypedDict, total=False):
    """Voice activity detection by the service, which ends the user's turns and answers by itself.

    Attributes:
        type: `"server_vad"`.
        prefix_padding_ms: How much sound before the voice belongs to the turn.
        silence_duration_ms: After how much silence the turn ends.
        energy_awakeness_threshold: 0 to 5000: how loud a voice must be.
    """

    type: Literal["server_vad"]
    prefix_padding_ms: Annotated[int, Field(ge=0)]
    silence_duration_ms: Annotated[int, Field(ge=0)]
    energy_awakeness_threshold: Annotated[int, Field(ge=0, le=5000)]


class Conduct(TypedDict, total=False):
    """How a session behaves. None takes the default.

    Attributes:
        reconnect: Whether a lost connection, or one whose time is over, is replaced by another that is told what has
            been said; a `Reconnected` event says so, and what was lost. By default not.
        ends_after: How many seconds a session lasts; StepFun ends one after 1,800.
        warn_before: How many seconds before that a `SessionEnding` event comes; 60 by default.
        remembered: How many turns are kept for the session's `history` and for another session; 100 by default.
        history: What was said before, by either side; the model is told of it.
        timeout: After how many seconds of silence a session counts as lost while an answer is owed: at most twice as
            many go by. The client's by default, else 90.
    """

    reconnect: bool | None
    ends_after: Annotated[float, Field(gt=0)] | None
    warn_before: Annotated[float, Field(ge=0)] | None
    remembered: Annotated[int, Field(ge=0)] | None
    history: Sequence[Turn] | None
    timeout: Annotated[float, Field(gt=0)] | None


class RealtimeParams(Conduct, total=False):
    """What a realtime conversation takes beside its model; see `Conduct` too. None leaves a parameter out.

    Attributes:
        voice: An official voice's name, or a cloned voice's id.
        instructions: What the model is and how it speaks.
        modalities: `["text", "audio"]`, or `["text"]` for written answers.
        turn_detection: `"server_vad"`, a `ServerVAD` object, or `"manual"`: then `commit()` ends the user's turn and
            `respond()` asks for the answer.
        tools: Functions as wire objects `{"type": "function", "function": {...}}`, and `web_search` and `retrieval`.
        extra_session: Anything else, laid over the session's settings unchecked.
    """

    voice: str | None
    instructions: str | None
    modalities: Sequence[Literal["text", "audio"]] | None
    turn_detection: Literal["server_vad", "manual"] | ServerVAD | None
    tools: Sequence[Mapping[str, Any]] | None
    extra_session: Mapping[str, Any] | None


@dataclass(frozen=True)
class RealtimeSettings:
    """How a conversation is to be, checked.

    Attributes:
        model: The model's id.
        session: The settings as `session.update` has them.
        callables: What is called for a function of this name.
        reconnect: Whether a lost connection is replaced.
        ends_after: How many seconds a session lasts.
        warn_before: How many seconds before its end that is said.
        remembered: How many turns a new session is told at most.
        history: What was said before the conversation; it is told of it.
        timeout: After how many seconds of silence a session counts as lost while an answer is owed.
    """

    model: str
    session: Mapping[str, Any]
    callables: Mapping[str, Tool] = field(default_factory=dict, repr=False)
    reconnect: bool = False
    ends_after: float = SESSION_SECONDS
    warn_before: float = 60.0
    remembered: int = 100
    history: Sequence[Turn] = ()
    timeout: float = 90.0


def realtime_settings(model: str, params: Mapping[str, Any], callables: Mapping[str, Tool]) -> RealtimeSettings:
    """Check how a conversation is to be.

    Args:
        model: The model's id.
        params: See `RealtimeParams`.
        callables: What is called for a function of this name.

    Raises:
        InvalidParameterError: If StepFun would certainly refuse it, or a callable has no tool that announces it.
    """
    some_text(model, "model")
    info = find(model)
    if info is not None and "realtime" not in info.kinds:
        raise InvalidParameterError(
            f"{model} does not converse in realtime; stepaudio-2.5-realtime and stepaudio-3-realtime-preview do",
            param="model",
        )
    if isinstance(detection := params.get("turn_detection"), Mapping):
        checked(ServerVAD, detection)  # which says more precisely what is wrong
    given = checked(RealtimeParams, params)
    session: dict[str, Any] = {
        "modalities": list(given.get("modalities") or ("text", "audio")),
        "input_audio_format": "pcm16",
        "output_audio_format": "pcm16",
        "turn_detection": _turn_detection(given.get("turn_detection")),
    }
    session.update({name: given[name] for name in ("instructions", "voice") if name in given})
    if tools := [dict(tool) for tool in given.get("tools") or ()]:
        session["tools"] = tools
    _check_tools(tools, callables)
    session.update(given.get("extra_session") or {})
    conduct = {name: given[name] for name in Conduct.__annotations__ if name in given}
    return RealtimeSettings(model, session, dict(callables), **conduct)


def _turn_detection(given: Any) -> dict[str, Any] | None:
    if given == "manual":
        return None
    if given is None or given == "server_vad":
        return {"type": "server_vad"}
    return {"type": "server_vad", **given}


def _check_tools(tools: Sequence[Mapping[str, Any]], callables: Mapping[str, Tool]) -> None:
    for tool in tools:
        check_tool(tool)
    names = {(tool.get("function") or {}).get("name") for tool in tools if tool.get("type") == "function"}
    for name, function in callables.items():
        if not callable(function):
            raise InvalidParameterError(f"{name} is {function!r:.80}, which cannot be called", param="callables")
    if unknown := callables.keys() - names:
        raise InvalidParameterError(
            f"no tool announces {', '.join(sorted(unknown))} to the model: give each callable a function tool of its "
            "name in tools=[...]",
            param="callables",
        )


def check_synchronous(callables: Mapping[str, Tool]) -> None:
    """Refuse what only an event loop can call.

    Raises:
        InvalidParameterError: For a coroutine function.
    """
    for name, function in callables.items():
        if inspect.iscoroutinefunction(function):
            raise InvalidParameterError(
                f"{name} is asynchronous, and this session is not; use AsyncStepFunClient, or give a plain function",
                param="callables",
            )

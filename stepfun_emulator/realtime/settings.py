"""What a ``session.update`` of the realtime socket says, and which models converse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from stepfun_emulator.catalogue import MODELS, Model
from stepfun_emulator.chat.request import read_functions
from stepfun_emulator.chat.server_tools import read_server_tools
from stepfun_emulator.errors import Refusal, invalid, no_such_model
from stepfun_emulator.fields import Fields

if TYPE_CHECKING:
    from stepfun_emulator.answerer.conversation import Tool
    from stepfun_emulator.answerer.knowledge import Knowledge
    from stepfun_emulator.service import Service

_FORMAT = "pcm16"
_VOICE = "linjiajiejie"
_LOUDEST = 5000
_LONGEST_MS = 60_000
_DOCUMENTED = (
    "modalities", "instructions", "voice", "input_audio_format", "output_audio_format", "turn_detection", "tools",
)  # fmt: skip


@dataclass(frozen=True)
class TurnDetection:
    """When the service ends the user's turn and answers by itself.

    Attributes:
        padding_ms: How much earlier than heard speech is said to begin.
        silence_ms: After how much silence a turn ends.
        threshold: How loud speech is: the root mean square of its samples.
    """

    padding_ms: int = 300
    silence_ms: int = 500
    threshold: int = 1000

    def shown(self) -> dict[str, Any]:
        """As the session states it."""
        return {
            "type": "server_vad",
            "prefix_padding_ms": self.padding_ms,
            "silence_duration_ms": self.silence_ms,
            "energy_awakeness_threshold": self.threshold,
        }


@dataclass(frozen=True)
class Settings:
    """A session's settings.

    Attributes:
        modalities: ``("text", "audio")``, or ``("text",)`` for answers in writing.
        instructions: What the answerer is told before everything else.
        voice: An official or a cloned one.
        turns: How turns are detected; None where the client ends them.
        wire_tools: The tools as the client wrote them.
        tools: The functions among them.
        web_search: Whether the service may search.
        knowledge: The vector stores that the service may look into.
    """

    modalities: tuple[str, ...] = ("text", "audio")
    instructions: str = ""
    voice: str = _VOICE
    turns: TurnDetection | None = None
    wire_tools: tuple[dict[str, Any], ...] = ()
    tools: tuple[Tool, ...] = ()
    web_search: bool = False
    knowledge: tuple[Knowledge, ...] = ()

    @property
    def speaks(self) -> bool:
        """Whether answers are spoken."""
        return "audio" in self.modalities

    def shown(self) -> dict[str, Any]:
        """As ``session.created`` and ``session.updated`` state them."""
        return {
            "modalities": list(self.modalities),
            "instructions": self.instructions,
            "voice": self.voice,
            "input_audio_format": _FORMAT,
            "output_audio_format": _FORMAT,
            "turn_detection": None if self.turns is None else self.turns.shown(),
            "tools": list(self.wire_tools),
        }


def find_realtime_model(name: Any) -> Model:
    """The model of that name.

    Raises:
        Refusal: There is no such model (404), or it does not converse in realtime (400).
    """
    if not isinstance(name, str) or not name:
        raise invalid("model", "model is required: /realtime?model=...")
    model = MODELS.get(name)
    if model is None or model.plan_only:
        raise no_such_model(name)
    if "realtime" not in model.protocols:
        able = ", ".join(one.id for one in MODELS.values() if "realtime" in one.protocols)
        raise invalid("model", f"model {name} is a {model.kind} model, not for realtime; there are: {able}")
    return model


def updated(settings: Settings, wanted: Any, model: Model, service: Service) -> Settings:
    """The settings after an update; what it does not name stays.

    Args:
        settings: Those before it.
        wanted: The ``session`` of the update.
        model: The session's model.
        service: Knows the voices and the vector stores.

    Raises:
        Refusal: Something in it is wrong.
    """
    fields = Fields(wanted, "session", _DOCUMENTED, lenient=service.lenient)
    changed: dict[str, Any] = {}
    if fields.given("modalities"):
        changed["modalities"] = _modalities(fields.texts("modalities"))
    if fields.given("instructions"):
        changed["instructions"] = fields.text("instructions", "")
    if fields.given("voice"):
        changed["voice"] = fields.text("voice")
        service.voices.check(changed["voice"], "session.voice")
    for name in ("input_audio_format", "output_audio_format"):
        if fields.given(name):
            fields.choice(name, (_FORMAT,))
    if "turn_detection" in wanted:
        changed["turns"] = _turns(fields)
    if fields.given("tools"):
        changed |= _tools(wanted["tools"], model, service)
    return replace(settings, **changed)


def _modalities(given: list[str]) -> tuple[str, ...]:
    if set(given) not in ({"text"}, {"text", "audio"}):
        raise invalid("session.modalities", 'session.modalities must be ["text", "audio"] or ["text"]')
    return tuple(given)


def _turns(fields: Fields) -> TurnDetection | None:
    if not fields.given("turn_detection"):
        return None
    documented = ("type", "prefix_padding_ms", "silence_duration_ms", "energy_awakeness_threshold")
    asked, usual = fields.object("turn_detection", *documented), TurnDetection()
    asked.choice("type", ("server_vad",))
    return TurnDetection(
        asked.whole("prefix_padding_ms", 0, _LONGEST_MS, usual.padding_ms),
        asked.whole("silence_duration_ms", 0, _LONGEST_MS, usual.silence_ms),
        asked.whole("energy_awakeness_threshold", 0, _LOUDEST, usual.threshold),
    )


def _tools(tools: Any, model: Model, service: Service) -> dict[str, Any]:
    try:
        functions = read_functions(tools, model, lenient=service.lenient)
        web_search, knowledge = read_server_tools(tools, model, service.stores.read, lenient=service.lenient)
    except Refusal as refusal:
        raise invalid(f"session.{refusal.param}", f"session.{refusal.param}: {refusal.message}") from None
    return {"wire_tools": tuple(tools), "tools": functions, "web_search": web_search, "knowledge": knowledge}

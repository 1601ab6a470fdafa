"""The models and what each of them can do, written from WIRE.md section 3.

This table is the emulator's own. It is not shared with any client on purpose: a mistake in a client's table must show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_K = 1024
_ALL_EFFORTS = ("low", "medium", "high")


@dataclass(frozen=True)
class Model:
    """One row of the table.

    Attributes:
        id: The name on the wire.
        kind: ``chat``, ``realtime``, ``tts``, ``asr`` or ``image``.
        context: Tokens that prompt and answer share; None where no source says.
        takes: The kinds of content that it accepts.
        efforts: The values of ``reasoning_effort`` that it lists.
        reasons: Whether it thinks before it answers.
        tools: Whether it accepts function tools.
        schema: Whether it accepts ``response_format`` of type ``json_schema`` (section 4).
        speaks: Whether ``modalities`` may hold ``audio``.
        plan_only: Whether it exists under ``/step_plan/v1`` only.
        protocols: The APIs that it is served through.
        routes: Whether it hands requests on to other models.
        max_output: The largest ``max_tokens``, where one is documented.
    """

    id: str
    kind: str = "chat"
    context: int | None = None
    takes: frozenset[str] = frozenset({"text"})
    efforts: tuple[str, ...] = ()
    reasons: bool = False
    tools: bool = True
    schema: bool = False
    speaks: bool = False
    plan_only: bool = False
    protocols: tuple[str, ...] = ("chat",)
    routes: bool = False
    max_output: int | None = None

    def entry(self) -> dict[str, Any]:
        """The model as ``GET /models`` lists it (WIRE.md section 3)."""
        return {
            "id": self.id,
            "object": "model",
            "created": 1_750_000_000,
            "owned_by": "stepai",
            "model_type": self.kind,
            "max_input_tokens": self.context or 0,
            "enable_reason": self.reasons,
            "enable_vision_input": "image" in self.takes,
            "reasoning_effort_support_list": list(self.efforts),
            "supported_protocols": list(self.protocols),
        }


def _takes(*kinds: str) -> frozenset[str]:
    return frozenset({"text", *kinds})


_BOTH = ("chat", "messages")
_VOICE = ("chat", "realtime")

_CHAT = (
    Model("step-5-preview", takes=_takes("image", "video"), efforts=_ALL_EFFORTS, reasons=True, schema=True,
          protocols=_BOTH),
    Model("step-3.7-flash", context=256 * _K, takes=_takes("image", "video"), efforts=_ALL_EFFORTS, reasons=True,
          protocols=("chat", "messages", "responses")),
    # The table lists no efforts for 3.5-flash, but the recorded live call sent `low` and was answered.
    Model("step-3.5-flash", context=256 * _K, efforts=_ALL_EFFORTS, reasons=True, schema=True, protocols=_BOTH),
    Model("step-3.5-flash-2603", context=256 * _K, efforts=("low", "high"), reasons=True, schema=True,
          protocols=_BOTH),
    Model("step-router-v1", efforts=_ALL_EFFORTS, reasons=True, plan_only=True, protocols=_BOTH,
          routes=True, max_output=384 * 1000),
    Model("step-3", context=64 * _K, takes=_takes("image", "audio"), reasons=True),
    Model("step-1o-turbo-vision", context=32 * _K, takes=_takes("image", "video")),
    Model("step-1o-vision-32k", context=32 * _K, takes=_takes("image")),
    Model("step-1v-8k", context=8 * _K, takes=_takes("image")),
    Model("step-1v-32k", context=32 * _K, takes=_takes("image")),
    Model("step-1-8k", context=8 * _K),
    Model("step-1-32k", context=32 * _K),
    Model("step-1-256k", context=256 * _K),
    Model("step-2-16k", context=16 * _K),
    Model("step-2-mini", context=32 * _K),
    Model("step-2-16k-202411", context=16 * _K),
    Model("step-2-16k-exp", context=16 * _K),
    Model("step-1-8k-functions", context=8 * _K),
    Model("stepaudio-2.5-chat", takes=_takes("audio")),
    Model("stepaudio-3-chat-preview", takes=_takes("audio")),
    Model("step-audio-2", takes=_takes("audio"), speaks=True, protocols=_VOICE),
    Model("step-audio-2-mini", takes=_takes("audio"), speaks=True, protocols=_VOICE),
    Model("step-1o-audio", takes=_takes("audio"), speaks=True, protocols=_VOICE),
    Model("step-audio-r1.1", takes=_takes("audio"), speaks=True, reasons=True, tools=False, protocols=_VOICE),
    Model("stepaudio-2.5-realtime", kind="realtime", takes=_takes("audio"), speaks=True, protocols=("realtime",)),
    Model("stepaudio-3-realtime-preview", kind="realtime", takes=_takes("audio"), speaks=True,
          protocols=("realtime",)),
    # No documented model is served through Messages only, but the refusal is: this name exists to provoke it.
    Model("emulator-messages-only", protocols=("messages",)),
)  # fmt: skip

_OTHER = {
    "tts": ("stepaudio-3-tts", "stepaudio-2.5-tts", "step-tts-2", "step-tts-mini", "step-tts-vivid"),
    "asr": ("stepaudio-3-asr-max", "stepaudio-2.5-asr", "stepaudio-2-asr-pro", "step-asr", "step-asr-1.1",
            "step-asr-1.1-stream"),
    "image": ("step-image-edit-2", "step-1x-edit", "step-2x-large", "step-1x-medium"),
}  # fmt: skip

# Which models of kind `asr` each way of recognition serves (section 3); the last of `sse` is an alias.
RECOGNISERS = {
    "multipart": ("step-asr",),
    "sse": ("stepaudio-3-asr-max", "stepaudio-2.5-asr", "stepaudio-2-asr-pro", "step-asr-1.1-stream"),
    "file": ("step-asr-1.1",),
    "stream": ("step-asr-1.1-stream",),
}

MODELS: dict[str, Model] = {
    model.id: model
    for model in (
        *_CHAT,
        *(Model(name, kind=kind, tools=False, protocols=(kind,)) for kind, names in _OTHER.items() for name in names),
    )
}

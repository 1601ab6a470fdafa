"""What each StepFun model can do: a table, a lookup and nothing else.

The catalogue informs defaults and early checks; it never blocks a model it does not know. Facts are those of WIRE.md
section 3 and the sections it leads to (1 for the plan, 4 for chat, 6 for speech, 8 for recognition, 9 and 10 for
images). What no source states is `None`: unknown, which is not the same as "no".
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["chat", "realtime", "tts", "asr", "image"]
Modality = Literal["text", "image", "audio", "video"]
Effort = Literal["low", "medium", "high"]
Transport = Literal["multipart", "sse", "async", "websocket"]
ImageOperation = Literal["generate", "transform", "edit"]
SizeOrder = Literal["width x height", "height x width"]
PriceUnit = Literal["1M tokens", "10k characters", "hour", "image"]

MODEL_DEFAULT_CHAT = "step-3.7-flash"
"""The chat model of the quick start: text, images and video in, adjustable reasoning, tools."""

MODEL_ROUTER = "step-router-v1"
"""Step Plan's own model, which hands a request on to another: text only, and no search."""


@dataclass(frozen=True, slots=True)
class Price:
    """What StepFun charged for a model on a given date, in yuan.

    Prices drift: where one is shown, show `as_of` with it.

    Attributes:
        per: What one price buys: a million tokens, ten thousand characters, an hour of audio, an image.
        input: Yuan for each `per` that goes in; `None` when input is not charged by itself.
        cached: Yuan for input that came from the prompt cache; `None` where there is no such rate.
        output: Yuan for each `per` that comes out; `None` when output is not charged by itself.
        as_of: The month of the price list, as `YYYY-MM`.

    Example:
        >>> price = MODELS["step-3.7-flash"].price
        >>> f"{price.output} yuan per {price.per} ({price.as_of})"
        '8.1 yuan per 1M tokens (2026-06)'
    """

    per: PriceUnit
    input: Decimal | None = None
    cached: Decimal | None = None
    output: Decimal | None = None
    as_of: str = "2026-06"


@dataclass(frozen=True, slots=True)
class SpeechTraits:
    """What a text-to-speech model takes (WIRE.md section 6).

    Attributes:
        max_characters: The longest text of one request, in characters.
        instruction: Whether `instruction` is accepted, or an error.
        voice_label: Whether `voice_label` is accepted, or an error; `None` when unknown.
        language: Whether the top-level `language` parameter exists.
    """

    max_characters: int = 1000
    instruction: bool = False
    voice_label: bool | None = True
    language: bool = False


@dataclass(frozen=True, slots=True)
class ImageTraits:
    """What an image model takes (WIRE.md sections 9 and 10).

    Attributes:
        operations: `generate` from text, `transform` (image to image), `edit` by instruction.
        max_prompt_characters: The longest prompt; `None` when unknown.
        sizes: The accepted `size` values as written on the wire; empty when there are none or none are known.
        size_order: How to read such a value.
        steps_default: Denoising steps when none are asked for.
        steps_range: The least and the most steps; `None` when unknown.
        cfg_scale_default: Guidance when none is asked for (`guidance_scale` on the third-party host).
        cfg_scale_range: The least and the most guidance; `None` when unknown.
        negative_prompt: Whether `negative_prompt` is accepted.
        text_mode: Whether `text_mode` is accepted.
        style_reference: Whether `style_reference` is accepted.
        keeps_size: Whether an edit has the picture's own size, so that `size` is ignored.
    """

    operations: frozenset[ImageOperation]
    max_prompt_characters: int | None = None
    sizes: tuple[str, ...] = ()
    size_order: SizeOrder = "width x height"
    steps_default: int | None = None
    steps_range: tuple[int, int] | None = None
    cfg_scale_default: float | None = None
    cfg_scale_range: tuple[float, float] | None = None
    negative_prompt: bool = False
    text_mode: bool = False
    style_reference: bool = False
    keeps_size: bool = False


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What is known about one model.

    Attributes:
        id: The model id as it is sent.
        kinds: What the model is for; some speak both over chat and in realtime.
        inputs: The modalities it takes.
        outputs: The modalities it gives.
        context: The context window in tokens; `None` when unknown.
        max_output: The largest `max_tokens` it takes; `None` when unknown.
        reasoning: Whether it thinks before it answers; `None` when unknown.
        efforts: The `reasoning_effort` values it takes; empty when the effort cannot be adjusted.
        tools: Whether it calls functions; `None` when unknown.
        web_search: Whether StepFun's own `web_search` tool works with it; `None` when unknown.
        json_schema: Whether `response_format` of type `json_schema` works.
        on_plan: Whether the Step Plan subscription serves it; `None` when unknown.
        plan_only: Whether nothing but the Step Plan serves it.
        legacy: Whether StepFun is retiring it, or lists it among earlier models.
        third_party: Whether another company hosts it, with another base URL and key.
        transports: The ways a recognition model is reached, preferred first; empty for other kinds.
        speech: Limits of a text-to-speech model.
        image: Limits and defaults of an image model.
        price: What it cost when last looked up; `None` when unknown.
    """

    id: str
    kinds: frozenset[Kind]
    inputs: frozenset[Modality]
    outputs: frozenset[Modality]
    context: int | None = None
    max_output: int | None = None
    reasoning: bool | None = None
    efforts: tuple[Effort, ...] = ()
    tools: bool | None = None
    web_search: bool | None = None
    json_schema: bool = False
    on_plan: bool | None = None
    plan_only: bool = False
    legacy: bool = False
    third_party: bool = False
    transports: tuple[Transport, ...] = ()
    speech: SpeechTraits | None = None
    image: ImageTraits | None = None
    price: Price | None = None


def find(model: str) -> ModelInfo | None:
    """Look a model up by its exact id.

    Args:
        model: A model id.

    Returns:
        What is known about it, or `None` for an id the catalogue does not know. Such a model may well exist (StepFun
        publishes new ones often), so `None` is never a reason to refuse it.

    Example:
        >>> find("step-3.5-flash-2603").efforts
        ('low', 'high')
        >>> find("step-from-next-year") is None
        True
    """
    return MODELS.get(model)


# StepFun writes "256K" without saying which K. The smaller reading is safe for every use the catalogue has (trimming a
# history, warning early); should the larger one be wrong, a history trimmed to it would be refused.
_K = 1000

_TEXT: frozenset[Modality] = frozenset({"text"})
_AUDIO: frozenset[Modality] = frozenset({"audio"})
_IMAGE: frozenset[Modality] = frozenset({"image"})
_TEXT_IMAGE = _TEXT | _IMAGE
_TEXT_AUDIO = _TEXT | _AUDIO
_TEXT_IMAGE_VIDEO: frozenset[Modality] = frozenset({"text", "image", "video"})

_CHAT: frozenset[Kind] = frozenset({"chat"})
_REALTIME: frozenset[Kind] = frozenset({"realtime"})
_ALL_EFFORTS: tuple[Effort, ...] = ("low", "medium", "high")


def _tokens(fresh: str, cached: str, output: str) -> Price:
    return Price("1M tokens", input=Decimal(fresh), cached=Decimal(cached), output=Decimal(output))


def _characters(yuan: str) -> Price:
    return Price("10k characters", input=Decimal(yuan))


def _hour(yuan: str) -> Price:
    return Price("hour", input=Decimal(yuan))


def _picture(yuan: str) -> Price:
    return Price("image", output=Decimal(yuan))


def _legacy_chat(
    model: str, context: int, inputs: frozenset[Modality] = _TEXT, *, tools: bool | None = None
) -> ModelInfo:
    return ModelInfo(model, _CHAT, inputs, _TEXT, context=context, tools=tools, legacy=True)


def _spoken_chat(model: str, *, tools: bool | None = None, price: Price | None = None) -> ModelInfo:
    return ModelInfo(model, _CHAT | _REALTIME, _TEXT_AUDIO, _TEXT_AUDIO, tools=tools, price=price)


def _tts(
    model: str, speech: SpeechTraits, *, on_plan: bool | None = None, legacy: bool = False, price: Price | None = None
) -> ModelInfo:
    kinds: frozenset[Kind] = frozenset({"tts"})
    return ModelInfo(model, kinds, _TEXT, _AUDIO, on_plan=on_plan, legacy=legacy, speech=speech, price=price)


def _asr(
    model: str,
    *transports: Transport,
    on_plan: bool | None = None,
    legacy: bool = False,
    price: Price | None = None,
) -> ModelInfo:
    kinds: frozenset[Kind] = frozenset({"asr"})
    return ModelInfo(model, kinds, _AUDIO, _TEXT, on_plan=on_plan, legacy=legacy, transports=transports, price=price)


def _image(
    model: str,
    traits: ImageTraits,
    *,
    on_plan: bool | None = None,
    third_party: bool = False,
    price: Price | None = None,
) -> ModelInfo:
    kinds: frozenset[Kind] = frozenset({"image"})
    return ModelInfo(
        model, kinds, _TEXT_IMAGE, _IMAGE, on_plan=on_plan, third_party=third_party, image=traits, price=price
    )


_CHAT_MODELS = (
    ModelInfo(
        "step-5-preview",
        _CHAT,
        _TEXT_IMAGE_VIDEO,
        _TEXT,
        reasoning=True,
        efforts=_ALL_EFFORTS,
        json_schema=True,  # StepFun's own client code uses it, strict and together with images; the docs do not list it
    ),
    ModelInfo(
        MODEL_DEFAULT_CHAT,
        _CHAT,
        _TEXT_IMAGE_VIDEO,
        _TEXT,
        context=256 * _K,
        reasoning=True,
        efforts=_ALL_EFFORTS,
        tools=True,
        price=_tokens("1.35", "0.27", "8.1"),
    ),
    ModelInfo(
        "step-3.5-flash",
        _CHAT,
        _TEXT,
        _TEXT,
        context=256 * _K,
        reasoning=True,  # seen in every recorded reply; the docs list no efforts for it
        tools=True,
        json_schema=True,
        price=_tokens("0.7", "0.14", "2.1"),
    ),
    ModelInfo(
        "step-3.5-flash-2603",
        _CHAT,
        _TEXT,
        _TEXT,
        context=256 * _K,
        reasoning=True,
        efforts=("low", "high"),
        tools=True,
        json_schema=True,
    ),
    ModelInfo(MODEL_ROUTER, _CHAT, _TEXT, _TEXT, max_output=384 * _K, web_search=False, on_plan=True, plan_only=True),
    ModelInfo(
        "step-1o-turbo-vision",
        _CHAT,
        _TEXT_IMAGE_VIDEO,
        _TEXT,
        context=16 * _K,  # the seed's figure; 32K elsewhere
        tools=True,
        price=_tokens("2.5", "0.5", "8"),
    ),
    _legacy_chat("step-3", 8 * _K, frozenset({"text", "image", "audio"})),  # the seed's figure; 64K elsewhere
    _legacy_chat("step-1o-vision-32k", 32 * _K, _TEXT_IMAGE),
    _legacy_chat("step-1v-8k", 8 * _K, _TEXT_IMAGE),
    _legacy_chat("step-1v-32k", 32 * _K, _TEXT_IMAGE),
    _legacy_chat("step-1-8k", 8 * _K),
    _legacy_chat("step-1-32k", 32 * _K),
    _legacy_chat("step-1-256k", 256 * _K),
    _legacy_chat("step-2-16k", 16 * _K),
    _legacy_chat("step-2-mini", 8 * _K),  # the seed's figure; 32K elsewhere
    _legacy_chat("step-2-16k-202411", 16 * _K),
    _legacy_chat("step-2-16k-exp", 16 * _K),
    _legacy_chat("step-1-8k-functions", 8 * _K, tools=True),
)

_VOICE_MODELS = (
    # The seed's plan page says 2.5-chat takes text only; the docs give it audio as well.
    ModelInfo("stepaudio-2.5-chat", _CHAT, _TEXT_AUDIO, _TEXT, on_plan=True, price=_tokens("10", "2", "25")),
    ModelInfo("stepaudio-3-chat-preview", _CHAT, _TEXT_AUDIO, _TEXT),
    _spoken_chat("step-audio-2", price=_tokens("10", "2", "70")),
    _spoken_chat("step-audio-2-mini"),
    _spoken_chat("step-1o-audio", price=_tokens("25", "5", "60")),
    _spoken_chat("step-audio-r1.1", tools=False),
    ModelInfo(
        "stepaudio-2.5-realtime", _REALTIME, _TEXT_AUDIO, _TEXT_AUDIO, on_plan=True, price=_tokens("10", "2", "70")
    ),
    ModelInfo("stepaudio-3-realtime-preview", _REALTIME, _TEXT_AUDIO, _TEXT_AUDIO),
)

_SPEECH_MODELS = (
    _tts("stepaudio-3-tts", SpeechTraits(instruction=True, voice_label=None, language=True)),
    _tts(
        "stepaudio-2.5-tts",
        SpeechTraits(instruction=True, voice_label=False),
        on_plan=True,
        price=_characters("5.8"),
    ),
    _tts("step-tts-2", SpeechTraits(), price=_characters("2.8")),
    _tts("step-tts-mini", SpeechTraits(), price=_characters("0.9")),
    _tts("step-tts-vivid", SpeechTraits(), legacy=True),
)

_RECOGNITION_MODELS = (
    _asr("stepaudio-3-asr-max", "sse"),
    _asr("stepaudio-2.5-asr", "sse", on_plan=True, price=_hour("0.15")),
    _asr("stepaudio-2-asr-pro", "sse", price=_hour("2")),
    # The plan has no multipart and no asynchronous path.
    _asr("step-asr", "multipart", on_plan=False, legacy=True, price=_hour("0.9")),
    _asr("step-asr-1.1", "async", on_plan=False, price=_hour("2.2")),
    _asr("step-asr-1.1-stream", "websocket", "sse", price=_hour("2.6")),
)

# The seed lists fewer sizes (512, 768 and 1024 squares, 1280x800); the docs' list is the longer one.
_CLASSIC_SIZES = ("256x256", "512x512", "768x768", "1024x1024", "1280x800", "800x1280")

_IMAGE_MODELS = (
    _image(
        "step-image-edit-2",
        ImageTraits(
            operations=frozenset({"generate", "edit"}),
            max_prompt_characters=512,
            sizes=("1024x1024", "768x1360", "896x1184", "1360x768", "1184x896"),
            size_order="height x width",
            steps_default=8,
            steps_range=(1, 50),
            cfg_scale_default=1.0,
            cfg_scale_range=(1, 10),
            negative_prompt=True,
            text_mode=True,
            keeps_size=True,
        ),
        on_plan=True,
        price=_picture("0.02"),
    ),
    # From the seed alone: sizes, steps and guidance. Of all these, the plan serves step-image-edit-2 only.
    _image(
        "step-1x-edit",
        ImageTraits(
            operations=frozenset({"edit"}),
            max_prompt_characters=512,
            sizes=("512x512", "768x768", "1024x1024"),
            steps_default=28,
            cfg_scale_default=6,
        ),
        on_plan=False,
    ),
    # The next two have the seed's ranges. The seed shows style_reference for both; the docs keep it to 1x-medium.
    _image(
        "step-2x-large",
        ImageTraits(
            operations=frozenset({"generate", "transform"}),
            max_prompt_characters=512,
            sizes=_CLASSIC_SIZES,
            steps_default=50,
            steps_range=(1, 100),
            cfg_scale_default=6,
            cfg_scale_range=(1, 10),
        ),
        on_plan=False,
        price=_picture("0.1"),
    ),
    _image(
        "step-1x-medium",
        ImageTraits(
            operations=frozenset({"generate", "transform"}),
            max_prompt_characters=1024,
            sizes=_CLASSIC_SIZES,
            steps_default=50,
            steps_range=(1, 100),
            cfg_scale_default=7.5,
            cfg_scale_range=(1, 10),
            style_reference=True,
        ),
        on_plan=False,
    ),
    _image(
        "stepfun-ai/step1x-edit",
        ImageTraits(
            operations=frozenset({"edit"}),
            steps_default=28,
            cfg_scale_default=2.5,
            cfg_scale_range=(1, 10),
            negative_prompt=True,
        ),
        on_plan=False,
        third_party=True,
    ),
)

MODELS: Mapping[str, ModelInfo] = MappingProxyType(
    {info.id: info for info in (*_CHAT_MODELS, *_VOICE_MODELS, *_SPEECH_MODELS, *_RECOGNITION_MODELS, *_IMAGE_MODELS)}
)
"""Every known model by id. Read-only."""

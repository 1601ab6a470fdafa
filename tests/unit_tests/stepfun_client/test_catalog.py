"""The catalogue says what WIRE.md section 3 says, and nothing about models it does not know."""

from __future__ import annotations

import dataclasses
import pickle
from decimal import Decimal

import pytest

from stepfun_client.catalog import MODEL_DEFAULT_CHAT, MODELS, ModelInfo, find

# Every id of WIRE.md section 3 by its first kind, retyped here on purpose: the table must hold all of them and no more.
IDS = {
    "chat": (
        "step-5-preview step-3.7-flash step-3.5-flash step-3.5-flash-2603 step-router-v1 step-3 step-1o-turbo-vision "
        "step-1o-vision-32k step-1v-8k step-1v-32k step-1-8k step-1-32k step-1-256k step-2-16k step-2-mini "
        "step-2-16k-202411 step-2-16k-exp step-1-8k-functions stepaudio-2.5-chat stepaudio-3-chat-preview step-audio-2 "
        "step-audio-2-mini step-1o-audio step-audio-r1.1"
    ),
    "realtime": "stepaudio-2.5-realtime stepaudio-3-realtime-preview",
    "tts": "stepaudio-3-tts stepaudio-2.5-tts step-tts-2 step-tts-mini step-tts-vivid",
    "asr": "stepaudio-3-asr-max stepaudio-2.5-asr stepaudio-2-asr-pro step-asr step-asr-1.1 step-asr-1.1-stream",
    "image": "step-image-edit-2 step-1x-edit step-2x-large step-1x-medium stepfun-ai/step1x-edit",
}
ALL_IDS = [(kind, model) for kind, models in IDS.items() for model in models.split()]


def known(model: str) -> ModelInfo:
    info = find(model)
    assert info is not None
    return info


@pytest.mark.parametrize(("kind", "model"), ALL_IDS)
def test_every_model_of_the_wire_description_is_known(kind, model):
    info = known(model)
    assert info.id == model
    assert kind in info.kinds


def test_nothing_else_is_in_the_table():
    assert sorted(MODELS) == sorted(model for _, model in ALL_IDS)


@pytest.mark.parametrize("model", ["step-6", "", "STEP-3.7-FLASH", "step-3.7-flash "])
def test_unknown_models_are_none_and_not_an_error(model):
    assert find(model) is None


def test_the_table_cannot_be_changed_by_accident():
    with pytest.raises(TypeError):
        MODELS["step-6"] = known("step-3")
    with pytest.raises(dataclasses.FrozenInstanceError):
        known("step-3").context = 1
    assert pickle.loads(pickle.dumps(known("step-2x-large"))) == known("step-2x-large")


def test_the_default_chat_model_sees_thinks_and_calls_tools():
    info = known(MODEL_DEFAULT_CHAT)
    assert info.id == "step-3.7-flash"
    assert info.inputs == {"text", "image", "video"}
    assert info.outputs == {"text"}
    assert (info.reasoning, info.efforts, info.tools, info.json_schema) == (
        True,
        ("low", "medium", "high"),
        True,
        False,
    )


@pytest.mark.parametrize(
    ("model", "tokens"),
    [
        ("step-3.7-flash", 256_000),
        ("step-1-256k", 256_000),
        ("step-3", 8_000),
        ("step-1o-turbo-vision", 16_000),
        ("step-2-mini", 8_000),
        ("step-1v-32k", 32_000),
        ("step-5-preview", None),
    ],
)
def test_context_windows_take_the_smaller_reading(model, tokens):
    assert known(model).context == tokens


def test_only_three_models_follow_a_json_schema():
    assert {m for m, info in MODELS.items() if info.json_schema} == {
        "step-5-preview",
        "step-3.5-flash",
        "step-3.5-flash-2603",
    }


@pytest.mark.parametrize(
    ("model", "efforts"),
    [("step-5-preview", ("low", "medium", "high")), ("step-3.5-flash-2603", ("low", "high")), ("step-3.5-flash", ())],
)
def test_efforts(model, efforts):
    assert known(model).efforts == efforts
    assert known(model).reasoning is True


def test_a_model_with_efforts_reasons():
    assert all(info.reasoning for info in MODELS.values() if info.efforts)


@pytest.mark.parametrize(
    ("model", "tools"),
    [("step-1-8k-functions", True), ("step-3.5-flash", True), ("step-audio-r1.1", False), ("step-5-preview", None)],
)
def test_what_no_source_says_about_tools_is_unknown(model, tools):
    assert known(model).tools is tools


def test_the_router_lives_on_the_plan_only():
    assert {m for m, info in MODELS.items() if info.plan_only} == {"step-router-v1"}
    router = known("step-router-v1")
    assert (router.on_plan, router.web_search, router.max_output) == (True, False, 384_000)


@pytest.mark.parametrize(
    ("model", "on_plan"),
    [
        ("stepaudio-2.5-tts", True),
        ("stepaudio-2.5-asr", True),
        ("stepaudio-2.5-realtime", True),
        ("stepaudio-2.5-chat", True),
        ("step-image-edit-2", True),
        ("step-1x-edit", False),
        ("step-asr", False),
        ("step-2x-large", False),
        ("step-1x-medium", False),
        ("step-tts-2", None),
    ],
)
def test_step_plan(model, on_plan):
    assert known(model).on_plan is on_plan


@pytest.mark.parametrize("model", ["step-audio-2", "step-audio-2-mini", "step-1o-audio", "step-audio-r1.1"])
def test_spoken_models_chat_and_talk_live(model):
    assert known(model).kinds == {"chat", "realtime"}
    assert "audio" in known(model).outputs


def test_the_newer_voice_chat_models_answer_in_text_only():
    assert known("stepaudio-2.5-chat").outputs == known("stepaudio-3-chat-preview").outputs == {"text"}


@pytest.mark.parametrize(
    ("model", "transports"),
    [
        ("stepaudio-3-asr-max", ("sse",)),
        ("step-asr", ("multipart",)),
        ("step-asr-1.1", ("async",)),
        ("step-asr-1.1-stream", ("websocket", "sse")),
    ],
)
def test_how_recognition_is_reached(model, transports):
    assert known(model).transports == transports


def test_details_hang_on_the_kinds_they_belong_to():
    for info in MODELS.values():
        assert (info.speech is not None) == ("tts" in info.kinds)
        assert (info.image is not None) == ("image" in info.kinds)
        assert bool(info.transports) == ("asr" in info.kinds)


@pytest.mark.parametrize(
    ("model", "instruction", "voice_label", "language"),
    [
        ("stepaudio-3-tts", True, None, True),
        ("stepaudio-2.5-tts", True, False, False),
        ("step-tts-2", False, True, False),
        ("step-tts-mini", False, True, False),
    ],
)
def test_speech_parameters(model, instruction, voice_label, language):
    speech = known(model).speech
    assert speech is not None
    assert speech.max_characters == 1000
    assert (speech.instruction, speech.voice_label, speech.language) == (instruction, voice_label, language)


@pytest.mark.parametrize(
    ("model", "operations", "prompt", "steps", "cfg_scale"),
    [
        ("step-image-edit-2", {"generate", "edit"}, 512, 8, 1.0),
        ("step-1x-edit", {"edit"}, 512, 28, 6),
        ("step-2x-large", {"generate", "transform"}, 512, 50, 6),
        ("step-1x-medium", {"generate", "transform"}, 1024, 50, 7.5),
        ("stepfun-ai/step1x-edit", {"edit"}, None, 28, 2.5),
    ],
)
def test_image_parameters(model, operations, prompt, steps, cfg_scale):
    image = known(model).image
    assert image is not None
    assert image.operations == operations
    assert (image.max_prompt_characters, image.steps_default, image.cfg_scale_default) == (prompt, steps, cfg_scale)


def test_sizes_are_written_in_the_order_they_say():
    edit, large = known("step-image-edit-2").image, known("step-2x-large").image
    assert edit is not None
    assert large is not None
    assert edit.size_order == "height x width"
    assert "768x1360" in edit.sizes
    assert large.size_order == "width x height"
    assert "1280x800" in large.sizes


def test_defaults_lie_within_their_ranges():
    for info in MODELS.values():
        for default, limits in (
            (info.image and info.image.steps_default, info.image and info.image.steps_range),
            (info.image and info.image.cfg_scale_default, info.image and info.image.cfg_scale_range),
        ):
            assert limits is None or limits[0] <= default <= limits[1]


def test_one_model_lives_on_another_companys_host():
    assert {m for m, info in MODELS.items() if info.third_party} == {"stepfun-ai/step1x-edit"}


def test_legacy_models_are_marked():
    legacy = {m for m, info in MODELS.items() if info.legacy}
    assert {"step-3", "step-1-8k", "step-2-16k-exp", "step-1v-32k", "step-tts-vivid", "step-asr"} <= legacy
    assert not legacy & {"step-5-preview", "step-3.7-flash", "step-1o-turbo-vision", "step-tts-2"}


@pytest.mark.parametrize(
    ("model", "per", "fresh", "cached", "output"),
    [
        ("step-3.7-flash", "1M tokens", "1.35", "0.27", "8.1"),
        ("step-1o-audio", "1M tokens", "25", "5", "60"),
        ("stepaudio-2.5-tts", "10k characters", "5.8", None, None),
        ("step-asr-1.1", "hour", "2.2", None, None),
        ("step-image-edit-2", "image", None, None, "0.02"),
    ],
)
def test_prices_carry_their_unit_and_date(model, per, fresh, cached, output):
    price = known(model).price
    assert price is not None
    expected = tuple(None if yuan is None else Decimal(yuan) for yuan in (fresh, cached, output))
    assert (price.input, price.cached, price.output) == expected
    assert (price.per, price.as_of) == (per, "2026-06")


def test_cached_input_costs_a_fifth():
    for info in MODELS.values():
        if info.price and info.price.cached:
            assert info.price.input is not None
            assert info.price.cached == info.price.input / 5


def test_a_model_without_a_published_price_has_none():
    assert known("step-5-preview").price is None

"""What a model can do, in LangChain's words: made from the client's catalogue, so that it stands in one place."""

from __future__ import annotations

from collections.abc import Callable

from langchain_core.language_models import ModelProfile

from stepfun_client.catalog import find


def profile_of(model: str) -> ModelProfile | None:
    """Describe a model's capabilities; None for a model the catalogue does not know.

    What the catalogue does not know of a model is left out. `structured_output` makes agents ask for `json_schema`, so
    it is said only where that is real.
    """
    info = find(model)
    if info is None or "chat" not in info.kinds:
        return None
    profile = ModelProfile(
        name=info.id,
        text_inputs="text" in info.inputs,
        image_inputs="image" in info.inputs,
        image_url_inputs="image" in info.inputs,
        image_tool_message="image" in info.inputs,
        audio_inputs="audio" in info.inputs,
        video_inputs="video" in info.inputs,
        pdf_inputs=False,
        pdf_tool_message=False,
        text_outputs="text" in info.outputs,
        image_outputs="image" in info.outputs,
        audio_outputs="audio" in info.outputs,
        video_outputs="video" in info.outputs,
        structured_output=info.json_schema,
    )
    if info.context is not None:
        profile["max_input_tokens"] = info.context
    if info.max_output is not None:
        profile["max_output_tokens"] = info.max_output
    if info.reasoning is not None:
        profile["reasoning_output"] = info.reasoning
    if info.efforts:
        profile["reasoning_effort_levels"] = list(info.efforts)
    if info.tools is not None:
        profile["tool_calling"] = profile["tool_choice"] = profile["tool_call_streaming"] = info.tools
    return profile


def narrowed_profile_of(model: str) -> ModelProfile | None:
    """Describe what a model can do over the Messages API: text and pictures in, text out, no `json_schema`."""
    profile = profile_of(model)
    if profile is None:
        return None
    beyond = ("audio_inputs", "video_inputs", "audio_outputs", "structured_output")
    return ModelProfile(**{**profile, **dict.fromkeys(beyond, False)})  # type: ignore[typeddict-item]


def current_profile(
    profile: ModelProfile | None, model: str, make: Callable[[str], ModelProfile | None]
) -> ModelProfile | None:
    """Replace a profile made for another model or API, as copies carry it along; one the user gave stays."""
    made_for = (profile or {}).get("name")
    if made_for and profile in (profile_of(made_for), narrowed_profile_of(made_for)):
        return make(model)
    return profile

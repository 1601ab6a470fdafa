"""`load`: a model's name becomes an LLM or a tool."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from llama_index_stepfun.llm import StepFun
from stepfun_client.config import Configuration, load_config
from stepfun_client.config.making import Recipe, make

if TYPE_CHECKING:
    from llama_index.core.tools.function_tool import FunctionTool

    from stepfun_client.config import Model
    from stepfun_client.config.kinds import Role
    from stepfun_client.core.concurrency import ConcurrencyLimit

_TOOLS: dict[Role, tuple[str, dict[str, str], str]] = {
    "tts": ("speak", {"model": "speech_model"}, "speech_options"),
    "asr": ("transcribe", {"model": "asr_model"}, "asr_options"),
    "generate": ("draw", {"model": "image_model"}, "image_options"),
    "transform": ("transform_image", {"model": "transform_model"}, "transform_options"),
    "edit": ("edit_image", {"model": "edit_model"}, "edit_options"),
}
"""Which of `StepFunToolSpec`'s functions a role is, the spec's own names for parameters, and where the others go."""


def load(name: str, config: Configuration = None, **overrides: Any) -> StepFun | FunctionTool:
    """Make what belongs to a model's name: an LLM, or a tool that speaks, listens, draws, edits or transforms.

    Args:
        name: A model's name in the configuration; without one, an id of the catalogue.
        config: The path of a YAML file, a mapping of the same shape, or a `stepfun_client.config.Config`. Without one,
            the catalogue says what the model is, and key and address are found as usual.
        **overrides: Arguments of `StepFun`, or of `StepFunToolSpec`; they win over the configuration.

    Returns:
        `StepFun` for the types text, imageunderstand, multimodal, functioncalling and chat; else one tool of
        `StepFunToolSpec`: `speak` for tts, `transcribe` for asr, `draw` for generateimage, `edit_image` for editimage,
        and `transform_image` for transformimage.

    Raises:
        InvalidParameterError: With file, line and what is allowed, if the configuration is wrong, has no such model, or
            names a variable that is not set.
        ImportError: If PyYAML is not installed and a file is to be read.

    Example:
        >>> print(load("step-3.7-flash", reasoning_effort="low").complete("What is 6 * 7?"))
        6 * 7 = 42
        >>> config = {"models": {"reader": {"type": "tts", "model": "step-tts-2", "voice": "linjiajiejie"}}}
        >>> load("reader", config).metadata.name
        'speak'
    """
    read = load_config(config)
    model = read.find(name)
    limit = read.limit(model.provider.name) if model.provider else None
    if model.role == "chat":
        return make(Recipe(StepFun, rest="additional_kwargs"), model, limit=limit, overrides=overrides)
    return _tool(model, limit, overrides)


def _tool(model: Model, limit: ConcurrencyLimit | None, overrides: dict[str, Any]) -> FunctionTool:
    function, names, rest = _TOOLS[model.role]
    spec_class = import_module("llama_index_stepfun.tools").StepFunToolSpec
    spec = make(Recipe(spec_class, names=names, rest=rest), model, limit=limit, overrides=overrides)
    tool: FunctionTool = spec.to_tool_list([(function, f"a{function}")])[0]
    return tool

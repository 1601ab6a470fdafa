"""`load`: a model's name becomes a chat model or a tool."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from langchain_stepfun.chat_models import ChatStepFun
from stepfun_client.config import Configuration, load_config
from stepfun_client.config.making import Recipe, make

if TYPE_CHECKING:
    from langchain_stepfun.tools.tool import StepFunTool
    from stepfun_client.config.kinds import Role


_TOOLS: dict[Role, tuple[str, dict[str, str]]] = {
    "tts": ("StepFunTTS", {"response_format": "format"}),
    "asr": ("StepFunASR", {}),
    "generate": ("StepFunImageGen", {}),
    "transform": ("StepFunImageToImage", {}),
    "edit": ("StepFunImageEdit", {}),
}
"""Which tool is made of a role, and its own names for parameters."""


def load(name: str, config: Configuration = None, **overrides: Any) -> ChatStepFun | StepFunTool:
    """Make what belongs to a model's name: a chat model, or a tool that speaks, listens, draws, edits or transforms.

    Args:
        name: A model's name in the configuration; without one, an id of the catalogue.
        config: The path of a YAML file, a mapping of the same shape, or a `stepfun_client.config.Config`, whose models
            share their provider's `max_concurrency`. Without one, the catalogue says what the model is, and key and
            address are found as usual.
        **overrides: Arguments of the class that is made; they win over the configuration.

    Returns:
        `ChatStepFun` for the types text, imageunderstand, multimodal, functioncalling and chat; `StepFunTTS` for tts,
        `StepFunASR` for asr, `StepFunImageGen` for generateimage, `StepFunImageEdit` for editimage, and
        `StepFunImageToImage` for transformimage.

    Raises:
        InvalidParameterError: With file, line and what is allowed, if the configuration is wrong, has no such model, or
            names a variable that is not set.
        ImportError: If PyYAML is not installed and a file is to be read.

    Example:
        >>> print(load("step-3.7-flash", reasoning_effort="low").invoke("What is 6 * 7?").text)
        6 * 7 = 42
        >>> config = {"models": {"reader": {"type": "tts", "model": "step-tts-2", "voice": "linjiajiejie"}}}
        >>> load("reader", config).voice
        'linjiajiejie'
    """
    read = load_config(config)
    model = read.find(name)
    limit = read.limit(model.provider.name) if model.provider else None
    made: ChatStepFun | StepFunTool = make(_recipe(model.role), model, limit=limit, overrides=overrides)
    return made


def _recipe(role: Role) -> Recipe[Any]:
    if role == "chat":
        return Recipe(ChatStepFun)
    name, names = _TOOLS[role]
    return Recipe(getattr(import_module("langchain_stepfun.tools"), name), names=names)

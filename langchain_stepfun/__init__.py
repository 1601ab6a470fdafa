"""StepFun (阶跃星辰) for LangChain.

>>> from langchain_stepfun import ChatStepFun
>>> model = ChatStepFun(model="step-3.7-flash", reasoning_effort="low")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

# Loaded from here and not from the modules below: CPython loads this largest of our imports markedly faster from a
# shallow stack (`python -m benchmarks.chat` shows it).
import langchain_core.language_models.chat_models  # noqa: F401

from langchain_stepfun import content_blocks
from langchain_stepfun.chat_models import ChatStepFun
from langchain_stepfun.costs import cost_of
from langchain_stepfun.media_blocks import audio_block, image_block, video_block

if TYPE_CHECKING:
    from langchain_stepfun.documents import StepFunASRParser, StepFunFileLoader, StepFunSearchRetriever
    from langchain_stepfun.loading import load
    from langchain_stepfun.realtime import StepFunRealtime
    from langchain_stepfun.tools import (
        StepFunASR,
        StepFunImageEdit,
        StepFunImageGen,
        StepFunImageToImage,
        StepFunToolkit,
        StepFunTTS,
        StepFunVoiceClone,
        StepFunWebSearch,
    )

content_blocks.register()

__all__ = [
    "ChatStepFun",
    "StepFunASR",
    "StepFunASRParser",
    "StepFunFileLoader",
    "StepFunImageEdit",
    "StepFunImageGen",
    "StepFunImageToImage",
    "StepFunRealtime",
    "StepFunSearchRetriever",
    "StepFunTTS",
    "StepFunToolkit",
    "StepFunVoiceClone",
    "StepFunWebSearch",
    "audio_block",
    "cost_of",
    "image_block",
    "load",
    "video_block",
]

_DOCUMENTS, _TOOLS = "langchain_stepfun.documents", "langchain_stepfun.tools"

_LOADED_AT_FIRST_USE = {
    "StepFunASR": _TOOLS,
    "StepFunASRParser": _DOCUMENTS,
    "StepFunFileLoader": _DOCUMENTS,
    "StepFunImageEdit": _TOOLS,
    "StepFunImageGen": _TOOLS,
    "StepFunImageToImage": _TOOLS,
    "StepFunRealtime": "langchain_stepfun.realtime",
    "StepFunSearchRetriever": _DOCUMENTS,
    "StepFunTTS": _TOOLS,
    "StepFunToolkit": _TOOLS,
    "StepFunVoiceClone": _TOOLS,
    "StepFunWebSearch": _TOOLS,
    "load": "langchain_stepfun.loading",
}


def __getattr__(name: str) -> Any:
    """Load what chat does not need when it is first asked for."""
    if module := _LOADED_AT_FIRST_USE.get(name):
        return getattr(import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

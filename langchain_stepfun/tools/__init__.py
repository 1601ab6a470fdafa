"""StepFun as tools for agents: speaking, listening, cloning voices, drawing, editing pictures, searching the web."""

from langchain_stepfun.tools.drawing import StepFunImageGen
from langchain_stepfun.tools.editing import StepFunImageEdit
from langchain_stepfun.tools.recognition import StepFunASR
from langchain_stepfun.tools.search import StepFunWebSearch
from langchain_stepfun.tools.speech import StepFunTTS
from langchain_stepfun.tools.toolkit import StepFunToolkit
from langchain_stepfun.tools.transforming import StepFunImageToImage
from langchain_stepfun.tools.voices import StepFunVoiceClone

__all__ = [
    "StepFunASR",
    "StepFunImageEdit",
    "StepFunImageGen",
    "StepFunImageToImage",
    "StepFunTTS",
    "StepFunToolkit",
    "StepFunVoiceClone",
    "StepFunWebSearch",
]

"""StepFun as tools for agents: speaking, listening, cloning voices, searching the web."""

from langchain_stepfun.tools.recognition import StepFunASR
from langchain_stepfun.tools.search import StepFunWebSearch
from langchain_stepfun.tools.speech import StepFunTTS
from langchain_stepfun.tools.toolkit import StepFunToolkit
from langchain_stepfun.tools.voices import StepFunVoiceClone

__all__ = ["StepFunASR", "StepFunTTS", "StepFunToolkit", "StepFunVoiceClone", "StepFunWebSearch"]

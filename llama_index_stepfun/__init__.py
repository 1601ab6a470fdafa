"""StepFun (阶跃星辰) for LlamaIndex.

>>> from llama_index_stepfun import StepFun
>>> llm = StepFun(model="step-3.7-flash", reasoning_effort="low")
"""

from llama_index_stepfun.audio_reader import StepFunAudioReader
from llama_index_stepfun.llm import StepFun
from llama_index_stepfun.loading import load
from llama_index_stepfun.readers import StepFunFileReader
from llama_index_stepfun.retrievers import StepFunSearchRetriever
from llama_index_stepfun.tools import StepFunToolSpec
from llama_index_stepfun.voice_agent import StepFunVoiceAgent

__all__ = [
    "StepFun",
    "StepFunAudioReader",
    "StepFunFileReader",
    "StepFunSearchRetriever",
    "StepFunToolSpec",
    "StepFunVoiceAgent",
    "load",
]

"""StepFun (阶跃星辰) for LlamaIndex.

>>> from llama_index_stepfun import StepFun
>>> llm = StepFun(model="step-3.7-flash", reasoning_effort="low")
"""

from llama_index_stepfun.llm import StepFun

__all__ = ["StepFun"]

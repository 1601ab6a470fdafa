"""StepFun's services as tools for agents: one module for each family, put together in `spec`."""

from llama_index_stepfun.tools.spec import StepFunToolSpec

__all__ = ["StepFunToolSpec"]

"""StepFun (阶跃星辰) for LangChain.

>>> from langchain_stepfun import ChatStepFun
>>> model = ChatStepFun(model="step-3.7-flash", reasoning_effort="low")
"""

# Loaded from here and not from the modules below: CPython loads this largest of our imports markedly faster from a
# shallow stack (`python -m benchmarks.chat` shows it).
import langchain_core.language_models.chat_models  # noqa: F401

from langchain_stepfun import content_blocks
from langchain_stepfun.chat_models import ChatStepFun
from langchain_stepfun.costs import cost_of
from langchain_stepfun.media_blocks import audio_block, image_block, video_block

content_blocks.register()

__all__ = ["ChatStepFun", "audio_block", "cost_of", "image_block", "video_block"]

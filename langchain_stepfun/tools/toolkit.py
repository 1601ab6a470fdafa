"""`StepFunToolkit`: the tools together, with one connection's settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from langchain_core.tools import BaseTool, BaseToolkit
from pydantic import Field, field_validator

from langchain_stepfun.connection import Connected
from langchain_stepfun.tools.drawing import StepFunImageGen
from langchain_stepfun.tools.editing import StepFunImageEdit
from langchain_stepfun.tools.recognition import StepFunASR
from langchain_stepfun.tools.search import StepFunWebSearch
from langchain_stepfun.tools.speech import StepFunTTS
from langchain_stepfun.tools.tool import StepFunTool  # noqa: TC001 - pydantic reads it
from langchain_stepfun.tools.transforming import StepFunImageToImage
from langchain_stepfun.tools.voices import StepFunVoiceClone
from stepfun_client import InvalidParameterError

_TOOLS: tuple[type[StepFunTool], ...] = (
    StepFunTTS,
    StepFunASR,
    StepFunImageGen,
    StepFunImageEdit,
    StepFunImageToImage,
    StepFunWebSearch,
)
_PAID_EACH_TIME: tuple[type[StepFunTool], ...] = (StepFunVoiceClone,)  # only with confirm_paid
_NOT_ON_PLAN: tuple[type[StepFunTool], ...] = (StepFunImageToImage, StepFunWebSearch)
_SHARED = ("root_dir", "output_dir", "show_to_model", "handle_tool_error", "confirm_paid")


class StepFunToolkit(Connected, BaseToolkit):
    """The tools for an agent: speaking, listening, drawing, editing pictures and searching.

    Cloning voices is added only where it is switched on. On Step Plan, which serves neither a search nor pictures over
    pictures, those two tools are left out, unless `settings` hold them: `{StepFunWebSearch: {"plan": False, ...}}`.

    Args:
        settings: Settings of single tools by their class: `{StepFunTTS: {"voice": "linjiajiejie"}}`.
        output_dir: A folder the tools also write what they make to; by default nothing is written.
        root_dir: A folder whose files the model may name; none by default.
        show_to_model: Whether a model gets to see the pictures it makes.
        confirm_paid: True to add `StepFunVoiceClone`, each use of which costs money.
        handle_tool_error: Whether the model is told what it did wrong, so that it can try again; otherwise it is
            raised.
        api_key: The key; without one, `STEP_API_KEY` and then `STEPFUN_API_KEY` are read. This and what follows goes to
            every tool.
        region: `"cn"` for api.stepfun.com, `"global"` for api.stepfun.ai.
        plan: True to call Step Plan's paths, with the tools it serves.
        base_url: Another address.
        timeout: Seconds between two bytes.
        max_retries: How often a call is repeated after a lost connection, 408, 429 or 5xx.
        default_headers: Headers of every call.
        http_client: An `httpx.Client` of your own, used as it is and never closed here.
        http_async_client: An `httpx.AsyncClient` of your own, likewise.

    Example:
        >>> toolkit = StepFunToolkit(settings={StepFunTTS: {"voice": "linjiajiejie"}})
        >>> for tool in toolkit.get_tools():
        ...     print(tool.name)
        stepfun_text_to_speech
        stepfun_speech_to_text
        stepfun_generate_image
        stepfun_edit_image
        stepfun_transform_image
        stepfun_web_search
    """

    settings: Mapping[type[StepFunTool], Mapping[str, Any]] = Field(default_factory=dict)
    output_dir: Path | None = None
    root_dir: Path | None = None
    show_to_model: bool = False
    confirm_paid: bool = False
    handle_tool_error: bool = True

    @field_validator("settings")
    @classmethod
    def _check_that_they_are_of_tools(cls, given: Mapping[type[StepFunTool], Any]) -> Any:
        known = _TOOLS + _PAID_EACH_TIME
        if unknown := [kind.__name__ for kind in given if kind not in known]:
            raise InvalidParameterError(
                f"settings are given for {', '.join(unknown)}, which the toolkit does not make; it makes "
                f"{', '.join(kind.__name__ for kind in known)}",
                param="settings",
            )
        return given

    def get_tools(self) -> list[BaseTool]:
        """Make the tools, each with the toolkit's connection settings and its own."""
        wanted = (*_TOOLS, *(_PAID_EACH_TIME if self.confirm_paid else ()))
        absent = [kind for kind in _NOT_ON_PLAN if self.plan and kind not in self.settings]
        return [self._made(kind) for kind in wanted if kind not in absent]

    def _made(self, kind: type[StepFunTool]) -> StepFunTool:
        connection = {name: getattr(self, name) for name in Connected.model_fields}
        shared = {name: getattr(self, name) for name in _SHARED if name in kind.model_fields}
        return kind(**{**connection, **shared, **self.settings.get(kind, {})})

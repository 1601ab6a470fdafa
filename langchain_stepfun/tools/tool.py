"""What every tool of this package shares: the connection, arguments made to measure, and how refusals are told."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

from langchain_core.tools import BaseTool, ToolException
from pydantic import BaseModel, ConfigDict, PrivateAttr, field_validator, model_validator
from typing_extensions import Self

from langchain_stepfun.connection import Connected
from stepfun_client import ContentModerationError, InvalidParameterError


class StepFunTool(Connected, BaseTool):
    """A tool over StepFun. What a model sees is made from the settings of each instance: see `_arguments`.

    A tool answers with a short sentence for the model and an artifact for the program: standard content blocks, which
    checkpoints keep. What a model can put right raises `ToolException`; `handle_tool_error=True` tells it to the model
    instead.
    """

    model_config = ConfigDict(extra="forbid")  # which a tool of LangChain's does not

    response_format: Literal["content", "content_and_artifact"] = "content_and_artifact"

    _made_to_measure: type[BaseModel] | None = PrivateAttr(default=None)

    @abstractmethod
    def _arguments(self) -> type[BaseModel]:
        """Make the schema of what a model may send, from the settings."""

    @field_validator("response_format", mode="before")
    @classmethod
    def _keep_the_artifact(cls, given: Any) -> Any:
        if given != "content_and_artifact":
            raise InvalidParameterError(
                f"response_format is {given!r}; it is LangChain's word for what a tool returns, here always "
                "'content_and_artifact'. The format of speech is another setting: StepFunTTS(format='wav')",
                param="response_format",
            )
        return given

    @model_validator(mode="after")
    def _make_stepfun_arguments(self) -> Self:
        if self.args_schema is None:
            self.args_schema = self._made_to_measure = self._arguments()
        return self

    def _parse_input(self, tool_input: str | dict[str, Any], tool_call_id: str | None) -> str | dict[str, Any]:
        """Refuse what was not offered: LangChain drops it without a word, and a model would believe it was heard."""
        schema = self._made_to_measure
        if isinstance(tool_input, dict) and schema is not None and self.args_schema is schema:
            unknown = [name for name in tool_input if name not in schema.model_fields]
            if unknown:
                offered = ", ".join(name for name in schema.model_fields if name != "runtime")
                raise ToolException(
                    f"{self.name} takes no {', '.join(unknown)}; it takes {offered}. Call it again with these alone"
                )
        return super()._parse_input(tool_input, tool_call_id)

    def __getstate__(self) -> dict[Any, Any]:
        """Leave out, beside key and connections, the schema made here: a class of no module does not pickle."""
        state = super().__getstate__()
        if self.args_schema is not self._made_to_measure:
            return state
        private = {**state["__pydantic_private__"], "_made_to_measure": None}
        return {**state, "__dict__": {**state["__dict__"], "args_schema": None}, "__pydantic_private__": private}

    def __setstate__(self, state: dict[Any, Any]) -> None:
        """Wake up, and make the schema again."""
        super().__setstate__(state)
        if self.args_schema is None:
            self.args_schema = self._made_to_measure = self._arguments()

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Copy with other settings, and with the schema that belongs to them."""
        copied = super().model_copy(update=update, deep=deep)
        if update and copied.args_schema is copied._made_to_measure:  # noqa: SLF001 - the copy's own
            copied.args_schema = copied._made_to_measure = copied._arguments()  # noqa: SLF001
        return copied


@contextmanager
def told_to_the_model(*params: str) -> Iterator[None]:
    """Raise as `ToolException` what a model can put right: its own arguments, by the client's names, and its words."""
    try:
        yield
    except InvalidParameterError as error:
        if error.param not in params:
            raise
        raise ToolException(str(error)) from error
    except ContentModerationError as error:
        raise ToolException(
            f"StepFun's content moderation refused this ({error.message}); say it differently"
        ) from error


def only_known(given: Collection[str], known: Collection[str], own: str) -> tuple[str, ...]:
    """Check the names in `model_may_set`.

    Args:
        given: The names as the developer gave them.
        known: What a model may be allowed to set.
        own: What it always sets.

    Returns:
        The names it is allowed to set beside its own, each once.

    Raises:
        InvalidParameterError: For any other name.
    """
    names = dict.fromkeys([given] if isinstance(given, str) else given)
    if unknown := [name for name in names if name not in known and name != own]:
        raise InvalidParameterError(
            f"model_may_set holds {', '.join(map(repr, unknown))}; a model may be allowed to set {', '.join(known)}. "
            "Everything else is the developer's alone",
            param="model_may_set",
        )
    return tuple(name for name in names if name != own)

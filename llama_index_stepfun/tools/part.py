"""What the parts of `StepFunToolSpec` share: a part is a family of tools with their settings (speech, search, ...)."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from llama_index.core.bridge.pydantic import BaseModel, Field, create_model, field_serializer
from llama_index.core.tools.types import ToolMetadata

from llama_index_stepfun.connection import Connected
from llama_index_stepfun.tools.sources import Link, of_kind
from stepfun_client.errors import InvalidParameterError

Arguments = Mapping[str, type[BaseModel]]
"""What the tools are told about themselves: a function's name, and a model of its arguments whose docstring is the
tool's description. Required arguments are always the model's to choose, others where `model_may_set` lists them."""


class ToolPart(Connected):
    """The settings that belong to no single family of tools."""

    root_dir: Path | None = None
    output_dir: Path | None = None
    model_may_set: list[str] = Field(default_factory=list)
    max_bytes: int = Field(default=100_000_000, ge=1)
    keep: int = Field(default=16, ge=0)
    keep_bytes: int = Field(default=64 * 1024 * 1024, ge=0)

    @field_serializer("root_dir", "output_dir")
    def _written(self, path: Path | None) -> str | None:
        return None if path is None else str(path)  # `to_json` takes no Path

    def _chosen(self, **given: Any) -> dict[str, Any]:
        """Return what a model chose beside the required arguments.

        Raises:
            InvalidParameterError: If it chose what is not its to choose, though it was not offered.
        """
        chosen = {name: value for name, value in given.items() if value is not None}
        for name in chosen:
            if name not in self.model_may_set:
                raise InvalidParameterError(f"{name} is not yours to set; call again without it", param=name)
        return chosen

    def _fetched(self, link: Link, kind: str) -> bytes:
        """Fetch what a model gave a link to, from public hosts only, if it is of the kind."""
        fetched = self.client.fetch(link.url, max_bytes=self.max_bytes)
        return of_kind(fetched.content, kind, link.url)

    async def _afetched(self, link: Link, kind: str) -> bytes:
        """Fetch what a model gave a link to, asynchronously; see `_fetched`."""
        fetched = await self.async_client.fetch(link.url, max_bytes=self.max_bytes)
        return of_kind(fetched.content, kind, link.url)

    def _saved(self, thing: Any, name: str) -> str:
        """Save a result where the developer wants results, and say so; its name is ours and not the model's.

        What has been paid for is not thrown away for a full disk: then that is said.
        """
        if self.output_dir is None:
            return ""
        try:
            thing.save(self.output_dir / name)
        except OSError as error:
            return f", not saved: {error.strerror or type(error).__name__}"
        return f", saved as {name}"


def optional_names(arguments: Arguments) -> list[str]:
    """Name the arguments that may be offered to a model or not, each once."""
    fields = [field for model in arguments.values() for field in model.model_fields.items()]
    return list(dict.fromkeys(name for name, field in fields if not field.is_required()))


def metadata(name: str, arguments: Arguments, offered: list[str]) -> ToolMetadata:
    """Describe a tool to a model, with the arguments it may choose.

    Args:
        name: The function's name; the asynchronous twin's is described alike.
        arguments: See `Arguments`.
        offered: The optional arguments to offer.
    """
    model = arguments[name]
    fields: dict[str, Any] = {
        argument: (field.annotation, field)
        for argument, field in model.model_fields.items()
        if field.is_required() or argument in offered
    }
    return ToolMetadata(
        name=name, description=inspect.cleandoc(model.__doc__ or ""), fn_schema=create_model(name, **fields)
    )

"""What the parts of `StepFunToolSpec` share: a part is a family of tools with their settings (speech, search, ...)."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from llama_index.core.bridge.pydantic import BaseModel, Field, create_model, field_serializer
from llama_index.core.tools.types import ToolMetadata

from llama_index_stepfun.connection import Connected
from llama_index_stepfun.tools.sources import Link, of_kind
from stepfun_client.errors import APIStatusError, InvalidParameterError, StepFunError

Arguments = Mapping[str, type[BaseModel]]
"""What models are told about tools: a function's name, and a model of its arguments whose docstring is the tool's
description."""


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
        """Return what a model chose of that which is the developer's unless `model_may_set` lists it.

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
        with told_to_the_model(kind):
            fetched = self.client.fetch(link.url, max_bytes=self.max_bytes)
        return of_kind(fetched.content, kind, link.url)

    async def _afetched(self, link: Link, kind: str) -> bytes:
        """Fetch what a model gave a link to, asynchronously; see `_fetched`."""
        with told_to_the_model(kind):
            fetched = await self.async_client.fetch(link.url, max_bytes=self.max_bytes)
        return of_kind(fetched.content, kind, link.url)

    def _make_room(self) -> None:
        """Make the place for results, so that one that cannot be is found out before anything is paid for."""
        if self.output_dir is not None:
            self.output_dir.mkdir(parents=True, exist_ok=True)

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


@contextmanager
def told_to_the_model(param: str) -> Iterator[None]:
    """Leave what is for programmers out of a refusal that an agent shows to its model."""
    try:
        yield
    except StepFunError as error:
        if not isinstance(error, APIStatusError):
            error.hint = None
        if isinstance(error, InvalidParameterError):
            error.param = param
        raise


@contextmanager
def named_by(name: str, options: Mapping[str, Any], **fields: str) -> Iterator[None]:
    """Say of a refusal, when a spec is made, in which of its settings the refused one stands.

    Args:
        name: The name of the field that holds further parameters.
        options: What it holds.
        **fields: The parameters that have a field of their own, and its name.
    """
    try:
        yield
    except InvalidParameterError as error:
        field = name if error.param in options else fields.get(error.param or "", name)
        raise InvalidParameterError(f"{field}: {error.message}", param=error.param) from None


def metadata(name: str, arguments: Arguments, hidden: Collection[str]) -> ToolMetadata:
    """Describe a tool to a model, with the arguments it may choose.

    Args:
        name: The function's name; the asynchronous twin's is described alike.
        arguments: See `Arguments`.
        hidden: The arguments not to offer.
    """
    model = arguments[name]
    fields: dict[str, Any] = {
        argument: (field.annotation, field) for argument, field in model.model_fields.items() if argument not in hidden
    }
    return ToolMetadata(
        name=name, description=inspect.cleandoc(model.__doc__ or ""), fn_schema=create_model(name, **fields)
    )

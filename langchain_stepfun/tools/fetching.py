"""What the tools that take a file share: the folder a model may read, and how they come to what is elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from langchain_core.tools import ToolException

from langchain_stepfun.tools.tool import StepFunTool
from stepfun_client.errors import APIStatusError, StepFunError

if TYPE_CHECKING:
    from langchain_stepfun.tools.naming import Address, Kind


class FetchingTool(StepFunTool):
    """A tool that takes a file: of the conversation, of a public https URL, or of a folder the developer opens."""

    root_dir: Path | None = None
    max_bytes: int

    def _fetched(self, address: Address, kind: Kind) -> bytes:
        try:
            return kind.checked(self.client.fetch(address.url, max_bytes=self.max_bytes).content)
        except StepFunError as error:
            raise _not_fetched(kind, error) from error

    async def _afetched(self, address: Address, kind: Kind) -> bytes:
        try:
            return kind.checked((await self.async_client.fetch(address.url, max_bytes=self.max_bytes)).content)
        except StepFunError as error:
            raise _not_fetched(kind, error) from error


def _not_fetched(kind: Kind, error: StepFunError) -> ToolException:
    reason = str(error) if isinstance(error, APIStatusError) else error.message  # no advice for programmers
    return ToolException(f"The {kind.noun} could not be fetched: {reason}")

"""What the tools that take a recording share: whose files they may read, and how they come to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from langchain_core.tools import ToolException
from pydantic import Field

from langchain_stepfun.tools.sources import MAX_BYTES, Address, Recording, as_recording, find_recording
from langchain_stepfun.tools.tool import StepFunTool
from stepfun_client.errors import StepFunError


class RecordingTool(StepFunTool):
    """A tool that takes a recording: of the conversation, of a public https URL, or of a folder the developer opens."""

    root_dir: Path | None = None
    max_bytes: int = Field(default=MAX_BYTES, gt=0)

    def _found(self, audio: Any, runtime: Any) -> Recording | Address:
        return find_recording(audio, runtime=runtime, root_dir=self.root_dir, max_bytes=self.max_bytes)

    def _recording(self, audio: Any, runtime: Any) -> Recording:
        found = self._found(audio, runtime)
        if not isinstance(found, Address):
            return found
        try:
            return as_recording(self.client.fetch(found.url, max_bytes=self.max_bytes).content)
        except StepFunError as error:
            raise _not_fetched(error) from error

    async def _arecording(self, audio: Any, runtime: Any) -> Recording:
        found = self._found(audio, runtime)
        if not isinstance(found, Address):
            return found
        try:
            return as_recording((await self.async_client.fetch(found.url, max_bytes=self.max_bytes)).content)
        except StepFunError as error:
            raise _not_fetched(error) from error


def _not_fetched(error: StepFunError) -> ToolException:
    return ToolException(f"The recording could not be fetched: {error}")

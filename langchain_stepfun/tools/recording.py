"""What the tools that take a recording share: how they come to it."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from langchain_stepfun.tools.fetching import FetchingTool
from langchain_stepfun.tools.naming import Address
from langchain_stepfun.tools.sources import MAX_BYTES, RECORDING, Recording, find_recording


class RecordingTool(FetchingTool):
    """A tool that takes a recording."""

    max_bytes: int = Field(default=MAX_BYTES, gt=0)

    def _found(self, audio: Any, runtime: Any) -> Recording | Address:
        return find_recording(audio, runtime=runtime, root_dir=self.root_dir, max_bytes=self.max_bytes)

    def _recording(self, audio: Any, runtime: Any) -> Recording:
        found = self._found(audio, runtime)
        return self._fetched(found, RECORDING) if isinstance(found, Address) else found

    async def _arecording(self, audio: Any, runtime: Any) -> Recording:
        found = self._found(audio, runtime)
        return await self._afetched(found, RECORDING) if isinstance(found, Address) else found

"""`StepFunWebSearch`: a tool that searches the web."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, Field, create_model

from langchain_stepfun.tools.artifacts import Block, citation
from langchain_stepfun.tools.tool import StepFunTool, told_to_the_model

if TYPE_CHECKING:
    from stepfun_client.api.search import SearchResult, SearchResults

Category = Literal["programming", "research", "gov", "business"]


class StepFunWebSearch(StepFunTool):
    """Searches the web: the model sends a query and reads titles, addresses and texts.

    The artifact is a list of standard citations, `{"type": "citation", "url": ..., "title": ..., "cited_text": ...}`,
    the best first; empty if nothing was found. Each search costs money; prices are on StepFun's site. To let
    `ChatStepFun` search by itself, bind the server tool `{"type": "web_search", ...}` instead.

    Args:
        n: How many results, 1 to 20.
        category: Where to search: `"programming"`, `"research"`, `"gov"` or `"business"`; everywhere by default.
        max_characters: How much of each page's text the model reads; the artifact holds all of it.
        api_key: The key; this and what follows as for `StepFunTTS`.
        region: `"cn"` or `"global"`.
        plan: True to call Step Plan's paths.
        base_url: Another address.
        timeout: Seconds between two bytes; 60 by default.
        max_retries: How often a call is repeated after a lost connection, 408, 429 or 5xx.
        default_headers: Headers of every call.
        http_client: An `httpx.Client` of your own.
        http_async_client: An `httpx.AsyncClient` of your own.

    Raises:
        ToolException: For an empty query, or one that moderation refuses.
        StepFunError: For everything else that fails.

    Example:
        >>> search = StepFunWebSearch(n=3)
        >>> call = {"type": "tool_call", "id": "1", "name": search.name, "args": {"query": "StepFun"}}
        >>> [hit["extras"]["position"] for hit in search.invoke(call).artifact]
        [1, 2, 3]
    """

    name: str = "stepfun_web_search"
    description: str = (
        "Search the web for current or uncertain facts. Returns numbered results with titles, addresses and texts; "
        "cite the addresses you use."
    )

    n: int = Field(default=5, ge=1, le=20)
    category: Category | None = None
    max_characters: int = Field(default=1000, gt=0)

    def _arguments(self) -> type[BaseModel]:
        query = (str, Field(min_length=1, description="What to search for."))
        return create_model("StepFunWebSearchInput", query=query)

    def _run(self, query: str) -> tuple[str, list[Block]]:
        with told_to_the_model("query"):
            found = self.client.search.create(query, n=self.n, category=self.category)
        return self._handed_over(found)

    async def _arun(self, query: str) -> tuple[str, list[Block]]:
        with told_to_the_model("query"):
            found = await self.async_client.search.create(query, n=self.n, category=self.category)
        return self._handed_over(found)

    def _handed_over(self, found: SearchResults) -> tuple[str, list[Block]]:
        hits = [self._shown(result, rank) for rank, result in enumerate(found.results, 1)]
        return "\n\n".join(hits) or "Nothing was found.", [citation(result) for result in found.results]

    def _shown(self, result: SearchResult, rank: int) -> str:
        text = result.content or result.snippet or ""
        short = text if len(text) <= self.max_characters else f"{text[: self.max_characters]}…"
        head = f"{rank}. {result.title or result.url}"
        return "\n".join(filter(None, (head, result.url, result.time, short)))

"""Search of the web: `POST /search` (WIRE.md section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from stepfun_client.api.resource import (
    AsyncResource,
    BodyOptions,
    Resource,
    WireModel,
    WirePart,
    checked,
    posting,
    read,
    some_text,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from stepfun_client.core.call import Flow


class SearchParams(BodyOptions, total=False):
    """What a search takes beside its query. None leaves a parameter out.

    Attributes:
        n: How many results, 1 to 20; the service's default is 10.
        category: Where to search: `"programming"`, `"research"`, `"gov"` (public administration) or `"business"`;
            everywhere by default.
    """

    n: Annotated[int, Field(ge=1, le=20, strict=True)] | None
    category: Literal["programming", "research", "gov", "business"] | None


class SearchResult(WirePart):
    """One result.

    Attributes:
        position: Its rank, from 1.
        time: When the page was indexed.
        snippet: The page in short.
        content: The page's text.
    """

    url: str
    position: int | None = None
    title: str | None = None
    time: str | None = None
    snippet: str | None = None
    content: str | None = None


class SearchResults(WireModel):
    """What a search found, the best first."""

    query: str | None = None
    n: int | None = None
    results: list[SearchResult]


def search(query: str, **params: Unpack[SearchParams]) -> Flow[SearchResults]:
    """Search the web."""
    given = checked(SearchParams, params)
    body = {"query": some_text(query, "query")}
    body |= {name: given.pop(name) for name in ("n", "category") if name in given}
    reply = yield posting("/search", body, given)
    return read(SearchResults, reply)


class Search(Resource):
    """`client.search`: StepFun's search of the web."""

    def create(self, query: str, **params: Unpack[SearchParams]) -> SearchResults:
        """Search the web. Each search costs money; prices are on StepFun's site.

        To let a model search by itself, give a chat the server tool `{"type": "web_search", ...}` instead.

        Args:
            query: What to search for.
            **params: See `SearchParams`.

        Returns:
            The results, the best first.

        Raises:
            InvalidParameterError: If an argument breaks a rule that is certain; nothing has been sent.
            APIStatusError: If the service refuses or fails.

        Example:
            >>> found = client.search.create("StepFun", n=3, category="programming")
            >>> [result.position for result in found.results]
            [1, 2, 3]
        """
        return self._runner.run(search(query, **params))


class AsyncSearch(AsyncResource):
    """`client.search` of the asynchronous client; see `Search`."""

    async def create(self, query: str, **params: Unpack[SearchParams]) -> SearchResults:
        """Search the web; see `Search.create`."""
        return await self._runner.run(search(query, **params))

"""`StepFunSearchRetriever`: StepFun's search of the web as a retriever."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.bridge.pydantic import SecretStr
from llama_index.core.schema import NodeWithScore, TextNode

from llama_index_stepfun.connection import Connected

if TYPE_CHECKING:
    from llama_index.core.callbacks.base import CallbackManager
    from llama_index.core.schema import IndexNode, QueryBundle

    from stepfun_client.api.search import SearchResult, SearchResults

Category = Literal["programming", "research", "gov", "business"]

_FOR_MACHINES = ("position",)


class StepFunSearchRetriever(BaseRetriever):
    """Finds pages of the web, each as a node with its text and, in the metadata, its url, title, time and position.

    The service ranks and gives no scores; a node's score is 1 / position, so that postprocessors keep the order. Each
    search costs money; prices are on StepFun's site.

    Args:
        n: How many pages, 1 to 20.
        category: Where to search: `"programming"`, `"research"`, `"gov"` (public administration) or `"business"`;
            everywhere by default.
        api_key: The key; without one, `STEP_API_KEY` and then `STEPFUN_API_KEY` are read at the first call. It is in no
            `repr` or pickle.
        region: `"cn"` for api.stepfun.com, `"global"` for api.stepfun.ai; a key works in its own region only.
        plan: True to call Step Plan's paths.
        base_url: Another address. Without one, `STEPFUN_BASE_URL`, then the region's.
        timeout: Seconds between two bytes; 60 by default.
        max_retries: How often a call is repeated after a lost connection, 408, 429 or 5xx.
        default_headers: Headers of every call.
        http_client: An `httpx.Client` of your own, used as it is and never closed here.
        http_async_client: An `httpx.AsyncClient` of your own, likewise.
        callback_manager: Core's callbacks.
        object_map: Core's objects behind index nodes.
        objects: The same as a list of index nodes.
        verbose: Whether core prints what it does.

    Raises:
        Errors of `stepfun_client`; InvalidParameterError for `n` or `category` out of range, at the first search.

    Example:
        >>> retriever = StepFunSearchRetriever(n=3, category="programming")
        >>> for found in retriever.retrieve("StepFun"):
        ...     print(found.metadata["position"], found.score)
        1 1.0
        2 0.5
        3 0.3333333333333333

        >>> from llama_index.core.query_engine import RetrieverQueryEngine
        >>> engine = RetrieverQueryEngine.from_args(retriever, llm=StepFun())
        >>> len(engine.query("What is StepFun?").source_nodes)
        3
    """

    def __init__(
        self,
        *,
        n: int = 10,
        category: Category | None = None,
        api_key: str | SecretStr | None = None,
        region: Literal["cn", "global"] = "cn",
        plan: bool = False,
        base_url: str | None = None,
        timeout: float | None = None,
        max_retries: int = 2,
        default_headers: Mapping[str, str] | None = None,
        http_client: Any = None,
        http_async_client: Any = None,
        callback_manager: CallbackManager | None = None,
        object_map: dict[str, Any] | None = None,
        objects: Sequence[IndexNode] | None = None,
        verbose: bool = False,
    ) -> None:
        super().__init__(
            callback_manager=callback_manager,
            object_map=object_map,
            objects=None if objects is None else list(objects),
            verbose=verbose,
        )
        self.n = n
        self.category: Category | None = category
        self._service = Connected(
            api_key=SecretStr(api_key) if isinstance(api_key, str) else api_key,
            region=region,
            plan=plan,
            api_base=base_url,
            timeout=timeout,
            max_retries=max_retries,
            default_headers=default_headers,
            http_client=http_client,
            http_async_client=http_async_client,
        )

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        found = self._service.client.search.create(query_bundle.query_str, n=self.n, category=self.category)
        return _nodes(found)

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        found = await self._service.async_client.search.create(query_bundle.query_str, n=self.n, category=self.category)
        return _nodes(found)


def _nodes(found: SearchResults) -> list[NodeWithScore]:
    return [_node(result, rank) for rank, result in enumerate(found.results, 1)]


def _node(result: SearchResult, rank: int) -> NodeWithScore:
    told = {"url": result.url, "title": result.title, "time": result.time, "position": result.position or rank}
    node = TextNode(
        text=result.content or result.snippet or "",
        metadata={name: value for name, value in told.items() if value is not None},
        excluded_embed_metadata_keys=list(_FOR_MACHINES),
        excluded_llm_metadata_keys=list(_FOR_MACHINES),
    )
    return NodeWithScore(node=node, score=1 / rank)

"""Documents out of StepFun: files read as text, recordings written down, the web searched."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Literal

from langchain_core.document_loaders import BaseBlobParser, BaseLoader
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import Field

from langchain_stepfun.connection import Connected
from stepfun_client.api.attachments import extracted, extracted_async

if TYPE_CHECKING:
    from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
    from langchain_core.documents.base import Blob

    from stepfun_client.api.attachments import Extracted
    from stepfun_client.api.search import SearchResult, SearchResults
    from stepfun_client.api.transcript import Segment, Transcript

Name = str | os.PathLike[str]
Category = Literal["programming", "research", "gov", "business"]


class StepFunASRParser(Connected, BaseBlobParser):
    """Writes recordings down: blobs of sound in, documents out, one for each segment or one for each file.

    Metadata of a document of a segment: `start` and `end` in seconds, and `channel` where channels were heard apart. Of
    every document, where known: `source` (and what else the blob's metadata holds), `model`, `language`,
    `duration_seconds` of the whole recording, and `trace_id`.

    Args:
        model: A recognising model. `step-asr-1.1` takes URLs only, so no blobs; `step-asr` tells no times.
        per: `"segment"` for a document a sentence or so, with its times; `"file"` for one of the whole text. A
            recording without segments is one document either way; one without speech is none.
        language: The language that is spoken; without it StepFun finds out.
        hotwords: Names and rare words to expect.
        enable_itn: Whether spoken numbers become digits.
        sample_rate: Of recordings of bare samples (`audio/pcm`), 16 bit: samples a second.
        channels: Of these: 1 is mono, 2 is stereo.
        extra_body: Anything else for StepFun, unchecked.
        api_key: The key; without one, `STEP_API_KEY` and then `STEPFUN_API_KEY` are read. It is in no `repr` or pickle.
        region: `"cn"` for api.stepfun.com, `"global"` for api.stepfun.ai.
        plan: True to call Step Plan's paths.
        base_url: Another address; without one, `STEPFUN_BASE_URL`, then the region's.
        timeout: Seconds between two bytes; 90 by default.
        max_retries: How often a call is repeated after a lost connection, 408, 429 or 5xx.
        default_headers: Headers of every call.
        http_client: An `httpx.Client` of your own, used as it is and never closed here.
        http_async_client: An `httpx.AsyncClient` of your own, likewise.

    Raises:
        Errors of `stepfun_client`; InvalidParameterError for what is no recording StepFun takes, before it is sent.

    Example:
        >>> from langchain_core.documents.base import Blob
        >>> speech = StepFunTTS(format="wav").client.speech.create(
        ...     model="step-tts-2", input="Good morning. How are you?", voice="cixingnansheng", response_format="wav"
        ... )
        >>> documents = StepFunASRParser().parse(Blob.from_data(speech.content, mime_type="audio/wav"))
        >>> [document.page_content for document in documents]
        ['Good morning.', 'How are you?']
        >>> documents[0].metadata["start"] < documents[1].metadata["start"]
        True
    """

    model: str = "stepaudio-2.5-asr"
    per: Literal["segment", "file"] = "segment"
    language: str | None = None
    hotwords: Sequence[str] | None = None
    enable_itn: bool | None = None
    sample_rate: int | None = Field(default=None, gt=0)
    channels: int = Field(default=1, ge=1)
    extra_body: Mapping[str, Any] | None = None

    def lazy_parse(self, blob: Blob) -> Iterator[Document]:
        """Write one recording down.

        Args:
            blob: The recording: data in memory, or a path.

        Returns:
            Its documents; it is transcribed when the first is asked for.
        """
        heard = self.client.transcription.create(blob.as_bytes(), **self._options(blob))
        yield from self._documents(heard, blob)

    async def alazy_parse(self, blob: Blob) -> AsyncIterator[Document]:
        """Write one recording down asynchronously; see `lazy_parse`."""
        heard = await self.async_client.transcription.create(blob.as_bytes(), **self._options(blob))
        for document in self._documents(heard, blob):
            yield document

    async def aparse(self, blob: Blob) -> list[Document]:
        """Write one recording down asynchronously and return all its documents; see `lazy_parse`."""
        return [document async for document in self.alazy_parse(blob)]

    def _options(self, blob: Blob) -> dict[str, Any]:
        samples = {"format": "pcm", "sample_rate": self.sample_rate, "bits": 16, "channels": self.channels}
        given = {
            "language": self.language,
            "hotwords": self.hotwords,
            "enable_itn": self.enable_itn,
            "timestamps": True if self.per == "segment" and self.model != _WITHOUT_TIMES else None,
            "extra_body": self.extra_body,
            **(samples if _is_bare(blob) else {}),
        }
        return {"model": self.model, "progress": False, **{k: v for k, v in given.items() if v is not None}}

    def _documents(self, heard: Transcript, blob: Blob) -> Iterator[Document]:
        facts = {
            "source": blob.source,
            **blob.metadata,
            "model": heard.model or self.model,
            "language": heard.language,
            "duration_seconds": heard.duration_seconds,
            "trace_id": heard.trace_id,
        }
        if self.per == "segment" and heard.segments:
            for segment in heard.segments:
                yield Document(segment.text, metadata=_known({**facts, **_times(segment)}))
        elif heard.text.strip():
            yield Document(heard.text, metadata=_known(facts))


class StepFunFileLoader(Connected, BaseLoader):
    """Reads documents as text: txt, md, pdf, doc(x), xls(x), ppt(x), csv, html and xml, up to 64 MB each.

    A document is uploaded, parsed by StepFun, fetched as text, and deleted there. Metadata: `source`, the path or URL
    as it was given; `file_name`; `file_size` in bytes; and `file_id`, which names it at StepFun until it is deleted.

    Args:
        paths: A path or several; a string that begins with http:// or https:// is fetched by StepFun itself.
        delete: Whether to delete the upload when its text has come, or could not come. An account keeps 1,000 files.
        deadline: After how many seconds of parsing to give up.
        poll: Seconds between two looks whether the parsing is done.
        api_key: The key; this and what follows as for `StepFunASRParser`.
        region: `"cn"` or `"global"`.
        plan: True to call Step Plan's paths.
        base_url: Another address.
        timeout: Seconds between two bytes; 60 by default.
        max_retries: How often a call is repeated after a lost connection, 408, 429 or 5xx.
        default_headers: Headers of every call.
        http_client: An `httpx.Client` of your own.
        http_async_client: An `httpx.AsyncClient` of your own.

    Raises:
        Errors of `stepfun_client`: InvalidParameterError for what StepFun cannot read, before it is uploaded;
        APITimeoutError for parsing that outlasts the deadline.

    Example:
        >>> from pathlib import Path
        >>> _ = Path("minutes.md").write_text("# Minutes")
        >>> document = StepFunFileLoader("minutes.md", poll=0.1).load()[0]
        >>> document.page_content, document.metadata["source"]
        ('# Minutes', 'minutes.md')
    """

    paths: Name | Sequence[Name]
    delete: bool = True
    deadline: float = Field(default=120.0, gt=0)
    poll: float = Field(default=1.0, gt=0)

    def __init__(self, paths: Name | Iterable[Name], **settings: Any) -> None:
        given = paths if isinstance(paths, (str, os.PathLike)) else list(paths)
        super().__init__(**{"paths": given, **settings})

    def lazy_load(self) -> Iterator[Document]:
        """Read the files one after the other, each when it is asked for."""
        for name in self._names():
            yield _document(name, extracted(self.client, _source(name), name=_file_name(name), **self._how()))

    async def alazy_load(self) -> AsyncIterator[Document]:
        """Read the files asynchronously, one after the other."""
        for name in self._names():
            read = await extracted_async(self.async_client, _source(name), name=_file_name(name), **self._how())
            yield _document(name, read)

    def _names(self) -> Sequence[Name]:
        return [self.paths] if isinstance(self.paths, (str, os.PathLike)) else self.paths

    def _how(self) -> dict[str, Any]:
        return {"delete": self.delete, "deadline": self.deadline, "poll": self.poll}


class StepFunSearchRetriever(BaseRetriever, Connected):
    """Finds pages of the web, each as a document with its text and, in the metadata, its url, title, time, position.

    The service ranks and gives no scores. Each search costs money; prices are on StepFun's site.

    Args:
        n: How many pages, 1 to 20; `retriever.invoke(query, n=3)` asks once for another number.
        category: Where to search: `"programming"`, `"research"`, `"gov"` (public administration) or `"business"`;
            everywhere by default.
        api_key: The key; this and what follows as for `StepFunASRParser`.
        region: `"cn"` or `"global"`.
        plan: True to call Step Plan's paths.
        base_url: Another address.
        timeout: Seconds between two bytes; 60 by default.
        max_retries: How often a call is repeated after a lost connection, 408, 429 or 5xx.
        default_headers: Headers of every call.
        http_client: An `httpx.Client` of your own.
        http_async_client: An `httpx.AsyncClient` of your own.

    Raises:
        Errors of `stepfun_client`; InvalidParameterError for an empty query, before anything is sent.

    Example:
        >>> retriever = StepFunSearchRetriever(n=3, category="programming")
        >>> [document.metadata["position"] for document in retriever.invoke("StepFun")]
        [1, 2, 3]
    """

    n: int = Field(default=10, ge=1, le=20)
    category: Category | None = None

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,  # noqa: ARG002 - core passes it by name
        n: int | None = None,
    ) -> list[Document]:
        return _pages(self.client.search.create(query, n=n or self.n, category=self.category))

    async def _aget_relevant_documents(
        self,
        query: str,
        *,
        run_manager: AsyncCallbackManagerForRetrieverRun,  # noqa: ARG002 - core passes it by name
        n: int | None = None,
    ) -> list[Document]:
        return _pages(await self.async_client.search.create(query, n=n or self.n, category=self.category))


_WITHOUT_TIMES = "step-asr"  # its interface has no way to ask for them (WIRE.md section 8)


def _is_bare(blob: Blob) -> bool:
    return blob.mimetype in ("audio/pcm", "audio/l16")


def _times(segment: Segment) -> dict[str, Any]:
    return {"start": segment.start, "end": segment.end, "channel": segment.channel}


def _known(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value is not None}


def _source(name: Name) -> str | Path:
    return str(name) if _is_url(name) else Path(name)


def _is_url(name: Name) -> bool:
    return isinstance(name, str) and name.startswith(("http://", "https://"))


def _file_name(name: Name) -> str | None:
    return None if _is_url(name) else PurePath(name).name


def _document(name: Name, read: Extracted) -> Document:
    told = {
        "source": os.fspath(name),
        "file_name": _file_name(name) or read.file.filename,
        "file_size": read.file.bytes,
        "file_id": read.file.id,
    }
    return Document(str(read.text), metadata=_known(told))


def _pages(found: SearchResults) -> list[Document]:
    return [_page(result, rank) for rank, result in enumerate(found.results, 1)]


def _page(result: SearchResult, rank: int) -> Document:
    told = {"url": result.url, "title": result.title, "time": result.time, "position": result.position or rank}
    return Document(result.content or result.snippet or "", metadata=_known({**told, "source": result.url}))

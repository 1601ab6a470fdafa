"""`StepFunFileReader`: documents as text, parsed by StepFun's Files API."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from llama_index.core.async_utils import run_jobs
from llama_index.core.bridge.pydantic import Field
from llama_index.core.readers.base import BasePydanticReader
from llama_index.core.schema import Document

from llama_index_stepfun.connection import Connected
from llama_index_stepfun.sources import Name, file_name, names, opened
from stepfun_client.api.attachments import extracted, extracted_async

if TYPE_CHECKING:
    from stepfun_client.api.attachments import Extracted

_FOR_MACHINES = ("file_id", "file_size")


class StepFunFileReader(Connected, BasePydanticReader):
    """Reads documents as text: txt, md, pdf, doc(x), xls(x), ppt(x), csv, html and xml, up to 64 MB each.

    A document is uploaded, parsed by StepFun, fetched as text, and deleted there. Give the reader its files, or give it
    to a `SimpleDirectoryReader` for the endings it is to read.

    Args:
        api_key: The key; without one, `STEP_API_KEY` and then `STEPFUN_API_KEY` are read at the first call. It is in no
            `to_dict`, `repr` or pickle.
        region: `"cn"` for api.stepfun.com, `"global"` for api.stepfun.ai; a key works in its own region only.
        plan: True to call Step Plan's paths.
        base_url: Another address; `api_base` is another name of it. Without one, `STEPFUN_BASE_URL`, then the region's.
        timeout: Seconds between two bytes; 60 by default.
        max_retries: How often a call is repeated after a lost connection, 408, 429 or 5xx.
        default_headers: Headers of every call.
        http_client: An `httpx.Client` of your own, used as it is and never closed here.
        http_async_client: An `httpx.AsyncClient` of your own, likewise.
        delete: Whether to delete the upload when its text has come, or could not come. An account keeps 1,000 files.
        deadline: After how many seconds of parsing to give up.
        poll: Seconds between two looks whether the parsing is done.
        num_workers: How many files are read at once, asynchronously; synchronously one is read after the other.

    Raises:
        Errors of `stepfun_client`: InvalidParameterError for what StepFun cannot read, before it is uploaded;
        APITimeoutError for parsing that outlasts the deadline.

    Example:
        >>> from pathlib import Path
        >>> _ = Path("minutes.md").write_text("# Minutes")
        >>> reader = StepFunFileReader(poll=0.1)
        >>> document = reader.load_data("minutes.md")[0]
        >>> document.text, document.metadata["file_name"], document.metadata["file_size"]
        ('# Minutes', 'minutes.md', 9)

        >>> from llama_index.core import SimpleDirectoryReader
        >>> directory = SimpleDirectoryReader(".", required_exts=[".md"], file_extractor={".md": reader})
        >>> [document.text for document in directory.load_data()]
        ['# Minutes']
    """

    delete: bool = True
    deadline: float = Field(default=120.0, gt=0)
    poll: float = Field(default=1.0, gt=0)
    num_workers: int = Field(default=4, ge=1)

    @classmethod
    def class_name(cls) -> str:
        """Return the name serialized components are known by."""
        return "StepFunFileReader"

    def load_data(
        self,
        file: Name | Iterable[Name],
        extra_info: Mapping[str, Any] | None = None,
        fs: Any = None,
    ) -> list[Document]:
        """Read files, each as one document.

        Args:
            file: A path or several; a string that begins with http:// or https:// is fetched by StepFun itself.
            extra_info: Metadata for each document; it wins over the reader's.
            fs: The fsspec file system of the paths, if it is not the local one.

        Returns:
            The documents in the order of the files. Their metadata: `file_name`, `file_size` in bytes, and `file_id`,
            which names the file at StepFun until it is deleted. Size and id are kept from models and embeddings.
        """
        return list(self.lazy_load_data(file, extra_info, fs))

    def lazy_load_data(
        self,
        file: Name | Iterable[Name],
        extra_info: Mapping[str, Any] | None = None,
        fs: Any = None,
    ) -> Iterator[Document]:
        """Read files one after the other, each when it is asked for; see `load_data`."""
        for name in names(file):
            with opened(name, fs) as source:
                read = extracted(self.client, source, name=file_name(name), **self._how())
            yield _document(name, read, extra_info)

    async def aload_data(
        self,
        file: Name | Iterable[Name],
        extra_info: Mapping[str, Any] | None = None,
        fs: Any = None,
    ) -> list[Document]:
        """Read files asynchronously, several at once; see `load_data`."""

        async def read_one(name: Name) -> Document:
            with opened(name, fs) as source:
                read = await extracted_async(self.async_client, source, name=file_name(name), **self._how())
            return _document(name, read, extra_info)

        return await run_jobs([read_one(name) for name in names(file)], workers=self.num_workers)

    async def alazy_load_data(
        self,
        file: Name | Iterable[Name],
        extra_info: Mapping[str, Any] | None = None,
        fs: Any = None,
    ) -> Iterable[Document]:
        """Read files asynchronously; what core awaits here is iterated synchronously, so all are read before."""
        return await self.aload_data(file, extra_info, fs)

    def _how(self) -> dict[str, Any]:
        return {"delete": self.delete, "deadline": self.deadline, "poll": self.poll}


def _document(name: Name, read: Extracted, extra_info: Mapping[str, Any] | None) -> Document:
    told = {
        "file_name": file_name(name) or read.file.filename,
        "file_size": read.file.bytes,
        "file_id": read.file.id,
        **(extra_info or {}),
    }
    return Document(
        text=str(read.text),
        metadata={key: value for key, value in told.items() if value is not None},
        excluded_embed_metadata_keys=list(_FOR_MACHINES),
        excluded_llm_metadata_keys=list(_FOR_MACHINES),
    )

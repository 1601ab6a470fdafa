"""`StepFunAudioReader`: recordings as text, written down by StepFun."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from llama_index.core.async_utils import run_jobs
from llama_index.core.bridge.pydantic import Field
from llama_index.core.readers.base import BasePydanticReader
from llama_index.core.schema import Document

from llama_index_stepfun.connection import Connected
from llama_index_stepfun.recognition import DEFAULT_MODEL, asks_for_times
from llama_index_stepfun.sources import Name, file_name, names, opened

if TYPE_CHECKING:
    from stepfun_client.api.transcript import Transcript

_FOR_MACHINES = ("channel", "duration_seconds", "end", "segment", "start")


class StepFunAudioReader(Connected, BasePydanticReader):
    """Reads recordings as text: wav, mp3, ogg and flac, and whatever else the model takes.

    Give the reader its files, or give it to a `SimpleDirectoryReader` for the endings it is to read.

    Args:
        api_key: The key; without one, `STEP_API_KEY` and then `STEPFUN_API_KEY` are read at the first call. It is in no
            `to_dict`, `repr` or pickle.
        region: `"cn"` for api.stepfun.com, `"global"` for api.stepfun.ai; a key works in its own region only.
        plan: True to call Step Plan's paths.
        base_url: Another address; `api_base` is another name of it. Without one, `STEPFUN_BASE_URL`, then the region's.
        timeout: Seconds between two bytes.
        max_retries: How often a call is repeated after a lost connection, 408, 429 or 5xx.
        default_headers: Headers of every call.
        http_client: An `httpx.Client` of your own, used as it is and never closed here.
        http_async_client: An `httpx.AsyncClient` of your own, likewise.
        model: The model that listens. `step-asr-1.1` takes public URLs only.
        language: The language spoken, e.g. `"zh"`, if it is known.
        hotwords: Words to expect: names, terms.
        timestamps: Whether to ask for the times of segments; by default where the model tells them.
        split: `"file"` for a document for each file, `"segment"` for one for each segment of speech.
        additional_kwargs: Further parameters of `client.transcription.create`, e.g. `{"format": "pcm", "sample_rate":
            16000, "bits": 16, "channels": 1}` for bare samples.
        num_workers: How many files are read at once, asynchronously; synchronously one is read after the other.

    Raises:
        Errors of `stepfun_client`: InvalidParameterError for what StepFun cannot hear, before it is sent.

    Example:
        >>> from stepfun_client import StepFunClient
        >>> with StepFunClient() as client:
        ...     speech = client.speech.create(
        ...         model="step-tts-2", voice="cixingnansheng", input="Good morning.", response_format="wav"
        ...     )
        >>> _ = speech.save("morning.wav")
        >>> reader = StepFunAudioReader()
        >>> document = reader.load_data("morning.wav")[0]
        >>> document.text, document.metadata["file_name"], document.metadata["end"] > 0
        ('Good morning.', 'morning.wav', True)

        >>> from llama_index.core import SimpleDirectoryReader
        >>> directory = SimpleDirectoryReader(".", required_exts=[".wav"], file_extractor={".wav": reader})
        >>> [document.text for document in directory.load_data()]
        ['Good morning.']
    """

    model: str = DEFAULT_MODEL
    language: str | None = None
    hotwords: list[str] | None = None
    timestamps: bool | None = None
    split: Literal["file", "segment"] = "file"
    additional_kwargs: dict[str, Any] = Field(default_factory=dict)
    num_workers: int = Field(default=4, ge=1)

    @classmethod
    def class_name(cls) -> str:
        """Return the name serialized components are known by."""
        return "StepFunAudioReader"

    def load_data(
        self,
        file: Name | Iterable[Name],
        extra_info: Mapping[str, Any] | None = None,
        fs: Any = None,
    ) -> list[Document]:
        """Read recordings.

        Args:
            file: A path or several; a string that begins with http:// or https:// is fetched, from public hosts only.
            extra_info: Metadata for each document; it wins over the reader's.
            fs: The fsspec file system of the paths, if it is not the local one.

        Returns:
            The documents in the order of the files and of what is said. Their metadata, as far as the model tells:
            `file_name`, `language`, `model`; `start` and `end` of the speech in seconds; for a file its
            `duration_seconds`, for a segment its number, `segment`, from 1, and its `channel`. Numbers are kept from
            models and embeddings. A file without segments is one document either way.
        """
        return list(self.lazy_load_data(file, extra_info, fs))

    def lazy_load_data(
        self,
        file: Name | Iterable[Name],
        extra_info: Mapping[str, Any] | None = None,
        fs: Any = None,
    ) -> Iterator[Document]:
        """Read recordings one after the other, each when it is asked for; see `load_data`."""
        for name in names(file):
            with opened(name, fs) as source:
                transcript = self.client.transcription.create(source, **self._how())
            yield from self._documents(name, transcript, extra_info)

    async def aload_data(
        self,
        file: Name | Iterable[Name],
        extra_info: Mapping[str, Any] | None = None,
        fs: Any = None,
    ) -> list[Document]:
        """Read recordings asynchronously, several at once; see `load_data`."""

        async def read_one(name: Name) -> list[Document]:
            with opened(name, fs) as source:
                transcript = await self.async_client.transcription.create(source, **self._how())
            return self._documents(name, transcript, extra_info)

        read = await run_jobs([read_one(name) for name in names(file)], workers=self.num_workers)
        return [document for documents in read for document in documents]

    async def alazy_load_data(
        self,
        file: Name | Iterable[Name],
        extra_info: Mapping[str, Any] | None = None,
        fs: Any = None,
    ) -> Iterable[Document]:
        """Read recordings asynchronously; what core awaits here is iterated synchronously, so all are read before."""
        return await self.aload_data(file, extra_info, fs)

    def _how(self) -> dict[str, Any]:
        times = asks_for_times(self.model, wanted=self.timestamps)
        given = {"language": self.language, "hotwords": self.hotwords, "timestamps": times}
        return {"model": self.model, "progress": False, **given, **self.additional_kwargs}

    def _documents(self, name: Name, transcript: Transcript, extra_info: Mapping[str, Any] | None) -> list[Document]:
        about = {"file_name": file_name(name), "language": transcript.language, "model": transcript.model}
        if self.split == "segment" and transcript.segments:
            return [
                _document(
                    one.text,
                    {**about, "segment": at, "start": one.start, "end": one.end, "channel": one.channel},
                    extra_info,
                )
                for at, one in enumerate(transcript.segments, 1)
            ]
        starts = [one.start for one in transcript.segments if one.start is not None]
        ends = [one.end for one in transcript.segments if one.end is not None]
        times = {"start": min(starts, default=None), "end": max(ends, default=None)}
        whole = {**about, **times, "duration_seconds": transcript.duration_seconds}
        return [_document(transcript.text, whole, extra_info)]


def _document(text: str, about: Mapping[str, Any], extra_info: Mapping[str, Any] | None) -> Document:
    told = {**about, **(extra_info or {})}
    return Document(
        text=text,
        metadata={key: value for key, value in told.items() if value is not None},
        excluded_embed_metadata_keys=list(_FOR_MACHINES),
        excluded_llm_metadata_keys=list(_FOR_MACHINES),
    )

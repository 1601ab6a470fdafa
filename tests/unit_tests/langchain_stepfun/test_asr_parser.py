"""StepFunASRParser: recordings as documents, with their times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.documents.base import Blob
from pydantic import ValidationError

from langchain_stepfun import StepFunASRParser
from stepfun_client import InvalidParameterError
from tests.unit_tests.langchain_stepfun.tooling import TONE, PublicService

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from langchain_core.documents import Document

    from stepfun_client.audio import Audio

    Parse = Callable[[StepFunASRParser, Blob], Awaitable[list[Document]]]

SENTENCE = "Good morning. How are you?"


async def _parse(parser: StepFunASRParser, blob: Blob) -> list[Document]:
    return parser.parse(blob)


async def _lazy_parse(parser: StepFunASRParser, blob: Blob) -> list[Document]:
    return list(parser.lazy_parse(blob))


async def _aparse(parser: StepFunASRParser, blob: Blob) -> list[Document]:
    return await parser.aparse(blob)


async def _alazy_parse(parser: StepFunASRParser, blob: Blob) -> list[Document]:
    return [document async for document in parser.alazy_parse(blob)]


@pytest.fixture(params=[_parse, _lazy_parse, _aparse, _alazy_parse], ids=lambda way: way.__name__)
def parse(request: pytest.FixtureRequest) -> Parse:
    """Every way to parse a blob."""
    return request.param


@pytest.fixture
def spoken(tools: Callable[..., Any]) -> Callable[..., Audio]:
    """Speak a text with the emulator."""
    speech = tools(StepFunASRParser).client.speech

    def speak(form: str = "wav") -> Audio:
        return speech.create(model="step-tts-2", input=SENTENCE, voice="cixingnansheng", response_format=form)

    return speak


async def test_a_document_a_segment_with_its_times(tools, parse: Parse, spoken, tmp_path: Path) -> None:
    path = spoken().save(tmp_path / "greeting.wav")

    first, second = await parse(tools(StepFunASRParser, language="en"), Blob.from_path(path, metadata={"topic": "day"}))

    assert (first.page_content, second.page_content) == ("Good morning.", "How are you?")
    assert 0 <= first.metadata["start"] < first.metadata["end"] <= second.metadata["start"] < second.metadata["end"]
    assert second.metadata["end"] <= second.metadata["duration_seconds"]
    assert {**first.metadata, "start": 0, "end": 0, "duration_seconds": 0, "trace_id": ""} == {
        "source": str(path),
        "topic": "day",
        "model": "stepaudio-2.5-asr",
        "language": "en",
        "start": 0,
        "end": 0,
        "duration_seconds": 0,
        "trace_id": "",
    }
    assert len(first.metadata["trace_id"]) == 32


@pytest.mark.parametrize("model", ["stepaudio-2.5-asr", "step-asr"])
async def test_a_document_a_file(tools, parse: Parse, spoken, model: str) -> None:
    blob = Blob.from_data(spoken("mp3").content, mime_type="audio/mpeg", path="greeting.mp3")

    documents = await parse(tools(StepFunASRParser, model=model, per="file"), blob)

    assert [document.page_content for document in documents] == [SENTENCE]
    assert documents[0].metadata["source"] == "greeting.mp3"
    assert not {"start", "end"} & documents[0].metadata.keys()


async def test_a_model_that_tells_no_times_makes_one_document(tools, parse: Parse, spoken) -> None:
    documents = await parse(tools(StepFunASRParser, model="step-asr"), Blob.from_data(spoken().content))

    assert [document.page_content for document in documents] == [SENTENCE]


async def test_bare_samples_are_described_by_the_parser(tools, parse: Parse, spoken) -> None:
    blob = Blob.from_data(spoken("pcm").content, mime_type="audio/pcm")

    assert len(await parse(tools(StepFunASRParser, sample_rate=24000), blob)) == 2
    with pytest.raises(InvalidParameterError, match="sample_rate"):
        await parse(tools(StepFunASRParser), blob)


async def test_silence_makes_no_document(parse: Parse) -> None:
    service = PublicService(said="")

    assert await parse(StepFunASRParser(**service.settings()), Blob.from_data(TONE)) == []


async def test_the_settings_go_out(parse: Parse) -> None:
    service = PublicService()
    parser = StepFunASRParser(
        **service.settings(), language="zh", hotwords=["阶跃"], enable_itn=False, per="file", extra_body={"more": 1}
    )

    await parse(parser, Blob.from_data(TONE))

    sent = service.body("/v1/audio/asr/sse")
    asked = sent["audio"]["input"]["transcription"]
    assert (asked["language"], asked["hotwords"], asked["enable_itn"]) == ("zh", ["阶跃"], False)
    assert "enable_timestamp" not in asked
    assert sent["more"] == 1


async def test_what_is_no_recording_is_refused_before_it_is_sent(parse: Parse) -> None:
    service = PublicService()

    with pytest.raises(InvalidParameterError):
        await parse(StepFunASRParser(**service.settings()), Blob.from_data("words", mime_type="text/plain"))

    assert service.sent == []


def test_nothing_is_sent_before_the_first_document_is_asked_for() -> None:
    service = PublicService()

    documents = StepFunASRParser(**service.settings()).lazy_parse(Blob.from_data(TONE))

    assert service.sent == []
    assert next(documents).page_content == "Heard it."


def test_a_document_is_of_a_segment_or_of_a_file() -> None:
    with pytest.raises(ValidationError, match="per"):
        StepFunASRParser(per="word")

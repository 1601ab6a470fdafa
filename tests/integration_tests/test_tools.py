"""The tools live, and cheaply: a few words are spoken, written down again, and searched for."""

from __future__ import annotations

import pytest

from langchain_stepfun import StepFunASR, StepFunSearchRetriever, StepFunTTS, StepFunWebSearch


def call(name: str, **args: object) -> dict[str, object]:
    return {"type": "tool_call", "id": "call_1", "name": name, "args": args}


@pytest.mark.parametrize("form", ["mp3", "wav"])
async def test_what_is_spoken_is_written_down(form: str) -> None:
    say, listen = StepFunTTS(format=form), StepFunASR(timestamps=True)

    spoken = await say.ainvoke(call(say.name, text="The number is seven."))
    heard = await listen.ainvoke(call(listen.name, audio=spoken.artifact))

    assert spoken.artifact["extras"]["duration_seconds"] > 0.5
    assert "seven" in heard.content.lower() or "7" in heard.content
    await say.async_client.aclose()
    await listen.async_client.aclose()


def test_the_web_is_searched() -> None:
    search, retriever = StepFunWebSearch(n=2), StepFunSearchRetriever(n=2)

    assert len(search.invoke(call(search.name, query="StepFun")).artifact) == 2
    assert len(retriever.invoke("StepFun")) == 2
    search.client.close()
    retriever.client.close()

"""The server tool ``retrieval`` (WIRE.md section 4): what a vector store has to say to a question.

Where the service compares meanings, words are counted here: a passage that shares more of them with the question is the
better one. What is found is quoted word for word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from stepfun_emulator.answerer.reading import sentences, words

if TYPE_CHECKING:
    from collections.abc import Iterator

_QUOTED = 3  # passages of one store in an answer
_WHOLE = 400  # characters; a longer paragraph is cut between sentences


class Passage(NamedTuple):
    """A part of a file, small enough to be quoted."""

    source: str
    text: str


class Contents(NamedTuple):
    """What a vector store knows, and how many of its files are still being parsed."""

    passages: tuple[Passage, ...]
    waiting: int


@dataclass(frozen=True)
class Knowledge:
    """A vector store on offer in a chat.

    Attributes:
        name: What the client calls it.
        description: What the client says that it knows.
        template: The prompt for what is found, with ``{{knowledge}}`` and ``{{query}}``.
        contents: What it does know.
    """

    name: str
    description: str
    template: str
    contents: Contents


class Consulted(NamedTuple):
    """What a look into a store adds to an answer, and to the prompt."""

    text: str
    prompt: str = ""


def passages(source: str, text: str) -> list[Passage]:
    """Cut a text into passages: its paragraphs, the long ones into sentences that fit together."""
    paragraphs = (" ".join(part.split()) for part in re.split(r"\n\s*\n", text))
    return [Passage(source, piece) for paragraph in paragraphs for piece in _pieces(paragraph)]


def _pieces(paragraph: str) -> Iterator[str]:
    if len(paragraph) <= _WHOLE:
        yield from filter(None, [paragraph])
        return
    kept = ""
    for sentence in sentences(paragraph):
        if kept and len(kept) + len(sentence) >= _WHOLE:
            yield kept
            kept = ""
        kept = f"{kept} {sentence}".strip()
    yield kept


def consult(question: str, stores: tuple[Knowledge, ...], *, chinese: bool) -> list[Consulted]:
    """Look into the stores that have to do with a question."""
    return [one for store in stores if (one := _consult(question, store, chinese=chinese)) is not None]


def _consult(question: str, store: Knowledge, *, chinese: bool) -> Consulted | None:
    found = _best(question, store.contents.passages)
    if not found:
        meant = _about(question) & words(f"{store.name} {store.description}")
        return Consulted(_nothing(store, chinese=chinese)) if meant else None
    quoted = "\n".join(f"[{at}] {passage.source}: “{passage.text}”" for at, passage in enumerate(found, 1))
    head = f"知识库“{store.name}”中的内容：" if chinese else f"From “{store.name}”:"
    prompt = store.template.replace("{{query}}", question).replace("{{knowledge}}", quoted)
    return Consulted(f"{head}\n{quoted}", prompt)


def _about(text: str) -> frozenset[str]:
    """Words that tell one text from another: no concepts, no bare numbers."""
    return frozenset(word for word in words(text) if not word.startswith("#") and not word[0].isdigit())


def _best(question: str, known: tuple[Passage, ...]) -> list[Passage]:
    """The passages that share most words with a question, the best first; only what comes near the best."""
    rated = [(_points(question, passage.text), -at) for at, passage in enumerate(known)]
    top = max(rated, default=(0.0, 0))[0]
    good = sorted((one for one in rated if one[0] and one[0] >= top / 2), reverse=True)
    return [known[-at] for _, at in good[:_QUOTED]]


def _points(question: str, text: str) -> float:
    shared = words(question) & words(text)
    telling = len(shared & _about(question))
    return telling + len(shared) / 100 if telling else 0.0


def _nothing(store: Knowledge, *, chinese: bool) -> str:
    waiting = store.contents.waiting
    if chinese:
        rest = f"（还有 {waiting} 个文件正在处理）" if waiting else ""
        return f"知识库“{store.name}”中没有与问题相符的内容{rest}。"
    rest = f" ({waiting} of its files still being processed)" if waiting else ""
    return f"Nothing in “{store.name}” fits the question{rest}."

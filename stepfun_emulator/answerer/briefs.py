"""Briefs: prompts that a program has written around a question.

Frameworks ask a model through templates: material between lines of dashes, then ``Query: ...`` and ``Answer:``;
numbered choices; an example of the output and a second one to complete. The rules here find these parts by their shape,
whoever wrote the template, and answer from them. Nothing is added: sentences are quoted, and choices are made by
counting shared words.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stepfun_emulator.answerer.planning import clauses
from stepfun_emulator.answerer.reading import sentences, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MARK = re.compile(
    r"""
    ^[ \t]*(?:
        (?P<rule> [-=]{3,} )[ \t]*$
      | <(?P<tag> [A-Za-z][A-Za-z ]* )>[ \t]*$
      | (?P<label> (?:(?:the|user|new|original|existing|refined|follow[- ]up|standalone)[ ])*
                   (?:context|query|question|answer|input|message|output|问题|材料|回答) )
        (?:[ ]is[ ]as[ ]follows)?[ \t]*[:：]
    )""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
_ASKING = re.compile(r"(?:query|question|input|message|问题)$")
_INLINE = re.compile(r"\b(?:query|question)[:：]\s*['\"](.+)['\"]\s*$", re.IGNORECASE | re.MULTILINE)
_REWRITE = re.compile(r"\bstandalone\s+(?:question|query)\b", re.IGNORECASE)
_SOURCE = re.compile(r"^[ \t]*Source\s+(\d+)\s*:[ \t]*", re.IGNORECASE | re.MULTILINE)
_OFFERED = re.compile(r"\b(?:choices?|options?)\b|选项", re.IGNORECASE)
_CHOICE = re.compile(r"^[ \t]*\(?(\d+)[.)][ \t]+(\S.*)$", re.MULTILINE)
_JSON = re.compile(r"\bjson\b", re.IGNORECASE)
_BARE_KEY = re.compile(r"(?<=[{,\s])([A-Za-z_]\w*)(?=\s*:)")
_ELLIPSIS = re.compile(r",?\s*\.\.\.\s*(?=[\]}])")
_FENCE = re.compile(r"```(?:json)?\s*(.*?)```", re.DOTALL)
_SAID = re.compile(r"^(?:[\w-]+[ ])?(?:(?P<asked>question|query)|response|answer)[:：]\s*", re.IGNORECASE)
_NOTHING = ("Nothing in the given material fits the question.", "材料里没有与问题相符的内容。")
_WRAPPED = re.compile(r"(?<![.!?:。！？：\s])[ \t]*\n[ \t]*(?=[a-z])")  # a line that goes on in the next
_STOPS = tuple(".!?。！？")
_FEWEST_WORDS = 2  # of a sentence that says something


@dataclass(frozen=True)
class _Section:
    """A part of a prompt and what stands above it: a label in lower case, or ``---`` for a line of dashes."""

    label: str
    text: str


@dataclass(frozen=True)
class _Brief:
    """What a prompt asks, from which material, and the earlier answer that it wants improved."""

    question: str
    material: str
    draft: str


def from_brief(prompt: str) -> str | None:
    """The answer to a brief; None for a prompt that is none."""
    sections = _sections(prompt)
    if _JSON.search(prompt):
        made = _chosen_as_shown(prompt) or _like_the_example(sections)
        if made is not None:
            return json.dumps(made, ensure_ascii=False)
    brief = _read(prompt, sections)
    if _REWRITE.search(prompt) and brief.question:
        return brief.question
    return _from_material(brief) if brief.question and (brief.material or brief.draft) else None


def choose(prompt: str) -> list[int]:
    """The numbers of the choices that fit the question best, of those that a prompt numbers; empty without choices."""
    offered = {int(number): words(text) for number, text in _CHOICE.findall(prompt)} if _OFFERED.search(prompt) else {}
    question = _read(prompt, _sections(prompt)).question if offered else ""
    if not question:
        return []

    def fit(number: int, text: str) -> tuple[int, int]:
        return len(offered[number] & words(text)), -number

    best = {max(offered, key=lambda number, text=part: fit(number, text)) for part in _parts(question)}  # type: ignore[misc]
    return sorted(best, key=lambda number: fit(number, question), reverse=True)


def _sections(prompt: str) -> list[_Section]:
    marks = list(_MARK.finditer(prompt))
    ends = [*(mark.start() for mark in marks), len(prompt)]
    return [
        _Section("---" if mark["rule"] else (mark["tag"] or mark["label"]).lower(), prompt[mark.end() : end].strip())
        for mark, end in zip(marks, ends[1:], strict=True)
    ]


def _read(prompt: str, sections: Sequence[_Section]) -> _Brief:
    asked = [one.text for one in sections if _ASKING.search(one.label) and one.text]
    inline = _INLINE.findall(prompt)
    ruled = [one.text for one in sections if one.label == "---"][:-1]  # what follows the last line is told, not given
    given = [one.text for one in sections if one.label.endswith(("context", "材料"))]
    drafts = [one.text for one in sections if one.label in ("original answer", "existing answer")]
    question = (inline or asked or [""])[-1]
    return _Brief(question, "\n".join(filter(None, [*given, *ruled])), drafts[-1] if drafts else "")


def _parts(question: str) -> list[str]:
    return [clause.text for clause in clauses(question)] or [question]


def _from_material(brief: _Brief) -> str:
    """For each part of the question the sentence that shares most words with it, with the number of its source.

    Of equals a whole sentence is better than a line without an end, such as a title.
    """
    known = list(_quotable(brief.material))
    found: list[str] = []
    for part in _parts(brief.question):
        about = words(part)
        rated = [(len(about & words(said)), said.endswith(_STOPS), -at) for at, (_, said) in enumerate(known)]
        top, _, at = max(rated, default=(0, False, 0))
        if top:
            source, sentence = known[-at]
            found.append(f"{sentence} [{source}]" if source else sentence)
    if found:
        return " ".join(dict.fromkeys(found))
    chinese = any("一" <= character <= "鿿" for character in brief.question)
    return brief.draft or (
        "材料里没有与问题相符的内容。" if chinese else "Nothing in the given material fits the question."
    )


def _quotable(material: str) -> Iterator[tuple[str, str]]:
    """The sentences of the material, each with the number of its source, if sources are numbered."""
    borders = list(_SOURCE.finditer(material))
    ends = [*(border.start() for border in borders), len(material)]
    texts = [("", material[: ends[0]])]
    texts += [(border[1], material[border.end() : end]) for border, end in zip(borders, ends[1:], strict=True)]
    for source, text in texts:
        for sentence in sentences(_WRAPPED.sub(" ", text)):
            said = _SAID.match(sentence)
            quoted = sentence[said.end() :] if said else sentence
            if not (said and said["asked"]) and len(words(quoted)) >= _FEWEST_WORDS:
                yield source, quoted


# --- JSON, where a prompt shows what it should look like -------------------------------------------------------------


def _chosen_as_shown(prompt: str) -> list[dict[str, Any]] | None:
    """Choices in the shape of the prompt's example, which need not be strict JSON."""
    numbers = choose(prompt)
    shown = re.search(r"\[\s*\{.*?\}.*?\]", prompt, re.DOTALL) if numbers else None
    example = _loosely(shown[0]) if shown else None
    if not (isinstance(example, list) and example and isinstance(example[0], dict)):
        return None
    offered = dict(_CHOICE.findall(prompt))

    def filled(number: int) -> dict[str, Any]:
        return {key: number if isinstance(value, int) else offered[str(number)] for key, value in example[0].items()}

    return [filled(number) for number in numbers]


def _like_the_example(sections: Sequence[_Section]) -> Any:
    """A few-shot prompt whose last output is left open: the example's output, made anew from the last input.

    Understood is a list of objects, one for each part of the question. A key whose values in the example are names from
    the example's own input takes the name of the present input that fits; any other takes the part of the question.
    """
    if not sections or sections[-1].label != "output" or sections[-1].text:
        return None
    inputs = [found for one in sections if one.label != "output" and isinstance(found := _fenced(one.text), dict)]
    outputs = [_fenced(one.text) for one in sections if one.label == "output" and one.text]
    asked = [one.text for one in sections if _ASKING.search(one.label)]
    if len(inputs) <= len(outputs) or not outputs or not asked:
        return None
    before, now = inputs[-2], inputs[-1]
    wrapped = next(iter(outputs[-1])) if isinstance(outputs[-1], dict) and len(outputs[-1]) == 1 else None
    items = outputs[-1][wrapped] if wrapped is not None else outputs[-1]
    if not (isinstance(items, list) and items and isinstance(items[0], dict)):
        return None
    naming = {key for key in items[0] if all(item.get(key) in before for item in items)}
    made = [{key: _fitting(now, part) if key in naming else part for key in items[0]} for part in _parts(asked[-1])]
    return made if wrapped is None else {wrapped: made}


def _fitting(described: dict[str, Any], text: str) -> str:
    return max(described, key=lambda name: len(words(f"{name} {described[name]}") & words(text)))


def _fenced(text: str) -> Any:
    fence = _FENCE.search(text)
    return _loosely(fence[1] if fence else text)


def _loosely(text: str) -> Any:
    """A JSON value, also where keys lack quotation marks, a template doubled the braces, or dots say *and so on*."""
    value = _strictly(text)
    if value is None:
        single = text.replace("{{", "{").replace("}}", "}")
        value = _strictly(_BARE_KEY.sub(r'"\1"', _ELLIPSIS.sub("", single)))
    return value


def _strictly(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None

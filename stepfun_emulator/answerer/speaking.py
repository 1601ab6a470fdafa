"""Answers in words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from stepfun_emulator.answerer.arithmetic import RESULT, evaluate, find_expression, find_expressions
from stepfun_emulator.answerer.briefs import from_brief
from stepfun_emulator.answerer.material import Material
from stepfun_emulator.answerer.planning import Need, clauses
from stepfun_emulator.answerer.reading import sentences, words

if TYPE_CHECKING:
    from stepfun_emulator.answerer.answer import Search
    from stepfun_emulator.answerer.conversation import Tool, Turn

_ONLY = re.compile(
    r"\b(?:reply|answer|respond|say|output)\s+(?:with\s+)?(?:only|just|exactly)\s*(?:with\s+)?"
    r"(?:the\s+(?:words?|text|string)\s*)?[:：]?\s*(.+)|"
    r"\b(?:repeat|echo)(?:\s+after\s+me)?\s*[:：]\s*(.+)|只(?:需|要)?(?:回复|回答|输出|说)[:：]?\s*(.+)",
    re.IGNORECASE | re.DOTALL,
)
_COUNT = re.compile(r"\bcount\s+(?:from\s+(\d+)\s+)?(?:up\s+)?to\s+(\d+)|从\s*(\d+)\s*数到\s*(\d+)", re.IGNORECASE)
_LENGTH = re.compile(r"\b(\d+)[\s-]+words?\b|(\d+)\s*个?字", re.IGNORECASE)
_MOST_WORDS = 20_000
_FOLLOW_UP = re.compile(r"^(?:and\b|what about\b|how about\b|also\b|那|那么|还有)\s*(.*)", re.IGNORECASE | re.DOTALL)
_MY_NAME = re.compile(
    r"\b(?:my name is|call me|i am called)\s+([A-Z一-鿿][\w-]*)|我(?:叫(?!什么)|的名字是)\s*([一-鿿\w]{1,6})",
    re.IGNORECASE,
)
_ASKS_NAME = re.compile(
    r"\b(?:what(?:'s| is) my name|who am i|(?:remember|know) my name)\b|我(?:叫什么|是谁|的名字)", re.IGNORECASE
)
_LONG_CONTEXT = 3  # sentences
_SHORT_QUESTION = 6  # words


def follow_up(turn: Turn, tools: tuple[Tool, ...]) -> list[Need]:
    """*And in London?* asks again what was asked before, of something else."""
    match = _FOLLOW_UP.match(turn.question.strip())
    called = [call.name for one in turn.said for call in one.calls]
    if match is None or not called or len(turn.question.split()) > _SHORT_QUESTION:
        return []
    return [Need(tool, match[1]) for tool in tools if tool.name == called[-1]]


def text(turn: Turn, seen: list[str], found: Search | None) -> str:
    """The answer to a turn in words."""
    parts = list(seen)
    if found is not None:
        parts.append(_from_search(found, chinese=turn.chinese))
    if turn.results:
        parts.append(_from_results(turn))
    if turn.media and (read := from_brief(turn.question)) is not None:
        parts.append(read)
    if parts:
        return "\n".join(parts)
    return _plain(turn)


def _from_search(found: Search, *, chinese: bool) -> str:
    listed = "\n".join(f"[{result['index']}] {result['title']}: {result['url']}" for result in found.results)
    head = "搜索结果（模拟器编造，没有联网）" if chinese else "Search results (made up, nothing was searched)"
    return f"{head}:\n{listed}"


def _from_results(turn: Turn) -> str:
    """What the tools said, quoted, and what is left to work out from it."""
    lines = [f"{result.call.name}: {result.text}" for result in turn.results]
    material = Material(
        clauses(turn.question)[-1].text if turn.question.strip() else "", turn.question, turn.results[-1].text
    )
    summed = find_expression(material.text)
    if summed is not None and RESULT in summed and material.expression and len(turn.results) == 1:
        value = evaluate(material.expression)
        if value is not None:
            lines.append(f"{material.expression} = {value}")
    return "\n".join(lines)


def _plain(turn: Turn) -> str:
    question = turn.question.strip()
    briefed = from_brief(question)
    if briefed is not None:
        return briefed
    only = _ONLY.search(question)
    if only is not None:
        wanted = next(group for group in only.groups() if group).strip()
        return wanted.strip("\"'“”") if wanted[0] in "\"'“" else wanted.rstrip(".。")
    counted = _COUNT.search(question)
    if counted is not None:
        low, high = int(counted[1] or counted[3] or 1), int(counted[2] or counted[4])
        return ", ".join(str(number) for number in range(low, min(high, low + _MOST_WORDS) + 1))
    length = _LENGTH.search(question)
    if length is not None:
        return _filler(min(int(length[1] or length[2]), _MOST_WORDS), chinese=length[2] is not None)
    return _recalled(turn) or _summed(question) or _excerpted(turn) or _greeting(turn)


def _filler(size: int, *, chinese: bool) -> str:
    """A text of a given length that does not pretend to say anything."""
    if chinese:
        return ("这段文字由模拟器按要求的长度生成，没有别的意思。" * (size // 20 + 1))[:size]
    pattern = [
        "This",
        "text",
        "has",
        "the",
        "length",
        "that",
        "was",
        "asked",
        "for",
        "and",
        "says",
        "nothing",
        "else",
        ".",
    ]
    return " ".join(pattern[at % len(pattern)] for at in range(size)).replace(" .", ".")


def _recalled(turn: Turn) -> str | None:
    if not _ASKS_NAME.search(turn.question):
        return None
    for one in reversed(turn.said):
        told = _MY_NAME.search(one.text) if one.role == "user" else None
        if told is not None:
            name = told[1] or told[2]
            return f"你叫{name}。" if turn.chinese else f"Your name is {name}."
    return None


def _summed(question: str) -> str | None:
    """Sums in the question, done."""
    expressions = find_expressions(question) or [find_expression(question) or ""]
    done = [f"{expression} = {value}" for expression in expressions if (value := evaluate(expression)) is not None]
    return "; ".join(done) or None


def _excerpted(turn: Turn) -> str | None:
    """The sentence of a longer given text that shares most words with the question."""
    known = [one.text for one in turn.said if one.role == "system"] + [turn.question]
    given = [sentence for text_ in known for sentence in sentences(text_)]
    asked = _asked(turn.question)
    given = [sentence for sentence in given if sentence not in asked]
    if len(given) < _LONG_CONTEXT:
        return None
    about = words(" ".join(asked))
    rated = [(len(about & words(sentence)), -at) for at, sentence in enumerate(given)]
    top, at = max(rated)
    return given[-at] if top >= 2 else None


def _asked(question: str) -> list[str]:
    return [sentence for sentence in sentences(question) if sentence.endswith(("?", "？"))] or sentences(question)[-1:]


def _greeting(turn: Turn) -> str:
    about = " ".join(turn.question.split())
    if len(about) > 120:
        about = about[:119] + "…"
    if turn.chinese:
        return f"你好！这里是 StepFun 模拟器里按规则作答的程序，不是模型，所以无法真正回答“{about}”。"
    return (
        "Hello! This is the rule-based answerer of the StepFun emulator, not a model, "
        f"so how well you are answered depends on its rules. You said: “{about}”"
    )

"""Deciding which tools a question needs, in which order, and which of them can be called now.

A question is cut into clauses. Each clause that fits a tool is a need; a need is met by one call. What an agent did
since the question is subtracted, so that a tool is called once for each need and never in a circle.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from stepfun_emulator.answerer.arithmetic import RESULT, find_expression, find_expressions
from stepfun_emulator.answerer.material import Material, names
from stepfun_emulator.answerer.reading import words

if TYPE_CHECKING:
    from stepfun_emulator.answerer.conversation import Result, Tool

_THRESHOLD = 2.5
_BY_NAME, _BY_DESCRIPTION, _BY_PARAMETER, _BY_CONCEPT = 3.0, 1.0, 0.75, 3.0

_BORDER = re.compile(
    r"""
    (?P<then> [,;]?\s*\b(?:and\s+)?(?:then|after\s+that|afterwards|next|finally)\b,?\s+
            | [，,；]?(?:然后|接着|之后|最后|再(?=[^见次])) )
    | (?P<end> (?<=[.?!;])\s+ | \n+ | (?<=[。？！；]) )
    | (?P<and> \s*,\s+(?:and\s+)?(?:also\s+)?(?![A-Z]{2}\b) | \s+and\s+(?:also\s+)?
            | \s*[，、]\s*(?:并且?|还有)? | 以及 | 还有 | 并且 | 和(?=[一-鿿]) )
    """,
    re.IGNORECASE | re.VERBOSE,
)
_PROTECTED = re.compile(r"\"[^\"]*\"|“[^”]*”|「[^」]*」|《[^》]*》|\([^)]*\)|(?<![A-Za-z0-9])'[^']*'(?![A-Za-z0-9])")
_HIDDEN = {ord(mark): "_" for mark in ",;.?! \n，、。；？！和再然接之最以还并a"}
_DETAIL = re.compile(
    r"^(?:with|including|using|where|which|that|who|whose|for|from|to|at|on|by|in|of)\b", re.IGNORECASE
)
_CONNECTOR = re.compile(r"^(?:and|or|in|for|at|和|还有)\s*", re.IGNORECASE)
_USE_IT = re.compile(
    r"\b(?:use|using|call)\s+(?:the|this|a|your)\s+(?:tool|function)s?\b|(?:使用|调用|用)(?:这个)?工具", re.IGNORECASE
)
_LIST_ITEM_WORDS = 4


@dataclass(frozen=True)
class Clause:
    """A part of a question, where it stands, and whether it comes after what stands before it."""

    text: str
    start: int
    end: int
    after: bool = False


@dataclass(frozen=True)
class Need:
    """One call that the question asks for.

    Attributes:
        tool: The fitting tool.
        text: The words that the arguments are made of.
        waits: Whether it builds on what earlier calls find.
        start: Where those words begin in the question; -1 for words that do not stand there like this.
    """

    tool: Tool
    text: str
    waits: bool = False
    start: int = -1

    def with_more(self, question: str, clause: Clause) -> Need:
        """The same need, with a clause that says more about it."""
        text = f"{self.text}, {clause.text}" if self.start < 0 else question[self.start : clause.end]
        return replace(self, text=text)


def clauses(question: str) -> list[Clause]:
    """Cut a question where one wish ends and the next begins; quotations and brackets stay whole."""
    whole = _PROTECTED.sub(lambda match: match[0].translate(_HIDDEN), question)
    cut: list[Clause] = []
    start, after = 0, False
    for border in _BORDER.finditer(whole):
        text = question[start : border.start()]
        if border["and"] and _joins_numbers(text.strip(), question[border.end() :]):
            continue
        if text.strip():
            cut.append(Clause(text.strip(), start, border.start(), after))
        after = (after and not text.strip()) or border["then"] is not None
        start = border.end()
    if question[start:].strip():
        cut.append(Clause(question[start:].strip(), start, len(question), after))
    return cut


def _joins_numbers(left: str, right: str) -> bool:
    """*The sum of 3 and 4* is one wish, *3 + 4 and 5 * 6* are two."""
    if not (re.search(r"\d%?$", left) and re.match(r"-?\d", right)):
        return False
    return not (find_expressions(left) and find_expressions(right))


def score(tool: Tool, text: str) -> float:
    """How well a tool fits a text: words they share, weighed by where the tool has them."""
    about = words(text)
    if find_expression(text) is not None:
        about |= words("calculate")
    name, description = words(tool.name), words(tool.description)
    described = (about & description) - name
    points = _BY_NAME * len(about & name)
    points += sum(_BY_CONCEPT if word.startswith("#") else _BY_DESCRIPTION for word in described)
    points += _BY_PARAMETER * len((about & _parameter_words(tool)) - name - description)
    if re.search(rf"(?<!\w){re.escape(tool.name)}(?!\w)", text):
        points += 10
    return points + (_USE_IT.search(text) is not None)


def _parameter_words(tool: Tool) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    for name, schema in tool.parameters.get("properties", {}).items():
        found |= words(name)
        if isinstance(schema, dict):
            found |= words(str(schema.get("description", "")))
            found |= words(" ".join(str(value) for value in schema.get("enum", ())))
    return found


def best(tools: tuple[Tool, ...], text: str) -> Tool | None:
    """The tool that fits best, if any fits well enough; of equals the first."""
    rated = [(score(tool, text), -at) for at, tool in enumerate(tools)]
    top = max(rated, default=(0.0, 0))
    return tools[-top[1]] if top[0] >= _THRESHOLD else None


def needs(question: str, tools: tuple[Tool, ...]) -> list[Need]:
    """All calls that a question asks for, in its order."""
    found: list[Need] = []
    loose: list[Clause] = []
    for clause in clauses(question):
        tool = best(tools, clause.text)
        if not found:
            if tool is None:
                loose.append(clause)
            else:
                found = _first(tool, clause, loose)
        elif tool is None:
            found[-1:] = _continued(found[-1], question, clause)
        elif found[-1].tool == tool and not _another(found[-1], clause):
            found[-1] = found[-1].with_more(question, clause)
        else:
            found.append(Need(tool, clause.text, _waits(clause), clause.start))
    if not found:
        tool = best(tools, question)
        return [] if tool is None else [Need(tool, question, start=0)]
    return found


def _first(tool: Tool, clause: Clause, loose: list[Clause]) -> list[Need]:
    """The first need, and before it its other subjects: *北京和上海的天气* wants two calls."""
    subject = _subject(clause.text)
    others = [one for one in loose if subject is not None and _is_item(one) and _subject(one.text) == subject]
    if _takes_list(tool):
        others = []
    return [
        *(Need(tool, _with_subject(clause.text, one.text)) for one in others),
        Need(tool, clause.text, start=clause.start),
    ]


def _is_item(clause: Clause) -> bool:
    """Whether a clause is no more than an item of a list."""
    return len(re.findall(r"[A-Za-z]+|[一-鿿]{2}", clause.text)) <= _LIST_ITEM_WORDS and not _DETAIL.search(clause.text)


def _waits(clause: Clause) -> bool:
    """Whether a clause builds on the one before: it says *it*, or leaves the first number of a sum open."""
    summed = find_expression(clause.text)
    if summed is not None:
        return RESULT in summed
    return Material(clause.text).points_back or (clause.after and not Material(clause.text).names)


def _another(previous: Need, clause: Clause) -> bool:
    """Whether a clause that fits the same tool again wants it again, or only says more about the first wish."""
    if clause.after or _waits(clause):
        return True
    if _DETAIL.search(clause.text):
        return False
    return _subject(previous.text) is not None and _subject(clause.text) == _subject(previous.text)


def _continued(previous: Need, question: str, clause: Clause) -> list[Need]:
    """A clause that fits no tool: one more item for the tool before it, or a detail of that wish."""
    bare = _CONNECTOR.sub("", clause.text.rstrip(".?!。？！"))
    same = _subject(bare) is not None and _subject(bare) == _subject(previous.text)
    named = any(words(name) & words(bare) for name in previous.tool.parameters.get("properties", {}))
    if same and not named and _is_item(clause) and not _takes_list(previous.tool):
        return [previous, Need(previous.tool, _with_subject(previous.text, bare), previous.waits)]
    return [previous.with_more(question, clause)]


def _with_subject(text: str, subject: str) -> str:
    """The earlier wish said again of another subject: *weather in Paris* and *London* give *weather in London*."""
    old = names(text)
    return text.replace(old[0], subject, 1) if old and names(subject) else subject


def _subject(text: str) -> str | None:
    """The kind of thing that a wish is about."""
    if find_expression(text) is not None:
        return "sum"
    if names(text):
        return "name"
    material = Material(text)
    if material.quoted:
        return "quoted"
    return "number" if material.numbers else None


def _takes_list(tool: Tool) -> bool:
    properties = tool.parameters.get("properties", {}).values()
    return any(isinstance(schema, dict) and schema.get("type") == "array" for schema in properties)


def open_needs(wanted: list[Need], results: tuple[Result, ...]) -> list[Need]:
    """The needs that no call has met yet."""
    done = Counter(result.call.name for result in results)
    left = []
    for need in wanted:
        if done[need.tool.name] > 0:
            done[need.tool.name] -= 1
        else:
            left.append(need)
    return left


def callable_now(left: list[Need]) -> list[Need]:
    """The first open need and those after it which wait for nothing: these are called in parallel."""
    ready = left[:1]
    for need in left[1:]:
        if need.waits:
            break
        ready.append(need)
    return ready

"""The rules in the order in which they are tried."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from stepfun_emulator.answerer.answer import Answer
from stepfun_emulator.answerer.conversation import Call, Said, Tool, Turn, current_turn
from stepfun_emulator.answerer.filling import Filler
from stepfun_emulator.answerer.json_answers import json_text
from stepfun_emulator.answerer.knowledge import Knowledge, consult
from stepfun_emulator.answerer.material import Material
from stepfun_emulator.answerer.planning import Need, best, callable_now, clauses, needs, open_needs
from stepfun_emulator.answerer.searching import search, wants_search
from stepfun_emulator.answerer.seeing import describe
from stepfun_emulator.answerer.speaking import follow_up, text
from stepfun_emulator.answerer.thinking import think


@dataclass(frozen=True)
class Task:
    """What the answerer is asked for.

    Attributes:
        said: The conversation.
        tools: The functions on offer, none if ``tool_choice`` is ``none``.
        choice: ``auto``, ``none``, ``required`` or ``named``.
        forced: The function's name for ``named``.
        web_search: Whether the server may search.
        knowledge: The vector stores that the server may look into.
        effort: How long to think, ``""`` for a model that does not.
        json_answer: Whether the answer must be JSON.
        schema: The schema that it must satisfy.
    """

    said: list[Said]
    tools: tuple[Tool, ...] = ()
    choice: str = "auto"
    forced: str = ""
    web_search: bool = False
    knowledge: tuple[Knowledge, ...] = ()
    effort: str = ""
    json_answer: bool = False
    schema: dict[str, Any] | None = None


def answer(task: Task) -> Answer:
    """Answer a conversation; the same one always in the same way."""
    turn = current_turn(task.said)
    ready = _calls(task, turn)
    reasoning = think(turn, [need.tool.name for need in ready], task.effort)
    if ready:
        return Answer("", reasoning, tuple(_call(need, task, turn) for need in ready))
    looked_up = consult(turn.question, () if task.choice == "none" else task.knowledge, chinese=turn.chinese)
    seen = [*(describe(medium, chinese=turn.chinese) for medium in turn.media), *(one.text for one in looked_up)]
    found = search(turn.question) if task.web_search and _left_to_search(task, turn) else None
    said = json_text(task.schema, turn, seen) if task.json_answer else text(turn, seen, found)
    return Answer(said, reasoning, search=found, consulted="\n".join(one.prompt for one in looked_up))


def _calls(task: Task, turn: Turn) -> list[Need]:
    """The calls to make now."""
    if task.choice == "none" or not task.tools:
        return []
    if task.choice == "named":
        return [Need(tool, turn.question) for tool in task.tools if tool.name == task.forced]
    shapes = tuple(tool for tool in task.tools if _is_shape(tool))
    working = tuple(tool for tool in task.tools if tool not in shapes) if task.choice == "required" else task.tools
    working = working or task.tools
    wanted = needs(turn.question, working) or follow_up(turn, working)
    left = open_needs(wanted, turn.results)
    if left or task.choice == "auto":
        return callable_now(left)
    last = shapes or working
    return [Need(best(last, turn.question) or last[0], turn.question)]


def _left_to_search(task: Task, turn: Turn) -> bool:
    """Whether a part of the question that no function takes care of is one for the web."""
    return any(wants_search(clause.text) for clause in clauses(turn.question) if best(task.tools, clause.text) is None)


def _is_shape(tool: Tool) -> bool:
    """A name written like a class: the shape of a final answer, which agents offer as a tool. It is called last."""
    return tool.name[:1].isupper()


def _call(need: Need, task: Task, turn: Turn) -> Call:
    found = turn.results[-1].text if turn.results and (need.waits or task.choice != "auto") else ""
    material = Material(need.text, turn.question, found)
    everything = task.choice == "named" or (task.choice == "required" and _is_shape(need.tool))
    arguments = Filler(need.tool.parameters, material, everything=everything).fill()
    return Call(need.tool.name, json.dumps(arguments, ensure_ascii=False))

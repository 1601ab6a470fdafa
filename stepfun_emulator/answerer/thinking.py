"""The thoughts before an answer: they say which rules apply, and nothing that did not happen."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stepfun_emulator.answerer.conversation import Turn

_LENGTH = {"low": 2, "medium": 4, "high": 7}
_EXCERPT = 80


def think(turn: Turn, tools: list[str], effort: str) -> str:
    """Thoughts about a turn: the more effort, the more of them; none for a model that does not think."""
    steps = _thoughts_zh(turn, tools) if turn.chinese else _thoughts_en(turn, tools)
    return ("" if turn.chinese else " ").join(steps[: _LENGTH.get(effort, 0)])


def _excerpt(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _EXCERPT else line[: _EXCERPT - 1] + "…"


def _thoughts_en(turn: Turn, tools: list[str]) -> list[str]:
    called = [result.call.name for result in turn.results]
    return [
        f"The user says: “{_excerpt(turn.question)}”",
        f"The words fit {', '.join(tools)}, so that is called." if tools else "No tool has to be called now.",
        f"Tools have answered so far: {', '.join(called)}." if called else "No tool has answered yet in this turn.",
        f"There are {len(turn.media)} pictures or sounds to measure." if turn.media else "There is nothing to look at.",
        "I am the emulator's rule-based answerer, so I compare words and do not understand them.",
        f"The conversation has {len(turn.said)} messages, and only the last turn counts for the choice.",
        "What is not in the conversation is not known here, and I will say so instead of guessing.",
    ]


def _thoughts_zh(turn: Turn, tools: list[str]) -> list[str]:
    called = [result.call.name for result in turn.results]
    return [
        f"用户说：“{_excerpt(turn.question)}”。",
        f"这些词与 {'、'.join(tools)} 相符，因此调用它。" if tools else "现在不需要调用工具。",
        f"已有工具给出结果：{'、'.join(called)}。" if called else "本轮还没有工具给出结果。",
        f"有 {len(turn.media)} 个图片或声音需要测量。" if turn.media else "没有图片需要看。",
        "我是模拟器里按规则作答的程序，只比较词语，并不理解内容。",
        f"对话共有 {len(turn.said)} 条消息，选择时只看最后一轮。",
        "对话里没有的内容这里并不知道，我会直说而不是猜测。",
    ]

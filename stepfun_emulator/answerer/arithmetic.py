"""Finding sums in a question, written in signs or in words, and doing them."""

from __future__ import annotations

import ast
import operator
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

RESULT = "{result}"  # stands in an expression for what an earlier step found

_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_SIGNS = re.compile(rf"[(\s]*-?(?:{_NUMBER})%?[)\s]*(?:(?:\*\*|[-+*/×÷^x])\s*[(\s]*-?(?:{_NUMBER})%?[)\s]*)+")
_DATE = re.compile(r"\d{4}-\d{1,2}(?:-\d{1,2})?|\d{1,2}/\d{1,2}/\d{2,4}|\d{3,}-\d{3,}(?:-\d+)*")
_WORDS = "zero one two three four five six seven eight nine ten eleven twelve"
_NUMBER_WORDS = {word: str(value) for value, word in enumerate(_WORDS.split())}

_BACK = (
    r"it|that|this|them|these|those|(?:the|that|this)\s+(?:result|total|sum|answer|product|number|value|figure)|"
    r"结果|它|总数|总和|总额"
)
_A = rf"(?P<a>{_NUMBER}|{_BACK})"
_B = rf"(?P<b>{_NUMBER}|{_BACK})"
_N = rf"(?P<b>{_NUMBER})"
_PER = r"\s*(?:%|percent|per cent)"

# Patterns in the order in which they are tried; where `a` is missing, what was found before is meant.
_WORDED: tuple[tuple[str, str], ...] = (
    (rf"{_A}{_PER}\s+of\s+{_B}", "a / 100 * b"),
    (rf"{_A}\s*的\s*{_N}\s*%", "a * b / 100"),
    (rf"(?:take|of)\s+{_N}{_PER}", "a * b / 100"),
    (rf"\b{_N}{_PER}\s+of\b", "a * b / 100"),
    (rf"multipl\w+\s+{_A}\s+(?:by|with|and)\s+{_B}", "a * b"),
    (rf"product\s+of\s+{_A}\s+and\s+{_B}", "a * b"),
    (rf"{_A}\s*(?:times|multiplied\s+by|乘以|乘)\s*{_B}", "a * b"),
    (rf"(?:multipl\w+\s+by|times|乘以|乘)\s*{_N}", "a * b"),
    (rf"divid\w+\s+{_A}\s+by\s+{_B}", "a / b"),
    (rf"{_A}\s*(?:divided\s+by|over|除以)\s*{_B}", "a / b"),
    (rf"(?:divided?\s+by|除以)\s*{_N}", "a / b"),
    (rf"subtract\w*\s+{_B}\s+from\s+{_A}", "a - b"),
    (rf"{_A}\s*(?:minus|减去|减)\s*{_B}", "a - b"),
    (rf"difference\s+between\s+{_A}\s+and\s+{_B}", "a - b"),
    (rf"(?:subtract|minus|减去|减)\s*{_N}", "a - b"),
    (rf"(?:add|sum\s+of|adding)\s+{_A}\s+(?:and|to|with)\s+{_B}", "a + b"),
    (rf"{_A}\s*(?:plus|加上|加)\s*{_B}", "a + b"),
    (rf"(?:add|plus|加上|加)\s*{_N}", "a + b"),
    (rf"square\s+root\s+of\s+{_A}", "a ** 0.5"),
    (rf"(?:square\s+of\s+{_A}|{_A.replace('<a>', '<a2>')}\s+squared)", "a ** 2"),
    (rf"(?:double\s+{_A})", "a * 2"),
    (rf"(?:halve\s+{_A}|half\s+of\s+{_A.replace('<a>', '<a2>')})", "a / 2"),
)
_COMPILED = tuple((re.compile(pattern, re.IGNORECASE), form) for pattern, form in _WORDED)

_BINARY: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_LARGEST_POWER = 64


def find_expressions(text: str) -> list[str]:
    """Every sum written in signs, as Python writes it: ``"(80 + 20) / 5"``."""
    blanked = _DATE.sub(lambda match: "#" * len(match[0]), text)
    found = []
    for match in _SIGNS.finditer(blanked):
        expression = _balanced(_plain(match[0]))
        if expression is not None:
            found.append(expression)
    return found


def find_expression(text: str) -> str | None:
    """The first sum in signs, else the first in words, where ``{result}`` stands for what was found before."""
    signs = find_expressions(text)
    if signs:
        return signs[0]
    text = re.sub(r"\b[a-z]+\b", lambda match: _NUMBER_WORDS.get(match[0], match[0]), text, flags=re.IGNORECASE)
    for pattern, form in _COMPILED:
        match = pattern.search(text)
        if match is not None:
            groups = match.groupdict()
            operands = {"a": groups.get("a") or groups.get("a2"), "b": groups.get("b")}
            return re.sub(r"\b[ab]\b", lambda name, of=operands: _operand(of[name[0]]), form)  # type: ignore[misc]
    return None


def operands(expression: str) -> list[str]:
    """The numbers of an expression in their order, with ``{result}`` among them."""
    return re.findall(r"\{result\}|\d+(?:\.\d+)?", expression)


def evaluate(expression: str) -> str | None:
    """The value of an expression in signs, written plainly; None where there is none."""
    try:
        value = _value(ast.parse(expression.strip(), mode="eval").body)
    except (SyntaxError, ValueError, ArithmeticError):
        return None
    return plain_number(value)


def plain_number(value: float) -> str:
    """Without a tail: 84, not 84.0; 0.3, not 0.30000000000000004."""
    rounded = float(f"{value:.12g}")
    return str(int(rounded)) if rounded.is_integer() and abs(rounded) < 1e15 else repr(rounded)


def _operand(found: str | None) -> str:
    return found.replace(",", "") if found and found[0].isdigit() else RESULT


def _plain(signs: str) -> str:
    signs = re.sub(r"(?<=\d),(?=\d{3})", "", signs.strip())
    signs = re.sub(r"(\d+(?:\.\d+)?)%", r"(\1 / 100)", signs)
    for sign, python in (("×", "*"), ("÷", "/"), ("^", "**"), ("x", "*")):
        signs = signs.replace(sign, python)
    return signs


def _balanced(signs: str) -> str | None:
    """The sum with its unmatched brackets dropped, or None if it still is not one."""
    while signs.count(")") > signs.count("(") and signs.endswith(")"):
        signs = signs[:-1].rstrip()
    while signs.count("(") > signs.count(")") and signs.startswith("("):
        signs = signs[1:].lstrip()
    return signs if evaluate(signs) is not None else None


def _value(node: ast.expr) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand)
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        left, right = _value(node.left), _value(node.right)
        if isinstance(node.op, ast.Pow) and abs(right) > _LARGEST_POWER:
            raise ValueError("power too large")
        value = _BINARY[type(node.op)](left, right)
        if isinstance(value, complex):
            raise ValueError("not a real number")
        return value
    raise ValueError("not arithmetic")

"""The demo agent's two tools: a calculator that evaluates nothing but arithmetic, and a reader of the bundled CSV."""

from __future__ import annotations

import ast
import csv
import math
import operator
from collections.abc import Callable
from importlib.resources import files

from langchain_core.tools import tool

_OPERATIONS: dict[type[ast.AST], Callable[..., float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}


def evaluate(expression: str) -> float:
    """Evaluate an arithmetic expression by walking its syntax tree; nothing in it is ever executed.

    Raises:
        ValueError: If it is too long, or holds anything but numbers, + - * / and parentheses.
    """
    if len(expression) > 200:
        raise ValueError("the expression is longer than 200 characters")
    try:
        value = _value(ast.parse(expression, mode="eval").body)
    except (SyntaxError, RecursionError, ZeroDivisionError, OverflowError) as error:
        raise ValueError(f"{expression!r} cannot be calculated: {error}") from error
    if not math.isfinite(value):
        raise ValueError(f"{expression!r} is too large to be calculated")
    return value


def _value(node: ast.AST) -> float:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return number
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATIONS:
            return _OPERATIONS[type(op)](_value(left), _value(right))
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _OPERATIONS:
            return _OPERATIONS[type(op)](_value(operand))
    raise ValueError("only numbers, + - * / and parentheses can be calculated")


@tool
def calculate(expression: str) -> str:
    """Calculate an arithmetic expression, for example 12 * (3 + 4)."""
    try:
        return f"{evaluate(expression):.15g}"
    except ValueError as error:
        return f"Error: {error}"


@tool
def read_sales(month: str) -> str:
    """Read the revenue of one month from the sales table (CSV): each product and the total."""
    lines = files("demo").joinpath("sales.csv").read_text("utf-8").splitlines()
    rows = [row for row in csv.DictReader(lines) if row["month"].casefold() == month.strip().casefold()]
    if not rows:
        months = ", ".join(dict.fromkeys(row["month"] for row in csv.DictReader(lines)))
        return f"No sales for {month!r}; the table holds {months}."
    products = ", ".join(f"{row['product']} {row['revenue']}" for row in rows)
    return f"{rows[0]['month']}: {products}; total revenue {sum(int(row['revenue']) for row in rows)}"

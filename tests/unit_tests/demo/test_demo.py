"""`make demo`: what it prints where the output is no terminal, and its two tools."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.picture import BLUE, RED, bar_chart
from demo.tools import calculate, evaluate, read_sales

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def output() -> str:
    """What the demo prints without a key."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STEP")}
    finished = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-m", "demo"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (finished.returncode, finished.stderr) == (0, "")
    return finished.stdout


def test_the_first_line_names_the_service(output) -> None:
    assert re.match(r"service  the emulator at http://127\.0\.0\.1:\d+/v1: it answers by rules", output.splitlines()[0])


@pytest.mark.parametrize(
    "line",
    [
        r"^question  The picture is a bar chart",
        r"^thinking  \S",
        r"^tool call  read_sales\(\{\"month\": \"March\"\}\)$",
        r"^tool result  read_sales: March: .*total revenue 2100$",
        r"^tool call  calculate\(\{\"expression\": \"2100 \* 0\.2\"\}\)$",
        r"^tool result  calculate: 420$",
        r"^answer  (?s:.*)420",
        r"^tokens  \d+ in \(\d+ of them cached\), \d+ out, in \d calls; about 0\.\d+ yuan by the price list of \d{4}",
        r"^trace ids  [0-9a-f]{32}(, [0-9a-f]{32})*$",
    ],
)
def test_it_shows_what_the_agent_does(output, line) -> None:
    assert re.search(line, output, re.MULTILINE)


def test_it_looks_at_the_picture(output) -> None:
    answer = output.partition("\nanswer  ")[2]
    assert "blue" in answer


def test_no_colours_where_there_is_no_terminal(output) -> None:
    assert "\x1b" not in output


# --- The calculator --------------------------------------------------------------------------------------------------

EXPRESSIONS = st.recursive(
    st.integers(-999, 999).map(str) | st.floats(0, 999, allow_nan=False, width=16).map(str),
    lambda inner: (
        st.builds("({}){}({})".format, inner, st.sampled_from("+-*/"), inner) | st.builds("-({})".format, inner)
    ),
    max_leaves=8,
)


@given(expression=EXPRESSIONS)
def test_it_calculates_what_python_does(expression: str) -> None:
    try:
        expected = eval(expression)
    except ZeroDivisionError:
        expected = None
    if expected is None or len(expression) > 200:
        with pytest.raises(ValueError, match=r"cannot be calculated|longer than 200"):
            evaluate(expression)
    else:
        assert evaluate(expression) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os').system('true')",
        "().__class__.__bases__",
        "open('/etc/passwd').read()",
        "lambda: 1",
        "[1, 2]",
        "'a' * 3",
        "a + 1",
        "True + 1",
        "1j",
        "9 ** 9 ** 9",
        "1 << 99999",
        "10 // 3",
        "1 if 1 else 2",
        "f'{1}'",
        "(x := 1)",
        "1; 2",
        "1 = 1",
        "",
        "()",
        "1 +",
        "\x00",
        "1/0",
        "1e308 * 10 - 1e308 * 10 if 1 else 0",
        "(" * 150 + "1" + ")" * 40,
        "-" * 199 + "1j",
        "1+" * 5000 + "1",
    ],
    ids=lambda expression: repr(expression[:40]),
)
def test_it_refuses_whatever_is_not_arithmetic(expression: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        evaluate(expression)
    assert calculate.invoke({"expression": expression}).startswith("Error: ")


@given(expression=st.text(max_size=250) | st.text("0123456789+-*/(). eE_'[]{}:,=<>!&|~%", max_size=60))
def test_it_never_raises_anything_else(expression: str) -> None:
    assert isinstance(calculate.invoke({"expression": expression}), str)


@pytest.mark.parametrize(
    ("expression", "result"), [("2100 * 0.2", "420"), ("12 * (3 + 4)", "84"), ("-7/2", "-3.5"), ("+1", "1")]
)
def test_the_calculator_as_a_tool(expression: str, result: str) -> None:
    assert calculate.invoke({"expression": expression}) == result


# --- The table and the picture ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("month", ["March", "march", "  MARCH "])
def test_the_sales_of_a_month(month: str) -> None:
    assert read_sales.invoke({"month": month}).endswith("total revenue 2100")


def test_a_month_that_is_not_in_the_table() -> None:
    said = read_sales.invoke({"month": "Smarch"})
    assert said == "No sales for 'Smarch'; the table holds January, February, March, April."


def test_the_picture_is_a_png() -> None:
    png = bar_chart([(RED, 1), (BLUE, 2)], width=60, height=60)
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert png.endswith(b"IEND\xaeB`\x82")

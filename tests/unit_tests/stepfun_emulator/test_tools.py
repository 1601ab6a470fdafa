"""Function tools: which are called, with what, in which order; and agents come to an end (WIRE.md section 4)."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

TEXT = {"type": "string"}
NUMBER = {"type": "number"}
WHOLE = {"type": "integer"}


@pytest.fixture(scope="module")
def tools(tool) -> dict[str, dict[str, Any]]:
    """A drawer of tools, by a short name."""
    unit = {"type": "string", "enum": ["celsius", "fahrenheit"]}
    operation = {"type": "string", "enum": ["add", "subtract", "multiply", "divide"]}
    return {
        "weather": tool("get_weather", "Get the weather of a city", required=["city"], city=TEXT, unit=unit),
        "天气": tool("get_weather", "获取指定城市的天气信息", city={"type": "string", "description": "城市名称"}),
        "calculator": tool("calculator", "Evaluate an arithmetic expression", expression=TEXT),
        "formula": {
            "type": "function",
            "function": {
                "name": "Calculator",
                "description": "Basic arithmetic",
                "parameters": {"type": "object", "properties": {"formula": TEXT}},
            },
        },
        "arithmetic": tool("calculate", "Do arithmetic", operation=operation, a=NUMBER, b=NUMBER),
        "multiply": tool("multiply", "Multiply two numbers", a=NUMBER, b=NUMBER),
        "add": tool("my_adder_tool", "Takes two integers, a and b, and returns their sum.", a=WHOLE, b=WHOLE),
        "sales": tool("total_sales", "Total of the sales in the CSV for a month", month=TEXT),
        "column": tool("sum_column", "Sum a column of a CSV file", path=TEXT, column=TEXT),
        "magic": tool("magic_function", "Apply a magic function to an input.", input={**WHOLE, "exclusiveMinimum": -9}),
        "no_args": tool("magic_function_no_args", "Calculate a magic function."),
        "mail": tool("send_email", "Send an email", to=TEXT, subject=TEXT, body=TEXT),
        "translate": tool("translate", "Translate text", text=TEXT, target_language=TEXT),
        "speech": tool("text_to_speech", "Convert text to speech", required=["text"], text=TEXT, voice=TEXT),
        "search": tool("search_documents", "Search the documents", required=["query"], query=TEXT, max_results=WHOLE),
        "currency": tool("convert_currency", "Convert money", amount=NUMBER, from_currency=TEXT, to_currency=TEXT),
        "customer": tool("create_customer", "Create a customer", customer_name=TEXT, description=TEXT),
        "remind": tool(
            "set_reminder",
            "Set a reminder",
            required=["text"],
            text=TEXT,
            date=TEXT,
            time=TEXT,
            urgent={"type": "boolean"},
        ),
        "compare": tool("compare_weather", "Compare the weather", cities={"type": "array", "items": TEXT}),
        "average": tool("average", "Average of numbers", numbers={"type": "array", "items": NUMBER}),
        "report": tool("WeatherReport", "The final report", city=TEXT, temperature=NUMBER),
        "fetch": tool("fetch_page", "Fetch a web page", url=TEXT),
        "draw": tool("generate_image", "Draw a picture", required=["prompt"], prompt=TEXT, size=TEXT),
    }


@pytest.fixture(scope="module")
def calls(ask, tools):
    """The calls that a question gets at first: name and arguments."""

    def first(question: str, *names: str, **params: Any) -> list[tuple[str, Any]]:
        message = ask(question, tools=[tools[name] for name in names], **params).json()["choices"][0]["message"]
        return [
            (call["function"]["name"], json.loads(call["function"]["arguments"]))
            for call in message.get("tool_calls", ())
        ]

    return first


@pytest.fixture(scope="module")
def agent(ask, tools):
    """Run tools until there is an answer: the names called in each step, and the answer."""

    def run(question: str, results: dict[str, Any], *names: str, **params: Any) -> tuple[list[list[str]], str]:
        history: list[dict[str, Any]] = [{"role": "user", "content": question}]
        steps: list[list[str]] = []
        for _ in range(6):
            message = ask(history, tools=[tools[name] for name in names], **params).json()["choices"][0]["message"]
            if "tool_calls" not in message:
                return steps, message["content"]
            for call in message["tool_calls"]:
                call.pop("index")
            steps.append([call["function"]["name"] for call in message["tool_calls"]])
            history.append({name: message[name] for name in ("role", "content", "tool_calls")})
            for call in message["tool_calls"]:
                result = results[call["function"]["name"]]
                said = result(**json.loads(call["function"]["arguments"])) if callable(result) else result
                history.append({"role": "tool", "tool_call_id": call["id"], "content": str(said)})
        raise AssertionError(f"the agent does not end: {steps}")

    return run


@pytest.mark.parametrize(
    ("question", "offered", "arguments"),
    [
        ("What is the weather in San Francisco, CA?", "weather", {"city": "San Francisco, CA"}),
        ("What's the weather in Paris in celsius?", "weather", {"city": "Paris", "unit": "celsius"}),
        ("what is the weather in oslo", "weather", {"city": "oslo"}),
        ("今天北京的天气如何？", "天气", {"city": "北京"}),
        ("查询今天杭州的天气", "天气", {"city": "杭州"}),
        ("Hey, can you calculate (80 + 20) / 5 for me?", "formula", {"formula": "(80 + 20) / 5"}),
        ("帮我计算 (12+8)*3", "calculator", {"expression": "(12+8)*3"}),
        ("What is 17% of 2,400?", "calculator", {"expression": "17 / 100 * 2400"}),
        ("12乘以3是多少", "calculator", {"expression": "12 * 3"}),
        ("What is the square root of 144?", "calculator", {"expression": "144 ** 0.5"}),
        ("Divide 84 by 2", "arithmetic", {"operation": "divide", "a": 84, "b": 2}),
        ("Subtract 3 from 10", "arithmetic", {"operation": "subtract", "a": 10, "b": 3}),
        ("What is 1 + 2", "add", {"a": 1, "b": 2}),
        ("add five and seven", "add", {"a": 5, "b": 7}),
        ("What is the value of magic_function(3)? Use the tool.", "magic", {"input": 3}),
        ("What is the value of magic_function_no_args()? Use the tool.", "no_args", {}),
        ("Sum the column amount in sales.csv", "column", {"path": "sales.csv", "column": "amount"}),
        (
            "Email bob@example.com with the subject 'Hi' and the body 'Bye'",
            "mail",
            {"to": "bob@example.com", "subject": "Hi", "body": "Bye"},
        ),
        ("把“你好世界”翻译成法语", "translate", {"text": "你好世界", "target_language": "法语"}),
        ('Say "hello there" out loud', "speech", {"text": "hello there"}),
        ("Read aloud: the cat sat", "speech", {"text": "the cat sat"}),
        (
            "Speak good evening aloud with voice linjiajiejie",
            "speech",
            {"text": "good evening aloud with voice linjiajiejie", "voice": "linjiajiejie"},
        ),
        (
            "Search our documents for vacation days, max_results 5",
            "search",
            {"query": "our documents for vacation days", "max_results": 5},
        ),
        ("Convert 100 USD to EUR", "currency", {"amount": 100, "from_currency": "USD", "to_currency": "EUR"}),
        (
            "Create a customer named '你好啊集团' - a Chinese company",
            "customer",
            {"customer_name": "你好啊集团", "description": "a Chinese company"},
        ),
        (
            "Set an urgent reminder 'call Ann' for 2026-12-24 at 17:30",
            "remind",
            {"text": "call Ann", "date": "2026-12-24", "time": "17:30", "urgent": True},
        ),
        (
            "Set a reminder 'call Ann' tomorrow, not urgent",
            "remind",
            {"text": "call Ann", "date": "tomorrow", "urgent": False},
        ),
        ("Compare the weather in Paris and London", "compare", {"cities": ["Paris", "London"]}),
        ("Compute the average of 3, 4 and 8", "average", {"numbers": [3, 4, 8]}),
        ("Fetch https://example.com/a?b=1 please", "fetch", {"url": "https://example.com/a?b=1"}),
        ("Draw a red cat on a sofa", "draw", {"prompt": "a red cat on a sofa"}),
    ],
)
def test_arguments_come_from_the_question(calls, tools, question, offered, arguments):
    assert calls(question, offered, model="step-3.7-flash") == [(tools[offered]["function"]["name"], arguments)]


def test_the_fitting_tool_is_picked(calls):
    drawer = ("weather", "calculator", "mail", "translate", "search", "draw")
    for question, name in {
        "What is the weather in Paris?": "get_weather",
        "What is 3 * 4?": "calculator",
        "Send a mail to bob@example.com": "send_email",
        "Translate 'cat' into German": "translate",
        "Search the documents for holidays": "search_documents",
        "画一只红色的猫": "generate_image",
    }.items():
        assert [called for called, _ in calls(question, *drawer)] == [name]


@pytest.mark.parametrize("question", ["Hello!", "Who wrote Hamlet?", "谢谢"])
def test_no_tool_is_called_when_none_fits(calls, question):
    assert calls(question, "weather", "calculator", "mail") == []


def test_a_tool_call_reply(ask, tools):
    choice = ask("What is 3 * 4?", tools=[tools["calculator"]]).json()["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] == ""
    (call,) = choice["message"]["tool_calls"]
    assert set(call) == {"function", "id", "index", "type"}
    assert call["type"] == "function"
    assert re.fullmatch("call_[0-9a-f]{24}", call["id"])


def test_streamed_calls_are_normal_deltas(ask, events, tools):
    question = "What is 3 * 4 and 5 * 6?"
    chunks = events(ask(question, tools=[tools["calculator"]], stream=True))
    deltas = [chunk["choices"][0]["delta"].get("tool_calls") for chunk in chunks]
    found: dict[int, dict[str, Any]] = {}
    for (delta,) in filter(None, deltas):
        if "id" in delta:
            assert delta == {
                "index": delta["index"],
                "id": delta["id"],
                "type": "function",
                "function": {"name": "calculator", "arguments": ""},
            }
            found[delta["index"]] = delta
        else:
            assert set(delta) == {"index", "function"}
            found[delta["index"]]["function"]["arguments"] += delta["function"]["arguments"]
    assert [json.loads(call["function"]["arguments"])["expression"] for call in found.values()] == ["3 * 4", "5 * 6"]
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"
    whole = ask(question, tools=[tools["calculator"]]).json()["usage"]
    assert chunks[-1]["usage"]["completion_tokens"] == whole["completion_tokens"]


def test_tool_choice_none_calls_nothing(calls):
    assert calls("What is 3 * 4?", "calculator", tool_choice="none") == []


def test_a_named_function_is_called_whatever_is_asked(calls):
    named = {"type": "function", "function": {"name": "get_weather"}}
    assert [name for name, _ in calls("Hello!", "calculator", "weather", tool_choice=named)] == ["get_weather"]


def test_required_forces_a_call(calls):
    assert [name for name, _ in calls("Hello!", "magic", "weather", tool_choice="required")] == ["magic_function"]
    assert [name for name, _ in calls("the weather", "magic", "weather", tool_choice="required")] == ["get_weather"]


@pytest.mark.parametrize(
    ("question", "cities"),
    [
        ("What's the weather like in Paris, London and Rome?", ["Paris", "London", "Rome"]),
        ("What is the weather in Paris, and in London? Use celsius.", ["Paris", "London"]),
        ("What is the weather in Paris and what is the weather in Oslo?", ["Paris", "Oslo"]),
        ("北京和上海的天气怎么样？", ["北京", "上海"]),
    ],
)
def test_several_things_are_asked_for_in_parallel(calls, question, cities):
    assert [arguments["city"] for _, arguments in calls(question, "weather")] == cities


def test_different_tools_in_parallel(calls):
    assert calls("What is the weather in Tokyo and what is 17% of 2,400?", "weather", "calculator") == [
        ("get_weather", {"city": "Tokyo"}),
        ("calculator", {"expression": "17 / 100 * 2400"}),
    ]


def test_details_do_not_make_more_calls(calls):
    assert len(calls("Search the documents for war and peace", "search")) == 1
    assert calls("搜索战争与和平的作者", "search") == [("search_documents", {"query": "战争与和平的作者"})]
    assert len(calls("Send an email to bob@example.com, with the subject of the email 'a'", "mail")) == 1


def test_an_agent_ends_and_quotes_the_results(agent):
    steps, answer = agent("What is the weather in Paris?", {"get_weather": "sunny, 21 degrees"}, "weather")
    assert steps == [["get_weather"]]
    assert "sunny, 21 degrees" in answer


@pytest.mark.parametrize(
    "question",
    [
        "what is the total of sales in the CSV for March, then multiply by 0.2",
        "What is the total of sales in the CSV for March? Then multiply it by 0.2.",
        "Get the total sales in the CSV for March and multiply the result by 0.2",
    ],
)
@pytest.mark.parametrize("second", ["calculator", "multiply", "arithmetic"])
def test_one_tool_then_another(agent, question, second):
    results = {
        "total_sales": lambda month: {"March": 12500}[month],
        "calculator": lambda expression: {"12500 * 0.2": 2500}[expression],
        "multiply": lambda a, b: a * b,
        "calculate": lambda operation, a, b: {"multiply": a * b}[operation],
    }
    steps, answer = agent(question, results, "sales", second)
    assert [len(step) for step in steps] == [1, 1]
    assert steps[0] == ["total_sales"]
    assert "2500" in answer


def test_the_same_tool_twice_in_a_row(agent):
    results = {"calculate": lambda operation, a, b: {"multiply": a * b, "add": a + b}[operation]}
    steps, answer = agent("Multiply 6 by 7, then add 8 to the result.", results, "arithmetic")
    assert steps == [["calculate"], ["calculate"]]
    assert "50" in answer


def test_what_a_tool_found_is_passed_on(agent):
    results = {"translate": "bonjour", "text_to_speech": lambda text, **_: f"spoke {text}"}
    steps, answer = agent("Translate 'good morning' into French, then read it aloud", results, "translate", "speech")
    assert steps == [["translate"], ["text_to_speech"]]
    assert "spoke bonjour" in answer


def test_chinese_chains(agent):
    results = {"get_weather": "21 度", "calculator": lambda expression: {"21 * 2": 42}[expression]}
    steps, answer = agent("查询今天杭州的天气，然后把温度乘以2", results, "天气", "calculator")
    assert steps == [["get_weather"], ["calculator"]]
    assert "42" in answer


def test_what_no_tool_does_is_worked_out_from_the_result(agent):
    steps, answer = agent(
        "Give me the total sales in the CSV for March, then multiply by 2", {"total_sales": 50}, "sales"
    )
    assert steps == [["total_sales"]]
    assert "50 * 2 = 100" in answer


def test_a_shape_of_an_answer_is_called_last(agent, calls):
    question = "What is the weather in Paris?"
    assert [name for name, _ in calls(question, "report", "weather", tool_choice="required")] == ["get_weather"]
    with pytest.raises(AssertionError, match=r"get_weather.*WeatherReport"):
        agent(
            question,
            {"get_weather": "21 degrees", "WeatherReport": "noted"},
            "report",
            "weather",
            tool_choice="required",
        )


def test_a_shape_of_an_answer_is_filled_from_the_results(ask, tools):
    call = {"id": "a", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    history = [
        {"role": "user", "content": "What is the weather in Paris?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "a", "content": "21 degrees"},
    ]
    offered = {"tools": [tools["report"], tools["weather"]], "tool_choice": "required"}
    (called,) = ask(history, **offered).json()["choices"][0]["message"]["tool_calls"]
    assert called["function"]["name"] == "WeatherReport"
    assert json.loads(called["function"]["arguments"]) == {"city": "Paris", "temperature": 21}


def test_later_turns(ask, tools):
    call = {"id": "a", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Paris"}'}}
    history = [
        {"role": "user", "content": "What is the weather in Paris?"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "a", "content": "sunny"},
        {"role": "assistant", "content": "It is sunny."},
    ]

    def next_turn(question: str) -> Any:
        message = ask([*history, {"role": "user", "content": question}], tools=[tools["weather"]]).json()
        called = message["choices"][0]["message"].get("tool_calls", ())
        return [json.loads(one["function"]["arguments"])["city"] for one in called]

    assert next_turn("What is the weather in Rome?") == ["Rome"]
    assert next_turn("And in London?") == ["London"]
    assert next_turn("Thanks!") == []
    assert next_turn("And what do you think about all the other things in the world?") == []


def test_two_user_messages_in_a_row_are_one_question(ask, tools):
    messages = [{"role": "user", "content": "Here is a sum."}, {"role": "user", "content": "Calculate 2 + 2"}]
    message = ask(messages, tools=[tools["calculator"]]).json()["choices"][0]["message"]
    assert json.loads(message["tool_calls"][0]["function"]["arguments"]) == {"expression": "2 + 2"}


def test_a_conversation_without_a_user(ask):
    assert ask([{"role": "system", "content": "Be brief."}]).status_code == 200

"""Vector stores, their files, search, and the server tool ``retrieval`` (WIRE.md sections 4 and 11)."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

import stepfun_emulator
from stepfun_emulator.answerer.knowledge import Contents, Knowledge, Passage, consult, passages
from stepfun_emulator.tokens import count

HANDBOOK = "Opening hours\n\nThe office opens at nine and closes at six.\n\nA holiday has 30 days. 假期每年有三十天。"
TEMPLATE = "Answer {{query}} from {{knowledge}}."


@pytest.fixture
def upload(http):
    def send(name: str = "a.md", data: bytes = b"text", purpose: str = "retrieval-text", *, parsed: bool = True) -> str:
        response = http.post("/files", data={"purpose": purpose}, files={"file": (name, data)})
        id_: str = response.json()["id"]
        for _ in range(2 if parsed else 0):
            http.get(f"/files/{id_}")
        return id_

    return send


@pytest.fixture
def store(http):
    """Makes a store, with these files in it."""

    def make(*files: Any, name: str = "handbook", type_: str = "text") -> str:
        id_: str = http.post("/vector_stores", json={"name": name, "type": type_}).json()["id"]
        if files:
            named = [{"file_id": file} if isinstance(file, str) else file for file in files]
            response = http.post(f"/vector_stores/{id_}/files", json={"files": named})
            assert response.status_code == 200, response.text
        return id_

    return make


def refused(response: httpx.Response, param: str | None, status: int = 400) -> str:
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert error.get("param") == param
    assert error["type"] == ("request_params_invalid" if status == 400 else "invalid_request_error")
    return error["message"]


# --- Stores ----------------------------------------------------------------------------------------------------------


def test_create_list_retrieve_delete(http):
    made = http.post("/vector_stores", json={"name": "food_calorie2", "type": "image"}).json()
    assert made == {"id": made["id"], "name": "food_calorie2"}
    assert made["id"].isdecimal()
    entry = http.get(f"/vector_stores/{made['id']}").json()
    assert entry == {
        "id": made["id"],
        "object": "vector_store",
        "created_at": entry["created_at"],
        "name": "food_calorie2",
        "type": "image",
        "file_counts": {"in_progress": 0, "completed": 0, "failed": 0, "cancelled": 0, "total": 0},
    }
    listed = http.get("/vector_stores").json()
    assert (listed["object"], listed["data"][0], listed["first_id"]) == ("list", entry, made["id"])
    gone = http.delete(f"/vector_stores/{made['id']}").json()
    assert gone == {"id": made["id"], "deleted": True, "object": "vector_store.deleted"}


def test_the_type_is_text_unless_it_is_said(http):
    made = http.post("/vector_stores", json={"name": "2", "type": None}).json()
    assert http.get(f"/vector_stores/{made['id']}").json()["type"] == "text"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ([], "body"),
        ({}, "name"),
        ({"name": 7}, "name"),
        ({"name": ""}, "name"),
        ({"name": "_a"}, "name"),
        ({"name": "a-b"}, "name"),
        ({"name": "食物"}, "name"),
        ({"name": "a\n"}, "name"),
        ({"name": "a", "type": "video"}, "type"),
        ({"name": "a", "metadata": {}}, "metadata"),
    ],
)
def test_a_store_that_is_none(http, body, param):
    refused(http.post("/vector_stores", json=body), param)


def test_there_is_no_such_store(http):
    path = "/vector_stores/1"
    for response in (
        http.get(path),
        http.delete(path),
        http.get(f"{path}/files"),
        http.post(f"{path}/files", json={"files": [{"file_id": "a"}]}),
        http.delete(f"{path}/files/a"),
    ):
        assert "No such vector store: 1" in refused(response, None, 404)


# --- Pages -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shelf():
    """An emulator with five stores, and their ids, the oldest first."""
    with (
        stepfun_emulator.running() as base_url,
        httpx.Client(base_url=base_url, headers={"authorization": "Bearer a"}, trust_env=False) as client,
    ):
        yield client, [client.post("/vector_stores", json={"name": f"s{at}"}).json()["id"] for at in range(5)]


PAGES = {  # numbers are places in the list of ids
    "all, the newest first": ({}, [4, 3, 2, 1, 0], False),
    "a limit": ({"limit": 2}, [4, 3], True),
    "after": ({"limit": 2, "after": 3}, [2, 1], True),
    "the last page": ({"limit": 2, "after": 1}, [0], False),
    "beyond the end": ({"after": 0}, [], False),
    "the oldest first": ({"order": "asc", "limit": 3}, [0, 1, 2], True),
    "after, the oldest first": ({"order": "asc", "after": 2}, [3, 4], False),
    "before": ({"limit": 2, "before": 1}, [3, 2], True),
    "between": ({"limit": 2, "after": 4, "before": 0}, [3, 2], True),
}


@pytest.mark.parametrize(("query", "places", "more"), PAGES.values(), ids=PAGES)
def test_stores_are_listed_in_pages(shelf, query, places, more):
    client, ids = shelf
    query = {name: ids[value] if name in ("after", "before") else value for name, value in query.items()}
    listed = client.get("/vector_stores", params=query).json()
    assert [entry["id"] for entry in listed["data"]] == [ids[at] for at in places]
    assert (listed["first_id"], listed["last_id"]) == ((ids[places[0]], ids[places[-1]]) if places else ("", ""))
    assert listed["has_more"] is more


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"limit": "²"}, "limit"),
        ({"order": "up"}, "order"),
        ({"after": "1"}, "after"),
        ({"before": "1"}, "before"),
        ({"page": "1"}, "page"),
    ],
)
def test_pages_that_are_none(shelf, query, param):
    refused(shelf[0].get("/vector_stores", params=query), param)


def test_twenty_are_on_a_page(http, store, upload):
    id_ = store(*(upload() for _ in range(21)))
    listed = http.get(f"/vector_stores/{id_}/files").json()
    assert (len(listed["data"]), listed["has_more"]) == (20, True)


# --- Files of a store ------------------------------------------------------------------------------------------------


def test_files_go_in_and_out_of_a_store(http, store, upload):
    id_, plain, described = store(), upload(), upload()
    path = f"/vector_stores/{id_}/files"
    added = http.post(path, json={"files": [{"file_id": plain}, {"file_id": described, "description": "热量"}]}).json()
    assert added == {"files": [{"file_id": plain}, {"file_id": described, "metadata": {"description": "热量"}}]}
    newest, oldest = http.get(path).json()["data"]
    assert newest == {
        "id": described,
        "object": "vector_store.file",
        "created_at": newest["created_at"],
        "vector_store_id": id_,
        "metadata": {"description": "热量"},
    }
    assert (oldest["id"], "metadata" in oldest) == (plain, False)
    gone = http.delete(f"{path}/{plain}").json()
    assert gone == {"id": plain, "deleted": True, "object": "vector_store.file.deleted"}
    assert [one["id"] for one in http.get(path).json()["data"]] == [described]
    assert "No such file in vector store" in refused(http.delete(f"{path}/{plain}"), None, 404)
    assert http.get(f"/files/{plain}").status_code == 200


def test_a_file_is_in_a_store_once_and_no_longer_than_it_exists(http, store, upload):
    file = upload()
    id_ = store(file, {"file_id": file, "description": "again"})
    (entry,) = http.get(f"/vector_stores/{id_}/files").json()["data"]
    assert entry["metadata"] == {"description": "again"}
    http.delete(f"/files/{file}")
    assert http.get(f"/vector_stores/{id_}/files").json()["data"] == []
    assert http.get(f"/vector_stores/{id_}").json()["file_counts"]["total"] == 0


def test_looking_at_a_store_moves_its_files_on(http, store, upload):
    id_ = store(upload(parsed=False), upload())
    looks = [http.get(f"/vector_stores/{id_}").json()["file_counts"] for _ in range(4)]
    assert [(counts["in_progress"], counts["completed"], counts["total"]) for counts in looks] == [
        (1, 1, 2),
        (1, 1, 2),
        (0, 2, 2),
        (0, 2, 2),
    ]


@pytest.mark.parametrize(
    ("files", "param"),
    [
        (None, "files"),
        ([], "files"),
        ("file", "files"),
        (["file"], "files[0]"),
        ([{}], "files[0].file_id"),
        ([{"file_id": ""}], "files[0].file_id"),
        ([{"file_id": "file-none"}], "files[0].file_id"),
        ([{"file_id": "a", "description": 7}], "files[0].description"),
        ([{"file_id": "a", "name": "b"}], "files[0].name"),
    ],
)
def test_files_that_are_none(http, store, files, param):
    refused(http.post(f"/vector_stores/{store()}/files", json={"files": files}), param)


WRONG_KIND = [  # the store's type, the file's name and purpose, its description, what is refused
    ("text", "a.png", "retrieval-image", "a picture", "files[1].file_id"),
    ("text", "a.md", "file-extract", "a text", "files[1].file_id"),
    ("image", "a.md", "retrieval-text", "a text", "files[1].file_id"),
    ("image", "a.png", "storage", "a picture", "files[1].file_id"),
    ("image", "a.png", "retrieval-image", " ", "files[1].description"),
    ("image", "a.png", "retrieval-image", "图" * 256, "files[1].description"),
]


@pytest.mark.parametrize("case", WRONG_KIND, ids=lambda case: " ".join(case[:3]))
def test_a_store_takes_its_own_kind_all_or_none(http, store, upload, case):
    type_, name, purpose, description, param = case
    good = upload(*{"text": ("b.md", b"b"), "image": ("b.png", b"b", "retrieval-image")}[type_])
    id_ = store(type_=type_)
    files = [
        {"file_id": good, "description": "b"},
        {"file_id": upload(name, b"a", purpose), "description": description},
    ]
    refused(http.post(f"/vector_stores/{id_}/files", json={"files": files}), param)
    assert http.get(f"/vector_stores/{id_}/files").json()["data"] == []


def test_an_undocumented_field_beside_the_files(http, store):
    refused(http.post(f"/vector_stores/{store()}/files", json={"file_ids": "a"}), "file_ids")


# --- Search ----------------------------------------------------------------------------------------------------------


def test_a_search_finds_what_is_plainly_made_up(http):
    body = {"query": "北京 天气", "n": 2, "category": "research"}
    found = http.post("/search", json=body).json()
    assert (found["query"], found["n"], len(found["results"])) == ("北京 天气", 2, 2)
    for at, result in enumerate(found["results"], 1):
        assert list(result) == ["url", "position", "title", "time", "snippet", "content"]
        assert (result["position"], httpx.URL(result["url"]).host) == (at, "research.stepfun-emulator.invalid")
        assert "Made-up" in result["snippet"]
        assert "searched nothing" in result["content"]
    assert http.post("/search", json=body).json() == found


def test_ten_results_unless_it_is_said(http):
    found = http.post("/search", json={"query": "a", "n": None}).json()
    assert (found["n"], len(found["results"])) == (10, 10)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ("query", "body"),
        ({}, "query"),
        ({"query": " "}, "query"),
        ({"query": ["a"]}, "query"),
        ({"query": "a", "n": 0}, "n"),
        ({"query": "a", "n": 21}, "n"),
        ({"query": "a", "n": True}, "n"),
        ({"query": "a", "n": "5"}, "n"),
        ({"query": "a", "category": "sports"}, "category"),
        ({"query": "a", "category": ""}, "category"),
        ({"query": "a", "count": 5}, "count"),
    ],
)
def test_a_search_for_nothing(http, body, param):
    refused(http.post("/search", json=body), param)


# --- Where it is -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/vector_stores"), ("GET", "/vector_stores"), ("POST", "/search")]
)
def test_none_of_it_is_on_the_step_plan(http, method, path):
    response = http.request(method, str(http.base_url).replace("/v1", "/step_plan/v1").rstrip("/") + path, json={})
    assert (response.status_code, response.headers["content-type"].partition(";")[0]) == (404, "text/plain")


def test_there_is_no_documented_search_of_a_store(http, store):
    assert http.post(f"/vector_stores/{store()}/search", json={"query": "a"}).status_code == 404


def test_lenient_ignores_what_is_not_documented():
    with (
        stepfun_emulator.running(lenient=True) as base_url,
        httpx.Client(base_url=base_url, headers={"authorization": "Bearer a"}, trust_env=False) as client,
    ):
        id_ = client.post("/vector_stores", json={"name": "a", "metadata": {}}).json()["id"]
        file = client.post("/files", data={"purpose": "retrieval-text"}, files={"file": ("a.md", b"a")}).json()["id"]
        added = client.post(f"/vector_stores/{id_}/files", json={"files": [{"file_id": file, "name": "b"}], "more": 1})
        assert added.json() == {"files": [{"file_id": file}]}
        assert client.get("/vector_stores", params={"page": "1"}).status_code == 200
        assert client.post("/search", json={"query": "a", "count": 5}).status_code == 200
        options = {"vector_store_id": id_, "top_k": 3}
        chat = {
            "model": "step-3.5-flash",
            "messages": [{"role": "user", "content": "Hi"}],
            "tools": [{"type": "retrieval", "strict": True, "function": {"name": "a", "options": options, "x": 1}}],
        }
        assert client.post("/chat/completions", json=chat).status_code == 200


# --- The server tool -------------------------------------------------------------------------------------------------


def retrieval(
    store_id: Any, *, name: str = "handbook", description: str = "The rules of the office", **more: Any
) -> Any:
    options = {"vector_store_id": store_id, "prompt_template": TEMPLATE, **more}
    return {"type": "retrieval", "function": {"name": name, "description": description, "options": options}}


@pytest.fixture
def handbook(store, upload):
    """The id of a store that knows the handbook."""
    return store(upload("handbook.md", HANDBOOK.encode()))


def message(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    choice = response.json()["choices"][0]
    assert choice["finish_reason"] == "stop"
    assert "tool_calls" not in choice["message"]
    return choice["message"]


@pytest.mark.parametrize(
    ("question", "quoted", "head"),
    [
        (
            "When does the office close?",
            "[1] handbook.md: “The office opens at nine and closes at six.”",
            "From “handbook”:",
        ),
        (
            "How many days has a holiday?",
            "[1] handbook.md: “A holiday has 30 days. 假期每年有三十天。”",
            "From “handbook”:",
        ),
        ("假期有几天？", "假期每年有三十天", "知识库“handbook”中的内容："),
    ],
)
def test_the_answer_quotes_the_passages(ask, handbook, question, quoted, head):
    content = message(ask(question, tools=[retrieval(handbook)]))["content"]
    assert content.startswith(head)
    assert quoted in content


def test_a_stream_says_the_same_and_shows_no_call_either(ask, events, handbook):
    question, tools = "When does the office close?", [retrieval(handbook)]
    deltas = [chunk["choices"][0]["delta"] for chunk in events(ask(question, tools=tools, stream=True))]
    assert "".join(delta["content"] for delta in deltas) == message(ask(question, tools=tools))["content"]
    assert not any("tool_calls" in delta for delta in deltas)


def test_what_is_found_counts_as_prompt(ask, handbook):
    question = "When does the office close?"
    used = [
        ask(question, tools=[retrieval(handbook)], tool_choice=choice).json()["usage"]["prompt_tokens"]
        for choice in ("auto", "none")
    ]
    filled = f"Answer {question} from [1] handbook.md: “The office opens at nine and closes at six.”."
    assert used[0] - used[1] == count(filled)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What are the rules about dogs?", "Nothing in “handbook” fits the question."),
        ("What is 6 * 7?", "6 * 7 = 42"),
        ("Hello!", "Hello! This is the rule-based answerer"),
    ],
)
def test_what_the_store_does_not_know(ask, handbook, question, answer):
    assert message(ask(question, tools=[retrieval(handbook)]))["content"].startswith(answer)


def test_what_is_still_parsed_is_not_known_yet(ask, http, store, upload):
    id_ = store(upload("handbook.md", HANDBOOK.encode(), parsed=False))
    tools = [retrieval(id_, description="办公室的规定 office")]
    assert (
        "(1 of its files still being processed)" in message(ask("When does the office close?", tools=tools))["content"]
    )
    assert "（还有 1 个文件正在处理）" in message(ask("办公室几点关门？", tools=tools))["content"]
    for _ in range(2):
        http.get(f"/vector_stores/{id_}")
    assert "closes at six" in message(ask("When does the office close?", tools=tools))["content"]


def test_images_are_found_by_their_descriptions(ask, store, upload):
    picture = upload("dish.png", b"\x89PNG", "retrieval-image")
    id_ = store({"file_id": picture, "description": "Noodles with tomato and egg"}, type_="image")
    content = message(ask("Which picture shows noodles?", tools=[retrieval(id_, name="dishes")]))["content"]
    assert content == "From “dishes”:\n[1] dish.png: “Noodles with tomato and egg”"


def test_several_stores_and_a_search_in_one_answer(ask, handbook, store, upload):
    other = store(upload("news.txt", b"The office moves to Shanghai."))
    web = {"type": "web_search", "function": {"description": "search the web"}}
    tools = [retrieval(handbook), retrieval(other, name="news"), web]
    choice = ask("Search the latest news about the office.", tools=tools).json()["choices"][0]
    assert [call["type"] for call in choice["message"]["tool_calls"]] == ["web_search"]
    content = choice["message"]["content"]
    assert content.index("closes at six") < content.index("moves to Shanghai") < content.index("Search results")


def test_functions_come_before_the_store(ask, handbook, tool):
    weather = tool("get_weather", "Get the weather", city={"type": "string"})
    question = "What is the weather in Paris?"
    (call,) = ask(question, tools=[retrieval(handbook), weather]).json()["choices"][0]["message"]["tool_calls"]
    assert (call["type"], call["function"]["name"]) == ("function", "get_weather")


def test_no_look_where_none_may_be_taken(ask, handbook):
    content = message(ask("When does the office close?", tools=[retrieval(handbook)], tool_choice="none"))["content"]
    assert "closes at six" not in content


def test_an_answer_in_json_knows_what_was_found(ask, handbook):
    response_format = {"type": "json_object"}
    content = message(ask("When does the office close?", tools=[retrieval(handbook)], response_format=response_format))[
        "content"
    ]
    assert "closes at six" in json.loads(content)["answer"]


MALFORMED = {
    "no function": ({"function": None}, "tools[0].function.options"),
    "no options": ({"function": {"name": "a"}}, "tools[0].function.options"),
    "options of another kind": ({"function": {"options": "vs"}}, "tools[0].function.options"),
    "another field": ({"function": {"options": {}, "strict": True}}, "tools[0].function.strict"),
    "another option": ({"function": {"options": {"top_k": 3}}}, "tools[0].function.options.top_k"),
    "a name that is no text": ({"function": {"name": 7, "options": {}}}, "tools[0].function.name"),
    "a description that is none": (
        {"function": {"name": "a", "description": [], "options": {}}},
        "tools[0].function.description",
    ),
    "no store": ({"function": {"options": {}}}, "tools[0].function.options.vector_store_id"),
    "a store that is no text": (
        {"function": {"options": {"vector_store_id": 7}}},
        "tools[0].function.options.vector_store_id",
    ),
    "an unknown store": (retrieval("1"), "tools[0].function.options.vector_store_id"),
    "a template that is no text": (retrieval("1", prompt_template=7), "tools[0].function.options.prompt_template"),
    "a template without its places": (
        retrieval("1", prompt_template="{{query}}"),
        "tools[0].function.options.prompt_template",
    ),
}


@pytest.mark.parametrize(("tool_", "param"), MALFORMED.values(), ids=MALFORMED)
def test_malformed_tools_are_refused(ask, tool_, param):
    refused(ask("Hi", tools=[{"type": "retrieval", **tool_}]), param)


def test_a_deleted_store_is_unknown(ask, http, handbook):
    http.delete(f"/vector_stores/{handbook}")
    assert "No such vector store" in refused(
        ask("Hi", tools=[retrieval(handbook)]), "tools[0].function.options.vector_store_id"
    )


# --- Passages --------------------------------------------------------------------------------------------------------


def test_paragraphs_are_passages_and_long_ones_are_cut_between_sentences():
    sentence = "This sentence has exactly fifty characters, truly."
    long = " ".join([sentence] * 20)
    cut = passages("a.md", f"# Title\n\nOne\nline.\n \n{long}\n\n\n")
    assert cut[:2] == [Passage("a.md", "# Title"), Passage("a.md", "One line.")]
    assert all(len(passage.text) <= 400 for passage in cut)
    assert " ".join(passage.text for passage in cut[2:]) == long
    assert len(cut) > 3
    assert passages("a.md", " \n\n ") == []


def test_the_best_come_first_and_only_a_few_of_them():
    texts = ["red", "red green", "red green blue", "green blue red", "yellow"]
    known = Contents(tuple(Passage(f"{at}", text) for at, text in enumerate(texts)), 0)
    (found,) = consult("red green blue", (Knowledge("a", "", "", known),), chinese=False)
    assert [line[4] for line in found.text.splitlines()[1:]] == ["2", "3", "1"]
    assert consult("purple", (Knowledge("a", "", "", known),), chinese=False) == []

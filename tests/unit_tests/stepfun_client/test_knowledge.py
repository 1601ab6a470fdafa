"""Vector stores, their files, and search: what is asked, how the answer reads, what is refused before it is sent."""

from __future__ import annotations

import copy
import doctest
import json
from urllib.parse import parse_qs, urlsplit

import pytest

import stepfun_client
import stepfun_emulator
from stepfun_client import (
    APIResponseError,
    APITimeoutError,
    BadRequestError,
    InvalidParameterError,
    NotFoundError,
    retrieval_tool,
)
from stepfun_client.api import knowledge, knowledge_files, search

COUNTS = {"in_progress": 0, "completed": 2, "failed": 0, "cancelled": 0, "total": 2}
STORE = {"id": "17", "object": "vector_store", "created_at": 1731485617, "name": "food", "type": "image"}
READY = STORE | {"file_counts": COUNTS}
BUSY = STORE | {"file_counts": COUNTS | {"in_progress": 1, "completed": 1}}
FILE = {"id": "file-1", "object": "vector_store.file", "created_at": 1731491268, "vector_store_id": "17"}
ADDED = {"files": [{"file_id": "file-1", "metadata": {"description": "Calories"}}, {"file_id": "file-2"}]}
GONE = {"id": "17", "deleted": True, "object": "vector_store.deleted"}
RESULT = {"url": "https://a.invalid", "position": 1, "title": "A", "time": "2026", "snippet": "a", "content": "aa"}
FOUND = {"query": "Beijing", "n": 1, "results": [RESULT | {"site": "a"}, {"url": "https://b.invalid", "title": None}]}
LIST = {"object": "list", "data": [READY], "first_id": "17", "last_id": "17", "has_more": False}
FILES = LIST | {"data": [FILE]}

# What is called, and what goes over the wire for it: method, path, body; and what comes back.
CALLS = {
    "create": (
        lambda client, **options: client.vector_stores.create("food_calorie2", **options),
        ("POST", "/v1/vector_stores", b'{"name":"food_calorie2","type":"text"}'),
        {"id": "17", "name": "food_calorie2"},
    ),
    "create for images": (
        lambda client, **options: client.vector_stores.create("2", type="image", **options),
        ("POST", "/v1/vector_stores", b'{"name":"2","type":"image"}'),
        STORE,
    ),
    "list": (
        lambda client, **options: client.vector_stores.list(**options),
        ("GET", "/v1/vector_stores?limit=100", b""),
        LIST,
    ),
    "retrieve": (
        lambda client, **options: client.vector_stores.retrieve("17", **options),
        ("GET", "/v1/vector_stores/17", b""),
        READY,
    ),
    "wait": (
        lambda client, **options: client.vector_stores.wait("17", **options),
        ("GET", "/v1/vector_stores/17", b""),
        READY,
    ),
    "delete": (
        lambda client, **options: client.vector_stores.delete("1/7?", **options),
        ("DELETE", "/v1/vector_stores/1%2F7%3F", b""),
        GONE,
    ),
    "files.create": (
        lambda client, **options: client.vector_stores.files.create(
            "17", ["file-2", {"file_id": "file-1", "description": "热量"}], **options
        ),
        (
            "POST",
            "/v1/vector_stores/17/files",
            '{"files":[{"file_id":"file-2"},{"file_id":"file-1","description":"热量"}]}'.encode(),
        ),
        ADDED,
    ),
    "files.list": (
        lambda client, **options: client.vector_stores.files.list("17", **options),
        ("GET", "/v1/vector_stores/17/files?limit=100", b""),
        FILES,
    ),
    "files.delete": (
        lambda client, **options: client.vector_stores.files.delete("17", "file#1", **options),
        ("DELETE", "/v1/vector_stores/17/files/file%231", b""),
        {"id": "file-1", "deleted": True, "object": "vector_store.file.deleted"},
    ),
    "search": (
        lambda client, **options: client.search.create("北京 天气", **options),
        ("POST", "/v1/search", '{"query":"北京 天气"}'.encode()),
        FOUND,
    ),
    "search in a category": (
        lambda client, **options: client.search.create("Beijing", n=20, category="gov", **options),
        ("POST", "/v1/search", b'{"query":"Beijing","n":20,"category":"gov"}'),
        FOUND,
    ),
}
POSTS = [name for name in CALLS if CALLS[name][1][0] == "POST"]


@pytest.mark.parametrize("case", CALLS.values(), ids=CALLS)
async def test_what_goes_over_the_wire(both, server, wire, case):
    call, sent, reply = case
    read = await both.get(call(both.client(server.answers(wire.reply(reply)))))
    (request,) = server.requests
    assert (request.method, request.path, request.body) == sent
    assert {one.trace_id for one in (read if isinstance(read, list) else [read])} == {wire.trace_id}


@pytest.mark.parametrize("case", CALLS.values(), ids=CALLS)
async def test_every_call_takes_headers_and_a_timeout(both, server, wire, case):
    call, _, reply = case
    client = both.client(server.answers(wire.reply(reply)))
    with pytest.raises(InvalidParameterError, match="'retries' is no parameter of this call"):
        await both.get(call(client, retries=1))
    with pytest.raises(InvalidParameterError, match="timeout is -1"):
        await both.get(call(client, timeout=-1))
    assert server.accepted == 0
    await both.get(call(client, timeout=3, extra_headers={"X-App": "tests"}))
    assert server.requests[0].headers["x-app"] == "tests"


@pytest.mark.parametrize("call", [CALLS[name][0] for name in CALLS if name not in POSTS])
async def test_what_has_no_body_takes_no_extra_body(both, server, call):
    with pytest.raises(InvalidParameterError, match="'extra_body' is no parameter"):
        await both.get(call(both.client(server), extra_body={"a": 1}))


@pytest.mark.parametrize("name", POSTS)
async def test_extra_body_is_the_way_past_every_check(both, server, wire, name):
    call, (_, _, body), reply = CALLS[name]
    client = both.client(server.answers(wire.reply(reply)))
    await both.get(call(client, extra_body={"type": "video", "n": 50}))
    assert server.requests[0].json == json.loads(body) | {"type": "video", "n": 50}


@pytest.mark.parametrize("call", [call for call, _, _ in CALLS.values()], ids=CALLS)
async def test_a_reply_of_another_shape_is_unreadable(both, server, wire, call):
    with pytest.raises(APIResponseError, match="cannot be read"):
        await both.get(call(both.client(server.answers(wire.reply({"detail": "?"})))))


@pytest.mark.parametrize("call", [call for call, _, _ in CALLS.values()], ids=CALLS)
@pytest.mark.parametrize("cls", [BadRequestError, NotFoundError])
async def test_refusals(both, server, wire, call, cls):
    server.answers(wire.error({BadRequestError: 400, NotFoundError: 404}[cls], "input_invalid", "no such thing"))
    with pytest.raises(cls, match="no such thing") as raised:
        await both.get(call(both.client(server)))
    assert raised.value.trace_id == wire.trace_id


# --- How replies read ------------------------------------------------------------------------------------------------


async def test_a_new_store_has_the_type_that_was_asked_for(both, server, wire):
    """StepFun's sample of the reply holds no more than id and name."""
    server.answers(wire.reply({"id": "17", "name": "food"}), wire.reply({"id": "18", "type": "text", "owner": "me"}))
    stores = both.client(server).vector_stores
    short = await both.get(stores.create("food", "image"))
    assert (short.id, short.name, short.type, short.file_counts, short.is_ready) == ("17", "food", "image", None, True)
    other = await both.get(stores.create("food", "image"))
    assert (other.type, other.owner) == ("text", "me")


async def test_a_store_and_how_far_its_files_are(both, server, wire):
    server.answers(wire.reply(BUSY), wire.reply(READY))
    stores = both.client(server).vector_stores
    busy, ready = [await both.get(stores.retrieve("17")) for _ in range(2)]
    assert (busy.created_at, busy.type, busy.is_ready) == (1731485617, "image", False)
    assert (ready.file_counts.completed, ready.file_counts.failed, ready.is_ready) == (2, 0, True)


async def test_wait_until_its_files_are_processed(both, server, wire, naps):
    server.answers(wire.reply(BUSY), wire.reply(BUSY), wire.reply(READY))
    store = await both.get(both.client(server).vector_stores.wait("17", poll=0.5))
    assert (store.file_counts.completed, naps) == (2, [0.5, 0.5])


async def test_wait_until_the_deadline(both, server, wire):
    client = both.client(server.answers(wire.reply(BUSY)))
    with pytest.raises(APITimeoutError, match=r"files in progress after 0.05 s; wait longer") as raised:
        await both.get(client.vector_stores.wait("17", poll=0.02, deadline=0.05))
    assert raised.value.trace_id == wire.trace_id


async def test_files_that_were_added_and_files_that_are_listed_read_alike(both, server, wire):
    server.answers(wire.reply(ADDED), wire.reply(FILES | {"data": [FILE | {"metadata": None, "size": 3}]}))
    files = both.client(server).vector_stores.files
    first, second = await both.get(files.create("17", ["file-1", "file-2"]))
    assert [(first.id, first.description), (second.id, second.description)] == [
        ("file-1", "Calories"),
        ("file-2", None),
    ]
    (listed,) = await both.get(files.list("17"))
    assert (listed.id, listed.vector_store_id, listed.description, listed.size) == ("file-1", "17", None, 3)


async def test_what_a_search_found(both, server, wire):
    found = await both.get(both.client(server.answers(wire.reply(FOUND))).search.create("Beijing"))
    first, second = found.results
    assert (found.query, found.n, first.site) == ("Beijing", 1, "a")
    assert [first.url, first.position, first.title, first.time, first.snippet, first.content] == list(RESULT.values())
    assert (second.url, second.title, second.content) == ("https://b.invalid", None, None)


def listing(*ids: str, more: bool, **fields: str) -> dict:
    return {"object": "list", "data": [{"id": id_} for id_ in ids], "has_more": more, **fields}


PAGES = {
    "by last_id": ([listing("c", "b", more=True, last_id="cursor"), listing("a", more=False)], [None, "cursor"], "cba"),
    "by the last item": ([listing("c", "b", more=True), listing("a", more=False)], [None, "b"], "cba"),
    "overlapping": ([listing("c", "b", more=True), listing("b", "a", more=False)], [None, "b"], "cba"),
    "the same again": ([listing("c", "b", more=True)], [None, "b"], "cb"),
    "empty": ([listing(more=True)], [None], ""),
}


@pytest.mark.parametrize("case", PAGES.values(), ids=PAGES)
@pytest.mark.parametrize("what", ["stores", "files"])
async def test_lists_are_followed_to_their_end(both, server, wire, what, case):
    pages, cursors, ids = case
    stores = both.client(server.answers(*map(wire.reply, pages))).vector_stores
    listed = await both.get(stores.list() if what == "stores" else stores.files.list("17"))
    asked = [parse_qs(urlsplit(request.path).query) for request in server.requests]
    assert [item.id for item in listed] == list(ids)
    assert [query.get("after", [None])[0] for query in asked] == cursors
    assert {query["limit"][0] for query in asked} == {"100"}


# --- What is refused before it is sent -------------------------------------------------------------------------------

REFUSED = {
    **{
        f"the name {name!r}": (lambda client, name=name: client.vector_stores.create(name), "name")
        for name in ("", "_food", "food-2", "食物", "a b", "food\n", None, 7)
    },
    "a type": (lambda client: client.vector_stores.create("food", type="video"), "type"),
    "no type": (lambda client: client.vector_stores.create("food", type=None), "type"),
    **{
        f"{verb} of nothing": (lambda client, verb=verb: getattr(client.vector_stores, verb)(""), "store_id")
        for verb in ("retrieve", "wait", "delete")
    },
    "files of nothing": (lambda client: client.vector_stores.files.list(""), "store_id"),
    "a store instead of its id": (lambda client: client.vector_stores.retrieve({"id": "17"}), "store_id"),
    "a file of nothing": (lambda client: client.vector_stores.files.delete("", "file-1"), "store_id"),
    "nothing of a store": (lambda client: client.vector_stores.files.delete("17", ""), "file_id"),
    **{
        f"files {files!r:.50}": (lambda client, files=files: client.vector_stores.files.create("17", files), "files")
        for files in (
            [],
            "file-1",
            {"file_id": "file-1"},
            [""],
            [7],
            [{"description": "?"}],
            [{"file_id": 7}],
            [{"file_id": "file-1", "name": "?"}],
            [{"file_id": "file-1", "description": 7}],
            ["file-2", {"file_id": "file-1", "description": "热" * 256}],
        )
    },
    **{f"query {query!r}": (lambda client, query=query: client.search.create(query), "query") for query in ("", "\t")},
    **{f"n {n!r}": (lambda client, n=n: client.search.create("?", n=n), "n") for n in (0, 21, True, "5", 2.5)},
    "a category": (lambda client: client.search.create("?", category="sports"), "category"),
}  # fmt: skip


@pytest.mark.parametrize(("call", "param"), REFUSED.values(), ids=REFUSED)
async def test_refused_before_anything_is_sent(both, server, call, param):
    with pytest.raises(InvalidParameterError) as raised:
        await both.get(call(both.client(server)))
    assert (raised.value.param, server.accepted) == (param, 0)


async def test_a_refusal_says_what_would_do(both, server):
    client = both.client(server)
    with pytest.raises(InvalidParameterError, match="'food-2'; StepFun takes ASCII letters, digits and _"):
        await both.get(client.vector_stores.create("food-2"))
    with pytest.raises(InvalidParameterError, match=r"files\[1\] is 7; it must be the id of a file, or"):
        await both.get(client.vector_stores.files.create("17", ["file-1", 7]))
    with pytest.raises(InvalidParameterError, match="category is 'sports': input should be 'programming', 'research'"):
        await both.get(client.search.create("?", category="sports"))


async def test_the_callers_files_stay_as_they_are(both, server, wire):
    files = [{"file_id": "file-1", "description": None}, "file-2"]
    before = copy.deepcopy(files)
    await both.get(both.client(server.answers(wire.reply(ADDED))).vector_stores.files.create("17", files))
    assert files == before
    assert server.requests[0].json == {"files": [{"file_id": "file-1"}, {"file_id": "file-2"}]}


# --- The tool --------------------------------------------------------------------------------------------------------


def test_the_retrieval_tool():
    template = "Find the answer to {{query}} in {{knowledge}}."
    assert retrieval_tool("17", name="food", description="Calories", prompt_template=template) == {
        "type": "retrieval",
        "function": {
            "name": "food",
            "description": "Calories",
            "options": {"vector_store_id": "17", "prompt_template": template},
        },
    }


def test_the_retrieval_tool_is_where_one_looks_for_it_and_nothing_else_is():
    assert stepfun_client.retrieval_tool is knowledge.retrieval_tool
    with pytest.raises(AttributeError, match="has no attribute 'search_tool'"):
        _ = stepfun_client.search_tool


def test_the_retrieval_tool_has_a_template_of_its_own():
    template = retrieval_tool("17", name="food", description="?")["function"]["options"]["prompt_template"]
    assert template.count("{{knowledge}}") == template.count("{{query}}") == 1


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"store_id": ""}, "store_id"),
        ({"store_id": None}, "store_id"),
        ({"name": ""}, "name"),
        ({"description": ""}, "description"),
        ({"prompt_template": ""}, "prompt_template"),
        ({"prompt_template": "{{knowledge}}"}, "prompt_template"),
        ({"prompt_template": "{{query}} {knowledge}"}, "prompt_template"),
    ],
)
def test_a_retrieval_tool_that_is_none(given, param):
    with pytest.raises(InvalidParameterError) as raised:
        retrieval_tool(**{"store_id": "17", "name": "food", "description": "?", **given})
    assert raised.value.param == param


# --- Against the emulator --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def emulator():
    with stepfun_emulator.running() as base_url:
        yield base_url


async def test_a_knowledge_base_from_its_making_to_its_end(both, emulator):
    client = both.client(base_url=emulator)
    file = await both.get(
        client.files.create(b"A holiday has 30 days.", purpose="retrieval-text", filename="holidays.txt")
    )
    store = await both.get(client.vector_stores.create("handbook"))
    (added,) = await both.get(client.vector_stores.files.create(store.id, [file.id]))
    assert not (await both.get(client.vector_stores.retrieve(store.id))).is_ready
    ready = await both.get(client.vector_stores.wait(store.id, poll=0.02))
    assert (ready.name, ready.type, ready.file_counts.total) == ("handbook", "text", 1)
    assert store.id in [one.id for one in await both.get(client.vector_stores.list())]
    assert [one.id for one in await both.get(client.vector_stores.files.list(store.id))] == [added.id] == [file.id]
    ask = {
        "model": "step-3.7-flash",
        "messages": [{"role": "user", "content": "How many days does a holiday have?"}],
        "tools": [retrieval_tool(store.id, name="handbook", description="The rules of the office")],
    }
    whole = await both.get(client.chat.create(**ask))
    streamed = await both.get(client.chat.stream(**ask).completion())
    assert "A holiday has 30 days." in whole.text
    assert (streamed.text, whole.tool_calls) == (whole.text, [])
    assert (await both.get(client.vector_stores.files.delete(store.id, file.id))).deleted
    assert await both.get(client.vector_stores.files.list(store.id)) == []
    assert (await both.get(client.vector_stores.delete(store.id))).deleted
    with pytest.raises(NotFoundError):
        await both.get(client.vector_stores.retrieve(store.id))
    with pytest.raises(BadRequestError, match="No such vector store"):
        await both.get(client.chat.create(**ask))


async def test_more_stores_than_one_page_holds(both, emulator):
    client = both.client(base_url=emulator)
    made = [(await both.get(client.vector_stores.create(f"s{at}"))).id for at in range(101)]
    listed = [store.id for store in await both.get(client.vector_stores.list())]
    assert [id_ for id_ in listed if id_ in made] == made[::-1]


async def test_a_search(both, emulator):
    found = await both.get(both.client(base_url=emulator).search.create("StepFun", n=2, category="research"))
    assert [result.position for result in found.results] == [1, 2]
    assert all("made-up" in result.content.lower() for result in found.results)


@pytest.mark.parametrize("call", [call for call, _, _ in CALLS.values()], ids=CALLS)
async def test_none_of_it_is_on_the_step_plan(both, emulator, call):
    with pytest.raises(InvalidParameterError, match=r"Step Plan does not offer /(vector_stores|search)"):
        await both.get(call(both.client(base_url=emulator, plan=True)))


@pytest.mark.parametrize("module", [knowledge, knowledge_files, search], ids=lambda module: module.__name__)
def test_there_are_examples(module):
    assert any(test.examples for test in doctest.DocTestFinder().find(module))

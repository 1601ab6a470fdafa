"""What a user sees when StepFun says no: the class, the words, what to do next, and the trace id."""

from __future__ import annotations

import copy
import pickle

import pytest

import stepfun_client
from stepfun_client import errors
from stepfun_client.errors import (
    APIConnectionError,
    APIResponseError,
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ContentModerationError,
    InsufficientBalanceError,
    InvalidParameterError,
    NotFoundError,
    RateLimitError,
    ServerError,
    StepFunError,
    StreamInterruptedError,
    status_error,
    stream_error,
    trace_id_of,
)

URL = "https://api.stepfun.com/v1/chat/completions"
TRACE = "373279f754863eccda439d90e5c06dfa"

CLASSES = {
    302: APIStatusError,
    400: BadRequestError,
    401: AuthenticationError,
    402: InsufficientBalanceError,
    403: APIStatusError,
    404: NotFoundError,
    408: APIStatusError,
    429: RateLimitError,
    451: ContentModerationError,
    500: ServerError,
    503: ServerError,
    529: ServerError,
}


@pytest.mark.parametrize(("status", "cls"), CLASSES.items())
async def test_each_status_has_its_class(both, server, wire, status, cls):
    server.answers(wire.error(status, "some_type", "some words"))
    with pytest.raises(APIStatusError) as raised:
        await both.get(both.client(server, max_retries=0).chat.create(**wire.ask))
    error = raised.value
    assert type(error) is cls
    assert (error.status_code, error.type, error.message) == (status, "some_type", "some words")
    assert error.trace_id == wire.trace_id
    assert error.body == {"error": {"message": "some words", "type": "some_type"}}
    assert str(error).startswith(f"{status} some_type: some words")
    assert str(error).endswith(f"(trace id {wire.trace_id})")


NGINX = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><center>nginx</center></body></html>"
BODIES = {
    "message and type": (b'{"error":{"message":"no","type":"t"}}', "no", {"type": "t"}),
    "code and param": (b'{"error":{"message":"no","code":7,"param":"n"}}', "no", {"code": "7", "param": "n"}),
    "a text for an error": (b'{"error":"no"}', "no", {}),
    "a message at the top": (b'{"message":"no","type":"t"}', "no", {"type": "t"}),
    "no error": (b'{"error":null}', '{"error":null}', {}),
    "no message": (b'{"error":{"type":"t"}}', '{"error":{"type":"t"}}', {"type": "t"}),
    "a list": (b"[1]", "[1]", {}),
    "plain text": (b"404 page not found\n", "404 page not found", {}),
    "an HTML page": (NGINX, "502 Bad Gateway", {}),
    "HTML without a title": (b"<p>Too&nbsp;busy</p><script>x()</script>", "Too busy", {}),
    "half JSON": (b'{"error":', '{"error":', {}),
    "not UTF-8": (b"\xff no", "\ufffd no", {}),
    "nothing": (b"", "the reply has no body", {}),
    "a long text": (b"x" * 1000, "x" * 300 + "…", {}),
}


@pytest.mark.parametrize(("content", "message", "fields"), BODIES.values(), ids=BODIES)
def test_every_kind_of_body_is_read(content, message, fields):
    error = status_error(400, {}, content, url=URL)
    assert error.message == message
    assert {name: getattr(error, name) for name in ("type", "code", "param")} == {
        "type": None,
        "code": None,
        "param": None,
        **fields,
    }


@pytest.mark.parametrize(
    ("status", "url", "content", "hint"),
    [
        (401, URL, b"{}", "region='cn' talks to api.stepfun.com (keys: https://platform.stepfun.com/interface-key)"),
        (401, URL, b"{}", "region='global' to api.stepfun.ai (keys: https://platform.stepfun.ai/interface-key)"),
        (401, URL, b"{}", f"this call went to {URL}"),
        (402, URL, b"{}", "top up the balance"),
        (404, URL, b"{}", "client.models.list()"),
        (
            404,
            "https://api.stepfun.com/step_plan/v1/files",
            b"404 page not found",
            "Step Plan does not offer this path",
        ),
        (404, "https://api.stepfun.com/step_plan/v1/chat/completions", b'{"error":{}}', "check the model's name"),
        (429, URL, b"{}", "a concurrency slot is held until a stream is read to its end or closed"),
        (451, URL, b"{}", "sending it again changes nothing"),
        (503, URL, b"{}", "ends any request at 10 minutes"),
    ],
)
def test_what_to_do_next(status, url, content, hint):
    error = status_error(status, {}, content, url=url)
    assert hint in error.hint
    assert hint in str(error)


def test_where_nothing_is_certain_there_is_no_advice():
    error = status_error(400, {}, b'{"error":{"message":"no"}}', url=URL)
    assert (error.hint, str(error)) == (None, "400: no")


async def test_on_the_plan_a_path_it_lacks_is_said_to_be_one(both, server, wire):
    client = both.client(server.answers(wire.reply(b"404 page not found", 404, content_type="text/plain")), plan=True)
    with pytest.raises(NotFoundError, match="Step Plan does not offer this path; use plan=False"):
        await both.get(client.chat.create(**wire.ask))  # one that is known to be missing is not even sent
    assert server.requests[0].path == "/step_plan/v1/chat/completions"


@pytest.mark.parametrize(
    ("headers", "body", "trace_id"),
    [
        ({"x-trace-id": "from-the-header"}, {"id": f"{TRACE}.1"}, "from-the-header"),
        ({}, {"id": f"chatcmpl-{TRACE}.01a1"}, TRACE),
        ({}, {"id": f"{TRACE}.01a1"}, TRACE),
        ({}, {"id": TRACE}, TRACE),
        ({}, {"id": "file-abc"}, None),
        ({}, {"id": 7}, None),
        ({}, {"id": f"{TRACE}0"}, None),
        ({}, None, None),
    ],
)
def test_where_the_trace_id_is_found(headers, body, trace_id):
    assert trace_id_of(headers, body) == trace_id


TYPES_IN_STREAMS = {
    "request_params_invalid": BadRequestError,
    "input_invalid": BadRequestError,
    "unsupported_content_type": BadRequestError,
    "invalid_api_key": AuthenticationError,
    "quota_exceeded": InsufficientBalanceError,
    "model_invalid": NotFoundError,
    "rate_limit_exceeded": RateLimitError,
    "rate_limited": RateLimitError,
    "censorship_blocked": ContentModerationError,
    "overloaded": ServerError,
}


@pytest.mark.parametrize(("kind", "cls"), TYPES_IN_STREAMS.items())
def test_inside_a_stream_the_type_stands_for_the_status(kind, cls):
    error = stream_error({"message": "no", "type": kind}, trace_id=TRACE)
    assert (type(error), error.status_code, error.trace_id) == (cls, 200, TRACE)
    assert "what came before it is not an answer" in str(error)


@pytest.mark.parametrize(("error", "message"), [("busy", "busy"), ({"code": 7}, '{"code": 7}'), ([1], "[1]")])
def test_inside_a_stream_an_error_may_have_any_shape(error, message):
    raised = stream_error(error, trace_id=None)
    assert (type(raised), raised.message, raised.body) == (ServerError, message, error)


EXAMPLES = [
    *(
        status_error(status, {"x-trace-id": TRACE}, b'{"error":{"message":"no","code":1}}', url=URL)
        for status in CLASSES
    ),
    *(getattr(stepfun_client, name)("no") for name in stepfun_client.__all__ if name.endswith("Error")),
    *(getattr(stepfun_client, name)() for name in stepfun_client.__all__ if name.endswith("Error")),
    StreamInterruptedError("cut", trace_id=TRACE),
    APIResponseError("garbage", trace_id=TRACE, body="<html>"),
    InvalidParameterError("temperature is 3", param="temperature"),
    stream_error({"message": "no"}, trace_id=TRACE),
]


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("twin", [lambda e: pickle.loads(pickle.dumps(e)), copy.deepcopy, copy.copy])
def test_every_error_pickles_and_copies_whole(error, twin):
    made = twin(error)
    assert type(made) is type(error)
    assert (str(made), vars(made), made.args) == (str(error), vars(error), error.args)


def test_the_tree():
    tree = {name: getattr(errors, name) for name in stepfun_client.__all__ if name.endswith("Error")}
    assert all(issubclass(cls, StepFunError) for cls in tree.values())
    statuses = [cls for cls in CLASSES.values() if cls is not APIStatusError]
    assert all(issubclass(cls, APIStatusError) for cls in statuses)
    assert issubclass(tree["APITimeoutError"], APIConnectionError)
    assert issubclass(tree["StreamTimeoutError"], tree["APITimeoutError"])
    assert issubclass(tree["StreamTimeoutError"], StreamInterruptedError)
    assert issubclass(tree["InvalidParameterError"], ValueError)
    assert not issubclass(StreamInterruptedError, APIConnectionError)


QUOTES = {
    "in an error": lambda wire: wire.error(401, "invalid_api_key", f"Incorrect API key provided: {wire.key}"),
    "in plain text": lambda wire: wire.reply(f"key {wire.key}".encode(), 401, content_type="text/plain"),
    "in the name of a field": lambda wire: wire.reply({"error": {wire.key: [wire.key]}}, 400),
    "in a reply that cannot be read": lambda wire: wire.reply(f"key {wire.key}".encode()),
    "in a reply of another shape": lambda wire: wire.reply({"id": wire.key, "choices": [{"message": wire.key}]}),
}


@pytest.mark.parametrize("reply", QUOTES.values(), ids=QUOTES)
async def test_a_key_the_service_quotes_is_taken_out(both, server, wire, reply):
    with pytest.raises(StepFunError) as raised:
        await both.get(both.client(server.answers(reply(wire))).chat.create(**wire.ask))
    told = f"{raised.value} {raised.value!r} {vars(raised.value)} {raised.value.args}"
    assert wire.key not in told
    assert "***" in told


async def test_a_key_quoted_inside_a_stream_is_taken_out(both, server, wire):
    server.answers(wire.stream(wire.event({"error": {"message": f"bad key {wire.key}", "type": "invalid_api_key"}})))
    with pytest.raises(AuthenticationError, match=r"bad key \*\*\*") as raised:
        await both.items(both.client(server).chat.stream(**wire.ask))
    assert wire.key not in f"{raised.value} {raised.value!r} {vars(raised.value)}"


async def test_a_stand_in_for_a_key_is_a_word_like_any_other(both, server, wire):
    client = both.client(server.answers(wire.error(503, "busy", "any time later")), api_key="any", max_retries=0)
    with pytest.raises(ServerError, match="any time later -> try again later; the service also ends any request"):
        await both.get(client.models.list())

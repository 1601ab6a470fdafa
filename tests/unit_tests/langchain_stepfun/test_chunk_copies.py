"""A text chunk is copied, not validated: it must be what validation would have made, and share nothing."""

import pickle

import pytest
from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk

from langchain_stepfun.streaming import MessageStream

TEXT = {"content": "six"}
REASONING = {"content": "", "reasoning_content": "6 * 7"}
AUDIO = {"content": None, "audio": {"data": "AQID", "transcript": "six"}}


def read(delta):
    (chunk,) = MessageStream().read({"choices": [{"index": 0, "delta": dict(delta)}]})
    return chunk


def validated(*, content, **extra):
    message = AIMessageChunk(content=content, additional_kwargs=extra, response_metadata={"model_provider": "stepfun"})
    return ChatGenerationChunk(message=message)


@pytest.mark.parametrize(
    ("delta", "expected"),
    [
        (TEXT, validated(content="six")),
        (REASONING, validated(content="", reasoning_content="6 * 7")),
        (AUDIO, validated(content="six", audio={"data": "AQID", "transcript": "six", "mime_type": "audio/pcm"})),
    ],
    ids=["text", "reasoning", "audio"],
)
def test_a_copied_chunk_is_what_validation_makes(delta, expected):
    chunk = read(delta)
    assert chunk == expected
    for made, wanted in ((chunk, expected), (chunk.message, expected.message)):
        assert type(made) is type(wanted)
        assert vars(made) == vars(wanted)
        assert {name: type(value) for name, value in vars(made).items()} == {
            name: type(value) for name, value in vars(wanted).items()
        }
        assert made.model_fields_set == wanted.model_fields_set
        assert made.model_extra == wanted.model_extra
        assert made.model_dump() == wanted.model_dump()
    assert pickle.loads(pickle.dumps(chunk)) == expected


def test_two_chunks_share_no_container():
    one, other = read(TEXT).message, read(TEXT).message
    for name, value in vars(one).items():
        if isinstance(value, (dict, list)):
            assert value is not getattr(other, name), name
    assert one.model_fields_set is not other.model_fields_set
    one.id = "lc_run--1"
    one.response_metadata["seen"] = True
    one.tool_calls.append({"name": "f", "args": {}, "id": "1", "type": "tool_call"})
    assert read(TEXT) == validated(content="six")


def test_copied_chunks_add_up():
    chunks = [read(delta) for delta in (REASONING, REASONING, TEXT, TEXT)]
    message = (chunks[0] + chunks[1:]).message
    assert message.text == "sixsix"
    assert message.additional_kwargs == {"reasoning_content": "6 * 76 * 7"}
    assert message.response_metadata == {"model_provider": "stepfun"}
    assert [block["type"] for block in message.content_blocks] == ["reasoning", "text"]

"""Logging is off until the program turns it on, says what was asked and how it went, and is never told a secret."""

from __future__ import annotations

import logging
import re
import subprocess
import sys

import pytest

from stepfun_client import APIConnectionError
from stepfun_client.core.logs import MaskSecrets, mask


async def test_a_line_for_each_attempt(both, server, wire, naps, caplog):
    caplog.set_level(logging.DEBUG, "stepfun_client")
    server.answers(wire.error(503), wire.completion())
    await both.get(both.client(server).chat.create(**wire.ask))
    first, second = [record.message for record in caplog.records if record.name == "stepfun_client"]
    line = rf"POST /v1/chat/completions -> %d in \d+\.\d{{3}} s, trace id {wire.trace_id}"
    assert re.fullmatch(line % 503, first)
    assert re.fullmatch(line % 200, second)


async def test_a_line_for_a_lost_connection(both, server, naps, caplog):
    caplog.set_level(logging.DEBUG, "stepfun_client")
    with pytest.raises(APIConnectionError):
        await both.get(both.client(server.answers([server.drop]), max_retries=0).models.list())
    (line,) = [record.message for record in caplog.records if record.name == "stepfun_client"]
    assert re.fullmatch(r"GET /v1/models -> \w+Error in \d+\.\d{3} s", line)


def test_without_configuration_nothing_is_printed(server, wire):
    program = """
import sys
from stepfun_client import StepFunClient
with StepFunClient("key", base_url=sys.argv[1]) as client:
    client.chat.create(model="step-3", messages=[{"role": "user", "content": "Hi"}])
    try:
        client.chat.create(model="step-3", messages=[{"role": "user", "content": "Hi"}])
    except Exception:
        pass
"""
    server.answers(wire.completion(), wire.error(401))
    command = [sys.executable, "-c", program, server.base_url]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (ended.stdout, ended.stderr, len(server.requests)) == ("", "", 2)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("> Authorization: Bearer sk-123", "> Authorization: Bearer ***"),
        ("authorization: bearer   sk-123, next", "authorization: bearer   ***, next"),
        ("{'Authorization': 'Bearer sk-123'}", "{'Authorization': 'Bearer ***'}"),
        ("[(b'Authorization', b'Bearer sk-123')]", "[(b'Authorization', b'Bearer ***')]"),
        ("X-Api-Key: sk-123", "X-Api-Key: ***"),
        ("{'x-api-key': 'sk-123'}", "{'x-api-key': '***'}"),
        ("[(b'x-api-key', b'sk-123')]", "[(b'x-api-key', b'***')]"),
        ("POST /v1/chat/completions -> 200", "POST /v1/chat/completions -> 200"),
    ],
)
def test_what_is_masked(text, masked):
    assert mask(text) == masked


@pytest.mark.parametrize("name", ["stepfun_client", "stepfun_client.websocket"])
def test_secrets_are_masked_in_both_loggers(name, caplog):
    caplog.set_level(logging.DEBUG, name)
    logging.getLogger(name).debug("> %s: %s", "Authorization", "Bearer sk-123")
    logging.getLogger(name).debug("%d %%", 100)
    assert [record.getMessage() for record in caplog.records] == ["> Authorization: Bearer ***", "100 %"]


def test_the_filter_keeps_every_record():
    record = logging.LogRecord("n", logging.DEBUG, "p", 1, "Bearer %s", ("sk-123",), None)
    assert MaskSecrets().filter(record)
    assert (record.msg, record.args) == ("Bearer ***", None)

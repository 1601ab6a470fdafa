"""Models, token counts and the balance: what is asked, and how the answer reads."""

from __future__ import annotations

import pytest

from stepfun_client import APIResponseError, InvalidParameterError

FLASH = {"id": "step-3.7-flash", "object": "model", "max_input_tokens": 262144, "enable_reason": True, "price": 1.35}


async def test_the_models_this_key_may_use(both, server, wire):
    server.answers(wire.reply({"object": "list", "data": [FLASH, {"id": "step-9", "model_type": None}]}))
    flash, new = await both.get(both.client(server).models.list())
    assert (flash.id, flash.max_input_tokens, flash.enable_reason, flash.price) == (
        "step-3.7-flash",
        262144,
        True,
        1.35,
    )
    assert (new.id, new.model_type, new.supported_protocols) == ("step-9", None, None)
    assert (server.requests[0].method, server.requests[0].path) == ("GET", "/v1/models")


@pytest.mark.parametrize(
    ("model", "path"),
    [("step-3", "/v1/models/step-3"), ("stepfun-ai/step1x-edit", "/v1/models/stepfun-ai/step1x-edit")],
)
async def test_one_model(both, server, wire, model, path):
    found = await both.get(both.client(server.answers(wire.reply(FLASH | {"id": model}))).models.retrieve(model))
    assert (found.id, found.trace_id, server.requests[0].path) == (model, wire.trace_id, path)


async def test_a_token_count(both, server, wire):
    server.answers(wire.reply({"data": {"total_tokens": 83}}))
    counted = await both.get(both.client(server).tokens.count(**wire.ask))
    assert counted.total_tokens == 83
    assert (server.requests[0].path, server.requests[0].json) == ("/v1/token/count", wire.ask)


async def test_the_balance(both, server, wire):
    server.answers(wire.reply({"object": "account", "type": "prepaid", "balance": "12.5", "total_cash_balance": 2.5}))
    account = await both.get(both.client(server).account.retrieve())
    assert (account.type, account.balance, account.total_cash_balance, account.total_voucher_balance) == (
        "prepaid",
        12.5,
        2.5,
        None,
    )
    assert (account.trace_id, server.requests[0].path) == (wire.trace_id, "/v1/accounts")


CALLS = {
    "models.list": lambda client, **options: client.models.list(**options),
    "models.retrieve": lambda client, **options: client.models.retrieve("step-3", **options),
    "tokens.count": lambda client, **options: client.tokens.count(model="m", messages=[], **options),
    "account.retrieve": lambda client, **options: client.account.retrieve(**options),
    "files.list": lambda client, **options: client.files.list(**options),
    "files.content": lambda client, **options: client.files.content("f", **options),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_every_call_takes_headers_and_a_timeout_and_nothing_else(both, server, wire, call):
    client = both.client(server.answers(wire.error(400)))
    with pytest.raises(InvalidParameterError, match="'retries' is no parameter of this call"):
        await both.get(call(client, retries=1))
    with pytest.raises(InvalidParameterError, match="timeout is -1"):
        await both.get(call(client, timeout=-1))
    assert server.accepted == 0
    with pytest.raises(Exception, match="400"):
        await both.get(call(client, timeout=3, extra_headers={"X-App": "tests"}))
    assert server.requests[0].headers["x-app"] == "tests"


@pytest.mark.parametrize("call", [CALLS[name] for name in CALLS if name != "files.content"])
async def test_a_reply_of_another_shape_is_unreadable(both, server, wire, call):
    with pytest.raises(APIResponseError, match="cannot be read"):
        await both.get(call(both.client(server.answers(wire.reply({"detail": "?"})))))

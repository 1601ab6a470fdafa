"""Models, tokens and the account (WIRE.md sections 3, 5 and 11)."""

from __future__ import annotations

import pytest

from stepfun_emulator import tokens
from stepfun_emulator.answerer.conversation import Call, Said
from stepfun_emulator.media import Medium


def test_models_are_listed_with_their_abilities(http):
    body = http.get("/models").json()
    models = {entry["id"]: entry for entry in body["data"]}
    assert body["object"] == "list"
    assert models["step-3.7-flash"]["max_input_tokens"] == 256 * 1024
    assert models["step-3.7-flash"]["enable_vision_input"] is True
    assert models["step-3.5-flash-2603"]["reasoning_effort_support_list"] == ["low", "high"]
    assert models["step-2-mini"]["enable_reason"] is False
    assert models["step-tts-2"]["model_type"] == "tts"
    assert "chat" in models["step-3.5-flash"]["supported_protocols"]
    assert "step-router-v1" not in models


def test_one_model(http):
    assert http.get("/models/step-3").json()["id"] == "step-3"


@pytest.mark.parametrize("model", ["nothing", "step-router-v1"])
def test_an_unknown_model_is_404(http, model):
    response = http.get(f"/models/{model}")
    assert response.status_code == 404
    assert response.json()["error"]["type"] == "model_invalid"


def test_account(http):
    body = http.get("/accounts").json()
    assert body["type"] in ("prepaid", "postpaid")
    assert body["balance"] == body["total_cash_balance"] + body["total_voucher_balance"]


def test_token_count_is_what_chat_charges(http, ask):
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "你好，世界 hello"}]
    counted = http.post("/token/count", json={"model": "step-3.5-flash", "messages": messages}).json()
    assert set(counted) == {"data"}
    assert counted["data"]["total_tokens"] == ask(messages).json()["usage"]["prompt_tokens"]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ([], "body"),
        ({"model": "step-3.5-flash"}, "messages"),
        ({"messages": []}, "model"),
        ({"model": "step-3.5-flash", "messages": [], "tools": []}, "tools"),
    ],
)
def test_token_count_is_strict(http, body, param):
    response = http.post("/token/count", json=body)
    assert response.status_code == 400
    assert response.json()["error"]["param"] == param


def test_media_and_calls_count():
    low, high, sound = Medium("image"), Medium("image", detail="high"), Medium("audio")
    plain = tokens.count_message(Said("user"))
    assert tokens.count_message(Said("user", "Hi")) == plain + 1
    assert tokens.count_message(Said("user", media=(low,))) == plain + 169
    assert tokens.count_message(Said("user", media=(high,))) > tokens.count_message(Said("user", media=(low,)))
    assert tokens.count_message(Said("user", media=(sound,))) > plain
    assert tokens.count_message(Said("assistant", calls=(Call("f", "{}"),))) > plain


def test_the_cache_forgets_what_is_old():
    cache = tokens.PromptCache(size=2)
    first = [Said("user", "word " * 600)]
    assert cache.look_up("m", first) == 0
    assert cache.look_up("m", first) == 512
    cache.look_up("m", [Said("user", "a"), Said("user", "b")])
    assert cache.look_up("m", first) == 0

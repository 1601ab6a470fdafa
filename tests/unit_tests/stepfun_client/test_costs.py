"""Costs: what an exchange costs by the catalogue's dated price list, with cached input at its own rate."""

from __future__ import annotations

from decimal import Decimal

import pytest

from stepfun_client import costs
from stepfun_client.catalog import MODELS, ModelInfo, Price, find
from stepfun_client.costs import Cost, chat_cost


def million(**tokens: int) -> dict[str, int]:
    return {"input_tokens": 0, "output_tokens": 0, **{name: count * 1_000_000 for name, count in tokens.items()}}


@pytest.mark.parametrize(
    ("tokens", "rate"),
    [
        (million(input_tokens=1), "input"),
        (million(output_tokens=1), "output"),
        (million(input_tokens=1, cached_tokens=1), "cached"),
    ],
    ids=["input", "output", "cached"],
)
def test_a_million_tokens_cost_their_rate(tokens, rate):
    price = find("step-3.7-flash").price
    assert chat_cost("step-3.7-flash", **tokens) == Cost(getattr(price, rate), price.as_of)


def test_cached_tokens_are_part_of_the_input_and_cheaper():
    fresh = chat_cost("step-3.7-flash", input_tokens=1024, output_tokens=100)
    cached = chat_cost("step-3.7-flash", input_tokens=1024, output_tokens=100, cached_tokens=512)
    price = find("step-3.7-flash").price
    assert fresh.yuan - cached.yuan == (price.input - price.cached) * 512 / 1_000_000


def test_a_fraction_of_a_fen_is_not_rounded_away():
    assert chat_cost("step-3.7-flash", input_tokens=1, output_tokens=0).yuan > 0


@pytest.mark.parametrize(
    ("price", "yuan"),
    [
        (Price("1M tokens", input=Decimal(2), output=Decimal(4)), Decimal(6)),  # no rate for cached input: the full one
        (Price("1M tokens", output=Decimal(4)), Decimal(4)),  # nothing is charged for input
        (Price("hour", input=Decimal(2)), None),  # not charged by tokens
        (None, None),
    ],
    ids=["no cached rate", "output only", "by the hour", "unknown"],
)
def test_prices_that_say_less(monkeypatch, price, yuan):
    info = ModelInfo("made-up", frozenset({"chat"}), frozenset({"text"}), frozenset({"text"}), price=price)
    monkeypatch.setattr(costs, "find", {"made-up": info}.get)
    cost = chat_cost("made-up", **million(input_tokens=1, output_tokens=1, cached_tokens=1))
    assert (cost and cost.yuan) == yuan


@pytest.mark.parametrize("model", ["step-from-next-year", "", "step-tts-2"])
def test_no_cost_is_better_than_a_wrong_one(model):
    assert chat_cost(model, input_tokens=1, output_tokens=1) is None


@pytest.mark.parametrize(
    "info", [info for info in MODELS.values() if info.price and "chat" in info.kinds], ids=lambda info: info.id
)
def test_every_chat_model_with_a_price_has_a_cost_with_its_month(info):
    cost = chat_cost(info.id, input_tokens=1000, output_tokens=1000)
    assert cost.yuan > 0
    assert cost.as_of == info.price.as_of


def test_costs_add_up_and_name_the_older_price_list():
    total = Cost(Decimal("0.1"), "2026-06") + Cost(Decimal("0.2"), "2026-04")
    assert total == Cost(Decimal("0.3"), "2026-04")
    assert str(total) == "0.300000 yuan by the price list of 2026-04"

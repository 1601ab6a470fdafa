"""What an exchange costs, by the catalogue's dated price list. Prices drift: show the date with the sum."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from stepfun_client.catalog import find

_MILLION = Decimal(1_000_000)


@dataclass(frozen=True)
class Cost:
    """A sum in yuan, by the price list of a month.

    Attributes:
        yuan: The sum.
        as_of: The month of the price list, as `YYYY-MM`.
    """

    yuan: Decimal
    as_of: str

    def __str__(self) -> str:
        return f"{self.yuan:.6f} yuan by the price list of {self.as_of}"

    def __add__(self, other: Cost) -> Cost:
        """Add two sums; the older of two price lists is named."""
        return Cost(self.yuan + other.yuan, min(self.as_of, other.as_of))


def chat_cost(model: str, *, input_tokens: int, output_tokens: int, cached_tokens: int = 0) -> Cost | None:
    """Say what a chat completion costs.

    Args:
        model: The model that answered.
        input_tokens: All tokens that went in, cached ones included.
        output_tokens: All tokens that came out, thinking included.
        cached_tokens: How many of the input tokens came from the prompt cache.

    Returns:
        The cost; None where the catalogue has no price for the model.

    Example:
        >>> print(chat_cost("step-3.7-flash", input_tokens=1000, output_tokens=200, cached_tokens=256))
        0.002694 yuan by the price list of 2026-06
    """
    info = find(model)
    if info is None or info.price is None or info.price.per != "1M tokens":
        return None
    price = info.price
    fresh_rate = price.input or Decimal(0)
    cached_rate = fresh_rate if price.cached is None else price.cached
    fresh = fresh_rate * (input_tokens - cached_tokens) + cached_rate * cached_tokens
    return Cost((fresh + (price.output or Decimal(0)) * output_tokens) / _MILLION, price.as_of)

"""What models cost. List prices of a date, which the settings may overrule; a model that is not here has no price."""

from __future__ import annotations

from collections.abc import Mapping

from tools.values import Value


class Price(Value):
    """Dollars for a million tokens."""

    tokens_in: float
    tokens_out: float

    def of(self, tokens_in: int, tokens_out: int) -> float:
        """Dollars for so many tokens."""
        return (tokens_in * self.tokens_in + tokens_out * self.tokens_out) / 1_000_000


PRICES: Mapping[str, Price] = {
    "gpt-4.1": Price(tokens_in=2.0, tokens_out=8.0),
    "gpt-4.1-mini": Price(tokens_in=0.4, tokens_out=1.6),
    "gpt-4.1-nano": Price(tokens_in=0.1, tokens_out=0.4),
    "gpt-4o": Price(tokens_in=2.5, tokens_out=10.0),
    "gpt-4o-mini": Price(tokens_in=0.15, tokens_out=0.6),
    "gpt-5": Price(tokens_in=1.25, tokens_out=10.0),
    "gpt-5-mini": Price(tokens_in=0.25, tokens_out=2.0),
    "gpt-5-nano": Price(tokens_in=0.05, tokens_out=0.4),
    "o3": Price(tokens_in=2.0, tokens_out=8.0),
    "o4-mini": Price(tokens_in=1.1, tokens_out=4.4),
}
"""OpenAI's list prices of August 2025, by model family. The same name at another endpoint may cost something else."""


def price_of(model: str) -> Price | None:
    """The price of a model, also under a dated name (`gpt-4o-2024-08-06`)."""
    families = [name for name in PRICES if model == name or model.startswith(f"{name}-20")]
    return PRICES[max(families, key=len)] if families else None

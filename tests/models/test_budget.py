"""Prices and budgets: what calls cost, and how users set a budget."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lwtui.config import ModelSettings
from lwtui.errors import UsageError
from lwtui.models.budget import Budget, Prices, check_budget, cost_of, parse_budget, raise_budget, scale_budget
from lwtui.models.usage import Usage
from tests.errors import has_code

LOCAL = ModelSettings("m", provider="llama_cpp", path="/m.gguf")
PAID = ModelSettings("m", base_url="http://x/v1", price_input=1.0, price_output=4.0)


@pytest.mark.parametrize(
    ("given", "budget"),
    [
        ("2.50", Budget(amount=2.5)),
        ("200k tokens", Budget(tokens=200_000)),
        ("1.5M t", Budget(tokens=1_500_000)),
        ("20,000tok", Budget(tokens=20_000)),
        ("none", None),
        ("", None),
    ],
)
def test_a_budget_is_money_or_tokens(given: str, budget: Budget | None) -> None:
    assert parse_budget(given) == budget


def test_an_invalid_budget_is_refused() -> None:
    for given, code in (
        ("much", "not-a-budget"),
        ("-1", "not-a-budget"),
        ("5 euros", "not-a-budget"),
        ("0", "budget-size"),
        ("0 tokens", "budget-size"),
    ):
        with pytest.raises(UsageError, check=has_code(code)):
            parse_budget(given)
    with pytest.raises(UsageError, check=has_code("no-prices")):
        check_budget(Budget(amount=1.0), LOCAL)
    check_budget(Budget(tokens=1), LOCAL)
    check_budget(Budget(amount=1.0), PAID)


@pytest.mark.parametrize("given", ["0.4 tokens", "9" * 400 + " tokens", "9" * 400])
def test_a_budget_of_zero_or_an_absurd_size_is_refused(given: str) -> None:
    with pytest.raises(UsageError, check=has_code("budget-size")):
        parse_budget(given)


def test_cost_follows_the_models_prices() -> None:
    assert cost_of(Usage(1_000_000, 500_000), PAID) == 3.0
    assert cost_of(Usage(1, 1), LOCAL) is None
    assert cost_of(Usage(1_000_000, 0, 600_000), replace(PAID, price_cached=0.5)) == pytest.approx(0.7)
    assert Budget(amount=6.0).share(Usage(1_000_000, 500_000), Prices.of(PAID)) == 0.5
    assert Budget(amount=6.0).share(Usage(1_000_000, 500_000), Prices()) == 0.0
    assert Budget(tokens=1000).share(Usage(200, 50, 100), Prices()) == 0.25


def test_prices_are_known_if_input_and_output_have_one() -> None:
    assert Prices.of(PAID) == Prices(1.0, 4.0) and Prices.of(PAID).known
    assert not Prices(1.0).known and not Prices(output=1.0).known and not Prices().known


@pytest.mark.parametrize(
    ("budget", "shown"),
    [
        (Budget(tokens=1_500_000), "1,500,000 tokens"),
        (Budget(amount=2.5), "2.5"),
        (Budget(amount=1e-7), "0.0000001"),
        (Budget(amount=3e9), "3000000000"),
        (Budget(), "none"),
    ],
)
def test_a_budget_is_shown_as_people_write_it(budget: Budget, shown: str) -> None:
    assert str(budget) == shown


def test_a_raised_budget_is_round_and_sufficient() -> None:
    assert raise_budget(Budget(tokens=200_000), 1.7) == Budget(tokens=430_000)
    assert raise_budget(Budget(tokens=200_000), 0.2) == Budget(tokens=300_000)
    assert raise_budget(Budget(amount=0.123), 1.0) == Budget(amount=0.19)
    assert scale_budget(Budget(amount=2.0), 0.5) == Budget(amount=1.0)

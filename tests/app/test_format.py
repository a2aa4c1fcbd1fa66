"""Formatting of numbers, dates and paths."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from lwtui.app.format import ago, amount, bar, number, short_path
from lwtui.documents.model import Brief
from lwtui.text import money


@pytest.mark.parametrize(
    ("passed", "shown"),
    [(-5, "just now"), (59, "just now"), (60, "1 min ago"), (7199, "1 h ago"), (86_400 * 3, "3 d ago")],
)
def test_recent_times_are_relative(passed: float, shown: str) -> None:
    assert ago(1_000_000_000 - passed, 1_000_000_000) == shown


def test_old_times_are_dates() -> None:
    moment = time.mktime((2024, 2, 29, 12, 0, 0, 0, 0, -1))
    assert ago(moment, moment + 86_400 * 30) == "2024-02-29"


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0, "────"), (0.001, "━───"), (0.5, "━━──"), (0.999, "━━━─"), (1, "━━━━"), (1.7, "━━━━")],
)
def test_only_0_empties_a_bar_and_only_1_fills_it(share: float, shown: str) -> None:
    assert bar(share, 4) == shown


def test_amounts_are_in_the_unit_of_the_language() -> None:
    assert amount(1200, Brief("", 1500), of=1500) == "1,200 of 1,500 words"
    assert amount(1200, Brief("", 1500, "zh-TW")) == "1,200 characters"
    assert number(1234567.8) == "1,234,568"


def test_small_sums_keep_their_digits() -> None:
    assert (money(0.00123), money(12.345)) == ("0.0012", "12.35")


def test_paths_are_shown_from_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert short_path(Path("/home/ada/Documents/x.lw")) == "~/Documents/x.lw"
    assert short_path(Path("/home/adam/x.lw")) == "/home/adam/x.lw"
    assert short_path(Path("/home/ada")) == "/home/ada"

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lwtui_bench.metrics import deciles, distinct_n, longest_repeat, measure, near_duplicates, repeated_share, tokens_of
from tests.bench.support import stored_answer
from tests.cli.running import prose


def longest_by_hand(tokens: list[str]) -> int:
    """Compare every pair of positions."""
    best = 0
    for a in range(len(tokens)):
        for b in range(a + 1, len(tokens)):
            size = 0
            while b + size < len(tokens) and a + size < b and tokens[a + size] == tokens[b + size]:
                size += 1
            best = max(best, size)
    return best


@settings(max_examples=300)
@given(st.lists(st.sampled_from("abc"), max_size=24))
def test_the_longest_repeat_agrees_with_a_brute_force_search(tokens: list[str]) -> None:
    assert longest_repeat(tokens) == longest_by_hand(tokens)


def test_tokens_are_words_and_characters() -> None:
    assert tokens_of("Don't stop, 中文abc カナ well-known!")[0] == (
        "don't", "stop", "中", "文", "abc", "カ", "ナ", "well-known",
    )  # fmt: skip


def test_distinct_n() -> None:
    assert distinct_n(["a", "b", "a", "b"], 1) == pytest.approx(0.5)
    assert distinct_n(["a", "b", "a", "b"], 2) == pytest.approx(2 / 3)
    assert distinct_n(["a"], 2) is None
    # Length alone does not change it.
    draw = random.Random(1)
    short, long = ([draw.choice("abcdefghij") for _ in range(size)] for size in (500, 5000))
    assert distinct_n(long, 2) == pytest.approx(distinct_n(short, 2) or 0, abs=0.03)


def test_repeated_share_counts_tokens_of_recurring_ngrams() -> None:
    tokens = ["a", "b", "c", "d", "e", "f"]
    assert repeated_share([*tokens, "x", *tokens], 6) == pytest.approx(6 / 13)
    assert repeated_share(tokens, 6) == 0


def test_only_near_duplicates_are_counted() -> None:
    first, second = list(range(20)), list(range(100, 120))
    assert near_duplicates([first, second, [*first[:18], 99]]) == 1
    assert near_duplicates([first, second]) == 0


def test_every_metric_reveals_a_text_that_repeats_itself() -> None:
    varied = "\n\n".join("".join(prose(at, 60)) for at in range(12))
    paragraph = "".join(prose(1, 60))
    repetitive = "\n\n".join([paragraph] * 12)
    good, bad = measure(stored_answer(varied)), measure(stored_answer(repetitive))
    for name in ("repeated_ngrams", "longest_repeat", "duplicate_paragraphs", "repeated_openings", "repeated_closings"):
        assert bad[name] > good[name] + 0.5
    for name in ("distinct_2", "distinct_4", "drift"):
        assert bad[name] < good[name]


def test_chinese_is_measured_in_characters() -> None:
    sentence = "海水是咸的因为河流把岩石里的盐带进了海洋。"
    found = measure(stored_answer(sentence * 3, length=60))
    assert found["longest_repeat"] == 20
    assert found["attainment"] == pytest.approx(1.0)


def test_a_missing_answer_has_no_metrics_but_its_attainment() -> None:
    assert measure(stored_answer("")) == {"attainment": 0.0}


def test_metrics_of_plan_following() -> None:
    def section(start: int, end: int, point: str, words: int, length: int) -> dict[str, object]:
        return {"title": "", "main_point": point, "words": words, "length": length, "start": start, "end": end}

    first = "Lighthouse keepers polished every lantern before nightfall."
    second = "Railway engineers measured bridges across frozen valleys."
    text = f"{first}\n\n{second}"
    places = ((0, len(first)), (len(first) + 2, len(text)))
    points = ("keepers polished the lantern", "engineers measured bridges")
    followed = [section(*at, point, 7, 7) for at, point in zip(places, points, strict=True)]
    swapped = [section(*at, point, 7, 14) for at, point in zip(places, reversed(points), strict=True)]
    good, bad = measure(stored_answer(text, sections=followed)), measure(stored_answer(text, sections=swapped))
    assert (good["section_error"], good["plan_recall"], good["plan_place"]) == (0, 1, 1)
    assert (bad["section_error"], bad["plan_recall"], bad["plan_place"]) == (1, 0, 0)


def test_deciles_reveal_a_text_that_runs_out_of_ideas() -> None:
    beginning = "".join(prose("x", 400))
    text = beginning + "".join(prose("x", 400)[-5:]) * 10
    parts = deciles(text)
    assert len(parts) == 10
    assert parts[0].novelty == 1 and parts[9].novelty < 0.1
    assert deciles("Short.") == []

import json
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lwtui_bench.length_score import bin_of, count, length_score
from lwtui_bench.summary import load_as_one_run, scores_json
from tests.bench.support import write_rows

MIXED = st.text(st.sampled_from("aZéñ'’-_09 \n.,中文字！かカ한яд\u4e00\u9fff\u3400"), max_size=60)


def count_by_hand(text: str) -> int:
    """The published counter without regular expressions: Chinese characters, and runs of word characters."""
    total = 0
    run = ""
    for character in [*text, " "]:
        if character.isalnum() or character == "_":
            run += character
            continue
        total += bool(run) and all("a" <= letter.lower() <= "z" and letter.isascii() for letter in run)
        run = ""
    return total + sum(0x4E00 <= ord(character) <= 0x9FFF for character in text)


def score_by_hand(required: int, actual: int) -> Fraction:
    """The published formula in exact arithmetic."""
    if actual == 0:
        return Fraction(0)
    ratio, slack = (Fraction(actual, required), 3) if actual > required else (Fraction(required, actual), 2)
    return 100 * max(Fraction(0), 1 - (ratio - 1) / slack)


@settings(max_examples=1000)
@given(st.one_of(MIXED, st.text(max_size=80)), st.integers(1, 30_000))
@example("", 100)
@example("don't", 2)
@example("中文abc", 3)
@example("abc123 12 a_b naïve", 1)
def test_count_and_score_agree_with_an_independent_implementation(text: str, required: int) -> None:
    actual = count(text)
    assert actual == count_by_hand(text)
    assert length_score(required, actual) == pytest.approx(float(score_by_hand(required, actual)), abs=1e-9)


@settings(max_examples=1000)
@given(st.integers(1, 40_000), st.integers(0, 160_000))
def test_the_score_agrees_with_it_at_any_length(required: int, actual: int) -> None:
    assert length_score(required, actual) == pytest.approx(float(score_by_hand(required, actual)), abs=1e-9)


@settings(max_examples=60)
@given(st.lists(st.tuples(MIXED, st.integers(1, 300)), min_size=1, max_size=12))
def test_the_score_of_a_file_is_the_mean(
    tmp_path_factory: pytest.TempPathFactory, answers: list[tuple[str, int]]
) -> None:
    rows = [{"prompt": f"P{at}", "type": "t", "length": n, "response": text} for at, (text, n) in enumerate(answers)]
    table = scores_json(load_as_one_run(write_rows(tmp_path_factory.mktemp("s") / "a.jsonl", rows)))
    expected = sum(score_by_hand(n, count_by_hand(text)) for text, n in answers) / len(answers)
    assert table["S_l"] == pytest.approx(float(expected), abs=1e-9)
    assert table["n"] == len(answers)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("", 0),
        ("don't", 2),
        ("well-known words", 3),
        ("12 abc123 3rd", 0),
        ("中文，字。", 3),
        ("中文 and English", 4),
        ("中文and", 2),  # as with upstream's \b, there is no word boundary between them
        ("naïve café", 0),
        ("Слово ひらがな 한글", 0),
        ("a_b _c_", 0),
        ("a\nb\tc", 3),
        ("\ud800 lone", 1),
    ],
)
def test_length_of_particular_texts(text: str, length: int) -> None:
    assert count(text) == length


@pytest.mark.parametrize(
    ("required", "actual", "score"),
    [(100, 100, 100), (100, 400, 0), (100, 250, 50), (100, 50, 50), (99, 33, 0), (100, 0, 0), (100, 10_000, 0)],
)
def test_the_published_formula(required: int, actual: int, score: float) -> None:
    assert length_score(required, actual) == pytest.approx(score)


@pytest.mark.parametrize(
    ("length", "name"),
    [
        (1, "[0,500)"),
        (499, "[0,500)"),
        (500, "[500,2000)"),
        (2000, "[2000,4000)"),
        (4000, "[4000,20000]"),
        (20_000, "[4000,20000]"),
        (30_000, "over 20000"),
    ],
)
def test_bins(length: int, name: str) -> None:
    assert bin_of(length) == name


OFFICIAL = Path(__file__).parents[3] / "shared" / "data" / "longbench_write.jsonl"


@pytest.mark.skipif(not OFFICIAL.is_file(), reason="the official prompts are not on this machine")
def test_the_official_prompts_are_binned_as_published() -> None:
    rows = [json.loads(line) for line in OFFICIAL.read_text(encoding="utf-8").splitlines()]
    bins = [bin_of(row["length"]) for row in rows]
    assert [bins.count(name) for name in dict.fromkeys(bins)] == [26, 36, 31, 27]

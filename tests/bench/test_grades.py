import json

import pytest

from lwtui_bench.grades import DIMENSIONS, SCHEMA, quality, read_grades
from tests.bench.support import grades

SIX = dict(zip(DIMENSIONS, (1, 2, 3, 4, 5, 3), strict=True))
PLAIN = json.dumps({"Analysis": 'It has {braces} and "quotes".'} | SIX)


@pytest.mark.parametrize(
    "answer",
    [
        PLAIN,
        f"```json\n{PLAIN}\n```",
        f"Here is my verdict.\n\n{PLAIN}\n\nI hope this helps.",
        f'<think>{{"Relevance": 5}}</think>{PLAIN}',
        PLAIN[:-1] + ",\n}",
        json.dumps({"analysis": "x"} | {name.lower().replace(" ", "_"): value for name, value in SIX.items()}),
        json.dumps({name.replace(" ", ""): f"{value}/5" for name, value in SIX.items()}),
        json.dumps({name: {"score": value, "why": "…"} for name, value in SIX.items()}),
        json.dumps({"Analysis": "x", "scores": SIX}),
        json.dumps({name: float(value) for name, value in SIX.items()}),
        "\n".join(f"- **{name}**: {value}/5 (because)" for name, value in SIX.items()),
        "\n".join(f"{name} score: {value}" for name, value in SIX.items()),
        '{"Analysis": "it "quotes" badly", ' + ", ".join(f'"{name}": {value}' for name, value in SIX.items()) + "}",
        ", ".join(f"“{name}”：{value}" for name, value in SIX.items()),
        "| Dimension | Grade | Why |\n|---|---|---|\n"
        + "".join(f"| **{n}** | {v}/5 | 2 gaps |\n" for n, v in SIX.items()),
        f"| {' | '.join(SIX)} |\n|{'---|' * 6}\n| {' | '.join(map(str, SIX.values()))} |",
        "\n".join(f"{number}. {name} (1-5): {value}" for number, (name, value) in enumerate(SIX.items(), 1)),
        "\n".join(f"* {name} – **{value}**: some remarks" for name, value in SIX.items()),
        ". ".join(f"{name} gets a {value} out of 5" for name, value in SIX.items()),
    ],
)
def test_grades_are_read_in_any_format(answer: str) -> None:
    assert read_grades(answer) == SIX


@pytest.mark.parametrize("wrong", [0, 6, 3.5, -1, "4.5", "high", None, True, [], "5 out of 10", "7/5"])
def test_an_invalid_grade_is_missing(wrong: object) -> None:
    found = read_grades(json.dumps(SIX | {"Clarity": wrong}))
    assert found == {name: value for name, value in SIX.items() if name != "Clarity"}


@pytest.mark.parametrize(
    "answer", ["", "I cannot grade this.", "Relevance is 5-fold, Accuracy - 90%", "{", "[1, 2]", '{"Relevance": 10}']
)
def test_a_reply_without_grades_has_none(answer: str) -> None:
    assert read_grades(answer) == {}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("opening", ["{", '{"a":', "[", '{"', "{}"])
def test_no_reply_takes_long_to_parse(opening: str) -> None:
    assert read_grades(opening * 50_000) == {}
    assert read_grades(opening * 20_000 + PLAIN) == SIX


def test_the_last_complete_verdict_counts() -> None:
    assert read_grades(f"{grades(1)} Or rather: {grades(4)}") == dict.fromkeys(DIMENSIONS, 4)


def test_quality_is_as_published_and_needs_all_six_grades() -> None:
    assert quality(SIX) == pytest.approx((0 + 25 + 50 + 75 + 100 + 50) / 6)
    assert quality({"Relevance": 5}) is None


def test_the_schema_allows_exactly_the_grades_that_are_read() -> None:
    assert set(SCHEMA["required"]) == {"Analysis", *DIMENSIONS}
    assert SCHEMA["properties"]["Clarity"]["enum"] == [1, 2, 3, 4, 5]

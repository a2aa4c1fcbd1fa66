"""Placeholders that a model left to be filled in."""

from __future__ import annotations

import pytest

from lwtui.agentwrite.lint import TextPart, lint
from lwtui.text.placeholders import find_placeholders


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Dear [Partner's Name], I am [Your Name].", ["[Partner's Name]", "[Your Name]"]),
        ("我，XX（您的姓名），来自【学校/机构名称】。", ["（您的姓名）", "【学校/机构名称】"]),
        ("20XX年XX月XX日，XX先生", ["20XX年XX月XX日", "XX"]),
        (
            "Dear [Landlord's Name], call [Phone Number]; [the same name] stays.",
            ["[Landlord's Name]", "[Phone Number]"],
        ),
        ("Write to <your address>.", ["<your address>"]),
        ("See [your profile](https://example.org) and [name][1], [^2], [x], [@tea2020].", []),
        ("The 【结论】 is in (my view) clear; XX chromosomes; XXL; Louis XX.", []),
    ],
)
def test_placeholders_are_found_and_links_are_not(text: str, found: list[str]) -> None:
    assert [text[start:end] for start, end in find_placeholders(text)] == found


def test_lint_reports_each_placeholder_once_with_all_its_places() -> None:
    parts = [TextPart("One", "Dear [Name],"), TextPart("Two", "yours, [name]\n\n```\n[Name]\n```")]
    (finding,) = [finding for finding in lint(parts) if finding.kind == "placeholder"]
    assert [place.part for place in finding.places] == [0, 1] and "[Name]" in finding.message

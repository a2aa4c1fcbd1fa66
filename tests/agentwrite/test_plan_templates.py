"""Plan templates: scaled to the document, in English and Chinese, with the user's own first."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lwtui.agentwrite.plan_templates import find_template, plan_templates
from lwtui.errors import UsageError
from tests.errors import has_code

OWN = {"name": "Recipe", "sections": [{"title": "Cook", "main_point": "how", "words": 1}]}


@pytest.mark.parametrize("language", ["en", "zh-CN", "de"])
def test_every_template_makes_a_plan_of_any_length(language: str) -> None:
    templates = plan_templates(language)
    assert len({template.key for template in templates}) == len(templates) >= 10
    for template in templates:
        for words in (500, 3_000, 60_000):
            plan = template.plan("Write a text about bees", words)
            assert plan.words == words and len(plan.sections) >= 4, template.key
            assert all(section.title and len(section.main_point) > 4 for section in plan.sections)
            assert len({section.title for section in plan.sections}) == len(plan.sections)
        assert template.name and template.description


def test_a_template_is_found_by_key_name_or_file(tmp_path: Path) -> None:
    assert find_template("Report", "en").name == find_template("report ", "de").name == "Report"
    assert find_template("报告", "zh").language == "zh" and find_template("起承转合", "zh").key == "four-part-story"
    file = tmp_path / "recipe.json"
    file.write_text(json.dumps(OWN), encoding="utf-8")
    assert find_template(str(file), "en").plan("Bread", 300).words == 300
    assert find_template("recipe", "en", tmp_path).name == "Recipe"
    (tmp_path / "report.json").write_text(json.dumps(OWN), encoding="utf-8")
    assert find_template("report", "en", tmp_path).name == "Recipe"  # one's own comes first
    with pytest.raises(UsageError, check=has_code("not-found")):
        find_template("sonnet", "en")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"{", b'{"sections": []}', b"[" * 9_999, b"null"])
def test_a_broken_template_gets_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mine.json").write_bytes(content)
    with pytest.raises(UsageError) as caught:
        find_template("mine", "en", tmp_path).plan("Bread", 300)
    assert "mine" in str(caught.value) and "\n" not in str(caught.value)

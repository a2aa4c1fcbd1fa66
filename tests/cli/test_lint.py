"""``lwtui lint``: exit codes, line numbers, JSON and file types."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lwtui.cli import main
from lwtui.config import ModelSettings, add_model
from lwtui.documents.model import Brief, Origin, Plan, PlannedSection
from lwtui.documents.store import Document
from tests.support.fault_server import Answer, FaultServer

REPEATED = "The roots of a tomato grow as deep as its stem grows high, so that a small pot dries out on hot afternoons."
TEXT = f"""\
# Tomatoes

Before all else, choose a place in the sun.

## 1. Pots

{REPEATED} Clay is heavier than plastic.

## 3. Soil

Use soil for vegetables.

{REPEATED} Clay is heavier than plastic.
"""


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main(["lint", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def test_findings_in_markdown_have_line_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "tomatoes.md"
    file.write_text(TEXT)
    code, out, err = run(capsys, file)
    assert code == 1
    assert f"{file}:13: restated-paragraph: " in out and f"  7: {REPEATED[:40]}" in out
    assert f"{file}:9: heading-order: Number 3 follows number 1" in out
    assert err == "2 findings: 1 restated-paragraph, 1 heading-order\n"
    file.write_text(TEXT.replace("3. Soil", "2. Soil"))
    assert run(capsys, file)[2] == "1 finding: 1 restated-paragraph\n"
    file.write_text(TEXT)
    assert run(capsys, file, "--fail-on", "off-target,repeated-span")[0] == 0
    assert run(capsys, file, "--fail-on", "none")[0] == 0
    assert run(capsys, file, "--fail-on", "heading-order")[0] == 1


def test_code_is_ignored_and_plain_text_has_no_headings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "sound.md"
    file.write_text("# One\n\nA sentence.\n\n## Two\n\nAnother one.\n")
    assert run(capsys, file) == (0, "", "No findings.\n")
    file.write_text("# One\n\n" + f"Do this:\n\n    {REPEATED}\n\n" * 3)
    assert run(capsys, file)[0] == 0  # code
    plain = tmp_path / "plain.txt"
    plain.write_text(f"# no heading\n\n{REPEATED}\n\nAnd.\n\n{REPEATED}\n")
    code, out, _ = run(capsys, plain)
    assert (code, out.splitlines()[0]) == (1, f"{plain}:7: restated-paragraph: {out.split(': ', 2)[2].splitlines()[0]}")
    assert "heading" not in out


def test_findings_in_a_document_have_section_and_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "tea.lw"
    sections = (PlannedSection("Pots", "", 20), PlannedSection("Soil", "", 300), PlannedSection("Sun", "", 50))
    with Document.create(path, Brief("Write", 370), Plan("Tea", sections)) as document:
        document.edit(document.sections()[0].id, REPEATED, Origin.USER)
        document.edit(document.sections()[1].id, f"First.\n\n{REPEATED}", Origin.USER)
    code, out, _ = run(capsys, path)
    assert code == 1
    assert f"{path}:2 “Soil”:3: restated-paragraph: " in out and f"  1 “Pots”:1: {REPEATED[:40]}" in out
    assert f"{path}:2 “Soil”:1: off-target: 24 words, where 300 were planned" in out
    assert "Sun" not in out
    code, out, _ = run(capsys, path, "--json", "--tolerance", "1")
    result: dict[str, Any] = json.loads(out)
    assert (code, result["words"], result["counts"]) == (1, 47, {"restated-paragraph": 1})
    second, first = result["findings"][0]["places"]
    assert (second["section"], second["title"], second["line"], second["offset"]) == (2, "Soil", 3, 8)
    assert (first["offset"], first["length"], first["quote"]) == (0, len(REPEATED), REPEATED)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.md"], "nowhere.md does not exist"),
        (["."], "is a folder"),
        ([], "required: FILE"),
        (["x.md", "--fail-on", "typos"], "'typos' is not a kind of finding"),
        (["x.md", "--tolerance", "much"], "must be a share"),
    ],
)
def test_invalid_options_are_reported(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], monkeypatch: Any, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "") and message in err and err.count("\n") == 1


def test_a_file_that_is_not_text_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "x.md"
    file.write_bytes(b"\xff\xfe\x00")
    code, _, err = run(capsys, file)
    assert code == 1 and "is not UTF-8 text" in err


def test_a_critic_adds_findings_that_it_can_quote(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    found = [
        {"kind": "contradiction", "first": "Clay is heavier", "second": "Use soil for vegetables", "why": "Not both."},
        {"kind": "other", "first": "Nowhere to be found", "second": "Use soil for vegetables", "why": "Made up."},
    ]
    monkeypatch.setenv("LWTUI_CONFIG_DIR", str(tmp_path / "config"))
    file = tmp_path / "pots.md"
    file.write_text("# Pots\n\nClay is heavier.\n\n## Soil\n\nUse soil for vegetables.\n")
    with FaultServer(lambda body: Answer([json.dumps({"findings": found, "facts": []})])) as server:
        add_model(ModelSettings("reader", model="m-1", base_url=server.base_url))
        code, out, err = run(capsys, file, "--critic-model", "reader")
        assert (code, run(capsys, file, "--critic-model", "reader", "--fail-on", "other")[0]) == (1, 0)
    assert f"{file}:7: contradiction: Not both." in out and "  3: Clay is heavier" in out
    assert "reader is reading part 1 of 1" in err and "1 of its findings" in err


def test_a_review_of_a_document_respects_its_budget_and_is_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    monkeypatch.setenv("LWTUI_CONFIG_DIR", str(tmp_path / "config"))
    found = [
        {"kind": "contradiction", "first": "Clay is heavier.", "second": "Clay weighs nothing.", "why": "Not both."}
    ]
    path = tmp_path / "pots.lw"
    plan = Plan("Pots", (PlannedSection("Pots", "", 0, "a"), PlannedSection("Soil", "", 0, "b")))
    with Document.create(path, Brief("Write", 0, model="gone"), plan) as document:
        document.edit("a", "Clay is heavier.")
        document.edit("b", "Clay weighs nothing.")
        document.set_setting("budget", "200 tokens")

    def cut_short(body: Any) -> Answer:
        return Answer([json.dumps({"findings": found})[:-1], *[", and so on"] * 9000], usage=None)

    with FaultServer(cut_short) as server:
        add_model(ModelSettings("reader", model="m-1", base_url=server.base_url))
        code, _, err = run(capsys, path, "--critic-model", "reader")
        assert code == 1 and "The budget of 200 tokens has no room for a review." in err and not server.calls
        with Document.open(path) as document:
            document.set_setting("budget", "1,500 tokens")
        code, out, err = run(capsys, path, "--critic-model", "reader", "--fail-on", "none")
        assert code == 1 and "The budget of 1,500 tokens was used up during a review." in err
        assert "contradiction: Not both." in out  # found before the budget was used up
    with Document.open(path, read_only=True) as document:
        taken = document.usage
        assert taken.prompt > 200 and 1300 < taken.prompt + taken.completion < 1700


def test_stock_phrases_and_readability_are_printed_on_request(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    monkeypatch.setenv("LWTUI_CONFIG_DIR", str(tmp_path / "config"))
    file = tmp_path / "bridge.md"
    file.write_text("# Bridge\n\nIt stands as a testament to iron.\n\nThe bridge is red, and very rusty.\n")
    assert run(capsys, file)[0] == 0
    code, out, err = run(capsys, file, "--words")
    assert code == 1 and f"{file}:3: stock-phrase: “stands as a testament” occurs once" in out
    assert "Stock phrases: 1," in err and "2 sentences" in err and "LIX" in err
    assert run(capsys, file, "--words", "--fail-on", "off-target")[0] == 0
    folder = tmp_path / "config" / "words"
    folder.mkdir(parents=True)
    (folder / "mine.txt").write_text("very\n")
    code, out, _ = run(capsys, file, "--words", "--json")
    result = json.loads(out)
    assert result["counts"]["stock-phrase"] == result["stock_phrases"]["count"] == 2
    assert result["readability"]["sentences"] == 2


@pytest.mark.parametrize("text", ["Only a line.\n", "", "\n\n", "- one\n- two\n"])
def test_markdown_without_headings_is_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    file = tmp_path / "plain.md"
    file.write_text(text)
    assert run(capsys, file) == (0, "", "No findings.\n")

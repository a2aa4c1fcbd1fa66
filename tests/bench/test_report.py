import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.bench.support import Grader, grades, row, serving, write_rows
from tests.cli.running import Shell, prose

HOSTILE = '</title><script>alert(1)</script>"><img src=x onerror=alert(2)>'


class ReportPage(HTMLParser):
    """The page as a browser parses it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def rows(model: str, share: float, **fields: Any) -> list[dict[str, Any]]:
    made = []
    for at in range(12):
        length = 300 + 400 * at
        text = "".join(prose(f"{model}{at}", round(length * share)))
        made.append(row(at, length, 0, response=text, model=model, **fields))
    return made


@pytest.fixture
def files(shell: Shell) -> list[Path]:
    good = rows(HOSTILE, 1.0, suite="longbench-write", type=HOSTILE)
    good[3] |= {"response": "", "error": f"It failed: {HOSTILE}", "finish_reason": "error"}
    poor = rows("写手-small", 0.5, suite="longbench-write", finish_reason="length", cost=0.01)
    return [write_rows(shell.folder / "good.jsonl", good), write_rows(shell.folder / "poor.jsonl", poor)]


def test_the_page_loads_nothing_and_runs_no_script(shell: Shell, files: list[Path]) -> None:
    with serving(Grader([grades(5, 4, 4, 5, 3, 4), f"No. {HOSTILE}"])) as server:
        options = ["--base-url", server.base_url, "--judge", "m-1", "--concurrency", 1]
        shell.run("bench", "judge", files[0], *options).worked()
    done = shell.run("bench", "report", *files, "--html", "r.html", "--png", "png").worked()
    page = ReportPage((shell.folder / "r.html").read_text(encoding="utf-8"))
    assert {tag for tag, _ in page.tags} & {"script", "iframe", "link", "object"} == set()
    for tag, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes)
        if tag == "img":
            assert str(attributes["src"]).startswith("data:image/svg+xml;base64,")
        else:
            assert not {"src", "href"} & set(attributes)
    assert HOSTILE[:30] in page.text and "写手-small" in page.text
    assert f"No. {HOSTILE}" in page.text.replace("\n", " ")  # a reply without grades is shown
    names = {path.name for path in (shell.folder / "png").iterdir()}
    assert names == {"scores.png", "length.png", "bins.png", "dimensions.png", "deciles.png"}
    assert all((shell.folder / "png" / name).read_bytes().startswith(b"\x89PNG") for name in names)
    assert "LongWriter-9B" in done.out and "GPT-4o" in done.out
    assert len([tag for tag, _ in page.tags if tag == "img"]) == 5


def test_the_page_is_reproducible(shell: Shell, files: list[Path]) -> None:
    for name in ("one.html", "two.html"):
        shell.run("bench", "report", files[1], "--html", name).worked()
    assert (shell.folder / "one.html").read_bytes() == (shell.folder / "two.html").read_bytes()


def test_published_results_are_optional_and_shown_only_with_their_suite(shell: Shell, files: list[Path]) -> None:
    assert "LongWriter-9B" not in shell.run("bench", "report", files[1], "--no-published").worked().out
    other = write_rows(shell.folder / "trial.jsonl", rows("m", 1.0, suite="trial"))
    assert "LongWriter-9B" not in shell.run("bench", "report", other).worked().out


def test_compare_says_which_is_better(shell: Shell, files: list[Path]) -> None:
    same = write_rows(shell.folder / "same.jsonl", rows("twin", 0.5))
    out = shell.run("bench", "compare", files[1], files[0]).worked().out
    assert out.startswith("</title>") and "写手-small" in out
    out = shell.run("bench", "compare", same, files[1]).worked().out
    assert "twin" not in out
    table = json.loads(shell.run("bench", "compare", same, files[1], "--json").worked().out)
    assert table["better"] is None and table["p"] > 0.05
    table = json.loads(shell.run("bench", "compare", files[1], files[0], "--json").worked().out)
    assert table["better"] == HOSTILE and table["n"] == 12 and table["low"] > 0 and table["p"] < 0.05


def test_compare_can_fail_a_build(shell: Shell, files: list[Path]) -> None:
    assert shell.run("bench", "compare", *files, "--fail-under", -2).code == 1
    assert shell.run("bench", "compare", *reversed(files), "--fail-under", 0).code == 0
    assert shell.run("bench", "report", *files, "--fail-under", 60).code == 1


def test_incomparable_runs_are_refused(shell: Shell, files: list[Path]) -> None:
    shell.run("bench", "compare", files[0]).failed(2, "lwtui bench report")
    shell.run("bench", "compare", *files, "--figure", "S_q").failed(2, "S_q", "lwtui bench judge")
    other = write_rows(shell.folder / "other.jsonl", [row(99, 10, 10)])
    shell.run("bench", "compare", files[0], other).failed(1)


def test_runs_in_one_file_get_distinct_labels(shell: Shell) -> None:
    both = rows("a", 1.0, settings_hash="1") + rows("a", 0.4, settings_hash="2") + rows("a", 1.0, mode="agentwrite")
    out = shell.run("bench", "report", write_rows(shell.folder / "a.jsonl", both)).worked().out
    assert re.search(r"(?m)^a +12", out) and re.search(r"(?m)^a #2 +12", out) and "a (agentwrite)" in out


def test_a_write_error_is_reported_in_one_line(shell: Shell, files: list[Path]) -> None:
    done = shell.run("bench", "report", files[1], "--html", "/proc/nowhere/r.html")
    assert done.code == 1 and "/proc/nowhere" in done.err.splitlines()[-1] and "Traceback" not in done.err

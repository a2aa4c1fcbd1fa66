"""Reports in Chinese: nothing on them is left in English, and what programs read is the same in every language."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import polib
import pytest

from lwtui import __version__, translation
from lwtui.terminal_cells import width_of
from lwtui_bench import charts
from lwtui_bench.answers import StoredAnswer, read_answers
from lwtui_bench.grades import DIMENSIONS
from lwtui_bench.summary import load_runs
from tests.bench.support import row, serving, write_rows
from tests.bench.test_duel import Referee, answers, duel
from tests.bench.test_report import ReportPage
from tests.cli.running import CommandResult, Shell, prose

SECTION = {"title": "灯塔", "main_point": "amber basil lanterns", "words": 150, "length": 120, "start": 0, "end": 900}
# What a report has in Latin letters in every language: symbols, and names of products, papers and people; and names in
# the files here, of models, judges and critics.
NAMES = """
    S_l S_q n p A B gram token distinct ASCII AI lwtui bench errors LongBench Write arXiv REER Bradley Terry Elo Holm
    Krippendorff GPT o Claude Qwen DeepWriter Instruct LongWriter DPO GLoBo GLM chat
    ash elm oak yew fir ann bob cid m zh
"""
RUSSIAN = {"Required and actual length": "Требуемая и фактическая длина", "required length": "требуемая длина"}
NO_LETTER = "\ue123"  # for private use: no font has it


def verdict(answer: StoredAnswer, judge: str, template: str, repeat: int, *given: int) -> dict[str, Any]:
    """Return the row of a verdict, which has no grades if none are given."""
    head = {"judge": judge, "judge_hash": "h", "template": template, "prompt_hash": "p", "answer_hash": answer.hash}
    grades = dict(zip(DIMENSIONS, given, strict=False))
    return head | {"repeat": repeat, "id": answer.id, "grades": grades} | ({} if given else {"raw": "没有评分。"})


def write_runs(folder: Path) -> list[Path]:
    """Write two runs with all that a report can show, such as a judge that was asked twice, and missing answers."""
    made = []
    for model, share in (("ash-1", 1.0), ("elm-2", 0.6)):
        rows = []
        for at, length in enumerate((300, 450, 1200, 2500, 6000, 25_000, 800)):
            text = "".join(prose(f"{model}{at}", round(min(length, 900) * share)))
            fields = {"prompt": f"写一篇关于第 {at} 座灯塔的文章，{length} 字。", "type": ("新闻", "议论文")[at % 2]}
            ends = {"finish_reason": "length" if at == 3 else "stop", "cost": 0.01, "sections": [SECTION]}
            rows.append(row(at, length, 0, response=text, model=model) | fields | ends)
        rows[1] |= {"response": "", "finish_reason": "error"}
        path = write_rows(folder / f"{model}.jsonl", rows)
        first, *rest = [answer for answer in read_answers(path) if answer.is_answered]
        verdicts = [verdict(first, "oak-3", "own", 1), verdict(rest[0], "oak-3", "own", 2, 4, 4, 5, 4, 3, 4)]
        for at, answer in enumerate(rest):
            verdicts.append(verdict(answer, "oak-3", "own", 1, 4, 5, 4, 3, 4, 2 + at % 3))
            verdicts.append(verdict(answer, "yew-4", "official", 1, 3, 5, 4, 3, 4, 2 + at % 4))
        write_rows(path.with_suffix(".judged.jsonl"), verdicts)
        reading = {"critic": "fir-5", "critic_hash": "c", "contradictions": 1, "dropped": 2}
        write_rows(path.with_suffix(".errors.jsonl"), [reading | {"answer_hash": first.hash}])
        made.append(path)
    return made


def in_chinese(shell: Shell, *arguments: object) -> CommandResult:
    """Run a command in Chinese. Because of ``LANG`` it starts in a new interpreter, which has no language yet."""
    return shell.run(*arguments, LWTUI_LANGUAGE="zh", LANG="C.UTF-8")


def english_words(text: str) -> set[str]:
    """Return the Latin words of a text that are no names or symbols."""
    return set(re.findall(r"[A-Za-z_]+", text.replace(__version__, ""))) - set(NAMES.split())


def test_no_report_shows_english_in_chinese(shell: Shell) -> None:
    files = write_runs(shell.folder)
    done = in_chinese(shell, "bench", "report", *files, "--html", "r.html").worked()
    for said in ("评委一致性", "不分胜负", "20000 以上", "oak-3（自带提示词）", "同 REER"):
        assert said in done.out
    assert english_words(done.out) == set()
    for table in re.findall(r"(?m)^.+\n─.+\n(?:.+\n)+", done.out):
        assert len({width_of(line) for line in table.splitlines()}) == 1, table  # the last column ends in one place
    html = (shell.folder / "r.html").read_text(encoding="utf-8")
    assert '<html lang="zh">' in html
    page = ReportPage(re.sub(r"(?s)<style>.*?</style>", "", html).replace("<", " <"))  # cells stand apart
    captions = [str(attributes["alt"]) for tag, attributes in page.tags if tag == "img"]
    assert len(captions) == 5
    assert english_words("\n".join([page.text, *captions])) == set()


def test_no_ranking_shows_english_in_chinese_and_programs_read_the_same(shell: Shell) -> None:
    answers(shell, "ann", "good", "good", "poor")
    answers(shell, "bob", "fair", "poor", "poor")
    answers(shell, "cid", "poor", "fair", "")
    with serving(Referee()) as server:
        command = duel(server, "ann.jsonl", "bob.jsonl", "cid.jsonl", "--quiet")
        told = shell.run(*command, "--json", "--output", "en.jsonl").worked().out
        assert in_chinese(shell, *command, "--json", "--output", "zh.jsonl").worked().out == told
        shown = in_chinese(shell, *command, "--output", "zh.jsonl").worked().out
    assert (shell.folder / "zh.jsonl").read_bytes() == (shell.folder / "en.jsonl").read_bytes()
    assert "两两对决" in shown and english_words(shown) == set()


def test_scores_and_comparisons_for_programs_are_the_same_in_chinese(shell: Shell) -> None:
    files = write_runs(shell.folder)
    for command in (["compare", *files, "--json"], ["score", files[0], "--json"]):
        told = shell.run("bench", *command).worked().out
        assert in_chinese(shell, "bench", *command).worked().out == told
    assert "over 20000" in json.loads(told)["by_length"]


@pytest.fixture
def speak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[dict[str, str]], None]]:
    """A function that has this process speak a language of one's own, with these texts."""

    def forget() -> None:
        translation._language.cache_clear()
        translation._catalogue.cache_clear()

    def use(texts: dict[str, str]) -> None:
        catalogue = polib.POFile()
        catalogue.metadata = {"Content-Type": "text/plain; charset=UTF-8"}
        catalogue.extend(polib.POEntry(msgid=english, msgstr=text) for english, text in texts.items())
        (tmp_path / "locale").mkdir()
        catalogue.save(str(tmp_path / "locale" / "xq.po"))
        forget()

    for name, value in (("CONFIG_DIR", tmp_path), ("CACHE_DIR", tmp_path / "cache"), ("LANGUAGE", "xq")):
        monkeypatch.setenv(f"LWTUI_{name}", str(value))
    monkeypatch.setattr(charts, "_FONTS", ("DejaVu Sans",))  # comes with matplotlib, and has Cyrillic letters
    yield use
    monkeypatch.undo()
    forget()


def words_drawn(folder: Path, model: str) -> str:
    """Return the words of the chart of lengths, which matplotlib puts in comments beside their outlines."""
    rows = [row(number, 300, 200, model=model) for number in range(2)]
    drawn = charts.all_charts(load_runs([write_rows(folder / "a.jsonl", rows)]))["length"]
    image = charts.render_image(drawn, "svg").decode("utf-8")
    return "\n".join(unescape(text) for text in re.findall(r"<!-- (.*?) -->", image))


@pytest.mark.filterwarnings("ignore:Glyph")  # what matplotlib says of a name without a font
@pytest.mark.parametrize(
    ("texts", "model", "drawn"),
    [
        (RUSSIAN, "m", RUSSIAN.values()),
        (dict.fromkeys(RUSSIAN, NO_LETTER), "m", RUSSIAN),
        (RUSSIAN | {"required length": NO_LETTER}, "m", RUSSIAN),
        (RUSSIAN, NO_LETTER, RUSSIAN.values()),  # the names of models do not count
        (dict.fromkeys(RUSSIAN, NO_LETTER + "x"), "写手", RUSSIAN),
    ],
)
def test_charts_are_in_english_where_no_font_has_the_letters(
    tmp_path: Path, speak: Callable[[dict[str, str]], None], texts: dict[str, str], model: str, drawn: list[str]
) -> None:
    speak(texts)
    words = words_drawn(tmp_path, model)
    assert model in words and all(text in words for text in drawn)
    assert model == NO_LETTER or NO_LETTER not in words

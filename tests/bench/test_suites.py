from pathlib import Path

import pytest

from lwtui_bench.length_score import bin_of
from lwtui_bench.suites import find_suite, suites
from lwtui_bench.suites.constraints import Constraint, score
from tests.bench.support import stored_answer
from tests.cli.running import Shell

SHARED = Path(__file__).parents[3] / "shared" / "data"


def test_the_trial_prompts_cover_both_languages_all_bins_and_types() -> None:
    samples = find_suite("trial").load(None)
    assert len(samples) == 12
    assert [sample.language for sample in samples].count("zh") == 6
    assert len({bin_of(sample.length) for sample in samples}) == 4
    assert len({sample.type for sample in samples}) == 7


@pytest.mark.skipif(not SHARED.is_dir(), reason="the official prompts are not on this machine")
def test_the_official_prompts_are_read_and_differ_from_our_own() -> None:
    official = find_suite("longbench-write").load(SHARED)
    assert (len(official), len(find_suite("ruler").load(SHARED))) == (120, 48)
    assert [sample.language for sample in official].count("zh") == 60
    ours = {sample.id for name in ("trial", "length-constraints") for sample in find_suite(name).load(None)}
    assert not ours & {sample.id for sample in official}


def test_every_brief_has_the_four_constraints() -> None:
    samples = find_suite("length-constraints").load(None)
    kinds = [sample.extra["constraint"]["kind"] for sample in samples]
    assert kinds == ["about", "range", "at-least", "at-most"] * 8
    assert len({sample.id for sample in samples}) == 32
    for sample in samples:
        assert Constraint.parse(sample.extra["constraint"]).is_met(sample.length)


@pytest.mark.parametrize(
    ("constraint", "words", "s_l", "met"),
    [
        ({"kind": "about", "least": 90, "most": 110}, 109, 100, 100),
        ({"kind": "range", "least": 100, "most": 200}, 50, 50, 0),
        ({"kind": "range", "least": 100, "most": 200}, 500, 50, 0),
        ({"kind": "at-least", "least": 100, "most": 0}, 9999, 100, 100),
        ({"kind": "at-least", "least": 100, "most": 0}, 50, 50, 0),
        ({"kind": "at-most", "least": 0, "most": 100}, 1, 100, 100),
        ({"kind": "at-most", "least": 0, "most": 100}, 250, 50, 0),
        ({"kind": "at-most", "least": 0, "most": 100}, 0, 0, 0),
    ],
)
def test_constraints_are_scored_by_the_nearest_limit(constraint: object, words: int, s_l: float, met: float) -> None:
    found = score(stored_answer("word " * words, constraint=constraint))
    assert found == {"S_l": pytest.approx(s_l), "met": met}


def test_a_row_without_its_constraint_is_reported(shell: Shell) -> None:
    from tests.bench.support import row, write_rows

    path = write_rows(shell.folder / "a.jsonl", [row(1, 100, 100, suite="length-constraints")])
    shell.run("bench", "score", path).failed(1, "constraint")


def test_another_package_can_add_a_suite(shell: Shell, tmp_path: Path) -> None:
    package = tmp_path / "package"
    (package / "haiku-1.0.dist-info").mkdir(parents=True)
    (package / "haiku-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: haiku\nVersion: 1.0\n")
    entry = package / "haiku-1.0.dist-info" / "entry_points.txt"
    entry.write_text("[lwtui_bench.suites]\nhaiku = haiku:SUITE\n")
    (package / "haiku.py").write_text(
        "from lwtui_bench.tasks import Sample, Suite\n"
        "SUITE = Suite('haiku', 'three lines', lambda data: [Sample('A haiku.', 'Poem', 17)],\n"
        "              lambda answer: {'lines': 100.0 * (answer.text.count('\\n') == 2)})\n"
    )
    path = f"{package}:{shell.environment()['PYTHONPATH']}"
    assert "haiku" in shell.run("bench", "run", "--help", PYTHONPATH=path).worked().out
    (shell.folder / "a.jsonl").write_text(
        '{"prompt": "A haiku.", "type": "Poem", "length": 17, "response": "a\\nb\\nc", "suite": "haiku"}\n'
    )
    assert "100.0" in shell.run("bench", "score", "a.jsonl", PYTHONPATH=path).worked().out
    entry.write_text("[lwtui_bench.suites]\nhaiku = haiku:GONE\n")
    shell.run("bench", "score", "a.jsonl", PYTHONPATH=path).failed(1, "haiku")


def test_the_built_in_suites_are_listed() -> None:
    assert set(suites()) >= {"longbench-write", "longbench-write-en", "longwrite-ruler", "length-constraints", "trial"}

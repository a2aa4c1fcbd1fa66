"""Rows, recipes, filters and preference pairs."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from lwtui.documents.model import Brief, Origin, Plan, PlannedSection, Provenance, Status
from lwtui.documents.store import Document
from lwtui.errors import UsageError
from lwtui.models.usage import Usage
from lwtui.text import count_words
from lwtui_training.answer_samples import ScoredSample
from lwtui_training.data import make_data
from lwtui_training.document_pairs import document_pairs
from lwtui_training.preferences import choose_pair, make_preferences
from lwtui_training.recipe import DataConfig, PrefsConfig, Recipe, known_recipes, load_recipe
from lwtui_training.row_filters import RowFilters, repeated_ngram_share, truncate_to_words
from lwtui_training.rows import read_instructions, read_messages, read_preferences
from lwtui_training.steps import RowError, TrainError
from tests.bench.support import grades
from tests.cli.running import endpoint, prose
from tests.errors import has_code
from tests.support.fault_server import Answer, Fault, FaultServer
from tests.training.support import conversations, write_jsonl

GOOD = '{"messages": [{"role": "user", "content": "Write."}, {"role": "assistant", "content": "Done."}]}'


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{not json", "not JSON"),
        ("[1, 2]", "must be an object"),
        ('{"text": "hello"}', "no known format"),
        ('{"messages": "hello"}', "must be a list"),
        ('{"messages": [{"role": "robot", "content": "x"}]}', "must have a role"),
        ('{"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": " "}]}', "has no text"),
        ('{"messages": [{"role": "user", "content": "x"}]}', "no answer of the assistant"),
        ('{"messages": [{"role": "assistant", "content": "x"}]}', "no answer of the assistant"),
        ('{"messages": [{"role": "user", "content": [{"type": "image"}]}]}', "not text (image)"),
        ('{"prompt": "x"}', "no answer"),
    ],
)
def test_a_malformed_row_is_refused_with_file_line_and_reason(tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(f"{GOOD}\n\n{line}\n{GOOD}\n")
    with pytest.raises(RowError) as caught:
        read_messages(str(path))
    assert caught.value.place == f"{path}, line 3"
    assert reason in str(caught.value)


def test_invalid_utf8_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(f"{GOOD}\n".encode() + b'{"messages": "\xff"}\n')
    with pytest.raises(RowError) as caught:
        read_messages(str(path))
    assert "not UTF-8" in str(caught.value)
    assert caught.value.place == f"{path}, line 2"


def test_preferences_and_instructions_are_checked_too(tmp_path: Path) -> None:
    same = write_jsonl(tmp_path / "p.jsonl", [{"prompt": "a", "chosen": "b", "rejected": "b"}])
    with pytest.raises(RowError) as caught:
        read_preferences(str(same))
    assert caught.value.place == f"{same}, line 1"
    path = write_jsonl(tmp_path / "i.jsonl", [{"instruction": "Write.", "words": 0}])
    with pytest.raises(RowError) as caught:
        read_instructions(str(path), 100)
    assert caught.value.place == f"{path}, line 1"
    (tmp_path / "i.txt").write_text("Write of tea.\n\nWrite of rain.\n")
    assert [instruction.words for instruction in read_instructions(str(tmp_path / "i.txt"), 700)] == [700, 700]


def test_control_characters_are_removed_from_rows(tmp_path: Path) -> None:
    row = {"messages": [{"role": "user", "content": "a\x1b[2Jb"}, {"role": "assistant", "content": "c\u202ed"}]}
    (read,) = read_messages(str(write_jsonl(tmp_path / "rows.jsonl", [row])))
    assert [message["content"] for message in read["messages"]] == ["ab", "cd"]


def test_filters_give_a_reason(tmp_path: Path) -> None:
    filters = RowFilters(DataConfig(least_length=0.8, most_length=1.3, most_repetition=0.2))
    text = "".join(prose(1, 100))
    assert filters.reason_to_refuse(text, 100) == ""
    assert filters.reason_to_refuse(text, 100) == "a copy of an earlier row"
    assert "too short" in filters.reason_to_refuse("".join(prose(2, 40)), 100)
    assert "too long" in filters.reason_to_refuse("".join(prose(3, 200)), 100)
    assert "repeats itself" in filters.reason_to_refuse("".join(prose(4, 30)) * 4)
    assert filters.reason_to_refuse("I'm sorry, but I cannot write that.") == "a refusal"
    assert filters.reason_to_refuse("抱歉，我无法完成。") == "a refusal"
    assert "plan was not followed" in filters.reason_to_refuse("".join(prose(5, 100)), 100, ((50, 96), (50, 4)))


def test_a_text_is_truncated_at_the_end_of_a_sentence() -> None:
    text = "One two three. Four five six. Seven eight nine."
    assert truncate_to_words(text, 7) == "One two three. Four five six."
    assert truncate_to_words(text, 100) == text
    assert count_words(truncate_to_words("a b c d e f g", 3)) == 3
    assert repeated_ngram_share("a b c d e f g h") == 0


def test_agentwrite_writes_rows_and_resumes(tmp_path: Path, make_recipe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The documents come from an HTTP endpoint; finished ones are not requested again."""
    monkeypatch.setenv("LWTUI_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("LWTUI_API_KEY", "k")
    instructions = [{"instruction": f"Write about tomatoes, part {number}.", "words": 600} for number in range(2)]
    path = write_jsonl(tmp_path / "instructions.jsonl", instructions)
    with endpoint() as server:
        recipe = make_recipe(
            data={
                "instructions": str(path),
                "model": "m-1",
                "base_url": (server.base_url,),
                "concurrency": 1,
                "most_repetition": 1.0,
            }
        )
        folder = tmp_path / "data"
        folder.mkdir()
        metrics = make_data(recipe, folder)
        calls = len(server.requests)
        again = make_data(recipe, folder)
        assert len(server.requests) == calls
    assert metrics["writing"]["done"] == again["writing"]["done"] == 2
    written = read_messages(str(folder / "rows.jsonl"))
    assert len(written) == metrics["rows"] >= 1
    assert count_words(written[0]["messages"][1]["content"]) > 400
    assert (folder / "lengths.png").exists()


def test_general_rows_are_mixed_in_by_ratio_and_reproducibly(tmp_path: Path, make_recipe: Any) -> None:
    long, general = (
        write_jsonl(tmp_path / "long.jsonl", conversations(6, 20, 40)),
        write_jsonl(tmp_path / "general.jsonl", conversations(50, 3, 6, seed=9)),
    )
    recipe = make_recipe(
        data={"long": str(long), "general": str(general), "general_per_long": 3.0, "most_repetition": 1.0}
    )
    found = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        metrics = make_data(recipe, tmp_path / name)
        found.append((tmp_path / name / "rows.jsonl").read_text())
    assert metrics["general"] == 3 * metrics["long"] == 18
    assert found[0] == found[1]


def test_an_empty_result_is_refused_with_the_reason(tmp_path: Path, make_recipe: Any) -> None:
    recipe = make_recipe(
        data={"long": str(write_jsonl(tmp_path / "long.jsonl", conversations(3))), "least_words": 10_000}
    )
    with pytest.raises(TrainError, check=has_code("no-rows-left")):
        make_data(recipe, tmp_path)


def test_the_best_answer_is_chosen_and_another_rejected() -> None:
    samples = [ScoredSample(f"text {score}", score, None, score) for score in (10.0, 90.0, 40.0, 89.9)]
    for seed in range(20):
        pair = choose_pair("Write.", samples, PrefsConfig(least_margin=1.0), random.Random(seed))
        assert pair is not None
        assert pair["chosen"][0]["content"] == "text 90.0"
        assert pair["rejected"][0]["content"] in ("text 10.0", "text 40.0")
    assert choose_pair("Write.", [samples[0]] * 4, PrefsConfig(), random.Random(0)) is None


def test_a_persons_edit_is_preferred_to_the_models_text(tmp_path: Path) -> None:
    plan = Plan("Tea", (PlannedSection("Leaves", "what they are", 50), PlannedSection("Water", "how hot", 50)))
    with Document.create(tmp_path / "tea.lw", Brief("Write about tea.", 100), plan) as document:
        for section in document.sections():
            document.begin(section.id, Provenance("m"), 0)
            document.append(section.id, "The model's words.")
            document.finish(section.id, Status.DONE, Usage())
        document.edit(document.sections()[0].id, "A person's better words.", Origin.USER)
    (pair,) = document_pairs(tmp_path)
    assert pair["chosen"][0]["content"] == "A person's better words."
    assert pair["rejected"][0]["content"] == "The model's words."
    assert "Leaves" in pair["prompt"][0]["content"]


@pytest.mark.parametrize("name", ["candidate", "take"])  # the current name and the former one
def test_the_adopted_candidate_is_preferred_to_each_of_the_others(tmp_path: Path, name: str) -> None:
    plan = Plan("Tea", (PlannedSection("Leaves", "what they are", 50, "s1"),))
    with Document.create(tmp_path / "tea.lw", Brief("Write about tea.", 100), plan) as document:
        document.begin("s1", Provenance("m", prompt_hash="p"), 0)
        document.append("s1", "The first words, before any candidate.")
        document.finish("s1", Status.DONE, Usage())
        texts = (
            "The first is dull and long.",
            "The second is good and long.",
            "The third is odd and long.",
            "Stopped.",
        )
        candidates = [
            document.keep_version("s1", text, Provenance("m", prompt_hash="p", task=f"{name} {at}"), Usage())
            for at, text in enumerate(texts, 1)
        ]
        document.adopt_version("s1", candidates[1])
    pairs = list(document_pairs(tmp_path))
    assert {pair["chosen"][0]["content"] for pair in pairs} == {texts[1]}
    assert [pair["rejected"][0]["content"] for pair in pairs] == [texts[2], texts[0]]


def test_pairs_from_an_unreliable_endpoint_and_a_judge(
    tmp_path: Path, make_recipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All answers are equally long; the judge prefers one of each four."""
    monkeypatch.setenv("LWTUI_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("LWTUI_API_KEY", "k")
    sampled: list[str] = []

    def answer(request: Any) -> Answer:
        (message,) = request["messages"]
        if "<text>" in message["content"]:
            is_best = message["content"].count("very good") == 1
            return Answer([grades(5 if is_best else 2)])
        sampled.append(message["content"])
        quality = "very good" if len(sampled) % 4 == 1 else "rather bad"
        return Answer([f"This is number {len(sampled)}, ", f"and it is {quality}."])

    instructions = [{"instruction": f"Tell of tea, part {number}.", "words": 9} for number in range(2)]
    path = write_jsonl(tmp_path / "instructions.jsonl", instructions)
    with FaultServer(answer, [None, Fault.cut(1), None, Fault.http(503)], models=[{"id": "m-1"}]) as server:
        (tmp_path / "config").mkdir()
        (tmp_path / "config" / "settings.toml").write_text(
            f'[models.judge]\nmodel = "m-1"\nbase_url = "{server.base_url}"\ncontext_length = 8000\n'
        )
        prefs = {"instructions": str(path), "model": "m-1", "base_url": (server.base_url,), "judge": "judge"}
        recipe = make_recipe(prefs=prefs | {"concurrency": 1, "max_new_tokens": 100})
        metrics = make_preferences(recipe, "", tmp_path)
        calls = len(server.calls)
        make_preferences(recipe, "", tmp_path)
        assert len(server.calls) == calls  # neither sampled nor graded again
    assert (metrics["sampled"], metrics["pairs"]) == (2, 2)
    pairs = [json.loads(line) for line in (tmp_path / "pairs.jsonl").read_text().splitlines()]
    assert all(pair["chosen"][0]["content"].endswith("very good.") for pair in pairs)
    assert all(pair["rejected"][0]["content"].startswith("This is number ") for pair in pairs)


@pytest.mark.parametrize("name", known_recipes())
def test_every_recipe_that_comes_with_lwtui_loads(name: str) -> None:
    assert Recipe.from_json(load_recipe(name).to_json()) == load_recipe(name)


@pytest.mark.parametrize(
    ("text", "code", "option"),
    [
        ("[sft]\nlerning_rate = 1e-5", "unknown-option", "lerning_rate"),
        ("[sft]\nmax_length = 1.5", "wrong-type", "sft.max_length"),
        ('[sft]\nmethod = "half"', "invalid-value", "sft.method"),
        ("[base", "not-toml", "r.toml"),
        ('[base]\nmodel = "tiny"\nformat = "x"', "invalid-value", "base.format"),
        ("[sft]\nmax_length = 100", "no-model", "base.model"),
        ('[base]\nmodel = "tiny"\n[hardware]\nprocesses = 2', "strategy", "hardware.strategy"),
    ],
)
def test_an_invalid_recipe_is_refused_with_the_option(tmp_path: Path, text: str, code: str, option: str) -> None:
    (tmp_path / "r.toml").write_text(text)
    with pytest.raises(UsageError, check=has_code(code)) as caught:
        load_recipe(str(tmp_path / "r.toml"))
    assert option in str(caught.value)


def test_the_command_line_overrides_options(tmp_path: Path) -> None:
    changed = load_recipe("tiny", ["sft.max_steps=3", "base.format=glm4", "dpo.loss_type=['sigmoid', 'sft']"])
    assert (changed.sft.max_steps, changed.base.format, changed.dpo.loss_type) == (3, "glm4", ("sigmoid", "sft"))
    with pytest.raises(UsageError, check=has_code("no-value")):
        load_recipe("tiny", ["sft.max_steps"])
    assert json.loads(changed.to_json())["name"] == "tiny"


LOOP = "the old harbor lies below the town " * 40


@pytest.mark.parametrize(
    "bad", [{"capped": True}, {"fault": "repeats itself: 97% of its n-grams occurred before"}, {"fault": "a refusal"}]
)
def test_a_loop_a_refusal_or_a_cut_answer_is_never_chosen(bad: dict[str, Any]) -> None:
    best, honest, short = (
        ScoredSample("x", 100, None, 100, **bad),
        ScoredSample("y", 73, None, 73),
        ScoredSample("z", 1, None, 1),
    )
    for seed in range(10):
        pair = choose_pair("Write.", [best, honest, short], PrefsConfig(), random.Random(seed))
        assert pair is not None
        assert (pair["chosen"][0]["content"], pair["rejected"][0]["content"]) == ("y", "z")
    assert choose_pair("Write.", [best, best], PrefsConfig(), random.Random(0)) is None


def test_answers_are_sampled_despite_failures_and_loops_and_cut_answers_are_not_preferred(
    tmp_path: Path, make_recipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every loop has exactly the right length, the text that is cut too; only honest texts are chosen."""
    monkeypatch.setenv("LWTUI_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("LWTUI_API_KEY", "k")
    calls = iter(range(1000))

    def answer(_: Any) -> Answer:
        number = next(calls)
        if number % 4 == 0:
            return Answer(["the old harbor lies below the town " * 20])
        if number % 4 == 1:
            return Answer(["".join(prose(number, 140))], finish="length")
        return Answer(["".join(prose(number, 100 if number % 4 == 2 else 30))])

    path = write_jsonl(tmp_path / "i.jsonl", [{"instruction": f"Tell of tea, {n}.", "words": 140} for n in range(10)])
    faults = [None] * 7 + [Fault.http(400, message="no")]
    with FaultServer(answer, faults, models=[{"id": "m-1", "context_length": 9000}]) as server:
        prefs = {"instructions": str(path), "model": "m-1", "base_url": (server.base_url,), "concurrency": 1}
        metrics = make_preferences(make_recipe(prefs=prefs | {"max_new_tokens": 500}), "", tmp_path)
    assert metrics["cut_off"] >= 10 and metrics["faulty"] >= 9
    pairs = [json.loads(line) for line in (tmp_path / "pairs.jsonl").read_text().splitlines()]
    assert len(pairs) == metrics["pairs"] >= 8
    for pair in pairs:
        assert 90 <= count_words(pair["chosen"][0]["content"]) < 140
        assert "old harbor" not in pair["chosen"][0]["content"]


def test_too_many_failures_end_the_step_and_keep_what_came(
    tmp_path: Path, make_recipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LWTUI_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("LWTUI_API_KEY", "k")
    path = write_jsonl(tmp_path / "i.jsonl", [{"instruction": "Tell of tea.", "words": 140}])
    faults = [None, Fault.http(400, message="no"), Fault.http(400, message="no")]
    with FaultServer(faults=faults, models=[{"id": "m-1", "context_length": 9000}]) as server:
        prefs = {"instructions": str(path), "model": "m-1", "base_url": (server.base_url,), "concurrency": 1}
        with pytest.raises(TrainError, check=has_code("calls-failed")):
            make_preferences(make_recipe(prefs=prefs | {"max_new_tokens": 500}), "", tmp_path)
    assert len((tmp_path / "samples.jsonl").read_text().splitlines()) == 1


def test_general_pairs_that_prefer_a_loop_are_left_out(tmp_path: Path, make_recipe: Any) -> None:
    good = {"prompt": "p", "chosen": "".join(prose(1, 50)), "rejected": LOOP}
    bad = {"prompt": "p", "chosen": LOOP, "rejected": "".join(prose(2, 50))}
    path = write_jsonl(tmp_path / "pairs-in.jsonl", [good, bad])
    metrics = make_preferences(make_recipe(prefs={"general": str(path)}), "", tmp_path)
    assert metrics["pairs"] == 1
    assert "repeats itself" in (tmp_path / "refused.jsonl").read_text()

"""Rows, recipes, filters and pairs: what is kept, what is refused, and why."""

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
from lwtui_training.data import make_data
from lwtui_training.preferences import Scored, choose, document_pairs, make_preferences
from lwtui_training.recipe import Data, Prefs, Recipe, known_recipes, load_recipe
from lwtui_training.row_filters import Filters, cut_after, repeated_share
from lwtui_training.rows import read_instructions, read_messages, read_preferences
from lwtui_training.steps import BadRow, TrainError
from tests.bench.support import grades
from tests.cli.running import endpoint, prose
from tests.support.fault_server import Answer, Fault, FaultServer
from tests.training.support import rows, write

GOOD = '{"messages": [{"role": "user", "content": "Write."}, {"role": "assistant", "content": "Done."}]}'


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{not json", "not JSON"),
        ("[1, 2]", "must be an object"),
        ('{"text": "hello"}', "'messages' must be a list"),
        ('{"messages": [{"role": "robot", "content": "x"}]}', "must have a role"),
        ('{"messages": [{"role": "user", "content": ""}]}', "has no text"),
        ('{"messages": [{"role": "user", "content": "x"}]}', "last message must be the assistant's"),
        ('{"messages": [{"role": "assistant", "content": "x"}]}', "no user's message"),
    ],
)
def test_a_bad_row_is_refused_with_file_line_and_reason(tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(f"{GOOD}\n\n{line}\n{GOOD}\n")
    with pytest.raises(BadRow) as caught:
        read_messages(str(path))
    assert f"{path}, line 3" in str(caught.value)
    assert reason in str(caught.value)


def test_bytes_that_are_no_text_are_refused_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(f"{GOOD}\n".encode() + b'{"messages": "\xff"}\n')
    with pytest.raises(BadRow, match="line 2: not UTF-8"):
        read_messages(str(path))


def test_preferences_and_instructions_are_checked_too(tmp_path: Path) -> None:
    same = write(tmp_path / "p.jsonl", [{"prompt": "a", "chosen": "b", "rejected": "b"}])
    with pytest.raises(BadRow, match="are the same"):
        read_preferences(str(same))
    path = write(tmp_path / "i.jsonl", [{"instruction": "Write.", "words": 0}])
    with pytest.raises(BadRow, match="line 1: 'words' must be"):
        read_instructions(str(path), 100)
    (tmp_path / "i.txt").write_text("Write of tea.\n\nWrite of rain.\n")
    assert [one.words for one in read_instructions(str(tmp_path / "i.txt"), 700)] == [700, 700]


def test_what_a_row_holds_is_cleaned_of_what_drives_a_terminal(tmp_path: Path) -> None:
    row = {"messages": [{"role": "user", "content": "a\x1b[2Jb"}, {"role": "assistant", "content": "c\u202ed"}]}
    (read,) = read_messages(str(write(tmp_path / "rows.jsonl", [row])))
    assert [message["content"] for message in read["messages"]] == ["ab", "cd"]


def test_filters_say_why(tmp_path: Path) -> None:
    filters = Filters(Data(least_length=0.8, most_length=1.3, most_repetition=0.2))
    text = "".join(prose(1, 100))
    assert filters.why_not(text, 100) == ""
    assert filters.why_not(text, 100) == "a copy of an earlier row"
    assert "too short" in filters.why_not("".join(prose(2, 40)), 100)
    assert "too long" in filters.why_not("".join(prose(3, 200)), 100)
    assert "repeats itself" in filters.why_not("".join(prose(4, 30)) * 4)
    assert filters.why_not("I'm sorry, but I cannot write that.") == "a refusal"
    assert filters.why_not("抱歉，我无法完成。") == "a refusal"
    assert "plan was not followed" in filters.why_not("".join(prose(5, 100)), 100, ((50, 96), (50, 4)))


def test_a_text_is_cut_at_a_sentences_end() -> None:
    text = "One two three. Four five six. Seven eight nine."
    assert cut_after(text, 7) == "One two three. Four five six."
    assert cut_after(text, 100) == text
    assert count_words(cut_after("a b c d e f g", 3)) == 3
    assert repeated_share("a b c d e f g h") == 0


def test_agentwrite_writes_rows_resumes_and_counts(
    tmp_path: Path, recipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a real endpoint; documents that are there already are not asked for again."""
    monkeypatch.setenv("LWTUI_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("LWTUI_API_KEY", "k")
    asked = [{"instruction": f"Write about tomatoes, part {number}.", "words": 600} for number in range(2)]
    path = write(tmp_path / "instructions.jsonl", asked)
    with endpoint() as server:
        made = recipe(
            data={
                "instructions": str(path),
                "model": "m-1",
                "base_url": server.base_url,
                "concurrency": 1,
                "most_repetition": 1.0,
            }
        )
        folder = tmp_path / "data"
        folder.mkdir()
        metrics = make_data(made, folder)
        calls = len(server.requests)
        again = make_data(made, folder)
        assert len(server.requests) == calls
    assert metrics["writing"]["done"] == again["writing"]["done"] == 2
    written = read_messages(str(folder / "rows.jsonl"))
    assert len(written) == metrics["rows"] >= 1
    assert count_words(written[0]["messages"][1]["content"]) > 400
    assert (folder / "lengths.png").exists()


def test_general_rows_are_mixed_in_by_ratio_and_the_same_each_time(tmp_path: Path, recipe: Any) -> None:
    long, general = (
        write(tmp_path / "long.jsonl", rows(6, 20, 40)),
        write(tmp_path / "general.jsonl", rows(50, 3, 6, seed=9)),
    )
    made = recipe(data={"long": str(long), "general": str(general), "general_per_long": 3.0, "most_repetition": 1.0})
    found = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        metrics = make_data(made, tmp_path / name)
        found.append((tmp_path / name / "rows.jsonl").read_text())
    assert metrics["general"] == 3 * metrics["long"] == 18
    assert found[0] == found[1]


def test_when_no_row_is_left_it_says_why(tmp_path: Path, recipe: Any) -> None:
    made = recipe(data={"long": str(write(tmp_path / "long.jsonl", rows(3))), "least_words": 10_000})
    with pytest.raises(TrainError, match="No long row is left"):
        make_data(made, tmp_path)


def test_the_best_answer_is_chosen_and_another_is_rejected() -> None:
    answers = [Scored(f"text {score}", score, None, score) for score in (10.0, 90.0, 40.0, 89.9)]
    for seed in range(20):
        pair = choose("Write.", answers, Prefs(least_margin=1.0), random.Random(seed))
        assert pair is not None
        assert pair["chosen"][0]["content"] == "text 90.0"
        assert pair["rejected"][0]["content"] in ("text 10.0", "text 40.0")
    assert choose("Write.", [answers[0]] * 4, Prefs(), random.Random(0)) is None


def test_what_a_person_wrote_over_the_models_text_makes_a_pair(tmp_path: Path) -> None:
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


@pytest.mark.parametrize("name", ["candidate", "take"])  # as they are called, and as they once were
def test_the_candidate_that_was_picked_is_preferred_to_each_of_the_others(tmp_path: Path, name: str) -> None:
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


def test_pairs_come_from_answers_of_an_endpoint_that_fails_and_of_a_judge(
    tmp_path: Path, recipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All answers are as long as each other; the judge likes one of each four."""
    monkeypatch.setenv("LWTUI_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("LWTUI_API_KEY", "k")
    drawn: list[str] = []

    def answer(request: Any) -> Answer:
        (message,) = request["messages"]
        if "<text>" in message["content"]:
            best = message["content"].count("very good") == 1
            return Answer([grades(5 if best else 2)])
        drawn.append(message["content"])
        good = "very good" if len(drawn) % 4 == 1 else "rather bad"
        return Answer([f"This is number {len(drawn)}, ", f"and it is {good}."])

    asked = [{"instruction": f"Tell of tea, part {number}.", "words": 9} for number in range(2)]
    path = write(tmp_path / "instructions.jsonl", asked)
    with FaultServer(answer, [None, Fault.cut(1), None, Fault.http(503)], models=[{"id": "m-1"}]) as server:
        (tmp_path / "config").mkdir()
        (tmp_path / "config" / "settings.toml").write_text(
            f'[models.judge]\nmodel = "m-1"\nbase_url = "{server.base_url}"\ncontext_length = 8000\n'
        )
        prefs = {"instructions": str(path), "model": "m-1", "base_url": server.base_url, "judge": "judge"}
        made = recipe(prefs=prefs | {"batch_size": 1, "max_new_tokens": 100})
        metrics = make_preferences(made, "", tmp_path)
        calls = len(server.calls)
        make_preferences(made, "", tmp_path)
        assert len(server.calls) == calls + 8  # graded once more, but not drawn
    assert (metrics["sampled"], metrics["pairs"]) == (2, 2)
    pairs = [json.loads(line) for line in (tmp_path / "pairs.jsonl").read_text().splitlines()]
    assert all(pair["chosen"][0]["content"].endswith("very good.") for pair in pairs)
    assert all(pair["rejected"][0]["content"].startswith("This is number ") for pair in pairs)


@pytest.mark.parametrize("name", known_recipes())
def test_every_recipe_that_comes_with_lwtui_reads(name: str) -> None:
    assert Recipe.from_json(load_recipe(name).to_json()) == load_recipe(name)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[sft]\nlerning_rate = 1e-5", "'lerning_rate' is not an option"),
        ("[sft]\nmax_length = 1.5", "must be of type int"),
        ('[sft]\nmethod = "half"', "must be one of 'full', 'lora'"),
        ("[base", "is not valid TOML"),
        ('[base]\nmodel = "tiny"\nformat = "x"', "base.format must be one of"),
        ("[sft]\nmax_length = 100", "base.model is missing"),
        ('[base]\nmodel = "tiny"\n[hardware]\nprocesses = 2', "hardware.strategy must say"),
    ],
)
def test_a_wrong_recipe_is_refused_with_the_key(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "r.toml").write_text(text)
    with pytest.raises(UsageError, match=reason.replace(".", r"\.")):
        load_recipe(str(tmp_path / "r.toml"))


def test_an_option_is_changed_from_the_command_line(tmp_path: Path) -> None:
    changed = load_recipe("tiny", ["sft.max_steps=3", "base.format=glm4", "dpo.loss_type=['sigmoid', 'sft']"])
    assert (changed.sft.max_steps, changed.base.format, changed.dpo.loss_type) == (3, "glm4", ("sigmoid", "sft"))
    with pytest.raises(UsageError, match="KEY=VALUE"):
        load_recipe("tiny", ["sft.max_steps"])
    assert json.loads(changed.to_json())["name"] == "tiny"

"""Rewards for GRPO, and a few steps with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lwtui.errors import UsageError
from lwtui_training.recipe import GrpoConfig, load_recipe
from lwtui_training.rewards import format_reward, length_reward, repetition_reward, reward_functions
from lwtui_training.rows import read_instructions
from tests.bench.support import grades
from tests.cli.running import prose
from tests.errors import has_code
from tests.support.fault_server import Answer, FaultServer
from tests.training.support import write_jsonl

END = 7


def rewards(grpo: GrpoConfig, texts: list[str], folder: Path, *, cut: tuple[int, ...] = ()) -> dict[str, list[Any]]:
    """Return the rewards of texts as TRL asks for them; those numbered in ``cut`` do not end."""
    arguments: dict[str, Any] = {
        "prompts": [[{"role": "user", "content": "Write."}]] * len(texts),
        "completions": [[{"role": "assistant", "content": text}] for text in texts],
        "completion_ids": [[1, 2, 3 if at in cut else END] for at in range(len(texts))],
        "words": [100] * len(texts),
        "constraint": [None] * len(texts),
        "trainer_state": None,
    }
    return {reward.__name__: reward(**arguments) for reward in reward_functions(grpo, [END], folder)}


def test_an_answer_that_was_cut_off_gets_nothing(tmp_path: Path) -> None:
    good = "".join(prose(1, 96))
    found = rewards(GrpoConfig(), [good, good, ""], tmp_path, cut=(1,))
    assert set(found) == {"length", "repetition", "format"}
    assert all(values[0] > 0.9 and values[1] == 0.0 for values in found.values())
    assert found["length"][2] == 0.0 and found["format"][2] == 0.0


@pytest.mark.parametrize(
    ("words", "constraint", "expected"),
    [
        (100, None, 1.0),
        (50, None, 2 / 3),
        (500, None, 0.0),
        (100, {"kind": "range", "least": 90, "most": 110}, 1.0),
        (100, {"kind": "at-least", "least": 50, "most": 0}, 1.0),
        (100, {"kind": "at-most", "least": 0, "most": 50}, 2 / 3),
    ],
)
def test_the_length_is_rewarded_by_s_l_or_by_the_constraint(
    words: int, constraint: dict[str, Any] | None, expected: float
) -> None:
    assert length_reward("word " * 100, words, constraint) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The sea was calm. He slept.", 1.0),
        ("海很平静。他睡了。", 1.0),
        ("The sea was calm. He", 2 / 3),
        ("Sure! Here is the story. The sea was calm.", 2 / 3),
        ("好的，故事如下。海很平静。", 2 / 3),
        ("The sea was calm.\n(Word count: 4)", 1 / 3),
        ("The sea was calm.<|im_end|>", 1 / 3),
        ("The sea was calm. [INST] And then? He slept.", 2 / 3),
        ("user: Write. He slept.", 2 / 3),
        ("", 0.0),
    ],
)
def test_the_form_is_rewarded(text: str, expected: float) -> None:
    assert format_reward(text) == pytest.approx(expected)


def test_a_loop_is_not_rewarded() -> None:
    assert repetition_reward("".join(prose(1, 200))) > 0.95
    assert repetition_reward("the old harbor lies below the town " * 20) == 0.0


def test_the_judge_is_asked_once_about_each_usable_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LWTUI_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("LWTUI_API_KEY", "k")
    good, fair, loop = "".join(prose(1, 60)), "".join(prose(2, 60)), "the old harbor lies below the town " * 20

    def answer(request: Any) -> Answer:
        return Answer([grades(5 if good[:40] in request["messages"][0]["content"] else 3)])

    with FaultServer(answer, models=[{"id": "m-1", "context_length": 9000}]) as server:
        grpo = GrpoConfig(rewards=("judge",), judge="m-1", judge_base_url=(server.base_url,))
        expected = {"judge": [1.0, 0.5, 0.0, 0.0]}
        assert rewards(grpo, [good, fair, loop, good], tmp_path, cut=(3,)) == expected
        assert rewards(grpo, [good, fair, loop, good], tmp_path, cut=(3,)) == expected
        assert len(server.calls) == 2


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        (["grpo.rewards=['style']"], "invalid-value"),
        (["grpo.num_generations=3"], "num-generations"),
        (["grpo.max_completion_lenght=5"], "unknown-option"),
    ],
)
def test_an_invalid_table_is_refused(tmp_path: Path, changes: list[str], code: str) -> None:
    with pytest.raises(UsageError, check=has_code(code)):
        load_recipe("tiny", ["steps=['grpo']", *changes])


def test_trls_limit_of_256_tokens_is_replaced(make_recipe: Any, tmp_path: Path) -> None:
    from lwtui_training.trainer import library_config

    args = library_config(make_recipe(), "grpo", tmp_path, 3)
    assert args.max_completion_length == 32_768
    assert args.multi_objective_aggregation == "normalize_then_sum"
    assert args.generation_batch_size % args.num_generations == 0


def test_a_few_steps_change_the_model_and_log_each_reward(make_recipe: Any, tiny: Path, tmp_path: Path) -> None:
    from lwtui_training.grpo import train_grpo
    from lwtui_training.steps import hash_file

    constraint = {"kind": "at-most", "least": 0, "most": 60}
    rows = [{"instruction": "Tell of rain.", "words": 20}, {"instruction": "Of tea.", "constraint": constraint}]
    path = write_jsonl(tmp_path / "i.jsonl", rows)
    assert [instruction.constraint for instruction in read_instructions(str(path), 9)] == [None, constraint]
    grpo = {"max_steps": 2, "max_completion_length": 24, "num_generations": 4, "per_device_train_batch_size": 8}
    grpo |= {"learning_rate": 1e-2, "gradient_checkpointing": False}
    recipe = make_recipe(grpo=grpo)
    metrics = train_grpo(recipe, str(tiny), path, tmp_path)
    assert metrics["steps"] == 2 and metrics["instructions"] == 2
    assert {"first_reward_length", "last_reward_format", "last_cut_off"} <= set(metrics)
    assert (tmp_path / "model" / "config.json").exists()
    assert hash_file(tmp_path / "model" / "model.safetensors") != hash_file(tiny / "model.safetensors")
    json.dumps(metrics)

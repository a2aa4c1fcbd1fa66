"""Rows are tokenized once, in batches, and give the same tokens as one by one."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from lwtui_training import fast_tokens, tokens
from lwtui_training.base_model import load_tokenizer
from lwtui_training.chat import special_token_finder, tokenize
from lwtui_training.tokens import remove_tokens, token_counts, tokenize_rows, tokenized
from tests.training.support import conversations, write_jsonl

ODD_TEXTS = (
    " leads with a space",
    "\n\nwith lines\n",
    "INST]/INST]",
    "Häuser, e\u0301, 从前。",
    "👩‍🚀 \u200b",
    "   ",
    "</s",
    "a",
)


def odd_conversations() -> list[dict[str, Any]]:
    """Return conversations whose answers begin and end in all ways, of one turn and of three."""
    turns = [
        [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]
        for asked in ODD_TEXTS
        for answer in ODD_TEXTS
    ]
    several = [[*itertools.chain(*turns[at : at + 3])] for at in range(0, len(turns), 3)]
    system = [[{"role": "system", "content": "Be brief."}, *turn] for turn in turns[:5]]
    return [{"messages": messages} for messages in [*turns, *several, *system]]


@pytest.mark.parametrize("batch", [3, 1000])
def test_batches_give_the_same_tokens_as_single_rows(
    tiny: Path, make_recipe: Any, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(fast_tokens, "_BATCH", batch)
    tokenizer = load_tokenizer(str(tiny), make_recipe())
    assert fast_tokens._can_be_fast(tokenizer)
    rows = conversations(40) + odd_conversations()
    dataset, counts = tokenize_rows(tokenizer, rows, 10_000)
    for row, found in zip(rows, dataset, strict=True):
        assert (found["input_ids"], found["labels"]) == tokenize(tokenizer, row["messages"])
    assert counts["rows"] == len(rows)
    assert counts["targets"] == sum(label != -100 for row in dataset for label in row["labels"])
    assert token_counts(dataset) == [len(row["input_ids"]) for row in dataset]


def test_a_tokenizer_with_ways_of_its_own_is_asked_row_by_row(
    tiny: Path, make_recipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = load_tokenizer(str(tiny), make_recipe())
    monkeypatch.setattr(fast_tokens, "tokenize", lambda _, messages: ([len(messages), 7], [-100, 7]))
    dataset, counts = tokenize_rows(tokenizer, conversations(5), 100)
    assert dataset["input_ids"][:] == [[2, 7]] * 5
    assert counts["targets"] == 5


def test_an_interruption_costs_one_part(
    tiny: Path, tmp_path: Path, make_recipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, data = make_recipe(), write_jsonl(tmp_path / "rows.jsonl", conversations(10))
    expected, all_counts = tokenized(recipe, str(tiny), data, tmp_path / "whole")
    monkeypatch.setattr(tokens, "_PART", 4)
    done: list[int] = []

    def interrupted(tokenizer: Any, conversations: Any) -> Any:
        found = list(fast_tokens.tokenize_many(tokenizer, conversations))
        done.append(len(found))
        if len(done) == 2:
            raise KeyboardInterrupt
        return found

    monkeypatch.setattr(tokens, "tokenize_many", interrupted)
    with pytest.raises(KeyboardInterrupt):
        tokenized(recipe, str(tiny), data, tmp_path / "parts")
    dataset, counts = tokenized(recipe, str(tiny), data, tmp_path / "parts")
    assert done == [4, 4, 4, 2]
    assert counts == all_counts and dataset["input_ids"][:] == expected["input_ids"][:]


def test_rows_are_tokenized_once_for_all_processes_and_resumes(
    tiny: Path, tmp_path: Path, make_recipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, data = make_recipe(), write_jsonl(tmp_path / "rows.jsonl", conversations(5))
    first, counts = tokenized(recipe, str(tiny), data, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(tokens, "tokenize_many", lambda *_: pytest.fail("tokenized again"))
        again, same = tokenized(recipe, str(tiny), data, tmp_path)
        assert again["input_ids"][:] == first["input_ids"][:] and same == counts
    (tmp_path / "tokens" / "counts.json").unlink()  # as an interruption leaves it
    assert tokenized(recipe, str(tiny), data, tmp_path)[1] == counts
    remove_tokens(tmp_path)
    assert not (tmp_path / "tokens").exists()


def test_a_special_token_in_a_message_is_found(tiny: Path, make_recipe: Any) -> None:
    tokenizer = load_tokenizer(str(tiny), make_recipe())
    has_special_token = special_token_finder(tokenizer)
    assert has_special_token([{"role": "user", "content": f"a {tokenizer.eos_token} b"}])
    assert not has_special_token([{"role": "user", "content": "a < s > b"}])

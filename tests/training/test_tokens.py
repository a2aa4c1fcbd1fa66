"""Rows are tokenized once, in batches, and give the same tokens as one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lwtui_training import tokens
from lwtui_training.base_model import load_tokenizer
from lwtui_training.chat import special_token_finder, tokenize
from lwtui_training.tokens import remove_tokens, tokenize_rows, tokenized
from tests.training.support import conversations, write_jsonl


def test_a_batch_gives_the_same_tokens_as_single_rows(tiny: Path, make_recipe: Any) -> None:
    tokenizer = load_tokenizer(str(tiny), make_recipe())
    rows = conversations(130)  # more than two batches
    dataset, counts = tokenize_rows(tokenizer, rows, 10_000)
    for row, found in zip(rows, dataset, strict=True):
        assert (found["input_ids"], found["labels"]) == tokenize(tokenizer, row["messages"])
    assert counts["rows"] == 130
    assert counts["targets"] == sum(label != -100 for row in dataset for label in row["labels"])


def test_rows_are_tokenized_once_for_all_processes_and_resumes(
    tiny: Path, tmp_path: Path, make_recipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, data = make_recipe(), write_jsonl(tmp_path / "rows.jsonl", conversations(5))
    first, counts = tokenized(recipe, str(tiny), data, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(tokens, "tokenize_rows", lambda *_: pytest.fail("tokenized again"))
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

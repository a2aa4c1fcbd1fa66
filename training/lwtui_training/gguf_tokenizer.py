"""Export a tokenizer, read from its ``tokenizer.json``, into the metadata of a GGUF."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gguf import GGUFWriter, TokenType

from lwtui.translation import _
from lwtui_training.chat import strip_generation_markers, tokenize
from lwtui_training.steps import TrainError

# llama.cpp's names of pre-tokenizers, by the pattern in tokenizer.json and its ignore_merges.
_CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
_REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
PRE_TOKENIZERS = {
    (_CONTRACTIONS + r"\p{N}{1,3}" + _REST, True): "llama-bpe",
    (_CONTRACTIONS + r"\p{N}{1,3}" + _REST, False): "chatglm-bpe",
    (_CONTRACTIONS + r"\p{N}" + _REST, False): "qwen2",
}


@dataclass(frozen=True)
class Vocabulary:
    """Tokens by id, and llama.cpp's type of each."""

    tokens: list[str]
    types: list[TokenType]


def check_tokenizer(folder: Path) -> None:
    """Check that this module can export the tokenizer in ``folder``.

    Raises:
        TrainError: It cannot.
    """
    table = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    _check_kind(table["model"])
    if not table["model"].get("byte_fallback"):
        pre_tokenizer_name(table)


def _check_kind(model: dict[str, Any]) -> None:
    if model.get("type") != "BPE":
        raise TrainError(
            _(
                "A tokenizer of type {type} cannot be exported as a GGUF. Known: BPE, SentencePiece's too.",
                type=model.get("type"),
            ),
            code="unknown-tokenizer",
        )


def write_tokenizer(writer: GGUFWriter, folder: Path, tokenizer: Any, rows: int) -> None:
    """Add a tokenizer to a GGUF.

    Args:
        writer: Writes the GGUF.
        folder: The folder of the checkpoint.
        tokenizer: The tokenizer, as transformers loads it.
        rows: Number of rows of the embedding.

    Raises:
        TrainError: llama.cpp does not support the tokenizer.
    """
    table = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    model = table["model"]
    _check_kind(model)
    merges = [merge if isinstance(merge, list) else merge.split(" ", 1) for merge in model["merges"]]
    vocabulary = _vocabulary(table, tokenizer, rows)
    if model.get("byte_fallback"):
        writer.add_tokenizer_model("llama")
        writer.add_tokenizer_pre("default")
        writer.add_token_scores(_scores(vocabulary.tokens, merges))
        writer.add_add_space_prefix(_adds_space(table))
    else:
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre(pre_tokenizer_name(table))
        writer.add_token_merges([" ".join(merge) for merge in merges])
    writer.add_token_list(vocabulary.tokens)
    writer.add_token_types(vocabulary.types)
    _write_special_tokens(writer, tokenizer)
    writer.add_chat_template(strip_generation_markers(tokenizer.chat_template))


def pre_tokenizer_name(table: dict[str, Any]) -> str:
    """Return llama.cpp's name of the pre-tokenizer in the contents of ``tokenizer.json``.

    Raises:
        TrainError: llama.cpp has no such pre-tokenizer.
    """
    steps = table.get("pre_tokenizer") or {}
    steps = steps.get("pretokenizers", [steps])
    patterns = [step["pattern"].get("Regex", "") for step in steps if step.get("type") == "Split"]
    key = (patterns[0] if len(patterns) == 1 else "", bool(table["model"].get("ignore_merges")))
    if key not in PRE_TOKENIZERS:
        raise TrainError(
            _(
                "llama.cpp has no pre-tokenizer for this tokenizer (pattern {pattern!r}), so its GGUF would tokenize "
                "text differently. Known: {known}.",
                pattern=key[0][:80],
                known=", ".join(PRE_TOKENIZERS.values()),
            ),
            code="unknown-pre-tokenizer",
        )
    return PRE_TOKENIZERS[key]


def guess_pre_tokenizer(folder: Path) -> str:
    """Return llama.cpp's name of a checkpoint's pre-tokenizer, or "" if its pattern is not one that lwtui knows."""
    try:
        return pre_tokenizer_name(json.loads((folder / "tokenizer.json").read_text(encoding="utf-8")))
    except (TrainError, OSError):
        return ""


def adds_bos(tokenizer: Any) -> bool:
    """Return whether a tokenizer puts its first special token before every text."""
    return tokenizer.bos_token_id is not None and tokenizer("a")["input_ids"][0] == tokenizer.bos_token_id


def stop_token(tokenizer: Any) -> int:
    """Return the id of the token that ends an answer in the tokenizer's chat template."""
    messages = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    return next(label for label in reversed(tokenize(tokenizer, messages)[1]) if label != -100)


def _vocabulary(table: dict[str, Any], tokenizer: Any, rows: int) -> Vocabulary:
    added = {entry["id"]: entry for entry in table["added_tokens"]}
    by_id = {token_id: token for token, token_id in table["model"]["vocab"].items()}
    by_id |= {token_id: entry["content"] for token_id, entry in added.items()}
    # Tokens without a row in the embedding (such as an image token in a text model) never occur.
    tokens = [by_id.get(token_id, f"[UNUSED{token_id}]") for token_id in range(rows)]
    has_byte_fallback = bool(table["model"].get("byte_fallback"))

    def type_of(token_id: int, token: str) -> TokenType:
        if token_id not in by_id:
            return TokenType.UNUSED
        if has_byte_fallback and token_id == tokenizer.unk_token_id:
            return TokenType.UNKNOWN
        if token_id in added:
            return TokenType.CONTROL if added[token_id]["special"] else TokenType.USER_DEFINED
        is_byte = has_byte_fallback and len(token) == 6 and token.startswith("<0x") and token.endswith(">")
        return TokenType.BYTE if is_byte else TokenType.NORMAL

    return Vocabulary(tokens, [type_of(token_id, token) for token_id, token in enumerate(tokens)])


def _scores(tokens: list[str], merges: list[list[str]]) -> list[float]:
    """Return scores that make SentencePiece, which merges the pair with the highest score first, follow ``merges``."""
    rank: dict[str, int] = {}
    for at, (left, right) in enumerate(merges):
        rank.setdefault(left + right, at)
    last = len(merges)
    return [-float(rank.get(token, last)) for token in tokens]


def _adds_space(table: dict[str, Any]) -> bool:
    """Return whether the tokenizer prepends a space, as that of Llama 2 does."""
    normalizer = json.dumps(table.get("normalizer") or {})
    pre = table.get("pre_tokenizer") or {}
    return '"Prepend"' in normalizer or pre.get("prepend_scheme", "never") != "never"


def _write_special_tokens(writer: GGUFWriter, tokenizer: Any) -> None:
    for name in ("bos", "eos", "unk", "pad"):
        token_id = getattr(tokenizer, f"{name}_token_id")
        if token_id is not None and not (name == "pad" and token_id == tokenizer.unk_token_id):
            getattr(writer, f"add_{name}_token_id")(token_id)
    stop = stop_token(tokenizer)
    if stop != tokenizer.eos_token_id:
        writer.add_eot_token_id(stop)
    writer.add_add_bos_token(adds_bos(tokenizer))
    writer.add_add_eos_token(False)

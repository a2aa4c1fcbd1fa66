"""A checkpoint's tokenizer as the metadata of a GGUF, read from ``tokenizer.json`` alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gguf import GGUFWriter, TokenType

from lwtui_training.chat import tokenize, without_marks
from lwtui_training.steps import TrainError

# What llama.cpp calls the way a byte-level BPE cuts text, by the pattern of tokenizer.json and its ignore_merges.
_CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
_REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
PRE_TOKENIZERS = {
    (_CONTRACTIONS + r"\p{N}{1,3}" + _REST, True): "llama-bpe",
    (_CONTRACTIONS + r"\p{N}{1,3}" + _REST, False): "chatglm-bpe",
    (_CONTRACTIONS + r"\p{N}" + _REST, False): "qwen2",
}


@dataclass(frozen=True)
class Vocabulary:
    """Tokens in the order of their numbers, with llama.cpp's kind of each."""

    tokens: list[str]
    types: list[TokenType]


def write_tokenizer(writer: GGUFWriter, folder: Path, tokenizer: Any, rows: int) -> None:
    """Put the tokenizer of ``folder`` into the GGUF; ``rows`` is how many the embedding has.

    Raises :class:`TrainError` for a tokenizer that llama.cpp has no name for.
    """
    table = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    model = table["model"]
    if model.get("type") != "BPE":
        raise TrainError(f"The tokenizer is of type {model.get('type')}; BPE and SentencePiece's BPE can be exported.")
    merges = [merge if isinstance(merge, list) else merge.split(" ", 1) for merge in model["merges"]]
    vocabulary = _vocabulary(table, tokenizer, rows)
    if model.get("byte_fallback"):
        writer.add_tokenizer_model("llama")
        writer.add_tokenizer_pre("default")
        writer.add_token_scores(_scores(vocabulary.tokens, merges))
        writer.add_add_space_prefix(_adds_space(table))
    else:
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre(pre_tokenizer(table))
        writer.add_token_merges([" ".join(merge) for merge in merges])
    writer.add_token_list(vocabulary.tokens)
    writer.add_token_types(vocabulary.types)
    _write_marks(writer, tokenizer)
    writer.add_chat_template(without_marks(tokenizer.chat_template))


def pre_tokenizer(table: dict[str, Any]) -> str:
    """llama.cpp's name for how ``tokenizer.json`` cuts text. Raises :class:`TrainError` if it has none."""
    steps = table.get("pre_tokenizer") or {}
    steps = steps.get("pretokenizers", [steps])
    patterns = [step["pattern"].get("Regex", "") for step in steps if step.get("type") == "Split"]
    key = (patterns[0] if len(patterns) == 1 else "", bool(table["model"].get("ignore_merges")))
    if key not in PRE_TOKENIZERS:
        raise TrainError(
            "llama.cpp has no name for the way this tokenizer cuts text into words, so its GGUF would read text "
            f"otherwise than the checkpoint does (pattern {key[0][:80]!r}). "
            f"Known: {', '.join(PRE_TOKENIZERS.values())}."
        )
    return PRE_TOKENIZERS[key]


def stop_token(tokenizer: Any) -> int:
    """The token that ends an answer in the tokenizer's chat format."""
    messages = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    return next(label for label in reversed(tokenize(tokenizer, messages)[1]) if label != -100)


def _vocabulary(table: dict[str, Any], tokenizer: Any, rows: int) -> Vocabulary:
    added = {entry["id"]: entry for entry in table["added_tokens"]}
    by_number = {number: token for token, number in table["model"]["vocab"].items()}
    by_number |= {number: entry["content"] for number, entry in added.items()}
    # Numbers that the embedding has no row for (an image's mark in a text model) can never be met.
    tokens = [by_number.get(number, f"[UNUSED{number}]") for number in range(rows)]
    bytes_fall_back = bool(table["model"].get("byte_fallback"))

    def kind(number: int, token: str) -> TokenType:
        if number not in by_number:
            return TokenType.UNUSED
        if bytes_fall_back and number == tokenizer.unk_token_id:
            return TokenType.UNKNOWN
        if number in added:
            return TokenType.CONTROL if added[number]["special"] else TokenType.USER_DEFINED
        is_byte = bytes_fall_back and len(token) == 6 and token.startswith("<0x") and token.endswith(">")
        return TokenType.BYTE if is_byte else TokenType.NORMAL

    return Vocabulary(tokens, [kind(number, token) for number, token in enumerate(tokens)])


def _scores(tokens: list[str], merges: list[list[str]]) -> list[float]:
    """SentencePiece merges the pair with the greatest score first: here the one whose merge comes first."""
    rank: dict[str, int] = {}
    for at, (left, right) in enumerate(merges):
        rank.setdefault(left + right, at)
    last = len(merges)
    return [-float(rank.get(token, last)) for token in tokens]


def _adds_space(table: dict[str, Any]) -> bool:
    """Whether a text gets a space before it, as in Llama 2."""
    normalizer = json.dumps(table.get("normalizer") or {})
    pre = table.get("pre_tokenizer") or {}
    return '"Prepend"' in normalizer or pre.get("prepend_scheme", "never") != "never"


def _write_marks(writer: GGUFWriter, tokenizer: Any) -> None:
    for name in ("bos", "eos", "unk", "pad"):
        number = getattr(tokenizer, f"{name}_token_id")
        if number is not None and not (name == "pad" and number == tokenizer.unk_token_id):
            getattr(writer, f"add_{name}_token_id")(number)
    stop = stop_token(tokenizer)
    if stop != tokenizer.eos_token_id:
        writer.add_eot_token_id(stop)
    plain = tokenizer("a")["input_ids"]
    writer.add_add_bos_token(tokenizer.bos_token_id is not None and plain[0] == tokenizer.bos_token_id)
    writer.add_add_eos_token(False)

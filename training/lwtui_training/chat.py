"""How a conversation becomes text. A format is a chat template with ``{% generation %}`` around what is learnt."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Any

import regex

from lwtui_training.steps import TrainError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# "chat" is the tokenizer's own template; the others are files of formats/.
FORMATS = ("chat", "longwriter-llama", "glm4", "gemma")
_MARKS = regex.compile(r"\{%-?\s*(?:end)?generation\s*-?%\}")


def set_format(tokenizer: PreTrainedTokenizerBase, name: str) -> None:
    """Give ``tokenizer`` the chat template called ``name``. Raises :class:`TrainError` where that cannot be."""
    if name == "chat":
        _use_own(tokenizer)
    else:
        path = resources.files(f"{__package__}.formats") / f"{name}.jinja"
        tokenizer.chat_template = path.read_text(encoding="utf-8")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token


def _use_own(tokenizer: PreTrainedTokenizerBase) -> None:
    from trl.chat_template_utils import get_training_chat_template, has_generation_markers

    if not tokenizer.chat_template:
        raise TrainError(f"The base has no chat template. Set base.format to one of: {', '.join(FORMATS[1:])}.")
    if has_generation_markers(tokenizer.chat_template):
        return
    try:
        tokenizer.chat_template = get_training_chat_template(tokenizer) or tokenizer.chat_template
    except ValueError:
        raise TrainError(
            "The base's chat template does not say what the assistant's tokens are, and it is none that TRL knows. "
            "Put {% generation %} … {% endgeneration %} around them in the tokenizer's template."
        ) from None


def without_marks(template: str) -> str:
    """The template for programs that do not know ``{% generation %}``."""
    return _MARKS.sub("", template)


def tokenize(tokenizer: PreTrainedTokenizerBase, messages: list[dict[str, str]]) -> tuple[list[int], list[int]]:
    """Tokens and labels of a conversation; a label is the token where it is the assistant's, else -100.

    The mark that ends an answer is the assistant's: it is what teaches where to stop.
    """
    result: Any = tokenizer.apply_chat_template(messages, return_dict=True, return_assistant_tokens_mask=True)
    ids, mask = result["input_ids"], result["assistant_masks"]
    return ids, [token if learnt else -100 for token, learnt in zip(ids, mask, strict=True)]


def holds_mark(tokenizer: PreTrainedTokenizerBase, messages: list[dict[str, str]]) -> bool:
    """Whether a message's text holds one of the tokenizer's own marks, which would break out of its place."""
    marks = tokenizer.all_special_tokens
    return any(mark in message["content"] for message in messages for mark in marks)

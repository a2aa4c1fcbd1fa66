"""Chat templates for training. They mark the tokens to learn from with ``{% generation %}``."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from typing import TYPE_CHECKING, Any

import regex

from lwtui.translation import _
from lwtui_training.steps import TrainError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# "chat" is the tokenizer's own template; the others are files in formats/.
FORMATS = ("chat", "longwriter-llama", "glm4", "gemma")
_GENERATION_MARKERS = regex.compile(r"\{%-?\s*(?:end)?generation\s*-?%\}")


def set_chat_template(tokenizer: PreTrainedTokenizerBase, name: str) -> None:
    """Give ``tokenizer`` the chat template called ``name``, one of :data:`FORMATS`.

    Raises:
        TrainError: The tokenizer has no chat template of its own, or not one that can be used for training.
    """
    if name == "chat":
        _mark_own_template(tokenizer)
    else:
        path = resources.files(f"{__package__}.formats") / f"{name}.jinja"
        tokenizer.chat_template = path.read_text(encoding="utf-8")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token


def _mark_own_template(tokenizer: PreTrainedTokenizerBase) -> None:
    from trl.chat_template_utils import get_training_chat_template, has_generation_markers

    if not tokenizer.chat_template:
        raise TrainError(
            _("The base has no chat template. Set base.format to one of: {formats}.", formats=", ".join(FORMATS[1:]))
        )
    if has_generation_markers(tokenizer.chat_template):
        return
    try:
        tokenizer.chat_template = get_training_chat_template(tokenizer) or tokenizer.chat_template
    except ValueError:
        raise TrainError(
            _(
                "The base's chat template does not mark the assistant's tokens, and TRL has no version of it that "
                "does. Put {% generation %} … {% endgeneration %} around them in the tokenizer's template."
            )
        ) from None


def strip_generation_markers(template: str) -> str:
    """Remove ``{% generation %}``, which other programs do not know, from a template."""
    return _GENERATION_MARKERS.sub("", template)


def tokenize(tokenizer: PreTrainedTokenizerBase, messages: list[dict[str, str]]) -> tuple[list[int], list[int]]:
    """Tokenize a conversation.

    Returns:
        Token ids and labels. A label is the token id if the token is the assistant's, else -100. The token that ends an
        answer is the assistant's, so that the model learns where to stop.
    """
    result: Any = tokenizer.apply_chat_template(messages, return_dict=True, return_assistant_tokens_mask=True)
    ids, mask = result["input_ids"], result["assistant_masks"]
    return ids, [token if learned else -100 for token, learned in zip(ids, mask, strict=True)]


def special_token_finder(tokenizer: PreTrainedTokenizerBase) -> Callable[[list[dict[str, str]]], bool]:
    """Return a function that says whether a message contains the text of a special token.

    Such a text would break out of its message.
    """
    pattern = regex.compile("|".join(map(regex.escape, sorted(tokenizer.all_special_tokens, key=len, reverse=True))))
    return lambda messages: any(pattern.search(message["content"]) for message in messages)

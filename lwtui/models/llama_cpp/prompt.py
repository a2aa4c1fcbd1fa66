"""Tokenizes prompts."""

from __future__ import annotations

from collections.abc import Sequence

from lwtui.models.llama_cpp.bindings import Gguf
from lwtui.models.llama_cpp.template import TemplatePart


def tokenize_text(gguf: Gguf, text: str) -> list[int]:
    """Tokenize text for the model to continue. Nothing in it counts as a special token."""
    return _with_bos(gguf, gguf.tokenize(text))


def tokenize_chat(gguf: Gguf, parts: Sequence[TemplatePart]) -> list[int]:
    """Tokenize a rendered chat. Special tokens are recognized only in the template's own parts.

    The text between two special tokens is tokenized as a whole, wherever it came from, so that it becomes the tokens
    that the model was trained on.
    """
    tokens: list[int] = []
    plain = ""
    strip_next = False

    def flush(special: int | None = None) -> None:
        nonlocal plain, strip_next
        strip_before, strip_after = (False, False) if special is None else gguf.strips(special)
        plain = plain.lstrip() if strip_next else plain
        plain = plain.rstrip() if strip_before else plain
        if plain:
            tokens.extend(gguf.tokenize(plain))
        if special is not None:
            tokens.append(special)
        plain, strip_next = "", strip_after

    for part in parts:
        if not part.from_template:
            plain += part.text
            continue
        rest = part.text
        for token in gguf.tokenize(rest, special=True):
            text = gguf.special_text(token) if gguf.is_special(token) else ""
            if text and text in rest:
                before, _, rest = rest.partition(text)
                plain += before
                flush(token)
        plain += rest
    flush()
    return _with_bos(gguf, tokens)


def _with_bos(gguf: Gguf, tokens: list[int]) -> list[int]:
    """Put the beginning-of-text token first, if the model wants it and it is not there yet."""
    if gguf.bos < 0 or tokens[:1] == [gguf.bos]:
        return tokens
    return [gguf.bos, *tokens]

"""From a prompt to tokens."""

from __future__ import annotations

from collections.abc import Sequence

from lwtui.models.llama_cpp.bindings import Gguf
from lwtui.models.llama_cpp.template import TemplatePart


def text_tokens(gguf: Gguf, text: str) -> list[int]:
    """The tokens of a text that the model is to carry on; nothing in it counts as a mark."""
    return _begun(gguf, gguf.tokens(text))


def chat_tokens(gguf: Gguf, parts: Sequence[TemplatePart]) -> list[int]:
    """The tokens of a rendered chat: marks are recognised in the template's own parts alone.

    Text between two marks is taken as one, wherever it came from, so that it becomes the tokens the model was
    trained on.
    """
    tokens: list[int] = []
    plain = ""
    strip_next = False

    def put(mark: int | None = None) -> None:
        nonlocal plain, strip_next
        before, after = (False, False) if mark is None else gguf.strips(mark)
        plain = plain.lstrip() if strip_next else plain
        plain = plain.rstrip() if before else plain
        if plain:
            tokens.extend(gguf.tokens(plain))
        if mark is not None:
            tokens.append(mark)
        plain, strip_next = "", after

    for part in parts:
        if not part.from_template:
            plain += part.text
            continue
        rest = part.text
        for token in gguf.tokens(rest, special=True):
            mark = gguf.mark(token) if gguf.is_hidden(token) else ""
            if mark and mark in rest:
                before, _, rest = rest.partition(mark)
                plain += before
                put(token)
        plain += rest
    put()
    return _begun(gguf, tokens)


def _begun(gguf: Gguf, tokens: list[int]) -> list[int]:
    """``tokens`` with the one that begins every text, where the model wants it, once."""
    if gguf.bos < 0 or tokens[:1] == [gguf.bos]:
        return tokens
    return [gguf.bos, *tokens]

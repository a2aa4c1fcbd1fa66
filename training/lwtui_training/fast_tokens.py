"""Tokenize many conversations on all cores.

:func:`lwtui_training.chat.tokenize` asks for the place of every token in the text, to see which tokens the assistant
wrote, one row at a time. Here batches go to the tokenizer's own threads without places: where the text before an answer
gives the first tokens of the whole, and the text after it the last ones, those between are the assistant's. Elsewhere,
as with several answers, the places are asked for.
"""

from __future__ import annotations

import os
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

import numpy as np

from lwtui_training.chat import tokenize

_T = TypeVar("_T")
Tokens = tuple[np.ndarray, np.ndarray]
_BATCH = 256  # conversations
_AHEAD = 2  # batches at the tokenizer's threads, so that a long row at the end of one leaves no core idle
_PARALLELISM = "TOKENIZERS_PARALLELISM"
_IGNORED = np.int32(-100)


def tokenize_many(tokenizer: Any, conversations: Iterable[list[dict[str, str]]]) -> Iterator[Tokens]:
    """Tokenize conversations as :func:`~lwtui_training.chat.tokenize` does, in order, as two int32 arrays each."""
    slow = not _can_be_fast(tokenizer)
    waiting: deque[tuple[_Batch, Future[None]]] = deque()
    with _all_cores(), ThreadPoolExecutor(_AHEAD) as threads:
        for messages in batches(conversations, _BATCH):
            if slow:
                yield from (_arrays(*tokenize(tokenizer, one)) for one in messages)
                continue
            batch = _Batch(tokenizer, messages)
            waiting.append((batch, threads.submit(batch.encode)))
            if len(waiting) > _AHEAD:
                yield from _finish(*waiting.popleft())
        while waiting:
            yield from _finish(*waiting.popleft())


def batches(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    """Yield lists of up to ``size`` items."""
    rest = iter(items)
    while found := list(islice(rest, size)):
        yield found


def _finish(batch: _Batch, encoding: Future[None]) -> Iterator[Tokens]:
    encoding.result()
    return batch.tokens()


class _Batch:
    """Some conversations, as texts and the parts of them that the assistant wrote."""

    def __init__(self, tokenizer: Any, conversations: list[list[dict[str, str]]]) -> None:
        from transformers.utils.chat_template_utils import render_jinja_template

        self._backend = tokenizer.backend_tokenizer
        self._unknown = tokenizer.unk_token_id
        self._texts, self._spans = render_jinja_template(
            conversations=conversations,
            chat_template=tokenizer.get_chat_template(),
            return_assistant_tokens_mask=True,
            **tokenizer.special_tokens_map,
        )
        self._whole: Iterator[Any] = iter(())
        self._before: Iterator[Any] = iter(())
        self._after: dict[str, Any] = {}
        self._placed: Iterator[Any] = iter(())

    def encode(self) -> None:
        """Encode the texts; this takes the time, and no lock of Python's."""
        cases = list(zip(self._texts, self._spans, strict=True))
        single = [(text, spans[0]) for text, spans in cases if len(spans) == 1]
        self._whole = iter(self._fast([text for text, _ in single]))
        self._before = iter(self._fast([text[:start] for text, (start, _) in single]))
        ends = list(dict.fromkeys(text[end:] for text, (_, end) in single))  # the same few for all
        self._after = dict(zip(ends, self._fast(ends), strict=True))
        others = [text for text, spans in cases if len(spans) != 1]
        self._placed = iter(self._backend.encode_batch(others, add_special_tokens=False))

    def tokens(self) -> Iterator[Tokens]:
        """Yield the tokens and labels of each conversation."""
        for text, spans in zip(self._texts, self._spans, strict=True):
            if len(spans) != 1:
                yield _by_places(next(self._placed), spans)
                continue
            after = self._after[text[spans[0][1] :]]
            found = self._between(next(self._whole), next(self._before), after)
            yield found or _by_places(self._backend.encode(text, add_special_tokens=False), spans)

    def _fast(self, texts: list[str]) -> list[Any]:
        found: list[Any] = self._backend.encode_batch_fast(texts, add_special_tokens=False)
        return found

    def _between(self, whole: Any, before: Any, after: Any) -> Tokens | None:
        """Return the tokens of a text with one answer, or ``None`` if a token reaches over one of its ends."""
        ids, first, last = (np.array(one.ids, dtype=np.int32) for one in (whole, before, after))
        start, end = len(first), len(ids) - len(last)
        exact = start <= end and np.array_equal(ids[:start], first) and np.array_equal(ids[end:], last)
        if not exact or self._unknown in {*ids[start - 1 : start].tolist(), *ids[end : end + 1].tolist()}:
            return None  # an unknown token may stand for any text, so it does not show where it ends
        labels = np.full(len(ids), _IGNORED)
        labels[start:end] = ids[start:end]
        return ids, labels


def _by_places(encoding: Any, spans: list[tuple[int, int]]) -> Tokens:
    ids = np.array(encoding.ids, dtype=np.int32)
    labels, every = np.full(len(ids), _IGNORED), range(len(ids))
    for start, end in spans:  # a token that reaches into the answer is the assistant's, as transformers has it
        first = bisect_right(every, start, key=lambda token: encoding.token_to_chars(token)[1])
        last = bisect_left(every, end, key=lambda token: encoding.token_to_chars(token)[0])
        labels[first:last] = ids[first:last]
    return ids, labels


def _can_be_fast(tokenizer: Any) -> bool:
    """Return whether the batches give what the tokenizer itself gives, which may have ways of its own."""
    if not getattr(tokenizer, "is_fast", False):
        return False
    turns = [
        {"role": role, "content": text}
        for role, text in (("user", "Tell of 12 Häuser.\n"), ("assistant", " Once …  upon\n\na time, 从前。\n"))
    ]
    for messages in (turns, turns * 2):
        expected = tokenize(tokenizer, messages)
        batch = _Batch(tokenizer, [messages])
        batch.encode()
        ((ids, labels),) = batch.tokens()
        if (ids.tolist(), labels.tolist()) != tuple(expected):
            return False
    return True


def _arrays(ids: list[int], labels: list[int]) -> Tokens:
    return np.array(ids, dtype=np.int32), np.array(labels, dtype=np.int32)


@contextmanager
def _all_cores() -> Iterator[None]:
    """Let the tokenizer use all cores; this process starts no others meanwhile."""
    before = os.environ.get(_PARALLELISM)
    os.environ[_PARALLELISM] = "true"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_PARALLELISM]
        else:
            os.environ[_PARALLELISM] = before

"""Separates a model's answer from its reasoning and from the marks of its chat template, where all arrive as one text.

Servers are to do this, and many do not: the reasoning stands between tags of one kind or another, the template has
opened them already, or the model goes on after its end mark as if it were the user.
"""

from __future__ import annotations

import regex

from lwtui.models.base import AnswerVoided, ReasoningPiece, TextPiece

_NAMES = r"(?:think|thinking|thought|thoughts|reasoning|seed:think)"
# How reasoning begins and ends. In the channels of harmony, everything but the final channel is reasoning.
_PAIRS = (
    (rf"<\s*{_NAMES}\s*>", rf"<\s*/\s*{_NAMES}\s*>"),
    (r"\[\s*THINK\s*\]", r"\[\s*/\s*THINK\s*\]"),
    (r"◁\s*think\s*▷", r"◁\s*/\s*think\s*▷"),
    (r"<\|begin_of_thought\|>", r"<\|end_of_thought\|>"),
    (r"<\|START_THINKING\|>", r"<\|END_THINKING\|>"),
    (
        r"(?:<\|start\|>\s*assistant\s*)?<\|channel\|>\s*(?:analysis|commentary)[^<]{0,80}<\|message\|>",
        r"<\|(?:end|call)\|>",
    ),
)
# Marks before the answer proper.
_LEADS = (
    r"(?:<\|start\|>\s*assistant\s*)?<\|channel\|>\s*final\s*(?:<\|constrain\|>[^<]{0,20})?<\|message\|>",
    r"<\|START_RESPONSE\|>",
    r"<\|(?:begin|end)_of_solution\|>",
)
# Marks with which a chat template ends an answer, or begins another message.
_ENDS = (
    r"<\|(?:im_end|im_start|eot_id|eom_id|start_header_id|end_of_text|endoftext|end|return|start|user|system|assistant"
    r"|END_RESPONSE|END_OF_TURN_TOKEN|eot|eos)\|>",
    r"<(?:end_of_turn|start_of_turn)>",
    r"\[/?INST\]",
    r"<｜(?:end▁of▁sentence|User|Assistant)｜>",
)
_FLAGS = regex.IGNORECASE | regex.VERSION1
_OPENINGS = [regex.compile(opening, _FLAGS) for opening, _ in _PAIRS]
_CLOSINGS = [regex.compile(closing, _FLAGS) for _, closing in _PAIRS]
_OPENING = "|".join(opening for opening, _ in _PAIRS)
# The closings of harmony are ends elsewhere.
_LONE_CLOSING = "|".join(closing for _, closing in _PAIRS[:-1])
_MARK = regex.compile(
    rf"(?P<opening>{_OPENING})|(?P<closing>{_LONE_CLOSING})|(?P<lead>{'|'.join(_LEADS)})|(?P<end>{'|'.join(_ENDS)})",
    _FLAGS,
)
_HARMONY_START = regex.compile(r"<\|start\|>\s*assistant\s*<\|channel\|>[^<]*<\|message\|>", _FLAGS)
_FIRST = "<[◁"  # with which marks begin
_LONGEST = 140  # characters of a mark
_ANY_OPENING = regex.compile(_OPENING, _FLAGS)
_AT_END = regex.compile(rf"(?:{_OPENING})\s*\Z", _FLAGS)

AnswerPart = TextPiece | ReasoningPiece | AnswerVoided


def opens_reasoning(text: str) -> bool:
    """Tell whether ``text``, the end of a prompt, has opened the reasoning already."""
    return _AT_END.search(text[-2 * _LONGEST :]) is not None


def without_reasoning(answer: str) -> str:
    """Return a whole answer without its reasoning and the marks of its template."""
    splitter, text = ReasoningSplitter(), ""
    for part in [*splitter.add(answer), *splitter.close()]:
        match part:
            case TextPiece(piece):
                text += piece
            case AnswerVoided():
                text = ""
    return text


class ReasoningSplitter:
    """Splits a streamed answer. Pieces may cut the marks anywhere.

    A closing tag without an opening one tells that all text before it was reasoning. A tag within a line, or in
    backquotes, belongs to a text about such tags.
    """

    def __init__(self, *, thinking: bool = False) -> None:
        """Start an answer; ``thinking`` if the prompt has opened the reasoning (see :func:`opens_reasoning`)."""
        self._held = ""
        self._closing = _CLOSINGS[0] if thinking else None  # that ends the present reasoning
        self._any_closing = thinking
        self._text = ""  # the last characters of the answer so far
        self._blank = ""  # white space before the first of them
        self._had_marks = thinking
        self._ended = False

    def add(self, piece: str) -> list[AnswerPart]:
        """Return the parts that ``piece`` completes, and hold back what may still become a mark."""
        self._held += piece
        parts: list[AnswerPart] = []
        while self._held and not self._ended and self._take(parts, final=False):
            continue
        return parts

    def close(self) -> list[AnswerPart]:
        """Return what was held back and did not become a mark."""
        parts: list[AnswerPart] = []
        while self._held and not self._ended and self._take(parts, final=True):
            continue
        return parts

    def _take(self, parts: list[AnswerPart], *, final: bool) -> bool:
        """Take the text up to the next mark, and the mark. Returns whether there may be more to take."""
        if self._closing is not None:
            return self._take_reasoning(parts, final=final)
        match = next((mark for mark in _MARK.finditer(self._held) if self._counts(mark)), None)
        if match and not final and _may_grow(self._held, match.start()):
            match = None  # it may become a longer mark
        end = match.start() if match else len(self._held) if final else _undecided(self._held)
        self._pass(self._held[:end], parts)
        self._held = self._held[match.end() if match else end :]
        if match is None:
            return False
        self._had_marks = True
        if match["opening"]:
            kind = next(kind for kind, opening in enumerate(_OPENINGS) if opening.fullmatch(match["opening"]))
            self._closing = _CLOSINGS[kind]
        elif match["closing"] or (match["lead"] and self._text):
            parts.append(AnswerVoided())
            self._text = ""
        elif match["end"] and self._text:
            self._ended = True
        return True

    def _take_reasoning(self, parts: list[AnswerPart], *, final: bool) -> bool:
        assert self._closing is not None
        closing = regex.compile(_LONE_CLOSING, _FLAGS) if self._any_closing else self._closing
        match = closing.search(self._held)
        end = match.start() if match else len(self._held) if final else _undecided(self._held)
        if end:
            parts.append(ReasoningPiece(self._held[:end]))
        self._held = self._held[match.end() if match else end :]
        if match is None:
            return False
        self._closing, self._any_closing = None, False
        return True

    def _pass(self, text: str, parts: list[AnswerPart]) -> None:
        if not self._text:
            text = self._blank + text
            self._blank = "" if text.strip() else text
            text = text.lstrip() if self._had_marks or self._blank else text
        if text:
            parts.append(TextPiece(text))
            self._text = (self._text + text)[-_LONGEST:]

    def _counts(self, mark: regex.Match[str]) -> bool:
        """Whether a mark is one: tags in words begin or end a line, unless they are in backquotes."""
        before = self._text + self._held[: mark.start()]
        if mark["end"] or mark["lead"]:
            return not before.endswith("`")
        line = before.rpartition("\n")[2]
        return not line.strip() if mark["opening"] else not line.endswith("`") and not _ANY_OPENING.search(line)


def _may_grow(text: str, at: int) -> bool:
    """Whether the mark at ``at`` may be the beginning of one of harmony's, which are the only ones of several parts."""
    match = _HARMONY_START.fullmatch(text, at, partial=True)
    return match is not None and match.partial


def _undecided(text: str) -> int:
    """Return where what may still become a mark begins."""
    start = max(0, len(text) - _LONGEST)
    for at in range(start, len(text)):
        if text[at] in _FIRST and (
            _HARMONY_START.fullmatch(text, at, partial=True)
            or _MARK.fullmatch(text, at, partial=True)
            or any(closing.fullmatch(text, at, partial=True) for closing in _CLOSINGS)
        ):
            return at
    return len(text)

"""Separates a model's answer from its reasoning and from the marks of its chat template, where all arrive as one text.

Servers are to do this, and many do not: the reasoning stands between tags of one kind or another, the template has
opened them already, or the model goes on after its end mark as if it were the user.
"""

from __future__ import annotations

import regex

from lwtui.models.base import AnswerVoided, ReasoningPiece, TextPiece

_NAMES = r"(?:think|thinking|thought|thoughts|reasoning|seed:think)"
_ASSISTANT = r"(?:<\|end\|>\s*)?(?:<\|start\|>\s*assistant\s*)?"
_FINAL_CHANNEL = rf"{_ASSISTANT}<\|channel\|>\s*final\s*(?:<\|constrain\|>[^<]{{0,20}})?<\|message\|>"
# How reasoning begins and ends. In the channels of harmony, everything but the final channel is reasoning.
_PAIRS = (
    (rf"<\s*{_NAMES}\s*>", rf"<\s*/\s*{_NAMES}\s*>"),
    (r"(?-i:\[\s*THINK\s*\])", r"(?-i:\[\s*/\s*THINK\s*\])"),
    (r"◁\s*think\s*▷", r"◁\s*/\s*think\s*▷"),
    (r"<\|begin_of_thought\|>", r"<\|end_of_thought\|>"),
    (r"<\|START_THINKING\|>", r"<\|END_THINKING\|>"),
    (
        rf"{_ASSISTANT}<\|channel\|>\s*(?:analysis|commentary)[^<]{{0,80}}<\|message\|>",
        rf"{_FINAL_CHANNEL}|<\|(?:end|call)\|>",
    ),
)
# Marks before the answer proper.
_LEADS = (_FINAL_CHANNEL, r"<\|START_RESPONSE\|>", r"<\|begin_of_solution\|>")
# Marks with which a chat template ends an answer, or begins another message.
_ENDS = (
    r"<\|(?:im_end|im_start|eot_id|eom_id|start_header_id|end_of_text|endoftext|end|return|start|user|system|assistant"
    r"|END_RESPONSE|END_OF_TURN_TOKEN|end_of_solution|eot|eos)\|>",
    r"<(?:end_of_turn|start_of_turn)>",
    r"(?-i:\[/?INST\])",
    r"<｜(?:end▁of▁sentence|User|Assistant)｜>",
)
_FLAGS = regex.IGNORECASE | regex.VERSION1
_OPENINGS = [regex.compile(opening, _FLAGS) for opening, _ in _PAIRS]
_CLOSINGS = [regex.compile(closing, _FLAGS) for _, closing in _PAIRS]
_ANY_CLOSING = regex.compile("|".join(closing for _, closing in _PAIRS), _FLAGS)
_OPENING = "|".join(opening for opening, _ in _PAIRS)
# Without an opening, the closings of harmony are ends.
_LONE_CLOSING = "|".join(closing for _, closing in _PAIRS[:-1])
_MARK = regex.compile(
    rf"(?P<opening>{_OPENING})|(?P<closing>{_LONE_CLOSING})|(?P<lead>{'|'.join(_LEADS)})|(?P<end>{'|'.join(_ENDS)})",
    _FLAGS,
)
_CHANNEL = regex.compile(rf"{_ASSISTANT}<\|channel\|>[^<]{{0,100}}<\|message\|>", _FLAGS)
_FIRST = "<[◁"  # with which marks begin
_LONGEST = 140  # characters of a mark
_AT_END = regex.compile(rf"(?:{_OPENING})\s*\Z", _FLAGS)
_SENTENCE_END = regex.compile(r"[.!?…。！？][\"'”’」』)\]]*\Z")
_LONGEST_LINE = 2000  # characters of a line that are looked at
_FENCE = ("```", "~~~")

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

    A closing tag without an opening one tells that all text before it was reasoning. A mark within a line, in
    backquotes or in a block of code belongs to a text about such marks.

    Attributes:
        ended: Whether the answer has ended, whatever the model goes on to say.
    """

    def __init__(self, *, thinking: bool = False, perhaps: bool = False) -> None:
        """Start an answer.

        Args:
            thinking: Whether the prompt has opened the reasoning (see :func:`opens_reasoning`).
            perhaps: Whether the answer is likely to begin with reasoning that no tag opens, as earlier ones of the
                model did. If no tag closes it, it was the answer.
        """
        thinking = thinking or perhaps
        self.ended = False
        self._held = ""
        self._closing = _ANY_CLOSING if thinking else None  # what ends the present reasoning
        self._had_reasoning = thinking
        self._had_marks = thinking
        self._has_text = False
        self._perhaps: list[str] | None = [] if perhaps else None  # the reasoning that may be the answer
        self._blank = ""  # white space before the first text
        self._line = ""  # the last line of the text so far
        self._in_code = False

    def add(self, piece: str) -> list[AnswerPart]:
        """Return the parts that ``piece`` completes, and hold back what may still become a mark."""
        is_within_text = self._has_text and not self._held and self._closing is None and not self.ended
        if piece and is_within_text and not _may_hold_mark(piece):
            self._follow(piece)
            return [TextPiece(piece)]
        self._held += piece
        return self._parts(final=False)

    def close(self) -> list[AnswerPart]:
        """Return what was held back and did not become a mark."""
        parts = self._parts(final=True)
        if self._perhaps:
            parts.append(TextPiece("".join(self._perhaps)))
        return parts

    def _parts(self, *, final: bool) -> list[AnswerPart]:
        parts: list[AnswerPart] = []
        while self._held and not self.ended:
            take = self._take_reasoning if self._closing is not None else self._take_text
            if not take(parts, final):
                break
        return parts

    def _take_text(self, parts: list[AnswerPart], final: bool) -> bool:
        """Take the text up to the next mark, and the mark. Returns whether there may be more to take."""
        match = _MARK.search(self._held) if _may_hold_mark(self._held) else None
        if match is None:
            end = len(self._held) if final else _undecided(self._held)
            self._pass(self._held[:end], parts)
            self._held = self._held[end:]
            return False
        self._pass(self._held[: match.start()], parts)
        self._held = self._held[match.start() :]
        mark, after = match[0], self._held[len(match[0]) :]
        if not final and (not after or _may_grow(self._held)):
            return False  # what follows tells whether it is one
        self._held = after
        if not self._counts(match, after):
            self._pass(mark, parts)
            return True
        self._had_marks = True
        if match["opening"]:
            kind = next(kind for kind, opening in enumerate(_OPENINGS) if opening.fullmatch(mark))
            self._closing = _CLOSINGS[kind]
            self._had_reasoning = True
        elif match["end"]:
            self.ended = self._has_text
        elif self._has_text and (match["lead"] or not self._had_reasoning):
            parts.append(AnswerVoided())
            self._has_text, self._line, self._had_reasoning = False, "", True
        return True

    def _take_reasoning(self, parts: list[AnswerPart], final: bool) -> bool:
        assert self._closing is not None
        match = self._closing.search(self._held) if _may_hold_mark(self._held) else None
        if match and not final and match.end() == len(self._held) and _may_grow(self._held[match.start() :]):
            match = None
        end = match.start() if match else len(self._held) if final else _undecided(self._held)
        if end:
            parts.append(ReasoningPiece(self._held[:end]))
            if self._perhaps is not None:
                self._perhaps.append(self._held[:end])
        self._held = self._held[match.end() if match else end :]
        if match is None:
            return False
        self._closing = self._perhaps = None
        return True

    def _pass(self, text: str, parts: list[AnswerPart]) -> None:
        if not self._has_text:
            text = self._blank + text
            self._blank = "" if text.strip() else text
            text = text.lstrip() if self._had_marks or self._blank else text
        if not text:
            return
        parts.append(TextPiece(text))
        self._has_text = True
        self._follow(text)

    def _follow(self, text: str) -> None:
        """Keep the last line of the text so far, and whether it is in a block of code."""
        last = text
        if "\n" in text:
            *lines, last = text.split("\n")
            for line in lines:
                self._in_code ^= (self._line + line).lstrip().startswith(_FENCE)
                self._line = ""
        self._line = (self._line + last)[-_LONGEST_LINE:]

    def _counts(self, match: regex.Match[str], after: str) -> bool:
        """Whether a mark is one, given the text before it and what follows it."""
        at_line_start = not self._line.strip()
        at_line_end = not after or after[0] in "\r\n"
        if self._in_code or self._line.endswith("`"):
            return False
        if match["opening"]:
            return at_line_start
        if match["lead"]:
            return at_line_start or _SENTENCE_END.search(self._line) is not None
        if match["closing"]:
            return at_line_start or (at_line_end and not _MARK.search(self._line))
        return at_line_start or at_line_end or after[0] in _FIRST or _SENTENCE_END.search(self._line) is not None


def _may_hold_mark(text: str) -> bool:
    return "<" in text or "[" in text or "◁" in text


def _may_grow(text: str) -> bool:
    """Whether ``text`` may be the beginning of a mark of harmony's, the only ones that have several parts."""
    match = _CHANNEL.fullmatch(text, partial=True)
    return match is not None and match.partial


def _undecided(text: str) -> int:
    """Return where what may still become a mark begins."""
    if not _may_hold_mark(text):
        return len(text)
    for at in range(max(0, len(text) - _LONGEST), len(text)):
        if text[at] in _FIRST and any(
            pattern.fullmatch(text, at, partial=True) for pattern in (_CHANNEL, _MARK, _ANY_CLOSING)
        ):
            return at
    return len(text)

"""Removes what is not text from a streamed answer: what models say before, after and around it.

That is talk ("Sure! Here is section 1:", "I hope this helps!"), word counts, labels ("Assistant:"), a fence or tags
around the whole answer, and the tokens of chat templates. Code, quotes and text about such things stay. The phrases
are in :mod:`lwtui.agentwrite.chatter_phrases`.
"""

from __future__ import annotations

import regex

from lwtui.agentwrite import chatter_phrases as phrases
from lwtui.text.code_blocks import CodeBlocks, fence_of
from lwtui.text.lazy_pattern import LazyPattern
from lwtui.text.list_marks import RULE

_LONGEST = 320  # characters of a line of talk
_LONGEST_COUNT = 40  # characters of a word count after a heading
_SHORTEST_WRAPPED = 900  # characters within a fence, from which it is a text and no sample of Markdown
_BLANK = " \t\r\n\v\f\u00a0\u2003\u3000\u200b\u2060"
_OPEN_MARK = r"(?![-*+•][ \t])[\s*_#>(（\[【{\-–—~]*"  # no mark of a list item
_CLOSE_MARK = r"[\s*_#)）\]】}.。!！…\-–—~]*"
_STRONG = r"[*_#]{0,6}[ \t]*[¡¿]?"  # emphasis, or the mark of a heading


def _compile(pattern: str) -> LazyPattern:
    return LazyPattern(pattern, phrases.FLAGS)


_AGREES = _compile(rf"{_STRONG}(?:{phrases.AGREES}(?!\w)[*_ \t]*[!,.:;…，。！：、~\-–—]+[*_ \t]*)+")
_AGREES_ALONE = _compile(rf"{_STRONG}(?:{phrases.AGREES_ALONE}[*_ \t]*[!.…。！~,，]*\s*){{1,3}}")
_ANNOUNCES = _compile(rf"{_STRONG}{phrases.ANNOUNCES}")
_ASKS_FOR_TEXT = _compile(rf"{_STRONG}{phrases.ASKS_FOR_TEXT}")
_OURS = _compile(phrases.ABOUT_THE_ANSWER)
_PERHAPS = _compile(phrases.MAY_BE_THE_ANSWER)
_INTRODUCES = _compile(phrases.INTRODUCES)
_COLON = _compile(r"[:：][\s*_]*\Z")
_ENDED = _compile(r"[.!。！…～~](?:[\s*_]|[^\x00-\x7f\w])*\Z")
_COLON_WITHIN = _compile(r"[:：][*_]*(?:[ \t]+|(?<=：))(?=\S)")
_NUMBERED = _compile(r"\d|第|one\b|two\b|first|next|last")
_FIELD = _compile(r"[\p{L}\p{M} ]{1,30}[:：]")
_QUOTE = _compile(r"[\"“”„‟«»‘’'‹›「『《—–―-]")
_PART_LINE = _compile(
    rf"{_STRONG}[(（\[]?{phrases.PARTS}\s*[*_]*#?\s*(?P<number>(?:[\d一二三四五六七八九十]+|(?:one|two|three"
    rf"|four|five|six|seven|eight|nine|ten)\b))\s*(?P<total>(?:[节節"
    rf"章部段]?\s*[(（]?\s*)?"
    rf"(?:{phrases.OF_TOTAL}|共)\s*[\d一二三四五六七八九十]+)?\s*[节節章部分段]{{0,2}}[)）\]]?\s*(?:[)\]*_]*[:"
    rf"：.\-–—、|]*\s*)(?P<rest>[^\n]{{0,140}})"
)
_TITLE_LINE = _compile(rf"{_STRONG}(?P<label>{phrases.TITLE_LABELS})[*_ ]*[:：][*_ ]*(?P<rest>[^\n]{{1,140}})")
_START_LINE = _compile(
    rf"{_STRONG}(?:[(（\[【][\s*_]*{phrases.STARTS_IN_BRACKETS}[\s*_.…]*[)）\]】][*_]*[:：]?"
    rf"|{phrases.STARTS_IN_BRACKETS}[*_ ]*[:：])\s*"
)
_LABEL = _compile(
    rf"{_STRONG}(?:(?P<role>{phrases.ROLES})|(?P<doubtful>{phrases.DOUBTFUL_ROLES})"
    rf"|(?P<answer>{phrases.ANSWER_LABELS}))"
    r"(?:[*_]{0,3}[ \t]*[:：][*_]{0,3})[ \t]*"
)
_COUNT = (
    rf"(?:{phrases.COUNT_LABELS}[\s*_]*[:：=≈~\-–—]?[\s*_]*(?:{phrases.ABOUT}[\s*_]*)?\d[\d.,’'  ]*\+?(?:\s*[-–~至"
    rf"到/]\s*\d[\d,.]*)?[\s*_]*(?:个|個)?{phrases.COUNT_UNITS}?"
    rf"|(?:{phrases.ABOUT}\s*)?\d[\d.,]*\s*{phrases.COUNT_UNITS}"
    rf"|(?:全文|本节|本文|共|正文|以上)+\s*(?:{phrases.ABOUT}\s*)?\d[\d,]*\s*(?:个)?{phrases.COUNT_UNITS}(?:左右)?)"
    r"(?:\s*(?:左右|in total|total|exactly|[(（][^\n)）]{1,40}[)）]))?"
)
_COUNT_LINE = _compile(rf"{_OPEN_MARK}{_COUNT}{_CLOSE_MARK}")
_COUNT_AT_END = _compile(rf"[*_ ]*[(（\[]{_COUNT}[)）\]][*_ ]*\Z")
_COUNT_LABELED = _compile(rf"{_OPEN_MARK}{phrases.COUNT_LABELS}[\s*_]*[:：=]")
_IN_BRACKETS = r"[(（\[【*_\-–—][\s*_\-–—]*(?:{})[\s*_.…。!！\-–—]*[)）\]】*_\-–—]+[\s.]*"
# A line that says the text has ended, though more follows.
_END_MARK = _compile(rf"(?m)^[ \t]*[(（\[【][ \t]*{phrases.END_MARKS}[ \t.…。!！]*[)）\]】][ \t]*\n")
# A line, or the rest of one after a sentence, that is talk after the text.
_TALK_AFTER = (
    rf"{_OPEN_MARK}(?:{_COUNT}|{phrases.MORE_FOLLOWS}){_CLOSE_MARK}|{_OPEN_MARK}{phrases.ENDS}{_CLOSE_MARK}"
    rf"|{_IN_BRACKETS.format(phrases.ENDS_IN_BRACKETS)}"
    rf"|[\s*_(（\[¡¿]{{0,4}}{phrases.CLOSINGS}[^\n]{{0,{_LONGEST}}}|</{phrases.TAGS}\s*>\s*"
)
_AFTER = _compile(_TALK_AFTER)
# Within a line, after a sentence, only brackets and whole phrases tell: "It has 120 words." is text.
_AFTER_WITHIN = _compile(
    rf"[(（\[【*_]+\s*(?:{_COUNT}|{phrases.MORE_FOLLOWS}){_CLOSE_MARK}"
    rf"|{_IN_BRACKETS.format(f'{phrases.ENDS}|{phrases.ENDS_IN_BRACKETS}')}"
    rf"|{phrases.CLOSINGS}[^\n]{{0,{_LONGEST}}}|</{phrases.TAGS}\s*>\s*"
)
_AGREES_AT_END = _compile(r"(?:thank you|thanks|best regards|happy writing|enjoy)[^\n]{0,40}")
_RULE = _compile(rf"[ \t]{{0,3}}(?:{RULE}|[=~]{{3,}}\s*)")
_SENTENCE_END = _compile(r"(?:[.!?…؟।۔][\"”’»)\]*_]*[ \t]+|[。！？][」』”’）]*[ \t]*|[a-z0-9][ \t]+(?=[(\[*]))\Z")
_TOKEN = _compile(phrases.TOKENS)
_TOKEN_START = "<["
_LONGEST_TOKEN = 48
_STARTS_MESSAGE = _compile(
    r"<\|(?:im_start|start_header_id|start|assistant|header_start|channel)\|>|<start_of_turn>|<｜Assistant｜>"
)
_ROLE_NAME = _compile(
    r"\s*(?:assistant|model|ai|bot|final)?\s*(?:<\|(?:end_header_id|message|im_sep|header_end)\|>)?\s*"
)
_INSTRUCTION = _compile(r"#{2,3}\s*(?:human|user|instructions?|input|response|assistant)\s*[:：][^\n]*")
_TAG = _compile(rf"<\s*(?P<name>{phrases.TAGS})(?:\s+[^<>\n]{{0,120}})?>[ \t]*")
_HTML = _compile(rf"<{phrases.TAGS}[\s>]")
_TAG_SO_FAR = _compile(rf"<\s*(?:{phrases.TAGS})(?:\s+[^<>\n]{{0,120}})?>")
_FENCE_SO_FAR = _compile(r"`{3,}[^\n`]{0,30}|~{3,}[^\n~]{0,30}")
_WRAPS_TEXT = _compile(rf"{phrases.FENCED_TEXT}(?:\s[^\n]*)?")
_PROSE = _compile(r"[^\n]*\p{L}[^\n]{30,}[.!?…。！？](?:[\"”’»」』)*_]|\s)")
_HEADING = _compile(r" {0,3}#{1,6}[ \t]+[^\n]*|[ \t]*\*\*[^*\n]+\*\*[:：]?[ \t]*")
# What a first line has to begin with, so that the text is held back until the line is complete.
_MAY_BE_TALK = _compile(
    rf"{_STRONG}[(（\[【]?[\s*_]*(?:{phrases.AGREES}|{phrases.ANNOUNCES}|{phrases.PARTS}"
    rf"|{phrases.TITLE_LABELS}[*_ ]*[:：]"
    rf"|(?:{phrases.ROLES}|{phrases.DOUBTFUL_ROLES}|{phrases.ANSWER_LABELS})[*_ ]*[:：]"
    rf"|{phrases.STARTS_IN_BRACKETS}[\s*_.…]*[)）\]】:：]|{_COUNT})"
    rf"|{_TOKEN.pattern}|<\s*{phrases.TAGS}\b|`{{3,}}|~{{3,}}|#{{2,3}}\s*(?:response|assistant)"
)


class ChatterStripper:
    """Removes chatter from an answer that streams in. The result does not depend on how it is divided into pieces.

    :meth:`add` returns the text that is ready, and holds back what may turn out to be chatter.

    Attributes:
        ended: Whether a token of a chat template has ended the answer, whatever follows.
    """

    def __init__(
        self,
        title: str = "",
        about: str = "",
        existing: str = "",
        *,
        tokens_only: bool = False,
        keep_fences: bool = False,
    ) -> None:
        """Start an answer.

        Args:
            title: The section's heading.
            about: What the section is about, in any words. What these name is no label: "AI: …".
            existing: The text that the answer continues.
            tokens_only: Whether to remove nothing but the tokens of chat templates, as for a base model.
            keep_fences: Whether to keep a fence around the whole answer.
        """
        self.ended = False
        self._title = title
        self._about = f"{title}\n{about}"
        self._tokens_only = tokens_only
        self._keep_fences = keep_fences
        self._held = ""
        self._opening = not tokens_only
        self._stripped = False  # whether there was chatter before the text
        self._blocks = CodeBlocks(existing)
        if self._blocks.inside:
            self._opening = False
        self._wrapper = ""  # the fence around the whole answer
        self._tag = ""  # the tag around it
        self._line = existing.rpartition("\n")[2][-_LONGEST:]  # what was passed of the present line
        self._has_html = False  # whether the text has such tags of its own
        self._pending = ""  # lines at the end that are talk, unless text follows
        self._has_talk = False  # whether the pending lines are more than rules and blank lines

    def add(self, piece: str) -> str:
        """Add a piece. Returns the text that is ready."""
        return self._take(piece, final=False)

    def close(self, *, cut_off: bool = False) -> str:
        """Return the rest, at the end of the answer.

        Args:
            cut_off: Whether the answer broke off, so that what is held back may be half a sentence.
        """
        ready = self._take("", final=True)
        if self._pending and not self._has_talk and not cut_off:
            ready += self._pending
        self._pending = ""
        return ready

    def _take(self, piece: str, *, final: bool) -> str:
        if self.ended:
            return ""
        self._held += piece
        if self._opening:
            if not self._take_opening(final):
                return ""
            self._opening = False
        return self._take_body(final)

    # -- before the text

    def _take_opening(self, final: bool) -> bool:
        """Remove chatter from the beginning of what is held. Returns whether more text could not change it."""
        kept = 0  # a heading at the beginning, which others judge
        while True:
            blank = len(self._held[kept:]) - len(self._held[kept:].lstrip(_BLANK))
            body = self._held[kept + blank :]
            if not body:
                return final
            size = self._chatter_at(body, final)
            if size is None:
                return False
            if size:
                self._held = self._held[:kept] + body[size:]
                self._stripped = True
                continue
            line, newline, _ = body.partition("\n")
            if kept or not _HEADING.fullmatch(line) or len(line) > _LONGEST:
                return True
            if not newline:
                return final
            kept += blank + len(line) + 1

    def _chatter_at(self, body: str, final: bool) -> int | None:
        """Return how many characters of chatter ``body`` begins with; ``None`` if more text has to decide."""
        line, newline, after = body.partition("\n")
        complete = bool(newline) or final
        if not complete and len(line) <= _LONGEST and _may_become(line, self._title, stripped=self._stripped):
            return None
        if match := _TOKEN.match(body):
            role = _ROLE_NAME.match(body, match.end()) if _STARTS_MESSAGE.fullmatch(match[0]) else None
            return role.end() if role else match.end()
        if line[:3] in ("```", "~~~"):
            if self._keep_fences:
                return 0
            return self._fence_size(line, after, final) if complete else 0
        if match := _TAG.match(body):
            return self._tag_size(match, after if match.end() >= len(line) else body[match.end() :], final)
        if match := _LABEL.match(line):
            return self._label_size(match, line, after, final)
        if self._stripped and newline and _RULE.fullmatch(line):
            return len(line) + 1
        return self._talk_size(line, newline, after, final)

    def _fence_size(self, line: str, after: str, final: bool) -> int | None:
        """Return the size of a fence that is around the whole answer; it is opened thereby."""
        found = fence_of(line)
        if found is None:
            return 0
        marks, language = found
        named = _WRAPS_TEXT.fullmatch(language) is not None
        if language and not named:
            return 0
        size = len(line) + 1
        first = after.lstrip().partition("\n")[0]
        if self._is_title(first) and "\n" in after.lstrip():
            self._wrapper = marks
            return size
        blocks, inner, end = CodeBlocks(), 0, -1
        for part in after.splitlines(keepends=True):
            if not blocks.inside and _closes(part, marks):
                end = inner + len(part)
                break
            blocks.add(part.rstrip("\n"))
            inner += len(part)
        if end >= 0 and not (final or after[end:].strip()):
            return None
        if end < 0 and not final and inner < _SHORTEST_WRAPPED:
            return None
        content = after[:inner]
        if end >= 0 and (rest := after[end:].strip()):
            lines = rest.split("\n")
            if not final and len(lines) < 2 and len(rest) <= _LONGEST:
                return None
            if not _AFTER.fullmatch(lines[0]) and not _RULE.fullmatch(lines[0]):
                return 0  # text follows: it is a block of code
        is_prose = _PROSE.search(content) is not None and not content.startswith(("    ", "\t", "$ "))
        markdown = named and not language.casefold().startswith(("te", "tx", "pl"))
        if not is_prose and not (markdown and content.strip()):
            return 0
        self._wrapper = marks
        return size

    def _tag_size(self, match: regex.Match[str], after: str, final: bool) -> int | None:
        """Return the size of a tag that is around the whole answer; it is opened thereby."""
        following = after.lstrip()
        if not following:
            return match.end() if final else None
        own_line = match.string[match.end() : match.end() + 1] == "\n"
        if following[0] == "<" or (not own_line and following[0].islower()):
            return 0  # HTML, or text about it
        self._tag = match["name"]
        return match.end() + (1 if own_line else 0)

    def _label_size(self, match: regex.Match[str], line: str, after: str, final: bool) -> int | None:
        if not line[match.end() :].strip():
            following = after.lstrip()
            if not following:
                return len(line) if final else None
            # "Output:" may introduce a block of code.
            return 0 if match["answer"] and following[:1] in "`~|" else match.end()
        name = match["role"] or match["doubtful"]
        if match["answer"] or regex.search(rf"(?i)(?<!\w){regex.escape(name)}(?!\w)", self._about):
            return 0
        rest = line[match.end() :]
        is_sentence = _PROSE.match(rest + " ") is not None
        is_bold = line.lstrip(" #").startswith(("*", "_"))
        if match["role"] and (is_bold or is_sentence or rest[0].isupper()):
            return match.end()
        return match.end() if is_sentence and not rest[0].islower() and (is_bold or len(rest) > 60) else 0

    def _talk_size(self, line: str, newline: str, after: str, final: bool) -> int | None:
        """Return the size of a line of talk before the text."""
        whole = len(line) + len(newline)
        if len(line) > _LONGEST:
            return _announced_within(line)
        if not newline:
            return (whole if final and self._announces(line) else 0) or _announced_within(line)
        following = after.lstrip(_BLANK)
        if not following and not final:
            return None  # what comes next tells, for some
        apart = after[:1] == "\n" or not following
        if following and _ASKS_FOR_TEXT.match(line):  # alone, it is a refusal
            return whole
        if self._announces(line, apart=apart):
            return whole
        if _AGREES_ALONE.fullmatch(line) and not _QUOTE.match(following):
            return whole
        if match := _PART_LINE.fullmatch(line):
            rest = match["rest"].strip(" *_")
            is_named = not rest or self._is_title(rest)
            return whole if match["total"] or is_named else 0
        if (match := _COUNT_AT_END.search(line)) and self._is_title(line[: match.start()]):
            return whole
        if match := _TITLE_LINE.fullmatch(line):
            return whole if self._is_title(match["rest"]) or (apart and len(match["label"]) > 7) else 0
        if _START_LINE.fullmatch(line):
            return whole
        if _COUNT_LABELED.match(line) and _COUNT_LINE.fullmatch(line):
            return whole if apart or not _FIELD.match(following) else 0
        return _announced_within(line)

    def _announces(self, line: str, *, apart: bool = True) -> bool:
        """Tell whether a whole line announces the text."""
        agrees = _AGREES.match(line)
        rest = line[agrees.end() :] if agrees else line
        lead = _ANNOUNCES.match(rest)
        ours = _OURS.search(rest) is not None
        named = bool(self._title.strip()) and _folded(self._title) in _folded(rest)
        if _COLON.search(line):
            if lead is None:
                return agrees is not None and ours
            if agrees:
                return ours or named or _PERHAPS.search(rest) is not None or not _INTRODUCES.search(rest)
            return (ours or (named and _PERHAPS.search(rest) is not None)) and not _INTRODUCES.search(rest)
        if lead is None or not (apart or agrees) or not _ENDED.search(line) or _COLON_WITHIN.search(line):
            return False
        return (ours or named) and (agrees is not None or (ours and _NUMBERED.search(rest) is not None))

    def _is_title(self, line: str) -> bool:
        key = _folded(line)
        return bool(key) and key == _folded(self._title)

    # -- the text, and what comes after it

    def _take_body(self, final: bool) -> str:
        ready: list[str] = []
        while self._held and not self.ended:
            line, newline, rest = self._held.partition("\n")
            if not self._take_line(line, newline, final, ready):
                break
            self._held = rest if newline else ""
        return "".join(ready)

    def _take_line(self, line: str, newline: str, final: bool, ready: list[str]) -> bool:
        """Take (the rest of) a line. Returns whether it is done; otherwise more text has to decide about its end."""
        complete = bool(newline) or final
        at_start = not self._line
        if at_start and line.lstrip(" ")[:3] in ("```", "~~~") and not complete and len(line) < _LONGEST:
            return False
        if at_start and not complete and line.strip(" ") in ("", "`", "``", "~", "~~"):
            return False
        if at_start and not complete and line.startswith("#") and _INSTRUCTION.fullmatch(line, partial=True):
            return False
        if at_start and self._wrapper and not self._blocks.inside and _closes(line, self._wrapper):
            self._wrapper = ""
            return True
        if self._blocks.inside or (at_start and fence_of(line) is not None and complete):
            return self._pass_code(line, newline, final, ready)
        cut = self._token_in(line, complete)
        if cut is not None:
            place, sure = cut
            if sure:
                self.ended = True
                self._judge(line[:place].rstrip(), "", final=True, ready=ready)
                self._held = ""
                return True
            self._judge_until(line, place, ready)
            return False
        if self._tokens_only:
            self._emit(line + newline, ready)
            return True
        return self._judge(line, newline, final=complete, ready=ready)

    def _pass_code(self, line: str, newline: str, final: bool, ready: list[str]) -> bool:
        if not newline and not final:
            closing = not self._line and line.lstrip(" ")[:1] in ("`", "~", "")
            if not closing:
                self._emit(line, ready)
                self._held = ""
            return False
        whole = self._line + line
        self._blocks.add(whole)
        self._emit(line + newline, ready)
        return True

    def _judge(self, line: str, newline: str, *, final: bool, ready: list[str]) -> bool:
        """Pass a line on, unless it may be talk after the text."""
        at_start = not self._line
        if at_start and newline and not line.strip():
            if self._pending:
                self._pending += line + newline
            else:
                self._emit(line + newline, ready)
            return True
        if at_start:
            if final and (self._is_talk(line) or (self._has_talk and _AGREES_AT_END.fullmatch(line.strip()))):
                self._pending += line + newline
                self._has_talk = True
                return True
            if final and _RULE.fullmatch(line) and line.strip():
                self._pending += line + newline
                return True
            if not final and (
                _AFTER.fullmatch(line, partial=True)
                or _RULE.fullmatch(line, partial=True)
                or (self._has_talk and _AGREES_AT_END.fullmatch(line.strip(), partial=True))
                or self._closes_soon(line)
            ):
                return False
        place = self._talk_within(line, final)
        if place is None:
            self._emit(line + newline, ready)
            if not newline and not final:
                self._held = ""
                return False
            return True
        self._emit(line[:place], ready) if place else None
        if final:
            self._pending += line[place:] + newline
            self._has_talk = True
            return True
        self._held = line[place:] + self._held[len(line) :]
        return False

    def _is_talk(self, line: str) -> bool:
        """Tell whether a whole line is talk after the text."""
        if line.lstrip().startswith("</") and self._has_html:
            return False
        return _AFTER.fullmatch(line) is not None

    def _judge_until(self, line: str, place: int, ready: list[str]) -> None:
        """Pass on the part of a line before what may become a token."""
        before = line[:place]
        if not before or (not self._line and _AFTER.fullmatch(before, partial=True)):
            return
        held = self._talk_within(before, final=False)
        passed = len(before) if held is None else held
        if passed:
            self._emit(before[:passed], ready)
            self._held = self._held[passed:]

    def _talk_within(self, line: str, final: bool) -> int | None:
        """Return where in a line, after a sentence, talk begins (or may begin) that goes on to its end."""
        tail = self._line[-40:]
        whole = tail + line
        for match in _CANDIDATE.finditer(whole, max(0, len(tail) - 8)):
            place = match.start() if match[0] == "<" else match.end()
            if place < len(tail) or (place == len(tail) and not tail.strip()):
                continue
            rest = whole[place:]
            if not rest:
                return None
            if rest.startswith("</") and self._has_html:
                continue
            if _AFTER_WITHIN.fullmatch(rest) if final else _AFTER_WITHIN.fullmatch(rest, partial=True):
                return place - len(tail)
        return None

    def _closes_soon(self, line: str) -> bool:
        return bool(self._wrapper) and self._wrapper.startswith(line.strip(" ")[:3]) and bool(line.strip())

    def _token_in(self, line: str, complete: bool) -> tuple[int, bool] | None:
        """Return where the first token stands, or may begin, and whether it is one for sure."""
        if not self._line and self._has_instruction(line, complete):
            return 0, True
        if "<" not in line and "[" not in line:
            return None
        for match in _TOKEN.finditer(line):
            before, after = self._line + line[: match.start()], line[match.end() :]
            if before.count("`") % 2 or (match[0] == "<s>" and before.strip()):
                continue
            if match[0] == "</s>" and "<s>" in before:
                continue
            apart = bool(before) and before[-1].isspace() and _SENTENCE_END.search(before) is None
            if not apart or not before.strip() or after[:1] in ("<", "["):
                return match.start(), True
            if not after:
                return match.start(), complete
        if not complete:
            for at in range(max(0, len(line) - _LONGEST_TOKEN), len(line)):
                if line[at] in _TOKEN_START and _TOKEN.fullmatch(line, at, partial=True):
                    return at, False
        return None

    def _has_instruction(self, line: str, complete: bool) -> bool:
        return complete and not self._tokens_only and _INSTRUCTION.fullmatch(line) is not None

    def _emit(self, text: str, ready: list[str]) -> None:
        if self._pending:
            if self._tag:
                self._pending = regex.sub(rf"(?i)</\s*{self._tag}\s*>\n?", "", self._pending)
            if not self._line:  # the pending text begins a line
                self._pending = _END_MARK.sub("", self._pending)
            text, self._pending, self._has_talk = self._pending + text, "", False
        ready.append(text)
        lines = self._line + text
        self._has_html = self._has_html or ("<" in lines and _HTML.search(lines) is not None)
        self._line = lines.rpartition("\n")[2][-2 * _LONGEST :]


_CANDIDATE = _compile(
    r"[.!?…؟।۔][\"”’»)\]*_]*[ \t]+|[。！？][」』”’）]*[ \t]*|[\p{L}\p{N}][ \t]+(?=[(\[（【])"
    r"|\p{L}(?=（)|(?=</)|<(?=\Z)"
)


def _announced_within(line: str) -> int:
    """Return the size of an announcement with which a line begins that goes on with the text."""
    colon = _COLON_WITHIN.search(line)
    if colon is None or colon.start() > _LONGEST:
        return 0
    head = line[: colon.start()]
    agrees = _AGREES.match(head)
    rest = head[agrees.end() :] if agrees else head
    if _ANNOUNCES.match(rest) and _OURS.search(rest) and (agrees or not _INTRODUCES.search(rest)):
        return colon.end()
    return 0


def _closes(line: str, marks: str) -> bool:
    found = fence_of(line.rstrip("\n"))
    return found is not None and not found[1] and found[0][0] == marks[0] and len(found[0]) >= len(marks)


def _may_become(line: str, title: str, *, stripped: bool) -> bool:
    """Tell whether an unfinished first line may become chatter."""
    key, own = _folded(line), _folded(title)
    if own and len(line) <= len(title) + _LONGEST_COUNT and (own.startswith(key) or key.startswith(own)):
        return True
    if _MAY_BE_TALK.match(line, partial=True) or _HEADING.fullmatch(line, partial=True):
        return True
    if stripped and _RULE.fullmatch(line, partial=True):
        return True
    return _TAG_SO_FAR.match(line, partial=True) is not None


def _folded(line: str) -> str:
    return regex.sub(r"[\W_]+", "", line).lstrip("0123456789").casefold()

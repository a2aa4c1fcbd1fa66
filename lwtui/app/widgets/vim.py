"""Vim's keys as a state machine over a text and a cursor, independent of the screen.

Supported: counts; ``h j k l w b e 0 ^ $ gg G { }``; ``i a I A o O``; ``x D C p P``; ``d c y`` with motions, doubled,
and on a selection (``v V``); ``u ctrl+r``; ``/ n N``; ``:w``. Positions are in characters from the beginning of the
text.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from lwtui.app.widgets.vim_motions import find_match, line, next_word, paragraph, previous_word, row_start, word_end
from lwtui.translation import _

_MAX_COUNT = 10_000


class Buffer(Protocol):
    """The text to edit."""

    @property
    def text(self) -> str:
        """The whole text."""
        ...

    @property
    def place(self) -> int:
        """The position of the cursor."""
        ...

    def put_cursor(self, place: int) -> None:
        """Move the cursor to a position."""

    def mark(self, start: int, end: int, cursor: int) -> None:
        """Select from ``start`` to ``end``, with the cursor at one of them."""

    def swap(self, start: int, end: int, text: str) -> None:
        """Replace the text from ``start`` to ``end``, as one undo step."""

    def hold(self) -> None:
        """Collect all changes in one undo step until :meth:`release`."""

    def release(self) -> None:
        """End the undo step that :meth:`hold` began."""

    def undo(self) -> None:
        """Undo the last step."""

    def redo(self) -> None:
        """Redo the step undone last."""

    def save(self) -> None:
        """Save the text."""


class VimMode(StrEnum):
    """The modes."""

    NORMAL = "normal"
    INSERT = "insert"
    VISUAL = "visual"
    LINES = "visual line"
    SEARCH = "search"
    COMMAND = "command"


_SHOWN = {  # in the status line; the other modes show what is typed
    VimMode.NORMAL: _("NORMAL"),
    VimMode.INSERT: _("INSERT"),
    VimMode.VISUAL: _("VISUAL"),
    VimMode.LINES: _("VISUAL LINE"),
}


@dataclass(frozen=True)
class VimSpan:
    """The range that an operator works on; ``lines`` if it consists of whole lines."""

    start: int
    end: int
    lines: bool = False


class Vim:
    """The state machine. Pass it every key; it returns whether it consumed the key."""

    def __init__(self, buffer: Buffer) -> None:
        self.mode = VimMode.NORMAL
        self._buffer = buffer
        self._count = ""
        self._operator = ""
        self._operator_count = ""
        self._prefix = ""  # the g of gg
        self._anchor = 0  # where a selection began
        self._end: int | None = None  # the cursor's end of the selection
        self._register = ("", False)  # the text deleted or copied last, and whether it is whole lines
        self._wanted_column: int | None = None
        self._pattern = ""
        self._typed = ""  # the search pattern or command so far
        self._before_search = VimMode.NORMAL

    @property
    def status(self) -> str:
        """The mode and the incomplete command, for the status line."""
        if self.mode in (VimMode.SEARCH, VimMode.COMMAND):
            return f"{'/' if self.mode is VimMode.SEARCH else ':'}{self._typed}"
        pending = f"{self._operator_count}{self._operator}{self._count}{self._prefix}"
        return f"{_SHOWN[self.mode]} {pending}".rstrip()

    def feed(self, key: str, character: str | None = None) -> bool:
        """Handle a key.

        Args:
            key: Textual's name of the key.
            character: Its character, if it has one.

        Returns:
            Whether Vim consumed the key.
        """
        typed = character if character is not None and character.isprintable() else ""
        match self.mode:
            case VimMode.INSERT:
                return self._in_insert(key)
            case VimMode.SEARCH | VimMode.COMMAND:
                return self._in_line(key, typed)
        if key == "escape":
            return self._escape()
        if key == "ctrl+r":
            self._buffer.redo()
            return self._done()
        command = typed or {"left": "h", "right": "l", "up": "k", "down": "j", "home": "0", "end": "$"}.get(key, "")
        if key in ("backspace", "enter"):
            command = {"backspace": "h", "enter": "j"}[key]
        if not command:
            return False
        self._command(command)
        return True

    def reset(self) -> None:
        """Start over with another text; the register stays."""
        self.mode, self._end = VimMode.NORMAL, None
        self._buffer.release()
        self._done()

    @property
    def _at(self) -> int:
        """The position of the character under the cursor."""
        return self._buffer.place if self._end is None else min(self._end, len(self._buffer.text))

    # -- modes

    def _in_insert(self, key: str) -> bool:
        if key != "escape":
            return False
        self.mode = VimMode.NORMAL
        self._buffer.release()
        start, _end = self._line(self._at)
        self._buffer.put_cursor(max(start, self._at - 1))
        return True

    def _in_line(self, key: str, typed: str) -> bool:
        """Handle a key after ``/`` or ``:``."""
        mode = self.mode
        if key == "escape":
            self.mode = self._before_search
        elif key == "enter":
            self.mode = self._before_search
            if mode is VimMode.SEARCH:
                self._pattern = self._typed or self._pattern
                self._command("n")
            elif self._typed.strip() in ("w", "write"):
                self._buffer.save()
        elif key == "backspace":
            self._typed = self._typed[:-1]
        elif typed:
            self._typed += typed
        else:
            return False
        return True

    def _escape(self) -> bool:
        """Cancel the incomplete command or the selection. Without either, leave Esc to the screen."""
        pending = bool(self._count or self._operator or self._prefix) or self.mode is not VimMode.NORMAL
        if self.mode is not VimMode.NORMAL:
            self._leave_selection(self._at)
        self._done()
        return pending

    def _done(self) -> bool:
        self._count = self._operator = self._operator_count = self._prefix = ""
        return True

    # -- commands

    def _command(self, command: str) -> None:
        if command.isdecimal() and (self._count or command != "0"):
            self._count += command
            return
        if self._prefix:
            command, self._prefix = self._prefix + command, ""
        elif command == "g":
            self._prefix = "g"
            return
        if command != "j" and command != "k":
            self._wanted_column = None
        if command == "/":
            self._before_search, self.mode, self._typed = self.mode, VimMode.SEARCH, ""
        elif command == ":" and self.mode is VimMode.NORMAL:
            self._done()
            self._before_search, self.mode, self._typed = VimMode.NORMAL, VimMode.COMMAND, ""
        elif self._operator and command == self._operator:
            self._operate(self._whole_lines(self._times))
        elif (span := self._motion(command)) is not None:
            self._moved(span)
        elif self.mode in (VimMode.VISUAL, VimMode.LINES):
            self._in_visual(command)
        elif not self._operator:
            self._in_normal(command)
        else:
            self._done()

    @property
    def _times(self) -> int:
        return min(int(self._count or 1) * int(self._operator_count or 1), _MAX_COUNT)

    def _in_normal(self, command: str) -> None:
        place, times = self._at, self._times
        start, end = self._line(place)
        match command:
            case "d" | "c" | "y":
                self._operator, self._operator_count, self._count = command, self._count, ""
                return
            case "i" | "a" | "I" | "A":
                self._insert({"i": place, "a": min(place + 1, end), "I": self._first(start), "A": end}[command])
            case "o" | "O":
                at = end if command == "o" else start
                self._buffer.hold()
                self._buffer.swap(at, at, "\n")
                self._insert(at + 1 if command == "o" else at)
            case "x":
                self._operator = "d"
                self._operate(VimSpan(place, min(place + times, end)))
            case "D" | "C":
                self._operator = command.lower()
                self._operate(VimSpan(place, end))
            case "p" | "P":
                self._paste(times, after=command == "p")
            case "u":
                for _time in range(times):
                    self._buffer.undo()
            case "v" | "V":
                self.mode, self._anchor = (VimMode.VISUAL if command == "v" else VimMode.LINES), place
                self._mark(place)
        self._done()

    def _in_visual(self, command: str) -> None:
        match command:
            case "d" | "x" | "c" | "y":
                self._operator = "d" if command == "x" else command
                span = self._selected(self._at)
                self._leave_selection(span.start)
                self._operate(span)
            case "v" | "V":
                wanted = VimMode.VISUAL if command == "v" else VimMode.LINES
                if self.mode is wanted:
                    self._leave_selection(self._at)
                else:
                    self.mode = wanted
                    self._mark(self._at)
            case _:
                self._done()

    def _insert(self, place: int) -> None:
        self.mode = VimMode.INSERT
        self._buffer.hold()
        self._buffer.put_cursor(place)

    def _moved(self, span: VimSpan) -> None:
        """Complete a motion: an operator works on ``span``; without one, the cursor goes to ``_target``."""
        if self._operator:
            self._operate(span)
        elif self.mode in (VimMode.VISUAL, VimMode.LINES):
            self._mark(self._target)
            self._done()
        else:
            self._buffer.put_cursor(self._on_character(self._target))
            self._done()

    # -- selection

    def _selected(self, place: int) -> VimSpan:
        start, end = sorted((self._anchor, place))
        if self.mode is VimMode.LINES:
            return VimSpan(self._line(start)[0], self._line(end)[1], lines=True)
        return VimSpan(start, min(end + 1, len(self._buffer.text)))

    def _leave_selection(self, place: int) -> None:
        self.mode, self._end = VimMode.NORMAL, None
        self._buffer.put_cursor(self._on_character(place))

    def _mark(self, place: int) -> None:
        self._end = place
        span = self._selected(place)
        self._buffer.mark(span.start, span.end, place)

    # -- operators

    def _operate(self, span: VimSpan) -> None:
        operator, text = self._operator, self._buffer.text
        self._register = (text[span.start : span.end], span.lines)
        if operator == "y":
            self._buffer.put_cursor(span.start if not span.lines else min(self._at, span.start))
        elif operator == "c":
            self._buffer.hold()
            self._buffer.swap(span.start, span.end, "")
            self._insert(span.start)
        else:
            self._delete(span)
        self._done()

    def _delete(self, span: VimSpan) -> None:
        text, start, end = self._buffer.text, span.start, span.end
        if span.lines:  # including the line end, or the one before at the end of the text
            if end < len(text):
                end += 1
            elif start > 0:
                start -= 1
        self._buffer.swap(start, end, "")
        place = min(start, len(self._buffer.text))
        self._buffer.put_cursor(self._first(self._line(place)[0]) if span.lines else self._on_character(place))

    def _paste(self, times: int, *, after: bool) -> None:
        text, lines = self._register
        place = self._at
        start, end = self._line(place)
        if not text and not lines:
            return
        if lines:
            pasted = "\n".join([text] * times)
            at = end if after else start
            self._buffer.swap(at, at, f"\n{pasted}" if after else f"{pasted}\n")
            self._buffer.put_cursor(self._first(at + 1 if after else at))
        else:
            at = min(place + 1, end) if after else place
            self._buffer.swap(at, at, text * times)
            self._buffer.put_cursor(at + len(text) * times - 1)

    # -- motions

    def _motion(self, command: str) -> VimSpan | None:
        """Return the range of a motion and set ``_target``; ``None`` if the command is not a motion."""
        place, times = self._at, self._times
        start, end = self._line(place)
        counted = bool(self._count or self._operator_count)
        match command:
            case "h" | "l":
                last = end if self._operator or self.mode is not VimMode.NORMAL else max(start, end - 1)
                return self._to(max(start, place - times) if command == "h" else min(last, place + times))
            case "0" | "^":
                return self._to(start if command == "0" else self._first(start))
            case "$":
                last = self._down(place, times - 1)
                self._target = max(self._line(last)[0], self._line(last)[1] - 1)
                return VimSpan(place, self._line(last)[1])
            case "j" | "k":
                return self._over_lines(self._down(place, times if command == "j" else -times))
            case "G" | "gg":
                row = times - 1 if counted else (0 if command == "gg" else len(self._buffer.text))
                return self._over_lines(self._first(row_start(self._buffer.text, row)))
            case "w" | "b" | "e":
                return self._over_words(command, times)
            case "{" | "}":
                return self._to(paragraph(self._buffer.text, place, forward=command == "}", times=times))
            case "n" | "N":
                return self._to(
                    find_match(self._buffer.text, self._pattern, place, forward=command == "n", times=times)
                )
        return None

    def _to(self, target: int) -> VimSpan:
        """Return the range between the cursor and ``target``; the later end is excluded."""
        self._target = target
        first, last = sorted((self._at, target))
        return VimSpan(first, last)

    def _over_lines(self, target: int) -> VimSpan:
        self._target = target
        first, last = sorted((self._at, target))
        return VimSpan(self._line(first)[0], self._line(last)[1], lines=True)

    def _whole_lines(self, times: int) -> VimSpan:
        start, _end = self._line(self._at)
        return VimSpan(start, self._line(self._down(start, times - 1))[1], lines=True)

    def _over_words(self, command: str, times: int) -> VimSpan:
        text, place = self._buffer.text, self._at
        if command == "w" and self._operator == "c" and not text[place : place + 1].isspace():
            command = "e"  # as in Vim, cw keeps the space after the word
        target = place
        for _time in range(times):
            before, target = target, {"w": next_word, "b": previous_word, "e": word_end}[command](text, target)
            if target == before:
                break
        if command == "e" and self._operator:
            span = VimSpan(place, min(target + 1, len(text)))
            self._target = target
            return span
        if command == "w" and self._operator and "\n" in text[place:target]:
            # At the last word of a line, keep the line end.
            rest = text[place:target].rstrip()
            target = place + len(rest) if "\n" not in rest else target
            target = max(target, min(place + 1, len(text))) if not rest else target
        return self._to(target)

    # -- lines

    def _line(self, place: int) -> tuple[int, int]:
        return line(self._buffer.text, place)

    def _first(self, start: int) -> int:
        """Return the position of a line's first non-blank character."""
        text, end = self._buffer.text, self._line(start)[1]
        rest = text[start:end]
        return start + len(rest) - len(rest.lstrip()) if rest.strip() else start

    def _down(self, place: int, rows: int) -> int:
        """Return the position ``rows`` lines down (or up), in the column where a series of such moves began."""
        start, _end = self._line(place)
        column = place - start if self._wanted_column is None else self._wanted_column
        for _row in range(abs(rows)):
            edge = self._line(start)[1] + 1 if rows > 0 else start - 1
            if edge < 0 or edge > len(self._buffer.text):
                break
            start = self._line(edge)[0]
        self._wanted_column = column
        end = self._line(start)[1]
        last = end if self.mode is not VimMode.NORMAL else max(start, end - 1)
        return min(start + column, last)

    def _on_character(self, place: int) -> int:
        """Return the nearest position on a character: outside insert mode the cursor is never after the last one."""
        start, end = self._line(min(place, len(self._buffer.text)))
        return max(start, min(place, end - 1))

"""Reads keys from what a terminal sends; nothing else that it sends becomes a key.

A terminal also answers questions (what color is the background? which terminal are you?). Over ssh or in tmux, an
answer may come late, after whoever asked has gone. Textual knows some of these answers and takes all others for typed
characters, which would then act as commands. So the input is first divided into control sequences as ECMA-48 has them.
Those that Textual does not know are dropped, and so are those that make its parser fail. Keys in the encoding of the
Kitty keyboard protocol are rewritten into the form that Textual reads.
"""

from __future__ import annotations

import codecs
import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from time import monotonic

import regex
from textual import constants
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._keyboard_protocol import FUNCTIONAL_KEYS
from textual._xterm_parser import XTermParser
from textual.driver import Driver
from textual.message import Message

from lwtui.app.keyboard_layouts import latin_key

_LOGGER = logging.getLogger(__name__)
_ESC = "\x1b"
_PASTE_START, _PASTE_END = "\x1b[200~", "\x1b[201~"
_WAIT = 2.0  # seconds for the rest of a sequence
_CHUNK = regex.compile(r"[^\x1b\x80-\x9f]+")
# The introducers of strings (DCS, SOS, OSC, PM, APC), and what ends a string.
_STRINGS = frozenset("PX]^_")
_STRING_END = regex.compile(r"\x07|\x1b\\|\x9c|\x18|\x1a|(?=\x1b[^\\])")
# An answer, or a key, of which the first one or two characters came so much earlier that they were taken for keys.
_LATE_REST = regex.compile(r"\x1b(?:\]\d{1,3};|P[>01][|$+r]|_G|\[[?<>=]?\d[\d;:]*[;:cnRu$~]|\[[A-DFHIO]\Z)")
_SS3 = regex.compile(r"\x1bO(?P<modifiers>\d?)(?P<key>[A-Za-z])")
_CSI_START = regex.compile(r"\x1b\[[\x30-\x3f]*[\x20-\x2f]*")
_MOUSE_BYTES = 3  # after CSI M without parameters
_KNOWN = regex.compile(
    r"\x1b\[(?:[IO]|20[01]~|<-?\d{1,6};-?\d{1,6};-?\d{1,6}[Mm]|\d{1,6};\d{1,6}R|\?\d{1,6};\d\$y"
    r"|48(?:;\d{1,6}(?::\d{0,6})*){4}t)"
)
_INTRODUCERS = regex.compile(r"[\x1b\x80-\x9f]+")
_KITTY_KEY = regex.compile(
    r"\x1b\[(?P<code>\d{0,7})(?::(?P<shifted>\d{0,7}))?(?::(?P<base>\d{0,7}))?"
    r"(?:;(?P<modifiers>\d{0,3})(?::(?P<event>\d))?)?(?:;(?P<text>[\d:]{0,400}))?(?P<end>[u~ABCDEFHPQRS])"
)
_RELEASE = "3"  # the kind of event when a key is released
_SHORTCUT = 2 | 4 | 8 | 16 | 32  # Alt, Ctrl, Super, Hyper and Meta among the modifiers, less 1
_OTHER_KEYS = 27
_ASCII = 127


class SequenceFilter:
    """Divides terminal input into texts and sequences that Textual's parser reads, each whole."""

    def __init__(self) -> None:
        self._held = ""  # the beginning of a sequence
        self._deadline = 0.0  # when the rest of it is no longer waited for
        self._lead = ""  # what was last taken for a key because nothing more had come,
        self._lead_time = 0.0  # and when
        self._is_key = False  # whether the held beginning may be a key by itself
        self._pastes = False

    def feed(self, data: str) -> Iterator[str]:
        """Yield the texts and sequences that are complete."""
        if self._lead and not self._held and monotonic() < self._lead_time + _WAIT:
            late = _LATE_REST.match(self._lead + data, partial=True)
            if late is not None and (not late.partial or len(data) > 1):
                data = self._lead + data
        elif len(self._held) > 2 and not self._pastes and monotonic() >= self._deadline:
            self._held = ""  # its rest never came
        self._lead = ""
        held, self._held = self._held, ""
        data = held + data
        while data:
            taken, passed = self._paste(data) if self._pastes else self._next(data)
            if not taken:
                self._hold(data, is_new=not held or not data.startswith(held))
                return
            data = data[taken:]
            if passed:
                self._pastes = passed == _PASTE_START or (self._pastes and passed != _PASTE_END)
                yield passed

    def expire(self) -> str:
        """Return the held beginning if it is a key by itself and nothing more has come: Escape, Alt+[ or Alt+]."""
        if not self._held or self._pastes or monotonic() < self._deadline:
            return ""
        held, self._held = self._held, ""
        if not self._is_key:
            return ""
        self._lead, self._lead_time = held, monotonic()
        return held

    def _hold(self, data: str, *, is_new: bool) -> None:
        self._held = data
        if is_new or self._is_key:  # the rest of a sequence is not waited for longer than it was from its beginning
            self._is_key = len(data) <= 2 and data[0] == _ESC
            self._deadline = monotonic() + (constants.ESCAPE_DELAY if self._is_key else _WAIT)

    def _paste(self, data: str) -> tuple[int, str]:
        """Take pasted text up to its end, or up to what may be the beginning of the end."""
        end = data.find(_PASTE_END)
        if end == 0:
            return len(_PASTE_END), _PASTE_END
        if end < 0:
            end = len(data) - next((size for size in range(5, 0, -1) if data.endswith(_PASTE_END[:size])), 0)
        # Textual would look for sequences in the text, too, and take those that it does not know for keys.
        return end, _INTRODUCERS.sub("", data[:end])

    def _next(self, data: str) -> tuple[int, str]:
        """Take a text or a sequence: how many characters of ``data`` it has (0: not yet complete), and what to pass."""
        if match := _CHUNK.match(data):
            return match.end(), match[0]
        if data[0] != _ESC:  # a control character of eight bits stands for Escape and another character
            kind = chr(ord(data[0]) - 0x40)
            if kind != "[" and kind not in _STRINGS:
                return 1, ""
            taken, passed = self._next(f"{_ESC}{kind}{data[1:]}")
            return max(0, taken - 1), passed
        if len(data) == 1:
            return 0, ""
        kind = data[1]
        if kind == _ESC or "\x80" <= kind <= "\x9f":
            return 1, _ESC
        if kind in _STRINGS:
            return self._string(data)
        if kind == "\\":
            return 2, ""  # the end of a string that has no beginning
        if kind == "[":
            return self._control_sequence(data)
        if kind == "O":
            match = _SS3.match(data)
            if match is None:
                return (0, "") if _SS3.fullmatch(data, partial=True) else (2, data[:2])
            # Konsole puts the modifiers before the letter.
            modified = f"{_ESC}[1;{match['modifiers']}{match['key']}" if match["modifiers"] else match[0]
            return match.end(), modified if match["modifiers"] or modified in ANSI_SEQUENCES_KEYS else ""
        return 2, data[:2]

    def _string(self, data: str) -> tuple[int, str]:
        if len(data) == 2:
            return 0, ""  # perhaps Alt and this character
        end = _STRING_END.search(data, 2)
        return (end.end() if end else 0), ""

    def _control_sequence(self, data: str) -> tuple[int, str]:
        if data.startswith("\x1b[M"):
            size = 3 + _MOUSE_BYTES
            return (size, data[:size]) if len(data) >= size else (0, "")
        if data.startswith("\x1b[["):  # a function key of the Linux console
            return (4, data[:4] if data[:4] in ANSI_SEQUENCES_KEYS else "") if len(data) >= 4 else (0, "")
        start = _CSI_START.match(data)
        assert start is not None
        if data[: start.end()] in ANSI_SEQUENCES_KEYS:  # rxvt ends some keys with a dollar sign
            return start.end(), data[: start.end()]
        final = data[start.end() : start.end() + 1]
        if not final:
            return 0, ""
        if "\x40" <= final <= "\x7e":
            return start.end() + 1, _readable(data[: start.end() + 1])
        return start.end(), ""


def _readable(sequence: str) -> str:
    """Return a control sequence as Textual reads it; empty if it does not know it."""
    if _KNOWN.fullmatch(sequence) or sequence in ANSI_SEQUENCES_KEYS:
        return sequence
    match = _KITTY_KEY.fullmatch(sequence)
    if match is None or match["event"] == _RELEASE:
        return ""
    code, end = int(match["code"] or 1), match["end"]
    modifiers = max(0, int(match["modifiers"] or 1) - 1)
    texts = [part for part in (match["text"] or "").split(":") if part.isdecimal() and _is_printable(int(part))]
    if (code, end) == (0, "u"):
        return "".join(chr(int(text)) for text in texts)  # composed text, on no key
    if (code, end) == (_OTHER_KEYS, "~") and (match["text"] or "").isdecimal():  # xterm's own form for other keys
        code, end, texts = int(match["text"]), "u", []
    if end == "u" and modifiers & _SHORTCUT and code > _ASCII:  # the key is meant, not its letter in this layout
        code = int(match["base"] or 0) or (ord(latin_key(chr(code)) or chr(code)) if _is_printable(code) else code)
    if f"{code}{end}" not in FUNCTIONAL_KEYS and not (end == "u" and _is_printable(code)):
        return ""
    text = f";{':'.join(texts)}" if texts else ""
    return f"{_ESC}[{code};{modifiers + 1}{text}{end}"


def _is_printable(code: int) -> bool:
    return code <= sys.maxunicode and chr(code).isprintable()


class TerminalParser(XTermParser):
    """Textual's parser, fed only what it can read."""

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self._filter = SequenceFilter()

    def feed(self, data: str) -> Iterable[Message]:
        """Parse ``data``; empty data ends the input."""
        if not data:
            yield from self._parsed("")
            return
        for part in self._filter.feed(data):
            yield from self._parsed(part)

    def tick(self) -> Iterable[Message]:
        """Parse what has waited long enough for more to come."""
        if held := self._filter.expire():
            yield from self._parsed(held)

    def _parsed(self, part: str) -> Iterator[Message]:
        try:
            yield from super().feed(part)
            if self._timeout_time is not None:  # Escape, or Alt and a key: nothing more belongs to it
                self._timeout_time = 0.0
                yield from super().tick()
        except (ValueError, OverflowError, TypeError, LookupError, RuntimeError):
            # A fault in Textual's parser must not end the app. It begins anew.
            _LOGGER.exception("the parser of terminal input failed")
            self._tokens.clear()
            self._timeout_time = None
            self._gen = self.parse(self._tokens.append)
            self._awaiting = next(self._gen)


def with_parser(driver: type[Driver]) -> type[Driver]:
    """Have a driver of Textual read its input with :class:`TerminalParser`, and take no byte amiss.

    A driver finds its parser and its decoder by name in its own module, and offers no other way to choose them.
    """
    for name in (driver.__module__, "textual.drivers.win32"):
        module = sys.modules.get(name)
        if hasattr(module, "XTermParser"):
            module.XTermParser = TerminalParser  # type: ignore[union-attr]
        if hasattr(module, "getincrementaldecoder"):
            module.getincrementaldecoder = _lenient_decoder  # type: ignore[union-attr]
    return driver


def _lenient_decoder(encoding: str) -> Callable[[], codecs.IncrementalDecoder]:
    """Return a decoder that replaces what is not text in ``encoding``, such as a terminal's control byte."""
    return partial(codecs.getincrementaldecoder(encoding), errors="replace")

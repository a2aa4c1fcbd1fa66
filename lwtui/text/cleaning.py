"""Cleaning of untrusted text: model output and imported files must not control the terminal."""

import regex

# A control string (OSC, DCS, SOS, PM or APC) is removed up to its terminator. Without a terminator within reach it
# would swallow the text, so then only its introducer is removed: the rest is harmless.
_MAX_CONTROL_STRING = 4096  # characters
_BODY, _PLAIN_BODY = f"[^\x07\x1b\x9c]{{0,{_MAX_CONTROL_STRING}}}", f"[^\x1b\x9c]{{0,{_MAX_CONTROL_STRING}}}"
_OSC, _OTHER_STRING, _CSI = (
    "(?:\x1b\\]|\x9d)",
    "(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])",
    "(?:\x1b\\[|\x9b)[0-?]{0,64}[ -/]{0,8}",
)
_SHORT = "\x1b[ -/]{0,8}"
_ESCAPE_SEQUENCE = (
    f"{_OSC}{_BODY}(?:\x07|\x1b\\\\|\x9c)|{_OTHER_STRING}{_PLAIN_BODY}(?:\x1b\\\\|\x9c)|{_CSI}[@-~]?|{_SHORT}[0-~]?"
)
# At the end of a stream so far, these may continue in the next piece.
_UNFINISHED = f"(?P<unfinished>(?:{_OSC}{_BODY}\x1b?|{_OTHER_STRING}{_PLAIN_BODY}\x1b?|{_CSI}|{_SHORT})\\Z)"
_SEQUENCES = regex.compile(_ESCAPE_SEQUENCE)
_SEQUENCES_SO_FAR = regex.compile(f"{_UNFINISHED}|{_ESCAPE_SEQUENCE}")
# Control characters except tab and newline; bidirectional overrides; the byte order mark; lone surrogates.
_UNSAFE = regex.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def clean(text: str) -> str:
    r"""Remove escape sequences, control characters and bidirectional overrides, and convert line ends to ``\n``."""
    if not _UNSAFE.search(text):  # every escape sequence starts with one of these characters
        return text
    return _UNSAFE.sub("", _SEQUENCES.sub("", _with_newlines(text)))


def one_line(text: str) -> str:
    """Clean ``text`` and put it on one line: every run of white space becomes one space, and the ends are stripped."""
    return " ".join(clean(text).split())


class ControlStripper:
    r"""Cleans a text that streams in, where an escape sequence may be split between two pieces.

    :meth:`add` returns the text that is safe to show now, and holds back an escape sequence or ``\r`` that may be
    incomplete. :meth:`close` returns the rest. Together they return the same text as :func:`clean` of the whole.
    """

    def __init__(self) -> None:
        self._held = ""

    def add(self, piece: str) -> str:
        """Take the next piece, and return the clean text up to here."""
        text = self._held + piece
        half_newline = "\r" if text.endswith("\r") else ""
        text = _with_newlines(text.removesuffix("\r"))
        cut = _unfinished_start(text)
        self._held = text[cut:] + half_newline
        return clean(text[:cut])

    def close(self) -> str:
        """End the stream, and return the rest of the clean text."""
        rest, self._held = clean(self._held), ""
        return rest


def _with_newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _unfinished_start(text: str) -> int:
    """Return the offset of an escape sequence at the end of ``text`` that may be incomplete, or its length."""
    for match in _SEQUENCES_SO_FAR.finditer(text):
        if match["unfinished"]:
            return match.start()
    return len(text)

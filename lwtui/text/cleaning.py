"""Model output and imported files are data: what could drive a terminal is taken out of them."""

import regex

# A string of control (OSC; DCS, SOS, PM, APC) is taken out as far as its end, if it has one within reach: one that
# has none would swallow the text, so only its beginning goes, and the rest is harmless text.
_LONGEST_STRING = 4096
_BODY, _PLAIN_BODY = f"[^\x07\x1b\x9c]{{0,{_LONGEST_STRING}}}", f"[^\x1b\x9c]{{0,{_LONGEST_STRING}}}"
_OSC, _OTHER_STRING, _CSI = (
    "(?:\x1b\\]|\x9d)",
    "(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])",
    "(?:\x1b\\[|\x9b)[0-?]{0,64}[ -/]{0,8}",
)
_SHORT = "\x1b[ -/]{0,8}"
_ESCAPE_SEQUENCE = (
    f"{_OSC}{_BODY}(?:\x07|\x1b\\\\|\x9c)|{_OTHER_STRING}{_PLAIN_BODY}(?:\x1b\\\\|\x9c)|{_CSI}[@-~]?|{_SHORT}[0-~]?"
)
# At the end of what has come, these may go on.
_UNFINISHED = f"(?P<unfinished>(?:{_OSC}{_BODY}\x1b?|{_OTHER_STRING}{_PLAIN_BODY}\x1b?|{_CSI}|{_SHORT})\\Z)"
_SEQUENCES = regex.compile(_ESCAPE_SEQUENCE)
_SEQUENCES_SO_FAR = regex.compile(f"{_UNFINISHED}|{_ESCAPE_SEQUENCE}")
# Control characters but tab and newline; overrides of text direction; the byte-order mark; lone surrogates.
_UNSAFE = regex.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def clean(text: str) -> str:
    """``text`` without escape sequences, control characters and direction overrides; line ends are ``\\n``."""
    if not _UNSAFE.search(text):  # each sequence begins with a character of these
        return text
    return _UNSAFE.sub("", _SEQUENCES.sub("", _with_newlines(text)))


def one_line(text: str) -> str:
    """``text`` as :func:`clean` leaves it, on one line, with single spaces and none at its ends."""
    return " ".join(clean(text).split())


class ControlStripper:
    """:func:`clean` for a text that arrives in pieces, which may cut a sequence in two.

    ``add`` returns what is safe to show now and keeps back an escape sequence (or a ``\\r``) that may not
    be complete yet; ``close`` returns what is left. The pieces together equal ``clean`` of the whole text.
    """

    def __init__(self) -> None:
        self._held = ""

    def add(self, piece: str) -> str:
        """The clean text that ``piece`` completes."""
        text = self._held + piece
        half_newline = "\r" if text.endswith("\r") else ""
        text = _with_newlines(text.removesuffix("\r"))
        cut = _unfinished_from(text)
        self._held = text[cut:] + half_newline
        return clean(text[:cut])

    def close(self) -> str:
        """The clean rest, at the end of the stream."""
        rest, self._held = clean(self._held), ""
        return rest


def _with_newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _unfinished_from(text: str) -> int:
    """Offset from which ``text`` may be the beginning of a sequence whose end has not come."""
    for match in _SEQUENCES_SO_FAR.finditer(text):
        if match["unfinished"]:
            return match.start()
    return len(text)

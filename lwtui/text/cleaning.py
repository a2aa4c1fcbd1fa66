"""Model output and imported files are data: what could drive a terminal is taken out of them."""

import regex

_ESCAPE_SEQUENCE = regex.compile(
    "(?:\x1b\\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\\\|\x9c)?"  # OSC … BEL or ST
    "|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c]*(?:\x1b\\\\|\x9c)?"  # DCS, SOS, PM, APC … ST
    "|(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI
    "|\x1b[ -/]*[0-~]?"  # the rest
)
# Control characters but tab and newline; overrides of text direction; the byte-order mark; lone surrogates.
_UNSAFE = regex.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_LONGEST_SEQUENCE = 4096


def clean(text: str) -> str:
    """``text`` without escape sequences, control characters and direction overrides; line ends are ``\\n``."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNSAFE.sub("", _ESCAPE_SEQUENCE.sub("", text))


class StreamCleaner:
    """:func:`clean` for a text that arrives in pieces, which may cut a sequence in two.

    ``add`` returns what is safe to show now and keeps back an escape sequence (or a ``\\r``) that may not
    be complete yet; ``close`` returns what is left. The pieces together equal ``clean`` of the whole text.
    """

    def __init__(self) -> None:
        self._held = ""

    def add(self, piece: str) -> str:
        """The clean text that ``piece`` completes."""
        text = self._held + piece
        cut = _incomplete_from(text)
        self._held = text[cut:]
        return clean(text[:cut])

    def close(self) -> str:
        """The clean rest, at the end of the stream."""
        rest, self._held = clean(self._held), ""
        return rest


def _incomplete_from(text: str) -> int:
    """Offset from which ``text`` may be the beginning of a sequence whose end has not come."""
    if text.endswith("\r"):
        return len(text) - 1
    for match in _ESCAPE_SEQUENCE.finditer(text, max(0, len(text) - _LONGEST_SEQUENCE)):
        if match.end() == len(text):
            return match.start()
    return len(text)

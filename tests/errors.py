"""Checks of errors by their stable fields rather than by their messages."""

from __future__ import annotations

from collections.abc import Callable

from lwtui.errors import LwtuiError


def has_code(code: str) -> Callable[[LwtuiError], bool]:
    """Return a ``check`` for ``pytest.raises``: the error has this code, and its message is one line."""

    def check(error: LwtuiError) -> bool:
        assert error.code == code, f"The code is {error.code!r}, not {code!r}: {error}"
        message = str(error)
        assert message and "\n" not in message, f"Not one line: {message!r}"
        return True

    return check

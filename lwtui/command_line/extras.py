"""Extras: optional packages that some commands need."""

from __future__ import annotations

from importlib.util import find_spec

from lwtui.errors import LwtuiError


def require_extra(extra: str, *packages: str) -> None:
    """Check that the packages of an extra are installed.

    Raises:
        LwtuiError: A package is missing; the message says what to install.
    """
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise LwtuiError(
            f"This command needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed. "
            f'Install the extra: pip install "lwtui[{extra}]"',
            code="missing-extra",
        )

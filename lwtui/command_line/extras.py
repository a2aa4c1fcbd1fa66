"""Extras: optional packages that some commands need."""

from __future__ import annotations

from importlib.util import find_spec

from lwtui.errors import LwtuiError
from lwtui.translation import _, _n


def require_extra(extra: str, *packages: str) -> None:
    """Check that the packages of an extra are installed.

    Raises:
        LwtuiError: A package is missing; the message says what to install.
    """
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        names = _(" and ").join(missing)
        needed = _n(
            "This command needs {packages}, which is not installed. Install the extra: {command}",
            "This command needs {packages}, which are not installed. Install the extra: {command}",
            len(missing),
            packages=names,
            command=f'pip install "lwtui[{extra}]"',
        )
        raise LwtuiError(needed, code="missing-extra")

"""Commands whose code is in a package of its own, and needs what an extra of lwtui brings."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from lwtui.errors import LwtuiError


def load_extra(module: str, extra: str, *, needs: Sequence[str]) -> ModuleType:
    """Import ``module``, by its name, so that nothing here depends on it.

    Raises :class:`LwtuiError` that says what to install where it, or any of the packages it ``needs``, is not there.
    """
    missing = [name for name in (module.partition(".")[0], *needs) if find_spec(name) is None]
    if missing:
        raise LwtuiError(
            f"This command needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed. "
            f'Install the extra: pip install "lwtui[{extra}]"'
        )
    return import_module(module)

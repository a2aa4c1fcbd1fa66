"""Regular expressions that are compiled when they are first used, since large ones take a second together."""

from __future__ import annotations

from typing import Any

import regex


class LazyPattern:
    """A pattern of :mod:`regex` with the attributes of the compiled one."""

    def __init__(self, source: str, flags: int = 0) -> None:
        self._source = source
        self._flags = flags

    @property
    def pattern(self) -> str:
        """The source of the pattern, to build others from; it is not compiled for that."""
        return self._source

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = getattr(regex.compile(self._source, self._flags), name)  # which regex compiles once
        setattr(self, name, value)
        return value

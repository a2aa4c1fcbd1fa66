"""Imports every module of lwtui, as a base install on this system has to: ``python -m tests.support.import_all``."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import lwtui

# Extras, which a base install lacks.
EXTRAS = (
    "aiohttp",
    "aiohttp_jinja2",
    "anthropic",
    "fontTools",
    "jinja2",
    "llama_cpp",
    "mcp",
    "pypandoc",
    "textual_serve",
    "typst",
)


def failures() -> list[str]:
    """Import all modules; return those that fail, unless it is an extra that they miss."""
    failed = []
    for module in pkgutil.walk_packages(lwtui.__path__, "lwtui."):
        if module.name.endswith("__main__"):
            continue
        try:
            importlib.import_module(module.name)
        except ImportError as error:
            if (error.name or "").partition(".")[0] not in EXTRAS:
                failed.append(f"{module.name}: {error}")
    return failed


if __name__ == "__main__":
    sys.exit("\n".join(failures()))

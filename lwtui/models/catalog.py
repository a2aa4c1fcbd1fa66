"""From a model's name to an open model."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from lwtui.config import ModelSettings, Settings, api_key
from lwtui.errors import LwtuiError, UsageError
from lwtui.models.base import Model

DEMO = ModelSettings("demo", provider="llama_cpp", profile="base")

_NAME = re.compile(r"[^\W_][\w.+-]{0,63}")
_MAGIC = b"GGUF"


def known_models(settings: Settings) -> list[str]:
    """The names that ``--model`` takes: ``demo`` and those in the settings."""
    return ["demo", *(name for name in settings.models if name != "demo")]


def resolve(name: str, settings: Settings) -> ModelSettings:
    """The settings of the model called ``name``: one of the settings' models, ``demo``, or the path of a GGUF.

    No name is the settings' own model: an imported document has none. Raises :class:`UsageError` that names the known
    ones.
    """
    name = name or settings.model
    if name in settings.models:
        return settings.models[name]
    if name == "demo":
        return DEMO
    if name.lower().endswith(".gguf") or Path(name).expanduser().is_file():
        path = Path(name).expanduser()
        return ModelSettings(path.stem, provider="llama_cpp", path=str(path))
    raise UsageError(
        f"There is no model named {name!r}. Known: {', '.join(known_models(settings))}. A GGUF is given by its path, "
        "an endpoint's model with --base-url, or add one: lwtui models add."
    )


def check_name(name: str) -> None:
    """Raise :class:`UsageError` if a model cannot be called ``name``."""
    if not _NAME.fullmatch(name) or name.lower().endswith(".gguf") or name == "demo":
        raise UsageError(f"{name!r} cannot be a model's name: use letters, digits and . _ + - (and not demo).")


def check_gguf(path: Path) -> None:
    """Raise :class:`LwtuiError` if there is no GGUF at ``path``."""
    try:
        with path.open("rb") as file:
            magic = file.read(len(_MAGIC))
    except OSError as error:
        raise LwtuiError(f"Cannot read the GGUF {path}: {error.strerror}. Check its path.") from None
    if magic != _MAGIC:
        raise LwtuiError(f"{path} is not a GGUF file: it does not begin as one. Download it again.")


async def open_model(settings: ModelSettings) -> Model:
    """Open a model: connect to its endpoint, or load its GGUF in a worker process.

    Raises :class:`~lwtui.models.base.ModelError` with one line if that fails.
    """
    if settings.provider == "llama_cpp":
        return await _open_gguf(settings)
    from lwtui.models.openai_api import OpenAIModel

    model = OpenAIModel(settings, api_key(settings))
    await model.connect()
    return model


async def _open_gguf(settings: ModelSettings) -> Model:
    from lwtui.models.llama_cpp.client import LlamaModel

    path = await asyncio.to_thread(_gguf_path, settings)
    return await LlamaModel.load(path, settings.name, settings)


def _gguf_path(settings: ModelSettings) -> Path:
    if settings.path:
        return Path(settings.path).expanduser()
    from lwtui.models.llama_cpp.demo import demo_path

    return demo_path()

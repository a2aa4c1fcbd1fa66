"""Finds a model by its name and opens it."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from lwtui.config import ModelSettings, Settings, api_key
from lwtui.errors import LwtuiError, UsageError
from lwtui.models.base import Model
from lwtui.translation import _

DEMO = ModelSettings("demo", provider="llama_cpp", profile="base")

_NAME = re.compile(r"[^\W_][\w.+-]{0,63}")
_MAGIC = b"GGUF"


def known_models(settings: Settings) -> list[str]:
    """List the names that ``--model`` takes: ``demo`` and the models in the settings."""
    return ["demo", *(name for name in settings.models if name != "demo")]


def resolve(name: str, settings: Settings) -> ModelSettings:
    """Find the settings of the model called ``name``.

    Args:
        name: A model in the settings, ``demo``, or the path of a GGUF. Empty (as in an imported document) means the
            default model of the settings.
        settings: The settings to look in.

    Raises:
        UsageError: There is no such model; the message lists the known ones.
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
        _(
            "There is no model named {name!r}. Known: {models}. Give the path of a GGUF, name "
            "an endpoint's model with --base-url, or add a model: lwtui models add.",
            name=name,
            models=", ".join(known_models(settings)),
        ),
        code="unknown-model",
    )


def check_name(name: str) -> None:
    """Check that a model can be called ``name``.

    Raises:
        UsageError: It cannot.
    """
    if not _NAME.fullmatch(name) or name.lower().endswith(".gguf") or name == "demo":
        raise UsageError(
            _("{name!r} cannot be a model's name: use letters, digits and . _ + - (and not demo).", name=name),
            code="invalid-name",
        )


def check_gguf(path: Path) -> None:
    """Check that the file at ``path`` is a GGUF.

    Raises:
        LwtuiError: It is missing, unreadable or something else.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(len(_MAGIC))
    except OSError as error:
        raise LwtuiError(
            _("Cannot read the GGUF {path}: {reason}. Check its path.", path=path, reason=error.strerror),
            code="unreadable",
        ) from None
    if magic != _MAGIC:
        raise LwtuiError(
            _("{path} is not a GGUF file: it lacks the GGUF signature. Download it again.", path=path),
            code="not-a-gguf",
        )


async def open_model(settings: ModelSettings) -> Model:
    """Open a model: connect to its endpoint, or load its GGUF in a worker process.

    Raises:
        ModelError: That failed; the message is one line.
    """
    if settings.provider == "llama_cpp":
        return await _open_gguf(settings)
    if settings.provider == "anthropic":
        from lwtui.models.anthropic_api import AnthropicModel

        return AnthropicModel(settings, api_key(settings))
    return await _open_endpoint(settings, api_key(settings))


async def _open_endpoint(settings: ModelSettings, key: str) -> Model:
    """Open a model with the API that its server serves best."""
    from lwtui.models.ollama_api import OllamaModel
    from lwtui.models.openai_api import OpenAIModel

    model = OpenAIModel(settings, key)
    server = await model.server()
    if server.kind == "Ollama":
        await model.aclose()
        return OllamaModel(settings, key, server)
    await model.connect(server)
    return model


async def _open_gguf(settings: ModelSettings) -> Model:
    path, program = await asyncio.to_thread(_path_and_program, settings)
    if program:
        from lwtui.models.llama_server import ServedGguf

        return await ServedGguf.load(program, path.absolute(), settings)
    from lwtui.models.llama_cpp.client import LlamaModel

    return await LlamaModel.load(path, settings.name, settings)


def _path_and_program(settings: ModelSettings) -> tuple[Path, str]:
    """Return the path of a GGUF and that of the llama-server that is to run it, which is empty for llama-cpp-python."""
    from lwtui.models.local_engine import local_engine

    path, engine = gguf_path(settings), local_engine()
    if engine is None or not engine.program:
        return path, ""
    check_gguf(path)
    return path, engine.program


def gguf_path(settings: ModelSettings) -> Path:
    """Return the path of a GGUF in the settings, or of the demo model, which is put together if need be."""
    if settings.path:
        return Path(settings.path).expanduser()
    from lwtui.models.llama_cpp.demo import demo_path

    return demo_path()

"""What a worker process does before it opens a model: it checks library and file, and chooses how to load it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lwtui.errors import LwtuiError
from lwtui.models.base import ModelError
from lwtui.models.llama_cpp import protocol
from lwtui.models.llama_cpp.protocol import Load
from lwtui.translation import _

if TYPE_CHECKING:
    from lwtui.models.llama_cpp.fit import Fit
    from lwtui.models.llama_cpp.gguf_header import GgufHeader
    from lwtui.models.llama_cpp.turns import Turns


class CallRefused(Exception):
    """A call cannot be computed. The attributes are those of :class:`lwtui.models.base.ModelError`."""

    def __init__(self, message: str, kind: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.kind = kind
        self.retryable = retryable


@dataclass(frozen=True)
class LoadPlan:
    """How a model is to be loaded.

    Attributes:
        fit: What fits into memory.
        header: The model as its file describes it.
        turns: The turns in which processes compute; ``None`` where they need none.
    """

    fit: Fit
    header: GgufHeader
    turns: Turns | None


def require_llama_cpp(load: Load) -> None:
    """Check that llama.cpp can be used, and that both processes belong to one installation.

    Raises:
        CallRefused: They do not, or a package is missing or broken.
    """
    if load.version != protocol.VERSION:
        raise CallRefused(_("This environment mixes two versions of lwtui: install lwtui again."), "worker")
    try:
        import lwtui.models.llama_cpp.bindings  # noqa: F401
    except ModuleNotFoundError as error:
        raise CallRefused(
            _(
                'Models on this machine need the package {name!r}: pip install "lwtui[local]". An installed '
                "llama-server does too.",
                name=error.name,
            ),
            "worker",
        ) from None
    except (ImportError, OSError, RuntimeError) as error:  # of its native library
        reason = short_reason(error)
        raise CallRefused(
            _("Cannot use llama-cpp-python: {reason}. Install it again.", reason=reason), "worker"
        ) from None


def plan_load(load: Load, **built_for: Any) -> LoadPlan:
    """Choose how to load a model so that it fits this machine.

    Args:
        load: The message that asks for it.
        **built_for: Fields of :class:`lwtui.models.llama_cpp.fit.LoadOptions` that the engine decides.

    Raises:
        CallRefused: It does not fit, or the file is no GGUF.
    """
    from lwtui.models.llama_cpp.bindings import devices
    from lwtui.models.llama_cpp.fit import LoadOptions, Machine, fit
    from lwtui.models.llama_cpp.gguf_header import read_header
    from lwtui.models.llama_cpp.turns import shared_turns

    try:
        options = LoadOptions(**{**load.options, **built_for})
        header = read_header(Path(load.path))
        machine = Machine.detect(devices())
        chosen = fit(header, machine, options)
    except LwtuiError as error:
        raise CallRefused(str(error), error.kind if isinstance(error, ModelError) else "refused") from None
    if not chosen.fits:
        raise CallRefused(_("Cannot load {path}: it {advice}", path=load.path, advice=chosen.advice), "worker")
    return LoadPlan(chosen, header, shared_turns(chosen.threads, machine.cores, chosen.gpu_layers))


@contextmanager
def explained_load(path: str) -> Iterator[None]:
    """Turn llama.cpp's reason why it cannot open ``path`` into one line.

    Raises:
        CallRefused: It cannot.
    """
    from lwtui.models.llama_cpp.bindings import LoadError

    try:
        yield
    except LoadError as error:
        reason = short_reason(error).rstrip(".。") or _("llama.cpp does not say why")
        raise CallRefused(
            _(
                "Cannot load {path}: {reason}. If the file may be incomplete, download it again.",
                path=path,
                reason=reason,
            ),
            "malformed",
        ) from None


def short_reason(error: object) -> str:
    """Return what an error says on one line."""
    return " ".join(str(error).split())[:300]

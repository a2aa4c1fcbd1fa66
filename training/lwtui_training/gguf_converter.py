"""llama.cpp's own converter, for every family that lwtui's exporter does not know.

The converter (MIT license) is part of the source distribution of llama-cpp-python. It is downloaded once with pip,
checked by its SHA-256, unpacked into the cache folder, and run in a process of its own. A llama.cpp checkout can take
its place.
"""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from lwtui.config import cache_folder
from lwtui.translation import _
from lwtui_training.progress import note
from lwtui_training.steps import TrainError, hash_file

VERSION = "0.3.36"  # of llama-cpp-python; its llama.cpp runs the files
SHA256 = "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e"
_MAIN = "convert_hf_to_gguf.py"
_WANTED = (_MAIN, "LICENSE", "conversion/", "gguf-py/gguf/")
_CHILD = Path(__file__).with_name("llama_cpp_child.py")


@dataclass(frozen=True)
class Conversion:
    """A checkpoint to convert.

    Attributes:
        folder: The folder of the checkpoint.
        path: The GGUF to write.
        outtype: Type of the matrices.
        name: The model's name in the metadata.
        vocabulary_only: Whether to write the tokenizer alone, which needs no weights.
    """

    folder: Path
    path: Path
    outtype: str
    name: str
    vocabulary_only: bool = False


def converter_folder(choice: str = "") -> Path:
    """Return a folder with ``convert_hf_to_gguf.py``, and download the converter if necessary.

    Args:
        choice: A llama.cpp checkout; otherwise the converter of llama-cpp-python is used.

    Raises:
        TrainError: The folder has no converter, or it cannot be downloaded.
    """
    if choice and choice != "llama.cpp":
        folder = Path(choice).expanduser().absolute()
        if not (folder / _MAIN).is_file() or not (folder / "gguf-py").is_dir():
            raise TrainError(
                _(
                    "{folder} has no {main} with gguf-py beside it. Set gguf.converter to a llama.cpp checkout.",
                    folder=folder,
                    main=_MAIN,
                ),
                code="no-converter",
            )
        return folder
    folder = cache_folder() / f"llama.cpp-converter-{VERSION}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        _download(folder)
    return folder


def supported_architectures(folder: Path) -> frozenset[str]:
    """Return the architectures that a converter knows, as transformers names them."""
    path = folder / "conversion" / "__init__.py"
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TrainError(
            _("Cannot read {path}: {reason}. Use a newer llama.cpp.", path=path, reason=error.strerror),
            code="no-converter",
        ) from None
    for node in tree.body:
        target = node.target if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [None])[0]
        if isinstance(target, ast.Name) and target.id == "TEXT_MODEL_MAP":
            value = getattr(node, "value", None)
            return frozenset(ast.literal_eval(value)) if value else frozenset()
    return frozenset()


def convert(converter: Path, conversions: Sequence[Conversion]) -> None:
    """Convert checkpoints in a child process.

    Args:
        converter: The folder of :func:`converter_folder`.
        conversions: What to convert, in this order.

    Raises:
        TrainError: llama.cpp does not know the family or the tokenizer, or the conversion failed.
    """
    jobs = [_job(conversion) for conversion in conversions]
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "jobs.json"
        file.write_text(json.dumps({"converter": str(converter), "jobs": jobs}), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-P", str(_CHILD), str(file)],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    if done.returncode:
        for conversion in conversions:
            conversion.path.unlink(missing_ok=True)
        raise _failure(done.stderr, done.returncode)


def _job(conversion: Conversion) -> dict[str, Any]:
    from transformers import AutoTokenizer

    from lwtui_training.chat import strip_generation_markers
    from lwtui_training.gguf_tokenizer import adds_bos, guess_pre_tokenizer, stop_token

    tokenizer = AutoTokenizer.from_pretrained(conversion.folder)
    stop = stop_token(tokenizer)
    arguments = [str(conversion.folder), "--outfile", str(conversion.path), "--outtype", conversion.outtype]
    arguments += ["--model-name", conversion.name, *(["--vocab-only"] if conversion.vocabulary_only else [])]
    return {
        "arguments": arguments,
        "chat_template": strip_generation_markers(tokenizer.chat_template),
        "eot": None if stop == tokenizer.eos_token_id else stop,
        "add_bos": adds_bos(tokenizer),
        "pre": guess_pre_tokenizer(conversion.folder),
    }


def _failure(output: str, code: int) -> TrainError:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    reason = next((line for line in reversed(lines) if "Error" in line or "ERROR" in line), lines[-1] if lines else "")
    if "pre-tokenizer" in output and "NotImplementedError" in output:
        return TrainError(
            _(
                "llama.cpp has no pre-tokenizer for this tokenizer, so its GGUF would tokenize text differently. Keep "
                "the base's own tokenizer, or leave the step gguf out."
            ),
            code="unknown-pre-tokenizer",
        )
    return TrainError(
        _(
            "llama.cpp's converter failed (exit code {code}): {reason}. Choose another base, set gguf.converter to "
            "a newer llama.cpp checkout, or leave the step gguf out.",
            code=code,
            reason=reason[:300],
        ),
        code="export-failed",
    )


def _download(folder: Path) -> None:
    note(
        _(
            "Downloading llama.cpp's converter (the sources of llama-cpp-python {version}, 77 MB), once.",
            version=VERSION,
        )
    )
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        command = ["download", "--quiet", "--no-deps", "--no-binary", "llama-cpp-python", "--dest", scratch]
        done = subprocess.run(
            [sys.executable, "-m", "pip", *command, f"llama-cpp-python=={VERSION}"],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        archives = list(Path(scratch).glob("*.tar.gz"))
        if done.returncode or not archives:
            reason = " ".join((done.stderr or done.stdout).split())[-200:]
            raise TrainError(
                _(
                    "pip cannot download llama.cpp's converter ({reason}). Check the connection, or set "
                    "gguf.converter to a llama.cpp checkout.",
                    reason=reason,
                ),
                code="no-converter",
            )
        unpack(archives[0], folder)


def unpack(archive: Path, folder: Path, expected: str = SHA256) -> None:
    """Check an archive of llama-cpp-python, and unpack the converter alone from it.

    Args:
        archive: The source distribution.
        folder: Receives the converter; appears when it is complete.
        expected: SHA-256 of the archive.

    Raises:
        TrainError: The archive is not the expected one.
    """
    if hash_file(archive) != expected:
        raise TrainError(
            _(
                "{name} is not the file that lwtui expects (its SHA-256 differs). It was not used. Set "
                "gguf.converter to a llama.cpp checkout.",
                name=archive.name,
            ),
            code="wrong-hash",
        )
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch, tarfile.open(archive) as tar:
        part = Path(scratch) / "converter"
        for member in tar:
            inside = PurePosixPath(*PurePosixPath(member.name).parts[1:])
            relative = inside.relative_to("vendor/llama.cpp") if inside.is_relative_to("vendor/llama.cpp") else None
            if relative is None or not member.isfile() or not str(relative).startswith(_WANTED):
                continue
            if ".." in relative.parts:
                continue
            target = part / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            # Not by extract(): Python 3.11.3 and older have no filters, and newer ones warn without.
            with cast(IO[bytes], tar.extractfile(member)) as source, target.open("wb") as file:
                shutil.copyfileobj(source, file)
        try:
            part.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process has unpacked the same
                raise

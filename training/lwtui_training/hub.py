"""The Hugging Face hub: whether a model can be downloaded, and what its errors mean."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from importlib.util import find_spec

from lwtui.translation import _
from lwtui_training.steps import TrainError

_SECONDS = 10.0


@dataclass(frozen=True)
class HubModel:
    """What the hub tells of a model.

    Attributes:
        license: Its license, as the hub names it; may be empty.
        size: Sum of the sizes of its safetensors files in bytes; 0 if unknown.
    """

    license: str = ""
    size: int = 0


def hub_errors() -> tuple[type[Exception], ...]:
    """Return the errors that calls of the hub may raise."""
    clients = [importlib.import_module(name) for name in ("httpx2", "httpx") if find_spec(name)]
    return (OSError, ValueError, KeyError, RuntimeError, *(client.HTTPError for client in clients))


def hub_problem() -> str:
    """Return why the hub cannot be reached; empty if it can, or if only its cache is to be used.

    The libraries would try again for minutes for each file.
    """
    import httpx2
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return ""
    try:
        httpx2.head(constants.ENDPOINT, timeout=_SECONDS)
    except httpx2.HTTPError as error:
        reason = " ".join(str(error).split())[:200].rstrip(".")
        return _(
            "{endpoint} cannot be reached ({reason}). Check the connection; with HF_HUB_OFFLINE=1, only "
            "what was downloaded before is used.",
            endpoint=constants.ENDPOINT,
            reason=reason,
        )
    return ""


def check_access(name: str, revision: str = "") -> HubModel:
    """Check that the model called ``name`` can be downloaded with the token at hand.

    Raises:
        TrainError: It cannot; the message says what to do.
    """
    from huggingface_hub import HfApi, get_token
    from huggingface_hub.errors import (
        GatedRepoError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    page = f"https://huggingface.co/{name}"
    try:
        info = HfApi().model_info(name, revision=revision or None, files_metadata=True)
        HfApi().auth_check(name)
    except GatedRepoError:
        if get_token():
            message = _(
                "{name} is gated. Accept its license at {page}, and wait until access is granted.", name=name, page=page
            )
        else:
            message = _(
                "{name} is gated. Accept its license at {page}, and log in with: hf auth login (or set HF_TOKEN).",
                name=name,
                page=page,
            )
        raise TrainError(message, code="gated") from None
    except RevisionNotFoundError:
        raise TrainError(
            _("{name} has no revision {revision!r}. Check base.revision.", name=name, revision=revision),
            code="unknown-model",
        ) from None
    except RepositoryNotFoundError:
        hint = "" if get_token() else _(" If it is private, log in with: hf auth login.")
        raise TrainError(
            _("There is no folder and no model {name!r} on the hub. Check base.model.{hint}", name=name, hint=hint),
            code="unknown-model",
        ) from None
    except OfflineModeIsEnabled:
        return _check_cache(name, revision)
    except hub_errors() as error:
        if _is_cached(name, revision):
            return HubModel()
        reason = " ".join(str(error).split())[:200].rstrip(".")
        raise TrainError(
            _(
                "The hub cannot be reached for {name} ({reason}). Check the connection, or give a folder.",
                name=name,
                reason=reason,
            ),
            code="unreachable",
        ) from None
    card = info.card_data.to_dict() if info.card_data else {}
    files = [file for file in info.siblings or [] if file.rfilename.endswith(".safetensors")]
    return HubModel(str(card.get("license") or ""), sum(file.size or 0 for file in files))


def _check_cache(name: str, revision: str) -> HubModel:
    if _is_cached(name, revision):
        return HubModel()
    raise TrainError(
        _(
            "{name} is not in the cache of the hub, and HF_HUB_OFFLINE forbids a download. Unset it, or give a folder.",
            name=name,
        ),
        code="unreachable",
    )


def _is_cached(name: str, revision: str) -> bool:
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(name, "config.json", revision=revision or None), str)

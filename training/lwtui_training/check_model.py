"""Checks of the base: access, license, tokenizer, chat template, and whether the result can be exported."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from lwtui.translation import _
from lwtui_training.checks import Caveat, Check
from lwtui_training.recipe import Recipe
from lwtui_training.steps import TrainError


def model_checks(recipe: Recipe, steps: Sequence[str]) -> dict[str, Check]:
    """Return the checks that these steps need, by name."""
    if not set(steps) - {"data"}:
        return {}
    checks: dict[str, Check] = {"base": _base}
    if not is_made(recipe):
        checks["tokenizer"] = _tokenizer
        if "gguf" in steps:
            checks["export"] = _export
    return checks


def is_made(recipe: Recipe) -> bool:
    """Return whether the base is made or dequantized by lwtui, so that its tokenizer is not there yet."""
    from lwtui.models.known_ggufs import known_ggufs

    name = recipe.base.model
    return name in ("tiny", "demo", *(known.name for known in known_ggufs())) or name.endswith(".gguf")


def _base(recipe: Recipe) -> str | Caveat:
    from lwtui_training.base_model import gguf_of

    name = recipe.base.model
    if name == "tiny":
        return _("tiny is made on the spot")
    source = Path(gguf_of(name) or recipe.resolve(name))
    if source.is_file() or name.endswith(".gguf"):
        if not source.is_file():
            raise TrainError(_("There is no file {name}. Check base.model.", name=name), code="not-found")
        return _("{name} is dequantized", name=source.name)
    if source.is_dir():
        return _folder(source)
    from lwtui_training.hub import check_access

    model = check_access(name, recipe.base.revision)
    parts = [_("{name} can be downloaded", name=name)]
    parts += [f"{model.size / 1e9:.1f} GB"] if model.size else []
    return ", ".join([*parts, _("license: {license}", license=model.license)] if model.license else parts)


def _folder(folder: Path) -> str:
    if not (folder / "config.json").is_file():
        raise TrainError(
            _("{folder} has no config.json, so it is no checkpoint. Check base.model.", folder=folder), code="not-found"
        )
    weights = [*folder.glob("*.safetensors"), *folder.glob("*.bin")]
    if not weights:
        raise TrainError(
            _("{folder} has no weights (*.safetensors). Check base.model.", folder=folder), code="not-found"
        )
    return _(
        "{folder} has {size:.1f} GB of weights", folder=folder, size=sum(path.stat().st_size for path in weights) / 1e9
    )


def _tokenizer(recipe: Recipe) -> str:
    from lwtui_training.base_model import load_tokenizer
    from lwtui_training.chat import tokenize

    tokenizer = load_tokenizer(recipe.resolve(recipe.base.model), recipe)
    rows = [{"role": "user", "content": "Write a story."}, {"role": "assistant", "content": "It was late."}]
    ids, labels = tokenize(tokenizer, rows)
    learned = [label for label in labels if label != -100]
    if not learned or len(learned) == len(ids):
        raise TrainError(
            _(
                "With the format {format!r}, the chat template marks {count} of {total} tokens as "
                "the assistant's. Choose another base.format.",
                format=recipe.base.format,
                count=len(learned),
                total=len(ids),
            ),
            code="chat-template",
        )
    ends = tokenizer.convert_ids_to_tokens(learned[-1])
    return _("{count:,} tokens; an answer ends with {token}", count=len(tokenizer), token=ends)


def _export(recipe: Recipe) -> str:
    """Check the export with configuration and tokenizer alone."""
    from transformers import AutoConfig

    from lwtui_training.base_model import load_tokenizer
    from lwtui_training.gguf import check_export
    from lwtui_training.hub import hub_errors

    source = recipe.resolve(recipe.base.model)
    with tempfile.TemporaryDirectory() as scratch:
        try:
            revision = {"revision": recipe.base.revision} if recipe.base.revision and not Path(source).exists() else {}
            trust = recipe.base.trust_remote_code
            AutoConfig.from_pretrained(source, trust_remote_code=trust, **revision).save_pretrained(scratch)
        except hub_errors() as error:
            reason = " ".join(str(error).split())[:200]
            raise TrainError(
                _("Cannot read the configuration of {source!r}: {reason}", source=source, reason=reason)
            ) from None
        load_tokenizer(source, recipe).save_pretrained(scratch)
        return _("a GGUF can be made with {program}", program=check_export(recipe, Path(scratch)))

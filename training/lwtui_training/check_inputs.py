"""Checks of what a recipe reads and whom it asks: rows, instructions, judge, models and endpoints."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lwtui.errors import LwtuiError
from lwtui.translation import _, _n
from lwtui_training.checks import Caveat, Check
from lwtui_training.recipe import Recipe
from lwtui_training.row_files import DatasetPart
from lwtui_training.steps import TrainError

_LOOK_AT = 1000  # rows
_FIRST = DatasetPart(limit=_LOOK_AT)
_SECONDS = 10.0  # for an endpoint to list its models


def input_checks(recipe: Recipe, steps: Sequence[str]) -> dict[str, Check]:
    """Return the checks that these steps need, by name."""
    checks: dict[str, Check] = {}
    data, prefs = recipe.data, recipe.prefs
    if "data" in steps:
        if not data.instructions and not data.long:
            checks["data"] = _no_data
        if data.instructions:
            checks |= {"data.instructions": _data_instructions, "data.model": _data_model}
        if data.long:
            checks["data.long"] = _long
        if data.general:
            checks["data.general"] = _general
    if "prefs" in steps:
        if not prefs.instructions and not prefs.documents and not prefs.general:
            checks["prefs"] = _no_prefs
        if prefs.instructions:
            checks |= {"prefs.instructions": _prefs_instructions, "prefs.judge": _judge}
        if prefs.model:
            checks["prefs.model"] = _prefs_model
        elif prefs.serve and prefs.instructions:
            checks["prefs.serve"] = _serve
        if prefs.documents:
            checks["prefs.documents"] = _documents
        if prefs.general:
            checks["prefs.general"] = _general_pairs
    if "grpo" in steps:
        checks["grpo.instructions"] = _grpo_instructions
        if "judge" in recipe.grpo.rewards:
            checks["grpo.judge"] = _grpo_judge
    if "bench" in steps:
        checks["bench"] = _bench
    return checks


def _no_data(recipe: Recipe) -> str:
    raise TrainError(_("there are no rows. Set data.long, or data.instructions."), code="no-rows")


def _no_prefs(recipe: Recipe) -> str:
    raise TrainError(
        _("there is nothing to make pairs of. Set prefs.instructions, prefs.documents or prefs.general."),
        code="no-pairs",
    )


def _data_instructions(recipe: Recipe) -> str | Caveat:
    from lwtui_training.rows import read_instructions

    data = recipe.data
    return _counted(
        read_instructions(_existing(recipe, data.instructions), data.words, data.most_bad_rows, _FIRST), _LOOK_AT
    )


def _long(recipe: Recipe) -> str | Caveat:
    from lwtui_training.data import long_rows

    return _counted(long_rows(recipe, _LOOK_AT), _LOOK_AT)


def _general(recipe: Recipe) -> str | Caveat:
    from lwtui_training.data import general_rows

    return _counted(general_rows(recipe, _LOOK_AT), _LOOK_AT)


def _prefs_instructions(recipe: Recipe) -> str | Caveat:
    from lwtui_training.preferences import prefs_instructions

    _existing(recipe, recipe.prefs.instructions)
    return _counted(prefs_instructions(recipe, _LOOK_AT), _LOOK_AT)


def _general_pairs(recipe: Recipe) -> str | Caveat:
    from lwtui_training.preferences import general_pairs

    return _counted(general_pairs(recipe, _LOOK_AT), _LOOK_AT)


def _counted(rows: Any, limit: int) -> str | Caveat:
    count = len(rows) + len(rows.dropped)
    if limit and count >= limit:
        text = _("the first {count:,} rows can be read", count=count)
    else:
        text = _("{count:,} rows can be read", count=count)
    return Caveat(f"{text}; {rows.summary}") if rows.summary else text


def _existing(recipe: Recipe, name: str) -> str:
    path = recipe.resolve(name)
    if Path(name).suffix and not Path(path).exists():
        raise TrainError(
            _(
                "There is no file {name!r} beside the recipe or in the working folder. Write it, or set another.",
                name=name,
            ),
            code="not-found",
        )
    return path


def _documents(recipe: Recipe) -> str:
    paths = [Path(recipe.resolve(name)) for name in recipe.prefs.documents]
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise TrainError(_("There is no {path}. Check prefs.documents.", path=missing[0]), code="not-found")
    count = sum(1 for path in paths for _file in (path.rglob("*.lw") if path.is_dir() else [path]))
    return _("{count:,} documents", count=count)


def _data_model(recipe: Recipe) -> str:
    return _reachable(recipe.data.model, recipe.data.base_url)


def _prefs_model(recipe: Recipe) -> str:
    return _reachable(recipe.prefs.model, recipe.prefs.base_url)


def _serve(recipe: Recipe) -> str:
    if shutil.which("vllm") is None:
        raise TrainError(
            _("prefs.serve = 'vllm' needs vLLM: pip install vllm. Or set it to ''."), code="missing-package"
        )
    return _("vLLM is installed")


def _judge(recipe: Recipe) -> str | Caveat:
    if not recipe.prefs.judge:
        return Caveat(
            _("there is none (prefs.judge): answers are chosen by their length alone, without loops and cut ones")
        )
    return _reachable(recipe.prefs.judge, recipe.prefs.judge_base_url)


def _grpo_instructions(recipe: Recipe) -> str | Caveat:
    from lwtui_training.rows import read_instructions

    grpo = recipe.grpo
    if not grpo.instructions:
        raise TrainError(_("there are none. Set grpo.instructions to a file or a dataset."), code="no-instructions")
    source = _existing(recipe, grpo.instructions)
    return _counted(read_instructions(source, grpo.words, grpo.most_bad_rows, _FIRST), _LOOK_AT)


def _grpo_judge(recipe: Recipe) -> str:
    if not recipe.grpo.judge:
        raise TrainError(_("grpo.rewards has 'judge', but there is none. Set grpo.judge."), code="no-judge")
    return _reachable(recipe.grpo.judge, recipe.grpo.judge_base_url)


def _reachable(name: str, base_urls: Sequence[str]) -> str:
    """Check that a model of the settings, a GGUF or an endpoint's model is there."""
    from lwtui.config import api_key
    from lwtui.models.openai_api import list_models
    from lwtui_training.document_writer import model_choices

    choices = model_choices(name, base_urls)
    if choices[0].provider != "openai":
        from lwtui.models.llama_cpp.demo import demo_path

        path = Path(choices[0].path) if choices[0].path else demo_path()
        if not path.expanduser().is_file():
            raise TrainError(
                _("{name} is the file {path}, which is not there.", name=name, path=path), code="not-found"
            )
        return _("{name} is on this machine", name=name)
    silent = []
    for choice in choices:
        try:
            served = asyncio.run(list_models(choice, api_key(choice), _SECONDS))
        except LwtuiError as error:
            if getattr(error, "kind", "") in ("auth", "unreachable"):
                raise
            silent.append(choice.base_url)  # not every server lists its models
            continue
        wanted = choice.model or choice.name
        if served and wanted not in served:
            raise TrainError(
                _(
                    "{url} does not serve {wanted!r}. It serves: {served}.",
                    url=choice.base_url,
                    wanted=wanted,
                    served=", ".join(served[:5]),
                ),
                code="unknown-model",
            )
    return _n("{name} answers at {count} endpoint", "{name} answers at {count} endpoints", len(choices), name=name)


def _bench(recipe: Recipe) -> str:
    from lwtui_bench.suites import find_suite

    suite = find_suite(recipe.bench.task)
    data = Path(_existing(recipe, recipe.bench.data)) if recipe.bench.data else None
    prompts = list(suite.load(data))
    return _("{name} has {count:,} prompts", name=suite.name, count=len(prompts))

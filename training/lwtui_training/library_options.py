"""The options of TRL's and PEFT's configurations, read from their sources, since importing them takes seconds."""

from __future__ import annotations

import ast
import difflib
import types
import typing
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lwtui.errors import UsageError
from lwtui.translation import _

_TRAINING = (("transformers", "training_args.py"), ("trl", "trainer/base_config.py"))
_SOURCES = {
    "SftConfig": (*_TRAINING, ("trl", "trainer/sft_config.py")),
    "DpoConfig": (*_TRAINING, ("trl", "trainer/dpo_config.py")),
    "GrpoConfig": (*_TRAINING, ("trl", "trainer/grpo_config.py")),
    "LoraConfig": (("peft", "config.py"), ("peft", "tuners/lora/config.py")),
}
_CLASSES: tuple[str, ...] = ("TrainingArguments", "_BaseConfig", "SFTConfig", "DPOConfig", "GRPOConfig")
_CLASSES += ("PeftConfig", "PeftConfigMixin", "LoraConfig")
_PLAIN = (bool, int, float, str)
# What the steps depend on. Another value would break resuming, progress or the manifest.
OWN = frozenset({"output_dir", "save_strategy", "disable_tqdm", "resume_from_checkpoint", "task_type", "peft_type"})


def check_option(table: str, name: str, value: Any, where: str) -> None:
    """Check that a library has the option called ``name``.

    Args:
        table: The name of the recipe's dataclass.
        name: The option.
        value: Its value.
        where: Where it is, for the message.

    Raises:
        UsageError: The library has no such option, or lwtui sets it itself.
    """
    if name in OWN:
        raise UsageError(_("{where}{name!r} is set by lwtui. Remove it.", where=where, name=name), code="own-option")
    known = known_options(table)
    if known and name not in known:
        near = difflib.get_close_matches(name, known, 3)
        hint = _(" Did you mean {names}?", names=" or ".join(near)) if near else ""
        raise UsageError(
            _(
                "{where}unknown option {name!r}.{hint} Known are all fields of {title}.",
                where=where,
                name=name,
                hint=hint,
                title=_title(table),
            ),
            code="unknown-option",
        )


def check_types(built: Any, options: Mapping[str, Any]) -> None:
    """Check the types of options against the annotations of the library's configuration.

    Raises:
        TypeError: A value has another type.
    """
    hints = typing.get_type_hints(type(built))
    for name, value in options.items():
        hint = hints.get(name, Any)
        kinds = typing.get_args(hint) if typing.get_origin(hint) in (types.UnionType, typing.Union) else (hint,)
        plain = [kind for kind in kinds if kind in _PLAIN]
        if len(plain) != len([kind for kind in kinds if kind is not type(None)]):
            continue  # lists, literals and the like are left to the library
        if not any(type(value) is kind or (kind is float and type(value) is int) for kind in plain):
            wanted = " or ".join(kind.__name__ for kind in plain)
            raise TypeError(_("{name} must be of type {wanted}, not {value!r}", name=name, wanted=wanted, value=value))


@cache
def known_options(table: str) -> frozenset[str]:
    """Return the options of the library's configuration for a table; empty if the library is not installed."""
    names: set[str] = set()
    for package, file in _SOURCES[table]:
        spec = find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            return frozenset()
        path = Path(next(iter(spec.submodule_search_locations))) / file
        if path.is_file():
            names |= _fields(path)
    return frozenset(names)


def _fields(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        item.target.id
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name in _CLASSES
        for item in node.body
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
    }


def _title(table: str) -> str:
    if table == "LoraConfig":
        return _("PEFT's LoraConfig")
    return _("TRL's {name}Config", name=table.replace("Config", "").upper())

"""``lwtui config``: show and change the settings."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from collections.abc import Collection
from dataclasses import fields

from lwtui.command_line.guard import say
from lwtui.command_line.parser import Parser, command_parser
from lwtui.config import ModelSettings, Settings, default_of, load_settings, set_value, settings_file
from lwtui.errors import ConfigError, LwtuiError, UsageError
from lwtui.system import editor_command
from lwtui.translation import _, language

_KEYS = _(
    "{settings}, keys.ACTION, models.NAME.FIELD or models.NAME.ROLE.FIELD",
    settings="model, documents, theme, language, author, mirror, restore, welcome, vim, daily_goal, backups, "
    "llama_server",
)


def parser() -> Parser:
    """Return the parser of the command."""
    result = command_parser(
        "config",
        _("Show and change the settings. They never contain API keys: see lwtui models add --help."),
        """
        lwtui config
        lwtui config path
        lwtui config get documents
        lwtui config set documents ~/Texts
        lwtui config set models.gpt.temperature 0.7
        lwtui config set models.gpt.plan.reasoning_effort high
        lwtui config edit
        """,
    )
    actions = result.add_subparsers(dest="action", metavar="ACTION")
    actions.add_parser("path", help=_("print where the settings file is"))
    get = actions.add_parser("get", help=_("print one setting, or all"))
    get.add_argument("key", nargs="?", metavar="KEY", help=_KEYS)
    change = actions.add_parser("set", help=_("change one setting; an empty VALUE restores the default"))
    change.add_argument("key", metavar="KEY", help=_KEYS)
    change.add_argument("value", metavar="VALUE")
    actions.add_parser("edit", help=_("open the settings file in $VISUAL or $EDITOR"))
    return result


def run(options: argparse.Namespace) -> int:
    """Run the command, and return the exit code."""
    match options.action:
        case "path":
            print(settings_file())
        case "set":
            before = _problems(load_settings())
            set_value(options.key, options.value, check=lambda settings: _check(settings, before))
        case "edit":
            return _edit()
        case _:
            _get(getattr(options, "key", None))
    return 0


def _problems(settings: Settings) -> list[str]:
    from lwtui.app.settings_check import model_problem, problems

    return [*filter(None, [model_problem(settings)]), *problems(settings)]


def _check(settings: Settings, known: Collection[str] = ()) -> None:
    """Raise :class:`ConfigError` for settings that the app cannot use, except for ``known`` problems."""
    if found := [problem for problem in _problems(settings) if problem not in known]:
        raise ConfigError(found[0], code="unusable")


def _get(key: str | None) -> None:
    settings = load_settings()
    values = _flat(settings)
    if key is None:
        print("\n".join(f"{name} = {value}" for name, value in values.items()))
    elif key in values:
        print(values[key])
    else:
        raise ConfigError(
            _("There is no setting {key!r}. Known: {known}.", key=key, known=", ".join(values)),
            code="unknown-setting",
        )


def _flat(settings: Settings) -> dict[str, str]:
    """Return all settings by their full names, including defaults."""
    values = {
        "model": settings.model,
        "documents": str(settings.documents_folder),
        "theme": settings.theme,
        "language": settings.language or language(),
        "author": settings.author,
        "mirror": settings.mirror.value,
        "restore": str(settings.restore).lower(),
        "welcome": str(settings.welcome).lower(),
        "vim": str(settings.vim).lower(),
        "daily_goal": str(settings.daily_goal),
        "backups": str(settings.backups),
        "llama_server": settings.llama_server,
    }
    values |= {f"keys.{name}": key for name, key in settings.keys.items()}
    values |= {f"roles.{role}": name for role, name in settings.roles.items()}
    for name, model in settings.models.items():
        for item in fields(ModelSettings):
            value = getattr(model, item.name)
            if item.name == "roles":
                values |= {
                    f"models.{name}.{role}.{field}": _shown(own)
                    for role, table in value.items()
                    for field, own in table.items()
                }
            elif item.name != "name" and (value != default_of(item) or item.name == "provider"):
                values[f"models.{name}.{item.name}"] = _shown(value)
    return values


def _shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)


def _edit() -> int:
    """Open the settings in an editor, and check them afterwards."""
    path = settings_file()
    given = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""
    try:
        command = editor_command(os.environ)
        if not command:
            raise UsageError(_("No editor found. Set EDITOR, or edit {path} directly.", path=path), code="no-editor")
        given = given or command[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        code = subprocess.call([*command, str(path)])
    except (OSError, ValueError) as error:
        raise LwtuiError(
            _("Cannot start the editor {editor!r}: {error}. Set EDITOR to another.", editor=given, error=error),
            code="no-editor",
        ) from None
    _check(load_settings())
    if code:
        say(
            _(
                "lwtui: {editor} ended with exit code {code}. Check that the settings were saved.",
                editor=given,
                code=code,
            )
        )
    return int(code != 0)

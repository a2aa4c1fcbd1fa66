"""Write the sources of the documentation site: the pages of this folder, and reference pages made from the code.

    python docs/site.py build/site-source        # then: mkdocs build; make docs does both

The pages stay where they are for readers of the repository. Links that leave the site lose their address.
"""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

os.environ["LWTUI_LANGUAGE"] = "en"  # whatever the locale of this machine; read when the modules below are imported

from lwtui.agentwrite import events
from lwtui.app.keymap import ACTIONS, key_label
from lwtui.cli.command_tree import commands
from lwtui.config import ModelSettings, Settings, default_of
from lwtui_training import recipe

ROOT = Path(__file__).resolve().parents[1]
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    **{f"docs/{path.name}": path.name for path in (ROOT / "docs").glob("*.md")},
}
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^)\s]+)\)")
_CODE = re.compile(r"(?ms)^```.*?^```$|^ {4}.*?$|(?<!\[)`[^`\n]+`(?!\])")  # a label of a link may be code
_PICTURES = (".svg", ".png")


def main() -> int:
    """Write all pages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", type=Path, help="the folder to write; what is in it is removed")
    target: Path = parser.parse_args().target
    shutil.rmtree(target, ignore_errors=True)
    (target / "reference").mkdir(parents=True)
    for source, name in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        (target / name).write_text(with_site_links(text, (ROOT / source).parent, target), encoding="utf-8")
    for name, make in REFERENCE.items():
        (target / "reference" / f"{name}.md").write_text("\n".join(make()) + "\n", encoding="utf-8")
    return 0


def with_site_links(text: str, folder: Path, target: Path) -> str:
    """Point the links of a page at the pages of the site, and copy its pictures."""

    def replace(match: re.Match[str]) -> str:
        mark, label, address = match.groups()
        path, _, anchor = address.partition("#")
        if "://" in address or address.startswith("mailto:") or not path:
            return match[0]
        file = (folder / path).resolve()
        name = file.relative_to(ROOT).as_posix()
        if file.suffix in _PICTURES:
            picture = "-".join(file.relative_to(ROOT / "docs").parts)  # those of another language have the same names
            shutil.copyfile(file, target / picture)
            return f"{mark}[{label}]({picture})"
        if name in PAGES:
            return f"{mark}[{label}]({PAGES[name]}{'#' + anchor if anchor else ''})"
        return label

    parts, end = [], 0
    for code in _CODE.finditer(text):
        parts += [_LINK.sub(replace, text[end : code.start()]), code[0]]
        end = code.end()
    return "".join([*parts, _LINK.sub(replace, text[end:])])


def command_page() -> Iterator[str]:
    """Yield the reference of the commands, from their parsers."""
    yield "# Commands\n"
    yield "Each command prints this with `--help`; `lwtui manual` prints all of it."
    for name, parser in commands():
        yield f"\n## lwtui {name}\n"
        yield from _help(parser)


def _help(parser: argparse.ArgumentParser) -> Iterator[str]:
    yield f"```text\n{parser.format_help().strip()}\n```"
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for sub in dict.fromkeys(action.choices.values()):
                yield f"\n### {sub.prog}\n"
                yield from _help(sub)


def settings_page() -> Iterator[str]:
    """Yield the reference of the settings, from their dataclasses and the comments beside the fields."""
    yield "# Settings\n"
    yield "`lwtui config path` prints where `settings.toml` is; `lwtui config set KEY VALUE` changes it."
    for title, kind in (("All settings", Settings), ("A model: `[models.NAME]`", ModelSettings)):
        yield f"\n## {title}\n"
        comments = _comments(kind)
        rows = [
            (f"`{item.name}`", _default(item), comments.get(item.name, ""))
            for item in dataclasses.fields(kind)
            if item.name != "name"
        ]
        yield from _table(("setting", "default", "meaning"), rows)


def recipe_page() -> Iterator[str]:
    """Yield the reference of recipes, from their dataclasses."""
    yield "# Recipe fields\n"
    yield "A recipe is a TOML file with a table for each step; `lwtui train plan my.toml` checks it."
    for name, kind in inspect.getmembers(recipe, dataclasses.is_dataclass):
        if kind.__module__ != recipe.__name__ or not dataclasses.fields(kind):
            continue
        about, attributes = _docstring(kind)
        if "[" not in about:
            continue
        yield f"\n## {name.removesuffix('Config')}\n\n{about}\n"
        rows = [(f"`{item.name}`", _default(item), attributes.get(item.name, "")) for item in dataclasses.fields(kind)]
        yield from _table(("field", "default", "meaning"), rows)


def event_page() -> Iterator[str]:
    """Yield the reference of the events, which ``lwtui write --events`` prints."""
    yield "# Events\n"
    yield "`lwtui write --events` prints each event as a line of JSON, with its name in the field `event`."
    for name, kind in inspect.getmembers(events, dataclasses.is_dataclass):
        if kind.__module__ == events.__name__:
            about, attributes = _docstring(kind)
            yield f"\n## {name}\n\n{about}\n"
            rows = [
                (f"`{item.name}`", f"`{item.type}`", attributes.get(item.name, "")) for item in dataclasses.fields(kind)
            ]
            yield from _table(("field", "type", "meaning"), rows) if rows else ()


def key_page() -> Iterator[str]:
    """Yield the reference of the keys, from the actions of the app."""
    yield "# Keys\n"
    yield '`[keys]` in the settings assigns others, by these names: `library.export = "E"`.'
    for group, listed in ACTIONS.items():
        yield f"\n## {group}\n"
        rows = [
            (", ".join(key_label(key) for key in action.keys.split(",")), f"`{action.name}`", action.help)
            for action in listed
        ]
        yield from _table(("keys", "action", "what it does"), rows)


REFERENCE = {
    "commands": command_page,
    "settings": settings_page,
    "recipe": recipe_page,
    "events": event_page,
    "keys": key_page,
}


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|').replace(chr(10), ' ') for cell in row)} |"


def _default(item: dataclasses.Field[object]) -> str:
    value = default_of(item)
    if value is dataclasses.MISSING:
        return ""
    return "none" if value in ("", None) else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _comments(kind: type) -> dict[str, str]:
    """Return the comments beside the fields of a dataclass."""
    found = re.findall(r"(?m)^    (\w+): .*?  # (.+)$", inspect.getsource(kind))
    return {name: comment[0].upper() + comment[1:] for name, comment in found}


def _docstring(kind: type) -> tuple[str, dict[str, str]]:
    """Return the text of a docstring, and what it says of each attribute."""
    text, _, listed = inspect.cleandoc(kind.__doc__ or "").partition("Attributes:")
    attributes: dict[str, str] = {}
    for name, about in re.findall(r"(?ms)^    (\w+): (.*?)(?=^    \w+: |\Z)", listed):
        attributes[name] = _as_markdown(" ".join(about.split()))
    return _as_markdown(text.strip()), attributes


def _as_markdown(text: str) -> str:
    """Return text in reStructuredText, as docstrings have it, as Markdown."""
    return re.sub(r":\w+:`~?(?:[\w.]+\.)?(\w+)`", r"`\1`", text).replace("``", "`")


if __name__ == "__main__":
    sys.exit(main())

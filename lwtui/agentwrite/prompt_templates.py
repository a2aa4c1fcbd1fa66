"""The prompts: Markdown files that a person may replace with their own.

A file of the same name in the config folder, ``prompts/chat/plan.md`` for instance, is used instead of the
built-in one. lwtui never writes there, so an update cannot overwrite it.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from lwtui.errors import ConfigError

LANGUAGES = {
    "en": "English",
    "zh": "Chinese",
    "ja": "Japanese",
    "ko": "Korean",
    "de": "German",
    "fr": "French",
    "es": "Spanish",
    "pt": "Portuguese",
    "it": "Italian",
    "nl": "Dutch",
    "ru": "Russian",
    "ar": "Arabic",
    "he": "Hebrew",
    "el": "Greek",
    "hi": "Hindi",
    "th": "Thai",
}


def language_name(tag: str) -> str:
    """The English name of a BCP 47 tag, or the tag itself where it is not one of :data:`LANGUAGES`."""
    return LANGUAGES.get(tag) or LANGUAGES.get(tag.split("-")[0].lower()) or tag


def builtin_prompts() -> Traversable:
    """The folder with the prompts that come with lwtui."""
    return files("lwtui.agentwrite") / "prompts"


@dataclass(frozen=True)
class PromptTemplates:
    """The prompts of one kind of model: ``folder`` is ``chat`` or ``completion``, ``own`` a person's own files."""

    folder: str
    own: Path | None = None

    def render(self, name: str, **values: object) -> str:
        """Prompt ``name`` with ``$placeholders`` filled in.

        A value is put in as it is: a ``$`` in it means nothing. Raises :class:`ConfigError` for a person's own
        file that cannot be read or asks for a value that there is not.
        """
        text, where = self._read(name)
        try:
            return Template(text).substitute({key: str(value) for key, value in values.items()})
        except KeyError as error:
            raise ConfigError(f"{where} uses ${error.args[0]}; it may use: {', '.join(sorted(values))}.") from None
        except ValueError as error:
            raise ConfigError(f"{where}: {error}. Write $$ for a dollar sign.") from None

    def _read(self, name: str) -> tuple[str, str]:
        own = self.own / self.folder / f"{name}.md" if self.own else None
        try:
            if own and own.exists():
                return own.read_text(encoding="utf-8-sig").rstrip("\n"), str(own)
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"Cannot read your prompt {own}: {error}. Mend it or move it away.") from None
        return (builtin_prompts() / self.folder / f"{name}.md").read_text(encoding="utf-8").rstrip("\n"), name

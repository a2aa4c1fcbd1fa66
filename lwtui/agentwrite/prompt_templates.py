"""Loads the prompt templates: Markdown files that users may replace with their own.

A file of the same name in the config folder, such as ``prompts/chat/plan.md``, replaces the built-in one. lwtui never
writes to that folder, so updates cannot overwrite it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from lwtui.errors import ConfigError
from lwtui.text.language import UNKNOWN
from lwtui.translation import _

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
    "uk": "Ukrainian",
    "pl": "Polish",
    "cs": "Czech",
    "sk": "Slovak",
    "hu": "Hungarian",
    "ro": "Romanian",
    "bg": "Bulgarian",
    "hr": "Croatian",
    "sr": "Serbian",
    "sl": "Slovenian",
    "mk": "Macedonian",
    "be": "Belarusian",
    "sv": "Swedish",
    "da": "Danish",
    "nb": "Norwegian",
    "is": "Icelandic",
    "fi": "Finnish",
    "et": "Estonian",
    "lv": "Latvian",
    "lt": "Lithuanian",
    "ca": "Catalan",
    "gl": "Galician",
    "eu": "Basque",
    "ga": "Irish",
    "cy": "Welsh",
    "mt": "Maltese",
    "sq": "Albanian",
    "tr": "Turkish",
    "az": "Azerbaijani",
    "kk": "Kazakh",
    "uz": "Uzbek",
    "fa": "Persian",
    "ur": "Urdu",
    "mr": "Marathi",
    "ne": "Nepali",
    "bn": "Bengali",
    "pa": "Punjabi",
    "gu": "Gujarati",
    "ta": "Tamil",
    "te": "Telugu",
    "kn": "Kannada",
    "ml": "Malayalam",
    "si": "Sinhala",
    "my": "Burmese",
    "km": "Khmer",
    "lo": "Lao",
    "vi": "Vietnamese",
    "id": "Indonesian",
    "ms": "Malay",
    "fil": "Filipino",
    "ka": "Georgian",
    "hy": "Armenian",
    "am": "Amharic",
    "sw": "Swahili",
    "af": "Afrikaans",
    "eo": "Esperanto",
}


def language_name(tag: str) -> str:
    """Return the English name of a BCP 47 language tag, or the tag itself if it is not in :data:`LANGUAGES`.

    A language that is not known for sure is "the language of the instruction".
    """
    if tag in ("", UNKNOWN):
        return "the language of the instruction"
    return LANGUAGES.get(tag) or LANGUAGES.get(tag.split("-")[0].lower()) or tag


def builtin_prompts() -> Traversable:
    """Return the folder of the built-in prompts."""
    return files("lwtui.agentwrite") / "prompts"


@dataclass(frozen=True)
class PromptTemplates:
    """The prompt templates for one kind of model.

    Attributes:
        folder: ``chat`` or ``completion``.
        own: The folder of the user's own prompts.
    """

    folder: str
    own: Path | None = None

    def render(self, name: str, **values: object) -> str:
        """Return prompt ``name`` with its ``$placeholders`` filled in. A ``$`` within a value has no effect.

        Raises:
            ConfigError: A file of the user's own cannot be read or has an unknown placeholder.
        """
        text, where = self._read(name)
        try:
            return Template(text).substitute({key: str(value) for key, value in values.items()})
        except KeyError as error:
            raise ConfigError(
                _(
                    "{where} uses ${name}; it may use: {known}.",
                    where=where,
                    name=error.args[0],
                    known=", ".join(sorted(values)),
                )
            ) from None
        except ValueError as error:
            raise ConfigError(_("{where}: {error}. Write $$ for a dollar sign.", where=where, error=error)) from None

    def text(self, name: str) -> str:
        """Return prompt ``name`` with its placeholders.

        Raises:
            ConfigError: A file of the user's own cannot be read.
        """
        return self._read(name)[0]

    def _read(self, name: str) -> tuple[str, str]:
        own = self.own / self.folder / f"{name}.md" if self.own else None
        try:
            if own and own.exists():
                return own.read_text(encoding="utf-8-sig").rstrip("\n"), str(own)
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                _("Cannot read your prompt {path}: {error}. Fix the file, or move it away.", path=own, error=error)
            ) from None
        return _builtin_prompt(self.folder, name), name


@cache
def _builtin_prompt(folder: str, name: str) -> str:
    return (builtin_prompts() / folder / f"{name}.md").read_text(encoding="utf-8").rstrip("\n")

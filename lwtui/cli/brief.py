"""Options that describe a new document: its instruction, length, language and sampling."""

from __future__ import annotations

import argparse
import locale
import sys

import regex

from lwtui.agentwrite.prompt_templates import LANGUAGES
from lwtui.cli.plan_text import unit_of
from lwtui.command_line.values import seed
from lwtui.documents.model import Brief
from lwtui.errors import UsageError
from lwtui.models.base import Sampling
from lwtui.models.sampling import PRESETS, with_sampling
from lwtui.text import detect_language
from lwtui.text.asked_length import DEFAULT_WORDS, MAX_WORDS, MIN_WORDS, asked_length, scaled, words_in
from lwtui.translation import _

SAMPLING_PRESETS = ", ".join(PRESETS)  # for the help of options


def add_brief_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that describe a new document."""
    parser.add_argument(
        "--words",
        type=words_option,
        metavar="N",
        help=_(
            "the length of the document in words, or in characters for Chinese and Japanese "
            "(default: the length that the instruction asks for, or {default})",
            default=DEFAULT_WORDS,
        ),
    )
    parser.add_argument(
        "--language",
        type=language_option,
        metavar="TAG",
        help=_("such as en, de or zh-TW (default: the language of the instruction)"),
    )
    parser.add_argument("--seed", type=seed, metavar="N", help=_("reproduce a text, where the model supports it"))
    parser.add_argument(
        "--sampling",
        type=sampling_option,
        metavar="LIST",
        help=_(
            '{presets}, or options such as "temperature=0.7, min_p=0.05, dry_multiplier=0.8"', presets=SAMPLING_PRESETS
        ),
    )


def read_instruction(given: str) -> str:
    """Return the instruction, read from standard input for ``-``.

    Raises:
        UsageError: It is empty or not UTF-8 text.
    """
    text = given
    if given == "-":
        try:
            text = sys.stdin.buffer.read().decode("utf-8-sig")
        except UnicodeDecodeError:
            raise UsageError(
                _("The instruction on standard input is not UTF-8 text. Convert it to UTF-8."), code="not-utf8"
            ) from None
    if not text.strip():
        raise UsageError(_("The instruction is empty. Say what to write, in quotes."), code="no-instruction")
    return text.strip()


def language_of(options: argparse.Namespace, instruction: str) -> str:
    """Return the language from ``--language``, or that of the instruction."""
    return options.language or detect_language(instruction)


def words_of(options: argparse.Namespace, instruction: str) -> int:
    """Return the length from ``--words``, or the one that the instruction asks for, or the default."""
    return options.words or words_in(instruction) or DEFAULT_WORDS


def length_line(options: argparse.Namespace, brief: Brief) -> str:
    """Say which length was taken from the instruction, and from which words; "" if none was."""
    asked = None if options.words else asked_length(brief.instruction)
    if asked is None:
        return ""
    unit = unit_of(brief.language)
    return _("Length: {length}. Change it with --words.", length=asked.explain_fully(unit))


def words_option(given: str) -> int:
    """Parse the value of ``--words``: ``2000``, ``2,000`` or ``2k``."""
    match = regex.fullmatch(r"(?P<number>-?\d[\d,]*(?:\.\d+)?)(?P<scale>k)?", given.strip(), regex.IGNORECASE)
    if match is None:
        raise argparse.ArgumentTypeError(_("{given!r} is not a number of words such as 2000", given=given))
    words = scaled(match["number"], match["scale"])
    if not MIN_WORDS <= words <= MAX_WORDS:
        raise argparse.ArgumentTypeError(
            _(
                "must be from {least} to {most:,}, not {given}",
                least=MIN_WORDS,
                most=MAX_WORDS,
                given=given,
            )
        )
    return words


def sampling_option(given: str) -> str:
    """Check the value of ``--sampling``."""
    try:
        with_sampling(Sampling(), given)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error).rstrip(".")) from None
    return given


def language_option(given: str) -> str:
    """Parse the value of ``--language``: a BCP 47 tag, or the English name of a language."""
    by_name = {name.lower(): tag for tag, name in LANGUAGES.items()}
    if given.lower() in by_name:
        return by_name[given.lower()]
    match = regex.fullmatch(r"(?P<language>[a-z]{2,3})(?:[-_][a-z0-9]{1,8})*", given, regex.IGNORECASE)
    # Two-letter codes are few, so that typos can be detected; there are thousands of three-letter codes.
    if match is None or (len(match["language"]) == 2 and match["language"].lower() not in _known_languages()):
        raise argparse.ArgumentTypeError(
            _("{given!r} is not a language: give a tag such as en, de or zh-TW", given=given)
        )
    return given.replace("_", "-")


def _known_languages() -> set[str]:
    names = [*locale.windows_locale.values(), *(name for name in locale.locale_alias if "_" in name.split(".")[0])]
    return {name.split("_")[0].lower() for name in names} | set(LANGUAGES)

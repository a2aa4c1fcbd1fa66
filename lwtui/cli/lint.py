"""``lwtui lint FILE``: find repetition, broken heading order, lengths far from their target and unsupported claims."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lwtui.agentwrite.critic import KINDS as CRITIC_KINDS
from lwtui.agentwrite.grammar import GRAMMAR, STYLE, find_language_problems
from lwtui.agentwrite.lint import KINDS, TOLERANCE, Finding, TextPart, TextPlace, lint, parts_of
from lwtui.agentwrite.spelling import SPELLING, WORDS_FILE, names_of
from lwtui.agentwrite.voice import compare_voices, measure_voice, voice_of
from lwtui.agentwrite.word_lists import STOCK_PHRASE, PhraseScore, find_stock_phrases, load_phrases
from lwtui.cli.plan_text import unit_of
from lwtui.command_line.guard import say
from lwtui.command_line.parser import Parser, command_parser
from lwtui.command_line.values import float_between
from lwtui.config import ModelSettings, Settings, config_folder, load_settings
from lwtui.documents.model import BUDGET, Brief
from lwtui.errors import DocumentError, LwtuiError, UsageError
from lwtui.models.budget import Prices, check_priced, parse_budget
from lwtui.models.metering import UsageTracker
from lwtui.models.usage import NO_USAGE, Usage
from lwtui.sources.support import SupportChecker, support_checker
from lwtui.text import clean, count_words, detect_language
from lwtui.text.readability import readability, readability_line
from lwtui.translation import _, _n, sentences

_LANGUAGE_KINDS = (SPELLING, GRAMMAR, STYLE)
_ALL = frozenset([*KINDS, *CRITIC_KINDS, STOCK_PHRASE, *_LANGUAGE_KINDS])
_MARKDOWN = (".md", ".markdown")


def parser() -> Parser:
    """Return the parser of the command."""
    kinds = "\n".join(f"  {kind:<20} {description}" for kind, description in KINDS.items())
    result = command_parser(
        "lint",
        _(
            "Check a text without a model: a .lw document, Markdown or plain text. Each finding has a place and a "
            "quote.\n"
            "Exit code 0: no findings; 1: findings; 2: invalid command line.\n\nkinds of findings:\n{kinds}",
            kinds=kinds,
        ),
        """
        lwtui lint report.lw
        lwtui lint notes.md --fail-on restated-paragraph,repeated-span
        lwtui lint report.lw --json
        lwtui lint story.md --words --fail-on none
        lwtui lint story.md --spelling --readability
        """,
    )
    result.add_argument("file", type=Path, metavar="FILE", help=_("a .lw document, or Markdown or plain text"))
    result.add_argument("--json", action="store_true", help=_("print one object with all findings"))
    result.add_argument(
        "--fail-on",
        type=kinds_option,
        default=frozenset(_ALL),
        metavar="KINDS",
        help=_("exit with 1 only for these kinds, separated by commas; all (default) or none"),
    )
    result.add_argument(
        "--words",
        action="store_true",
        help=_(
            "also find phrases that mark machine prose, by lists for English and Chinese and your own lists "
            "(kind: {kind}), and print how many there are in 1,000 words, and figures of readability",
            kind=STOCK_PHRASE,
        ),
    )
    result.add_argument(
        "--readability",
        action="store_true",
        help=_("print figures of readability: sentences, LIX, Flesch for English, …"),
    )
    result.add_argument(
        "--spelling",
        action="store_true",
        help=_(
            "also find misspelled words with a Hunspell dictionary for the text's language (kind: {kind}); names "
            "and the words in {file} beside the settings count as correct",
            kind=SPELLING,
            file=WORDS_FILE,
        ),
    )
    result.add_argument(
        "--no-languagetool",
        action="store_true",
        help=_(
            "do not ask the LanguageTool server that languagetool in [lint] of the settings names (kinds: {kinds})",
            kinds=", ".join(_LANGUAGE_KINDS),
        ),
    )
    result.add_argument(
        "--voice",
        type=Path,
        action="append",
        default=[],
        metavar="SAMPLE",
        help=_("print in which habits the text differs from this sample; may be repeated (see lwtui voice)"),
    )
    result.add_argument(
        "--critic-model",
        metavar="NAME",
        help=_(
            "have a chat model review the text too; only findings that it quotes verbatim count (kinds: {kinds})",
            kinds=", ".join(CRITIC_KINDS),
        ),
    )
    result.add_argument(
        "--tolerance",
        type=float_between(0, 10, _("a share such as 0.25")),
        default=TOLERANCE,
        metavar="SHARE",
        help=_("how far a section may be from its target (default: {default})", default=TOLERANCE),
    )
    return result


def run(options: argparse.Namespace) -> int:
    """Print the findings, and return the exit code."""
    file: Path = options.file
    parts = read_parts(file)
    text = "\n\n".join(part.text for part in parts)
    about = _about(file, parts, text)
    language = about.language
    findings = lint(parts, tolerance=options.tolerance, support=about.support, language=language)
    score: PhraseScore | None = None
    if options.words:
        found, score = find_stock_phrases(parts, load_phrases(language, config_folder() / "words"))
        findings += found
    address = "" if options.no_languagetool else load_settings().lint.languagetool
    problems, language_error = find_language_problems(
        parts, language, config_folder(), about.names, spelling=options.spelling, address=address
    )
    findings += problems
    differences: list[str] | None = None
    if options.voice:
        wanted, _texts = voice_of(options.voice)
        own = measure_voice([text], wanted.language)
        differences = compare_voices(wanted, own) if own else [_("the text is too short to have a voice")]
    budget_error: LwtuiError | None = None
    if options.critic_model:
        budget_error = run_critic(file, parts, options.critic_model, findings)
    if options.json:
        words = sum(count_words(part.text) for part in parts)
        counts = Counter(finding.kind for finding in findings)
        rows = [finding.to_dict() for finding in findings]
        result = {"file": str(file), "words": words, "counts": counts, "findings": rows}
        if score is not None:
            result["stock_phrases"] = vars(score)
        if score is not None or options.readability:
            result["readability"] = readability(text, language).to_dict()
        if differences is not None:
            result["voice"] = differences
        print(json.dumps(result, ensure_ascii=False, indent=2))
    else:
        _print_findings(file, findings, is_document=file.suffix.lower() == ".lw")
        unit = unit_of(language)
        figures = [_stock_phrases_line(score, unit)] if score is not None else []
        if score is not None or options.readability:
            figures.append(_("Readability: {figures}.", figures=readability_line(readability(text, language), unit)))
        if figures:
            say(sentences(*figures))
        for line in differences or ():
            say(_("Voice: {line}", line=line))
        if differences == []:
            say(_("Voice: like the samples."))
    if error := language_error or budget_error:
        raise error
    return 1 if any(finding.kind in options.fail_on for finding in findings) else 0


def _stock_phrases_line(score: PhraseScore, unit: str) -> str:
    return _("Stock phrases: {number}, {share:g} in 1,000 {unit}.", number=score.count, share=score.per_1000, unit=unit)


@dataclass(frozen=True)
class _About:
    """What is known of a text besides its sections: language, sources, and names that its facts and notes are about."""

    language: str
    support: SupportChecker | None = None
    names: tuple[str, ...] = ()


def _about(file: Path, parts: Sequence[TextPart], text: str) -> _About:
    if file.suffix.lower() != ".lw":
        return _About(detect_language(text[:5000]))
    from lwtui.documents.store import Document

    with Document.open(file, read_only=True) as document:
        support = support_checker(document.source_store, [part.text for part in parts])
        return _About(document.brief.language, support, tuple(names_of(document)))


def kinds_option(given: str) -> frozenset[str]:
    """Parse the value of ``--fail-on``."""
    if given == "none":
        return frozenset()
    kinds = _ALL if given == "all" else frozenset(kind.strip() for kind in given.split(","))
    if unknown := sorted(kinds - _ALL):
        known = ", ".join([*KINDS, *CRITIC_KINDS, STOCK_PHRASE, *_LANGUAGE_KINDS])
        raise argparse.ArgumentTypeError(
            _("{kind!r} is not a kind of finding; known: all, none, {known}", kind=unknown[0], known=known)
        )
    return kinds


def read_parts(file: Path) -> list[TextPart]:
    """Read the sections of a file.

    Raises:
        UsageError: There is no such file.
        DocumentError: The file cannot be read.
    """
    if not file.is_file():
        if file.exists():
            raise UsageError(_("{file} is a folder. Name a file in it.", file=file), code="is-folder")
        raise UsageError(_("{file} does not exist. Check the path.", file=file), code="not-found")
    if file.suffix.lower() == ".lw":
        from lwtui.documents.store import Document

        with Document.open(file, read_only=True) as document:
            return parts_of(document.sections())
    try:
        text = clean(file.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise DocumentError(
            _("{file} is not UTF-8 text. Save it as UTF-8 in an editor and try again.", file=file), code="not-utf8"
        ) from None
    except OSError as error:
        raise DocumentError(
            _("Cannot read {file}: {strerror}. Check its permissions.", file=file, strerror=error.strerror),
            code="unreadable",
        ) from None
    return markdown_parts(text) if file.suffix.lower() in _MARKDOWN else [TextPart("", text)]


def run_critic(file: Path, parts: Sequence[TextPart], name: str, findings: list[Finding]) -> LwtuiError | None:
    """Have a model review a text.

    Args:
        file: The file.
        parts: Its sections.
        name: The model.
        findings: The list to which its findings are added.

    Returns:
        An error if the document's budget stopped the review.

    Raises:
        LwtuiError: The model does not exist, or a call failed.
    """
    import asyncio

    from lwtui.command_line.terms import show_terms_once
    from lwtui.models.catalog import resolve

    settings = load_settings()
    model = resolve(name, settings)
    show_terms_once(model)
    return asyncio.run(_review(file, parts, model, settings, findings))


async def _review(
    file: Path, parts: Sequence[TextPart], model: ModelSettings, settings: Settings, findings: list[Finding]
) -> LwtuiError | None:
    from lwtui.agentwrite import open_agent
    from lwtui.agentwrite.critic import LIKELY_ANSWER, CriticEvent, Found, Reading, review
    from lwtui.models.budget import BudgetReached

    async def handle(event: CriticEvent) -> None:
        match event:
            case Reading(number, total):
                print(
                    _("{model} is reading part {number} of {total}", model=model.name, number=number, total=total),
                    file=sys.stderr,
                )
            case Found(finding):
                findings.append(finding)

    tracker = _tracker(file, settings)
    agent = await open_agent(model.name, settings, model=model)
    try:
        check_priced(tracker.budget, model)
        critic = agent.metered(tracker.task(_("a review"), likely_completion=LIKELY_ANSWER))
        reviewed = await review(critic, _brief_of(file, parts), parts, handle)
    except BudgetReached as error:
        return error
    finally:
        await agent.aclose()
        _store_usage(file, tracker.usage)
    if reviewed.dropped:
        line = _(
            "{number} of its findings left out, because their quotes are not in the text.", number=reviewed.dropped
        )
        print(line, file=sys.stderr)
    return None


def _tracker(file: Path, settings: Settings) -> UsageTracker:
    """Return a tracker of token usage, which enforces the budget of a document."""
    if file.suffix.lower() != ".lw":
        return UsageTracker()
    from lwtui.documents.store import Document

    with Document.open(file, read_only=True) as document:
        spent, given = document.usage, document.setting(BUDGET)
        writer = _find_model(document.brief.model, settings)
    return UsageTracker(
        lambda: parse_budget(given), spent=spent, spent_prices=lambda: Prices.of(writer) if writer else Prices()
    )


def _store_usage(file: Path, usage: Usage) -> None:
    """Add the token usage of a review to the document."""
    if file.suffix.lower() != ".lw" or usage == NO_USAGE:
        return
    from lwtui.documents.store import Document

    with Document.open(file) as document:
        if document.read_only:
            reason = document.read_only_reason
            print(_("The document does not count the tokens of this review. {reason}", reason=reason), file=sys.stderr)
        else:
            document.add_usage(usage)


def _find_model(name: str, settings: Settings) -> ModelSettings | None:
    from lwtui.models.catalog import resolve

    try:
        return resolve(name, settings)
    except UsageError:
        return None  # the document was written on another machine


def _brief_of(file: Path, parts: Sequence[TextPart]) -> Brief:
    if file.suffix.lower() == ".lw":
        from lwtui.documents.store import Document

        with Document.open(file, read_only=True) as document:
            return replace(document.brief, notes=tuple(note for note in document.notes if note.text))
    text = "\n".join(part.text for part in parts)
    return Brief(next((part.title for part in parts if part.title), file.stem), 0, detect_language(text[:5000]))


def markdown_parts(text: str) -> list[TextPart]:
    """Split Markdown at its headings, with the numbers of their lines."""
    from lwtui.documents.plain_text import parser as markdown
    from lwtui.documents.plain_text import without_marks

    tokens = markdown().parse(text)
    headings = [
        (int(token.tag[1:]), " ".join(without_marks(tokens[at + 1].content).split()), *(token.map or (0, 0)))
        for at, token in enumerate(tokens)
        if token.type == "heading_open" and token.level == 0
    ]
    lines = text.split("\n")
    for token in tokens:
        if token.type == "code_block" and token.map:  # not prose; replaced by blanks, which keeps all offsets
            lines[slice(*token.map)] = [" " * len(line) for line in lines[slice(*token.map)]]
    before = "\n".join(lines[: headings[0][2]] if headings else lines)
    parts = [TextPart("", before)] if before.strip() or not headings else []
    stops = [*(start for _level, _title, start, _end in headings[1:]), len(lines)][: len(headings)]
    for (level, title, start, end), stop in zip(headings, stops, strict=True):
        parts.append(TextPart(title, "\n".join(lines[end:stop]), end + 1, start + 1, level))
    return parts


def _print_findings(file: Path, findings: Sequence[Finding], *, is_document: bool) -> None:
    for finding in findings:
        first, *others = finding.places
        print(f"{file}:{_where(first, is_document)}: {finding.kind}: {finding.message}")
        print(f"    {first.quote}")
        for place in others:
            print(f"  {_where(place, is_document)}: {place.quote}")
    if not findings:
        print(_("No findings."), file=sys.stderr)
    else:
        counts = Counter(finding.kind for finding in findings)
        summary = ", ".join(f"{count} {kind}" for kind, count in counts.most_common())
        line = _n("{count} finding: {kinds}", "{count} findings: {kinds}", len(findings), kinds=summary)
        print(line, file=sys.stderr)


def _where(place: TextPlace, is_document: bool) -> str:
    """Return the line number; in a document, where lines are counted in each section, the section too."""
    return f"{place.part + 1} “{place.title}”:{place.line}" if is_document else str(place.line)

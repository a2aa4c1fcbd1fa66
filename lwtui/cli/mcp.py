"""``lwtui mcp``: serve documents as tools to other agents."""

from __future__ import annotations

import argparse
from pathlib import Path

from lwtui.command_line.extras import require_extra
from lwtui.command_line.parser import Parser, add_model_options, command_parser
from lwtui.config import ModelSettings, load_settings
from lwtui.errors import UsageError
from lwtui.translation import _, english


def parser() -> Parser:
    """Return the parser of the command."""
    result = command_parser(
        "mcp",
        _(
            "Serve your documents as tools to an agent that speaks the Model Context Protocol, over standard input "
            "and\n"
            "output. The agent can read the documents of the library, and of each FOLDER; with --allow-write, it can "
            "also\n"
            "create and change documents, and have a model plan and write, which may cost money.\n"
            'Needs the extra: pip install "lwtui[mcp]"'
        ),
        """
        lwtui mcp
        lwtui mcp --allow-write --model gpt
        lwtui mcp ~/Texts/novel
        """,
    )
    result.add_argument("folders", nargs="*", type=Path, metavar="FOLDER", help=_("another folder of documents"))
    result.add_argument(
        "--allow-write", action="store_true", help=_("let the agent change documents and have a model plan and write")
    )
    add_model_options(result)
    return result


def run(options: argparse.Namespace) -> int:
    """Serve until the client hangs up, and return the exit code."""
    require_extra("mcp", "mcp")
    settings = load_settings()
    library = settings.documents_folder
    for folder in options.folders:
        if not folder.expanduser().is_dir():
            raise UsageError(_("There is no folder {folder}.", folder=folder), code="not-found")
    folders = [library, *(folder.expanduser() for folder in options.folders)]

    def choose(asked: str, own: str) -> ModelSettings:
        from lwtui.command_line.choice import choose_model

        base_url = None if asked else options.base_url
        given = argparse.Namespace(model=asked or options.model, base_url=base_url, quiet=True)
        return choose_model(given, settings, default=own)

    if options.model or options.base_url:
        choose("", "")  # reports a mistake at once
    with english():  # agents read all that the server says
        from lwtui.mcp_server.server import make_server

        make_server(folders, settings, choose, allow_write=options.allow_write).run()
    return 0

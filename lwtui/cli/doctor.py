"""``lwtui doctor``: check this machine, the settings and the models, and say how to fix problems."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from lwtui.cli.checks import Check, all_checks
from lwtui.command_line.parser import Parser, command_parser
from lwtui.terminal_cells import padded, width_of
from lwtui.translation import _, sentences

_MARKS = {"ok": _("ok"), "warn": _("warn"), "fail": _("FAIL")}


def parser() -> Parser:
    """Return the parser of the command."""
    result = command_parser(
        "doctor",
        _(
            "Check this machine, the settings and all models, and say how to fix problems.\n"
            "The exit code is 1 if a check failed."
        ),
        """
        lwtui doctor
        lwtui doctor --json
        """,
    )
    result.add_argument(
        "--json", action="store_true", help=_('print {"ok", "checks": [{"name", "status", "detail", "remedy"}]}')
    )
    return result


def run(options: argparse.Namespace) -> int:
    """Run and print all checks, and return the exit code."""
    checks = all_checks()
    failed = any(check.status == "fail" for check in checks)
    if options.json:
        print(
            json.dumps({"ok": not failed, "checks": [asdict(check) for check in checks]}, ensure_ascii=False, indent=2)
        )
    else:
        width = max(width_of(check.label) for check in checks)
        print("\n".join(_line(check, width) for check in checks))
    return int(failed)


def _line(check: Check, width: int) -> str:
    detail = sentences(check.detail, check.remedy)
    mark = padded(_MARKS[check.status], max(map(width_of, _MARKS.values())))
    return f"{mark}  {padded(check.label, width)}  {detail}"

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import pytest

from tests.cli.running import Shell


class Tried(Protocol):
    """Notes what a test has tried, for the table of faults (``python -m tests.faults.table``)."""

    def __call__(self, fault: str, outcome: str, times: int = 1) -> None: ...


@pytest.fixture
def tried(request: pytest.FixtureRequest) -> Tried:
    """Call it at the end: ``tried("kill -9 while writing", "resumes; 0.4 s of text lost at most", 20)``."""

    def note(fault: str, outcome: str, times: int = 1) -> None:
        request.node.user_properties.append(("fault", (fault, outcome, times)))

    return note


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A place to run the command in, with a documents folder of its own."""
    shell = Shell(tmp_path)
    shell.settings(f'documents = "{shell.documents}"\n')
    return shell

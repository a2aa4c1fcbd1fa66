from pathlib import Path

import pytest

from tests.cli.running import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A place to run the command in."""
    shell = Shell(tmp_path)
    shell.settings("")
    return shell

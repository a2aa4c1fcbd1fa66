from pathlib import Path

import pytest

from tests.cli.running import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A place to run the command in, with a documents folder of its own."""
    shell = Shell(tmp_path)
    shell.settings(f'documents = "{shell.documents}"\n')
    return shell

from pathlib import Path

import pytest

from tests.cli.running import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A folder to run commands in, with its own documents folder."""
    shell = Shell(tmp_path)
    shell.settings(f'documents = "{shell.documents}"\n')
    return shell

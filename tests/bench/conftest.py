from pathlib import Path

import pytest

from tests.cli.running import Shell


class BenchShell(Shell):
    """One whose pictures find the list of fonts that an earlier command has made: making it takes seconds."""

    fonts: str

    def environment(self, **more: str) -> dict[str, str]:
        return super().environment(MPLCONFIGDIR=self.fonts, **more)


@pytest.fixture(scope="session")
def fonts(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("fonts"))


@pytest.fixture
def shell(tmp_path: Path, fonts: str) -> Shell:
    """A place to run the command in."""
    shell = BenchShell(tmp_path)
    shell.fonts = fonts
    shell.settings("")
    return shell

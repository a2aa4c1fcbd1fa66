"""How training processes fail, end with their command, and work together over several machines.

The processes are real ones with a stand-in for the training itself, which takes no time.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from lwtui_training import launch
from lwtui_training.steps import TrainError, read_manifest
from tests.errors import has_code
from tests.training.support import conversations, recipe_for, write_jsonl

_CHILD = """
import os, sys, time
from pathlib import Path
from lwtui.errors import LwtuiError
from lwtui_training import launch
def train(step, recipe, model, rows, folder):
    {body}
launch.train_here = train
launch.run_job(Path(sys.argv[1]))
"""


def run_child(recipe: Any, folder: Path, body: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Launch a process that does ``body`` instead of training."""
    folder.mkdir(exist_ok=True)
    program = _CHILD.format(body=body)
    monkeypatch.setattr(launch, "launch_command", lambda _, job: [sys.executable, "-c", program, str(job)])
    return launch.train_on_devices("grpo", recipe, "model", folder / "rows", folder)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise ImportError('DeepSpeed is not there\\nat all')", "ImportError: DeepSpeed is not there at all"),
        ("raise LwtuiError('No row has 8 tokens.')", "grpo failed: No row has 8 tokens."),
        ("os._exit(7)", "exit code 7"),
        ("os.kill(os.getpid(), 9)", "memory was full"),
    ],
)
def test_a_failure_is_one_line_and_promises_no_checkpoint_that_is_not_there(
    make_recipe: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, words: str
) -> None:
    with pytest.raises(TrainError, check=has_code("training-failed")) as caught:
        run_child(make_recipe(), tmp_path, body, monkeypatch)
    text = str(caught.value)
    assert words in text and "\n" not in text and "report" not in text
    assert "There is no checkpoint yet" in text
    checkpoint = tmp_path / "checkpoints" / "checkpoint-20"
    checkpoint.mkdir(parents=True)
    (checkpoint / "whole.json").write_text("[]")
    with pytest.raises(TrainError) as caught:
        run_child(make_recipe(), tmp_path, body, monkeypatch)
    assert "resume from checkpoint-20" in str(caught.value)


def test_the_traceback_is_kept_for_the_developer(
    make_recipe: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(TrainError) as caught:
        run_child(make_recipe(), tmp_path, "1 / 0", monkeypatch)
    log = tmp_path / "failure-0-0.log"
    assert str(log) in str(caught.value) and "ZeroDivisionError" in log.read_text()
    assert "Traceback" not in capfd.readouterr().err


def test_metrics_come_back(make_recipe: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_child(make_recipe(), tmp_path, "return {'loss': 1.5}", monkeypatch) == {"loss": 1.5}
    assert not list(tmp_path.glob("*.json"))


def test_the_processes_end_with_a_command_that_is_killed(tiny: Path, tmp_path: Path) -> None:
    """And the next command waits until they have, so that two never write into one folder."""
    recipe, folder = recipe_for(tiny, tmp_path / "run"), tmp_path / "step"
    folder.mkdir()
    child = _CHILD.format(body="Path(folder, 'pid').write_text(str(os.getpid())); time.sleep(600)")
    program = (
        "import sys; from pathlib import Path; from lwtui_training import launch; "
        "from lwtui_training.recipe import Recipe\n"
        f"launch.launch_command = lambda _, job: [sys.executable, '-c', {child!r}, str(job)]\n"
        f"recipe, folder = Recipe.from_json({recipe.to_json()!r}), Path({str(folder)!r})\n"
        "launch.train_on_devices('grpo', recipe, 'm', Path('r'), folder)"
    )
    command = subprocess.Popen([sys.executable, "-c", program])
    deadline = time.monotonic() + 60
    while not (folder / "pid").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    pid = int((folder / "pid").read_text())
    with pytest.raises(TrainError, check=has_code("in-use")), pytest.MonkeyPatch.context() as patch:
        patch.setattr(launch, "_END_SECONDS", 0.2)
        launch._wait_for_orphans(folder / "job-0.json")
    command.send_signal(signal.SIGKILL)
    command.wait()
    launch._wait_for_orphans(folder / "job-0.json")
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists()


_MACHINE = """
import json, os, sys, time
from pathlib import Path
from lwtui.errors import LwtuiError
from lwtui_training import checks, data, launch, machines, pipeline
from lwtui_training.recipe import Recipe
machines.BEAT_SECONDS = 0.1
recipe, rank = Recipe.from_json(Path(sys.argv[1]).read_text()), machines.machine_rank()
pipeline.check_before = lambda recipe, steps: None
made = data.make_data
def make_data(recipe, folder):
    print("data", flush=True)
    time.sleep(0.5)
    return made(recipe, folder)
data.make_data = make_data
def train(step, recipe, model, rows, folder):  # both machines have to be there, as with a collective operation
    (folder / f"here-{rank}").touch()
    if sys.argv[2] == str(rank):
        raise LwtuiError("the cable is out")
    while len(list(folder.glob("here-*"))) < 2:
        machines.check_other_machines(recipe)
        time.sleep(0.05)
    time.sleep(0.3)
    machines.check_other_machines(recipe)
    print("trained", flush=True)
    return {"steps": 1} if rank == 0 else {}
launch.train_on_devices = train
try:
    pipeline.run_all(recipe)
except LwtuiError as error:
    print(f"failed: {error}", flush=True)
    sys.exit(1)
"""


def run_machines(tiny: Path, tmp_path: Path, failing: str) -> list[tuple[int, list[str]]]:
    """Run a recipe of two steps on two "machines"; return their exit codes and lines."""
    data = {"long": str(write_jsonl(tmp_path / "rows.jsonl", conversations(20)))}
    hardware = {"machines": 2, "strategy": "ddp"}
    from dataclasses import replace

    recipe = replace(recipe_for(tiny, tmp_path / "run", data=data, hardware=hardware), steps=("data", "sft"))
    (tmp_path / "recipe.json").write_text(recipe.to_json())
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _MACHINE, str(tmp_path / "recipe.json"), failing],
            env=os.environ | {"MACHINE_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for rank in (1, 0)
    ]
    outputs = [process.communicate(timeout=120)[0].splitlines() for process in processes]
    return [(process.returncode, lines) for process, lines in zip(processes, outputs, strict=True)]


def test_the_first_machine_makes_the_data_and_both_train(tiny: Path, tmp_path: Path) -> None:
    second, first = run_machines(tiny, tmp_path, "")
    assert first == (0, ["data", "trained"])
    assert second == (0, ["trained"])
    assert read_manifest(tmp_path / "run" / "sft") is not None
    assert json.loads((tmp_path / "run" / "machines" / "1.json").read_text())["state"] == "done"
    assert run_machines(tiny, tmp_path, "") == [(0, []), (0, [])]  # everything is done


@pytest.mark.parametrize("failing", ["0", "1"])
def test_a_machine_that_fails_ends_all_with_one_line(tiny: Path, tmp_path: Path, failing: str) -> None:
    second, first = run_machines(tiny, tmp_path, failing)
    ended = {"0": first, "1": second}
    assert ended[failing] == (1, [*(["data"] if failing == "0" else []), "failed: the cable is out"])
    other = ended["1" if failing == "0" else "0"]
    assert other[0] == 1 and other[1][-1] == f"failed: Machine {failing} failed: the cable is out"

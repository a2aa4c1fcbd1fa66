"""All steps, from rows to a document and a report, on a recipe smaller than ``tiny``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lwtui.documents.store import Document
from lwtui_training.recipe import load_recipe
from lwtui_training.steps import read_manifest
from tests.errors import has_code

STEPS = ("data", "sft", "prefs", "dpo", "grpo", "merge", "gguf", "bench")
pytestmark = pytest.mark.timeout(600)  # the module's fixture runs all of them


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run ``lwtui train run tiny`` with few steps and without the demo model; return the folder."""
    folder = tmp_path_factory.mktemp("run")
    changes = ("data.instructions=", "sft.max_steps=60", "prefs.most_instructions=3", "prefs.max_new_tokens=150")
    changes += (
        "grpo.max_steps=2",
        "grpo.max_completion_length=60",
        "dpo.max_steps=2",
        "bench.max_tokens=150",
        f"output={folder}/tiny",
    )
    command = [sys.executable, "-m", "lwtui", "train", "run", "tiny"]
    done = subprocess.run(
        [*command, *(part for change in changes for part in ("--set", change))],
        capture_output=True,
        text=True,
        env=os.environ | {"LWTUI_CONFIG_DIR": str(folder / "config"), "LWTUI_CACHE_DIR": str(folder / "cache")},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (folder / "progress.txt").write_text(done.stderr)
    return folder


def test_every_step_has_a_manifest_that_names_the_step_before(finished: Path) -> None:
    manifests = {step: read_manifest(finished / "tiny" / step) for step in STEPS}
    assert all(manifests.values())
    for step, before in (("dpo", "prefs"), ("grpo", "under"), ("merge", "grpo"), ("gguf", "merge"), ("bench", "gguf")):
        manifest = manifests[step]
        assert manifest is not None and before in manifest.inputs
        assert manifest.outputs and manifest.versions["transformers"]
    assert not list((finished / "tiny").glob("*.part-*"))


def test_the_loss_falls_and_the_gguf_matches(finished: Path) -> None:
    sft, gguf = (read_manifest(finished / "tiny" / step) for step in ("sft", "gguf"))
    assert sft is not None and gguf is not None
    assert sft.metrics["last_loss"] < sft.metrics["first_loss"] / 2
    assert gguf.metrics["greedy"] == 48
    assert gguf.metrics["quantized_agreement"] > 0.9


def test_the_model_is_registered_and_wrote_a_document(finished: Path) -> None:
    from lwtui.config import load_settings

    model = load_settings(finished / "config" / "settings.toml").models["tiny"]
    assert Path(model.path).is_file()
    (path,) = (finished / "tiny" / "bench" / "documents").glob("*.lw")
    with Document.open(path, read_only=True) as document:
        assert document.words > 0
        assert document.brief.model.endswith("tiny-Q8_0.gguf")


def test_base_and_tuned_are_compared(finished: Path) -> None:
    bench = finished / "tiny" / "bench"
    manifest = read_manifest(bench)
    assert manifest is not None
    assert {"S_l_base", "S_l_tuned"} <= set(manifest.metrics)
    assert "<html" in (bench / "report.html").read_text()
    for name in ("base", "tuned"):
        assert len([json.loads(line) for line in (bench / f"{name}.jsonl").read_text().splitlines()]) >= 8


def test_progress_shows_rate_and_time_left(finished: Path) -> None:
    progress = (finished / "progress.txt").read_text()
    assert "SFT 60/60 steps" in progress
    assert "/s · 0 s left" in progress


def test_without_the_extra_the_command_says_what_to_install() -> None:
    program = (
        "import importlib.util, sys\n"
        "find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *more: None if name == 'trl' else find(name, *more)\n"
        "from lwtui.cli import main\n"
        "sys.exit(main(['train', 'run', 'tiny']))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert 'pip install "lwtui[train]"' in done.stderr and "trl" in done.stderr


def test_a_step_needs_the_step_before_it(tmp_path: Path) -> None:
    recipe = replace(load_recipe("tiny"), output=str(tmp_path))
    from lwtui_training.pipeline import run_step
    from lwtui_training.steps import TrainError

    with pytest.raises(TrainError, check=has_code("step-not-finished")):
        run_step(recipe, "sft")

"""What would stop a run is found before its first step, each with what to do about it."""

from __future__ import annotations

import http.server
import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lwtui.cli import main
from lwtui.errors import UsageError
from lwtui_training import check_machine, devices
from lwtui_training.checks import Requirement, check_before, check_recipe
from lwtui_training.launch import launch_command, launch_environment
from lwtui_training.launch_plan import checkpoint_bytes, host_bytes
from lwtui_training.model_shape import shape_of_base
from lwtui_training.recipe import load_recipe
from lwtui_training.steps import TrainError
from tests.errors import has_code
from tests.support.fault_server import FaultServer
from tests.training.support import conversations, write_jsonl


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that pretends that PyTorch sees some GPUs, and that packages are there or not."""

    def pretend(count: int, **packages: bool) -> None:
        import torch

        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
        found = {"flash_attn": True, "deepspeed": True} | packages
        for module in (check_machine, devices):
            monkeypatch.setattr(module, "find_spec", lambda name: object() if found.get(name) else None)

    return pretend


def found(recipe: Any, name: str, steps: tuple[str, ...] = ("sft",)) -> Requirement:
    """Return the result of one check, without making the others."""
    from lwtui_training.check_inputs import input_checks
    from lwtui_training.check_machine import machine_checks
    from lwtui_training.check_model import model_checks
    from lwtui_training.checks import _result

    checks = machine_checks(recipe, steps) | model_checks(recipe, steps) | input_checks(recipe, steps)
    return _result(name, checks[name], recipe)


def paper(*changes: str) -> Any:
    return load_recipe("longwriter-llama3.1-8b", ["output=/tmp/lwtui-no-such-run", *changes])


RING = ["hardware.context_parallel=2", "hardware.strategy=fsdp2", "sft.packing=false"]


@pytest.mark.parametrize(
    ("changes", "machine", "name", "result", "words"),
    [
        ([], {"count": 8}, "packages", "ok", ""),
        ([], {"count": 8, "deepspeed": False}, "packages", "problem", 'pip install "lwtui[deepspeed]"'),
        (["lora.quantize=true", "sft.method=lora"], {"count": 8}, "packages", "problem", "lwtui[qlora]"),
        (["sft.report_to=wandb"], {"count": 8}, "packages", "problem", "pip install wandb"),
        ([], {"count": 8}, "devices", "ok", "8 of 8"),
        ([], {"count": 16}, "devices", "ok", "8 of 16"),
        ([], {"count": 4}, "devices", "problem", "only 4"),
        ([], {"count": 0}, "devices", "problem", "sees no GPU"),
        (["hardware.processes=1", "hardware.strategy=single"], {"count": 0}, "devices", "problem", "billion"),
        ([], {"count": 8}, "attention", "ok", "flash_attention_2"),
        ([], {"count": 8, "flash_attn": False}, "attention", "note", "mask of 1.0 GiB"),
        (
            ["base.attn_implementation=flash_attention_2"],
            {"count": 8, "flash_attn": False},
            "attention",
            "problem",
            "pip install flash-attn",
        ),
        (["base.attn_implementation=flash_attention_2"], {"count": 0}, "attention", "problem", "needs a GPU"),
        (
            ["base.attn_implementation=flash_attention_2", *RING],
            {"count": 8},
            "attention",
            "problem",
            "only sdpa",
        ),
        (RING, {"count": 8}, "attention", "ok", "sdpa"),
        (["hardware.sequence_parallel=4"], {"count": 8}, "attention", "ok", "flash_attention_2"),
        (
            ["hardware.sequence_parallel=4"],
            {"count": 8, "flash_attn": False},
            "attention",
            "problem",
            "pip install flash",
        ),
        (["hardware.sequence_parallel=4"], {"count": 8}, "sequences", "note", "2 groups of 4 devices"),
        (["hardware.sequence_parallel=4", 'steps=["data", "sft"]'], {"count": 8}, "sequences", "ok", "32,768 tokens"),
        (
            ["hardware.sequence_parallel=8", "base.model=starter-small"],
            {"count": 8},
            "sequences",
            "problem",
            "to 1 or 2.",
        ),
        ([], {"count": 8}, "memory.sft", "ok", "of 80 GiB per device"),
        (["hardware.memory_gib=24.0"], {"count": 8}, "memory.sft", "problem", "This would fit: sft."),
    ],
)
def test_the_machine_is_checked(
    gpus: Any, changes: list[str], machine: dict[str, Any], name: str, result: str, words: str
) -> None:
    gpus(**machine)
    check = found(paper(*changes), name)
    assert (check.found, words in check.text) == (result, True), check.text


def test_the_memory_of_every_step_that_trains_is_checked(gpus: Any) -> None:
    gpus(8)
    recipe = paper("dpo.per_device_train_batch_size=4", "grpo.per_device_train_batch_size=1")
    steps = ("sft", "prefs", "dpo", "grpo")
    results = {step: found(recipe, f"memory.{step}", steps) for step in ("sft", "dpo", "grpo")}
    assert [result.found for result in results.values()] == ["ok", "problem", "ok"]
    assert results["dpo"].text == (
        "The step dpo needs about 200 GiB per device, but hardware.memory_gib is 80. This would fit: "
        "dpo.per_device_train_batch_size = 1, dpo.gradient_accumulation_steps = 4."
    )
    assert "memory.sft" not in check_machine.machine_checks(recipe, ("dpo",)), "a finished step needs none"
    on_cpu = replace(recipe, hardware=replace(recipe.hardware, device="cpu"))
    assert found(on_cpu, "memory.dpo", steps).found == "ok"


def test_the_disk_holds_three_checkpoints_and_what_the_steps_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, shape = paper(), shape_of_base(paper())
    assert checkpoint_bytes(recipe, shape, "sft") == pytest.approx(112e9, rel=0.01)
    usage = shutil.disk_usage("/")
    for free, result in ((300e9, "problem"), (900e9, "ok")):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: usage._replace(free=int(free)))
        assert found(recipe, "disk").found == result
    assert host_bytes(recipe, shape) < 1.3 * 2 * shape.parameters + 8 * (2 << 30)


def test_training_starts_through_accelerate_and_sees_only_its_devices(
    gpus: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One process beside several visible devices is what TRL refuses."""
    gpus(8)
    one = paper("hardware.processes=1", "hardware.strategy=single")
    assert "accelerate.commands.launch" in launch_command(one, tmp_path / "job.json")
    assert launch_environment(one)["CUDA_VISIBLE_DEVICES"] == "0"
    assert launch_environment(paper())["CUDA_VISIBLE_DEVICES"] == "0,1,2,3,4,5,6,7"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5, 7,GPU-abc")
    assert launch_environment(one)["CUDA_VISIBLE_DEVICES"] == "5"
    assert launch_environment(paper("hardware.processes=2"))["CUDA_VISIBLE_DEVICES"] == "5,7"


class Hub(http.server.ThreadingHTTPServer):
    """Answers as the hub does for models that are gated, missing or there."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        super().__init__(("127.0.0.1", 0), _HubHandler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _HubHandler(http.server.BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers.get("authorization")))
        code, error, body = (
            200,
            "",
            {"id": "o/open", "modelId": "o/open", "siblings": [], "cardData": {"license": "mit"}},
        )
        if "gated" in self.path:
            code, error = 403, "GatedRepo"
        elif "missing" in self.path:
            code, error = 404, "RepoNotFound"
        elif "revision" in self.path:
            code, error = 404, "RevisionNotFound"
        data = json.dumps(body if code == 200 else {"error": error}).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(data)))
        if error:
            self.send_header("X-Error-Code", error)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    from huggingface_hub import constants

    server = Hub()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.server_address[1]}")
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "none"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("name", "revision", "token", "result", "words"),
    [
        ("o/open", "", "", "ok", "license: mit"),
        ("o/gated", "", "", "problem", "log in with: hf auth login"),
        ("o/gated", "", "hf_abc", "problem", "wait until access is granted"),
        ("o/missing", "", "", "problem", "no model 'o/missing'"),
        ("o/open", "v9", "", "problem", "no revision 'v9'"),
    ],
)
def test_the_hub_is_asked_before_anything_is_done(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, name: str, revision: str, token: str, result: str, words: str
) -> None:
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    check = found(paper(f"base.model={name}", f"base.revision={revision}"), "base")
    assert (check.found, words in check.text) == (result, True), check.text
    assert all((authorization == f"Bearer {token}") is bool(token) for _, authorization in hub.asked)


def test_the_hub_cannot_be_reached(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert "cannot be reached" in found(paper("base.model=o/open"), "base").text
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE" in found(paper("base.model=o/open"), "base").text


def test_without_the_hub_one_line_says_so_at_once(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The libraries would try again for minutes, for each file."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    results = {check.name: check for check in check_recipe(paper(), ("data", "sft", "prefs", "gguf"))}
    assert results["hub"].found == "problem" and "cannot be reached" in results["hub"].text
    assert not set(results) & {"base", "tokenizer", "export", "data.long", "data.general", "prefs.general"}


def test_inputs_that_are_missing_are_all_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The paper's recipe asks for two files of one's own. The hub is not asked for files."""

    def no_hub(*_: Any) -> None:
        raise AssertionError("the hub was asked")

    monkeypatch.setattr("lwtui_training.row_files._load_dataset", no_hub)
    recipe = paper("data.general=no-such.jsonl", "data.long=no-such.jsonl", "prefs.instructions=no-such.jsonl")
    for name, step in (("data.long", "data"), ("data.general", "data"), ("prefs.instructions", "prefs")):
        check = found(recipe, name, (step,))
        assert check.found == "problem" and "no-such.jsonl" in check.text and "\n" not in check.text
    assert found(recipe, "prefs.judge", ("prefs",)).found == "note"
    assert "Set grpo.instructions" in found(recipe, "grpo.instructions", ("grpo",)).text


def test_endpoints_are_asked_for_the_model(tmp_path: Path, make_recipe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LWTUI_CONFIG_DIR", str(tmp_path / "config"))
    path = write_jsonl(tmp_path / "i.jsonl", [{"instruction": "Tell of tea.", "words": 140}])
    with FaultServer(models=[{"id": "m-1"}]) as server:
        for model, url, result, words in (
            ("m-1", server.base_url, "ok", "answers at 1 endpoint"),
            ("m-2", server.base_url, "problem", "It serves: m-1"),
            ("m-1", "http://127.0.0.1:9/v1", "problem", ""),
        ):
            recipe = make_recipe(prefs={"instructions": str(path), "model": model, "base_url": (url,)})
            check = found(recipe, "prefs.model", ("prefs",))
            assert (check.found, words in check.text) == (result, True), check.text


def test_a_base_in_a_folder_is_checked_to_its_export(make_recipe: Any, tiny: Path, tmp_path: Path) -> None:
    data = {"long": str(write_jsonl(tmp_path / "rows.jsonl", [*conversations(30), {"messages": []}]))}
    recipe = make_recipe(data=data)
    results = {check.name: check for check in check_recipe(recipe, ("data", "sft", "merge", "gguf"))}
    assert {name for name, check in results.items() if check.found == "problem"} == set()
    assert results["data.long"].found == "note" and "1 of 31 rows dropped" in results["data.long"].text
    assert "lwtui's exporter" in results["export"].text
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "no config.json" in found(replace(recipe, base=replace(recipe.base, model=str(empty))), "base").text
    shutil.copy(tiny / "config.json", empty)
    assert "no weights" in found(replace(recipe, base=replace(recipe.base, model=str(empty))), "base").text


def test_a_run_begins_with_the_check_and_does_nothing_if_it_fails(
    tmp_path: Path, make_recipe: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = make_recipe(data={"long": "no-such.jsonl"}, gguf={"converter": "/no/such/folder"})
    with pytest.raises(TrainError, check=has_code("check-failed")) as caught:
        check_before(recipe, ("data", "sft", "gguf"))
    shown = capsys.readouterr().err + str(caught.value)
    assert "no-such.jsonl" in shown and "/no/such/folder" in shown
    assert not recipe.run_folder.exists()
    path = tmp_path / "r.toml"
    path.write_text('[base]\nmodel = "tiny"\n[data]\nlong = "no-such.jsonl"\n[hardware]\ndevice = "cpu"\n')
    assert main(["train", "check", str(path), "--set", f"output={tmp_path}/run", "--json"]) == 1
    results = json.loads(capsys.readouterr().out)
    assert [result["name"] for result in results if result["found"] == "problem"] == ["data.long", "prefs"]


@pytest.mark.parametrize(
    ("table", "change", "words"),
    [
        ("sft", {"eval_strategy": "sometimes"}, "sometimes"),
        ("sft", {"neftune_noise_alpha": "much"}, "[sft]"),
        ("dpo", {"label_smoothing": "much"}, "[dpo]"),
        ("lora", {"use_rslora": "perhaps"}, "[lora]"),
        ("sft", {"neftune_noise_alpha": 5.0}, ""),
    ],
)
def test_the_values_of_options_are_checked_by_the_libraries(
    make_recipe: Any, table: str, change: dict[str, Any], words: str
) -> None:
    recipe = make_recipe(sft={"method": "lora"}, **({} if table == "sft" else {table: {"options": change}}))
    recipe = replace(recipe, sft=replace(recipe.sft, options=change)) if table == "sft" else recipe
    check = found(recipe, "options", ("sft", "dpo"))
    assert check.found == ("problem" if words else "ok") and words in check.text, check.text


@pytest.mark.parametrize(
    ("table", "good", "bad"),
    [
        ("sft", "neftune_noise_alpha = 5.0", "neftune_noise_alfa = 5.0"),
        ("sft", 'report_to = "none"', 'output_dir = "x"'),
        ("dpo", "label_smoothing = 0.1", "packing = true"),
        ("lora", "use_rslora = true", "rank = 4"),
    ],
)
def test_any_field_of_the_libraries_is_passed_on_and_no_other(tmp_path: Path, table: str, good: str, bad: str) -> None:
    path = tmp_path / "r.toml"
    path.write_text(f'[base]\nmodel = "tiny"\n[{table}]\n{good}\n')
    recipe = load_recipe(str(path))
    (name,) = getattr(recipe, table).options
    assert good.startswith(name)
    path.write_text(f'[base]\nmodel = "tiny"\n[{table}]\n{bad}\n')
    with pytest.raises(UsageError) as caught:
        load_recipe(str(path))
    assert bad.partition(" ")[0] in str(caught.value)

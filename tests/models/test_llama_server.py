"""A GGUF on an installed llama-server: lwtui starts it, speaks to it, and ends it."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import psutil
import pytest

from lwtui import config
from lwtui.cli.checks import _llama_cpp
from lwtui.config import ModelSettings, Settings
from lwtui.models import child_process, local_engine
from lwtui.models.base import Finished, ModelError, Prompt, Request, TextPiece
from lwtui.models.catalog import open_model
from lwtui.models.llama_server import ServedGguf
from lwtui.models.local_engine import LocalEngine
from lwtui.models.recommend import installed_models
from tests.support.llama_server import ROOT, installed


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONFIG", "CACHE", "STATE"):
        monkeypatch.setenv(f"LWTUI_{name}_DIR", str(tmp_path / name.lower()))
    monkeypatch.setattr(local_engine, "find_spec", lambda name: None)  # of llama-cpp-python
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin")


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LLAMA_SERVER_LOG", str(tmp_path / "requests"))
    return installed(tmp_path / "bin")


def gguf_settings(path: Path) -> ModelSettings:
    return ModelSettings("mine", provider="llama_cpp", path=str(path), context_length=2048)


def requests(tmp_path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (tmp_path / "requests").read_text(encoding="utf-8").splitlines()]


async def test_a_gguf_writes_on_the_server_which_ends_with_the_model(
    program: Path, demo_gguf: Path, tmp_path: Path
) -> None:
    model = await open_model(gguf_settings(demo_gguf))
    try:
        assert isinstance(model, ServedGguf)
        assert len(model.model_hash) == 64
        assert model.capabilities.context_length == 2048
        assert model.capabilities.parallel == 1
        assert not model.capabilities.chat  # the demo model has no chat template
        assert model.capabilities.weights > 10**8
        assert await model.count_tokens("one two three") == 3
        parts = [part async for part in model.stream(Request(Prompt(text="Once"), 20, grammar='root ::= "a"'))]
        assert "".join(part.text for part in parts if isinstance(part, TextPiece))
        assert isinstance(parts[-1], Finished)
        sent = next(each["json"] for each in requests(tmp_path) if str(each["path"]).endswith("/completions"))
        assert isinstance(sent, dict) and sent["grammar"] == 'root ::= "a"'
        process = psutil.Process(model.pid)
        servers = process.children(recursive=True)
        # The key is in the environment of the server, not among its arguments.
        assert not any("sk-" in word or "key" in word.lower() for word in process.cmdline())
    finally:
        await model.aclose()
    assert servers
    assert not any(server.is_running() and server.status() != psutil.STATUS_ZOMBIE for server in servers)
    with pytest.raises(ModelError) as caught:
        await model.count_tokens("x")
    assert caught.value.code == "closed"


async def test_counting_tokens_makes_no_new_client(
    program: Path, demo_gguf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = await open_model(gguf_settings(demo_gguf))
    monkeypatch.delattr(httpx2, "AsyncClient")
    try:
        assert [await model.count_tokens(text) for text in ("one", "one two", "one two three four")] == [1, 2, 4]
    finally:
        await model.aclose()


async def test_a_server_that_dies_is_started_again(program: Path, demo_gguf: Path) -> None:
    model = await open_model(gguf_settings(demo_gguf))
    try:
        first = model.pid  # type: ignore[attr-defined]
        with pytest.raises(ModelError) as caught:
            async for _ in model.stream(Request(Prompt(text="die"), 20)):
                pass
        assert (caught.value.kind, caught.value.retryable) == ("worker", True)
        assert "out of memory" in str(caught.value)
        assert await model.count_tokens("one two") == 2
        assert model.pid != first  # type: ignore[attr-defined]
    finally:
        await model.aclose()


async def test_a_gguf_that_cannot_be_read_to_its_end_is_an_error_in_one_line(
    program: Path, demo_gguf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(path: Path, canceled: object) -> str:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(child_process, "file_hash", fails)
    with pytest.raises(ModelError) as caught:
        await open_model(gguf_settings(demo_gguf))
    assert str(caught.value) == f"Cannot read {demo_gguf}: Input/output error."


@pytest.fixture(params=[("broken", "failed to read the tensors"), ("native", "compiled for another processor")])
def failing(request: pytest.FixtureRequest, demo_gguf: Path, tmp_path: Path) -> tuple[Path, str]:
    name, reason = request.param
    path = tmp_path / f"{name}.gguf"
    path.symlink_to(demo_gguf)
    return path, reason


async def test_a_server_that_cannot_run_the_gguf_is_an_error_with_its_reason(
    program: Path, failing: tuple[Path, str]
) -> None:
    path, reason = failing
    with pytest.raises(ModelError) as caught:
        await open_model(gguf_settings(path))
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_server_ends_when_the_app_is_killed(program: Path, demo_gguf: Path) -> None:
    code = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from lwtui.config import ModelSettings\n"
        "from lwtui.models.llama_server import ServedGguf\n"
        "async def main():\n"
        "    settings = ModelSettings('mine', provider='llama_cpp', path=sys.argv[2], context_length=2048)\n"
        "    model = await ServedGguf.load(sys.argv[1], Path(sys.argv[2]), settings)\n"
        "    print(model.pid, flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, "-c", code, str(program), str(demo_gguf)]
    app = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, encoding="utf-8")
    assert app.stdout is not None
    child = psutil.Process(int(app.stdout.readline()))
    processes = [child, *child.children(recursive=True)]
    assert len(processes) > 1
    app.send_signal(signal.SIGKILL)
    app.wait()
    gone, alive = psutil.wait_procs(processes, timeout=60)
    assert not alive, gone


def test_what_runs_ggufs_is_found_in_the_settings_on_the_path_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert local_engine.local_engine() is None
    assert installed_models(Settings()) == []
    assert _llama_cpp(Settings()).status == "fail"
    on_path = installed(tmp_path / "bin")
    assert local_engine.local_engine() == LocalEngine(program=str(on_path))
    check = _llama_cpp(Settings())
    assert (check.name, check.status) == ("llama-server", "ok")
    assert "one after the other" in check.detail
    monkeypatch.setattr(local_engine, "find_spec", lambda name: object() if name == "llama_cpp" else None)
    assert local_engine.local_engine() == LocalEngine(program="")
    chosen = installed(tmp_path / "elsewhere", "my-server")
    config.set_value("llama_server", str(chosen))
    assert local_engine.local_engine() == LocalEngine(program=str(chosen))
    assert local_engine.local_engine(config.load_settings()) == LocalEngine(program=str(chosen))
    assert local_engine.local_engine(Settings()) == LocalEngine(program="")


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    config.set_value("llama_server", str(tmp_path / "none"))
    check = _llama_cpp(config.load_settings())
    assert check.status == "fail"
    assert str(tmp_path / "none") in check.detail
    assert "lwtui config set llama_server" in check.remedy

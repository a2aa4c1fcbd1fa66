"""Faults of models on this machine: bad files, missing packages, a process that dies at any moment."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import aclosing
from pathlib import Path

import pytest

from lwtui.agentwrite import RetryPolicy
from lwtui.agentwrite.events import Event, Retrying
from lwtui.agentwrite.retry import Retries, with_retries
from lwtui.config import ModelSettings
from lwtui.models.base import Finished, FinishReason, ModelError, Prompt, Request, Sampling, TextPiece
from lwtui.models.llama_cpp import client, process
from lwtui.models.llama_cpp.client import LlamaModel
from tests.errors import has_code
from tests.support.gguf_file import read_offsets

ENDLESS = Request(Prompt(text="Once upon a time"), 4000, sampling=Sampling(temperature=1.0), seed=1)
SHORT = Request(Prompt(text="one two three four one two"), 2, sampling=Sampling(temperature=0.0))
TOMATOES = Request(Prompt(text="tomato " * 4000), 10)  # takes seconds to process


async def text_of(model: LlamaModel, request: Request = SHORT) -> str:
    return "".join([part.text async for part in model.stream(request) if isinstance(part, TextPiece)])


async def load_error(path: Path) -> ModelError:
    with pytest.raises(ModelError) as caught:
        await LlamaModel.load(path, "broken")
    error = caught.value
    assert "\n" not in str(error)
    assert "Traceback" not in str(error)
    assert len(str(error)) < 600
    return error


def children() -> set[int]:
    """Return the ids of all child processes, including zombies."""
    listed = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(os.getpid())], capture_output=True, text=True)
    return {int(line.split()[0]) for line in listed.stdout.splitlines() if "ps -o" not in line}


# ---- files ------------------------------------------------------------------------------------------------------


async def test_a_missing_file_is_reported_with_its_path(tmp_path: Path) -> None:
    error = await load_error(tmp_path / "none.gguf")
    assert (error.code, error.retryable) == ("not-found", False)
    assert str(tmp_path / "none.gguf") in str(error)


async def test_a_folder_is_not_a_model(tmp_path: Path) -> None:
    assert (await load_error(tmp_path)).code == "is-folder"


@pytest.mark.parametrize("data", [b"", b"GG", b"\x89PNG" + b"\0" * 5000, os.urandom(20_000)], ids=range(4))
async def test_a_file_that_is_not_a_gguf_is_reported(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(data)
    assert (await load_error(path)).code == "not-a-gguf"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
async def test_an_unreadable_file_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF")
    path.chmod(0)
    assert "Permission denied" in str(await load_error(path))


@pytest.mark.parametrize("size", [4, 30, 5_000, 3_000_000, 100_000_000])
async def test_a_truncated_file_is_reported_in_one_line(demo_gguf: Path, tmp_path: Path, size: int) -> None:
    path = tmp_path / "short.gguf"
    with demo_gguf.open("rb") as file:
        path.write_bytes(file.read(size))
    error = await load_error(path)
    assert str(path) in str(error)
    assert (error.kind, error.retryable) == ("malformed", False)


async def test_a_random_header_is_reported_in_one_line(demo_gguf: Path, tmp_path: Path) -> None:
    path = tmp_path / "nonsense.gguf"
    with demo_gguf.open("rb") as file:
        path.write_bytes(file.read(24) + os.urandom(1_000_000))
    error = await load_error(path)
    assert str(path) in str(error)


async def test_a_context_too_large_for_memory_says_what_to_do(demo_gguf: Path) -> None:
    with pytest.raises(ModelError, match=r"[\d.]+ GB.* [\d.]+ GB.* \d+") as caught:
        await LlamaModel.load(demo_gguf, "large", ModelSettings("", context_length=2_000_000_000, state_gb=0))
    assert (caught.value.kind, caught.value.retryable) == ("worker", False)
    assert "\n" not in str(caught.value)


# ---- packages -----------------------------------------------------------------------------------------------------


def install_fake_llama_cpp(folder: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Make the worker process import another ``llama_cpp`` instead of the real one."""
    (folder / "llama_cpp").mkdir()
    (folder / "llama_cpp" / "__init__.py").write_text(code, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)


async def test_a_missing_llama_cpp_is_reported_with_the_command_to_install_it(
    demo_gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "raise ModuleNotFoundError(\"No module named 'llama_cpp'\", name='llama_cpp')"
    install_fake_llama_cpp(tmp_path, monkeypatch, code)
    assert 'pip install "lwtui[local]"' in str(await load_error(demo_gguf))


async def test_a_native_library_that_does_not_load_is_reported_with_its_reason(
    demo_gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_fake_llama_cpp(tmp_path, monkeypatch, "raise RuntimeError('libgomp.so.1: cannot open shared object file')")
    assert "libgomp.so.1" in str(await load_error(demo_gguf))


async def test_loading_gives_up_after_three_deaths(
    demo_gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = tmp_path / "count"
    install_fake_llama_cpp(
        tmp_path,
        monkeypatch,
        f"import os\nopen({str(count)!r}, 'a').write('x')\nos.write(2, b'ggml: out of memory\\n')\nos.abort()",
    )
    error = await load_error(demo_gguf)
    assert (error.code, error.retryable) == ("died-while-loading", False)
    assert all(detail in str(error) for detail in ("SIGABRT", "ggml: out of memory"))
    assert count.read_text() == "xxx"


# ---- death of the process -----------------------------------------------------------------------------------------


@pytest.fixture(params=[signal.SIGKILL, signal.SIGABRT], ids=["killed", "aborted"])
def signal_number(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def kill(model: LlamaModel, signal_number: int) -> None:
    assert model.pid
    os.kill(model.pid, signal_number)


async def assert_dies(model: LlamaModel, request: Request, signal_number: int, after: float | None) -> None:
    """Kill the process ``after`` seconds of a call, or after its first text, and assert that the call fails at once."""
    with pytest.raises(ModelError) as caught:
        async with asyncio.timeout(30), aclosing(model.stream(request)) as parts:
            first = asyncio.ensure_future(anext(parts))
            if after is None:
                await first
            else:
                await asyncio.sleep(after)
            kill(model, signal_number)
            if after is not None:
                await first
            async for _ in parts:
                continue
    error = caught.value
    assert (error.kind, error.retryable) == ("worker", True)
    assert signal.Signals(signal_number).name in str(error)
    assert "\n" not in str(error)


async def test_a_dead_process_is_reported_at_once_and_restarted(demo_gguf: Path, signal_number: int) -> None:
    model = await LlamaModel.load(demo_gguf, "demo", ModelSettings("", context_length=5000, state_gb=0))
    try:
        await assert_dies(model, ENDLESS, signal_number, after=None)  # during the completion
        assert await text_of(model) == " three four"
        await assert_dies(model, TOMATOES, signal_number, after=0.5)  # during the prompt
        assert await model.count_tokens("Hello world") == 2
        before = model.pid
        kill(model, signal_number)  # while it is idle
        await asyncio.sleep(0.2)
        assert await text_of(model) == " three four"
        assert model.pid not in (None, before)
        assert model.capabilities.context_length == 5000
    finally:
        await model.aclose()


async def test_a_process_killed_while_loading_is_restarted(demo_gguf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []
    start = process.WorkerProcess.start

    async def start_and_kill_the_first() -> process.WorkerProcess:
        worker = await start()
        started.append(worker.pid)
        if len(started) == 1:
            asyncio.get_running_loop().call_later(0.3, os.kill, worker.pid, signal.SIGKILL)
        return worker

    monkeypatch.setattr(client.WorkerProcess, "start", start_and_kill_the_first)
    model = await LlamaModel.load(demo_gguf, "demo")
    try:
        assert model.pid == started[1]
        assert await text_of(model) == " three four"
    finally:
        await model.aclose()


async def test_a_library_of_another_processor_is_not_tried_again(demo_gguf: Path) -> None:
    model = await LlamaModel.load(demo_gguf, "demo")
    try:
        with pytest.raises(ModelError) as caught:
            async with aclosing(model.stream(ENDLESS)) as parts:
                async for _ in parts:
                    kill(model, signal.SIGILL)
        assert (caught.value.code, caught.value.retryable) == ("wrong-processor", False)
    finally:
        await model.aclose()


async def test_the_death_fails_every_pending_call(demo_gguf: Path) -> None:
    model = await LlamaModel.load(demo_gguf, "demo")
    try:
        calls = [asyncio.create_task(text_of(model, ENDLESS)) for _ in range(3)]
        await asyncio.sleep(0.3)
        kill(model, signal.SIGKILL)
        async with asyncio.timeout(10):
            outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert [isinstance(outcome, ModelError) and outcome.retryable for outcome in outcomes] == [True] * 3
        assert len(set(await asyncio.gather(*(text_of(model) for _ in range(3))))) == 1
    finally:
        await model.aclose()


async def test_a_retry_continues_after_a_death(demo_gguf: Path) -> None:
    model = await LlamaModel.load(demo_gguf, "demo")
    written: list[str] = []
    waits: list[tuple[Event, int]] = []  # each with the number of pieces by then

    async def rest() -> FinishReason:
        text = "Once upon a time" + "".join(written)
        request = Request(Prompt(text=text), 200 - len(written), sampling=Sampling(temperature=1.0), seed=2)
        async with aclosing(model.stream(request)) as parts:
            async for part in parts:
                match part:
                    case TextPiece(text):
                        written.append(text)
                        if len(written) == 10:
                            kill(model, signal.SIGKILL)
                    case Finished(reason):
                        return reason
        raise AssertionError("the stream ended without saying so")

    async def note(event: Event) -> None:
        waits.append((event, len(written)))

    try:
        assert await with_retries(rest, Retries(RetryPolicy(first_delay=0.01)), note) == "length"
    finally:
        await model.aclose()
    [(wait, before)] = waits
    assert isinstance(wait, Retrying) and wait.fault == "worker"
    assert 10 <= before < len(written)  # a piece is one token or, if read late, several


async def test_an_unknown_message_ends_the_process_with_a_reason(demo_gguf: Path) -> None:
    model = await LlamaModel.load(demo_gguf, "demo")
    try:
        worker = model._worker
        assert worker is not None and worker._process.stdin is not None
        stream = model.stream(ENDLESS)
        await anext(stream)
        worker._process.stdin.write(b'{"type": "Dance"}\n')
        with pytest.raises(ModelError, match="Dance") as caught:
            async for _ in stream:
                continue
        assert caught.value.retryable
    finally:
        await model.aclose()


# ---- end of the process -------------------------------------------------------------------------------------------


async def test_a_closed_model_leaves_no_process(demo_gguf: Path) -> None:
    before = children()
    model = await LlamaModel.load(demo_gguf, "demo")
    assert len(children() - before) == 1
    stream = model.stream(ENDLESS)
    await anext(stream)
    await model.aclose()
    assert children() == before
    with pytest.raises(ModelError, check=has_code("closed")) as caught:
        async for _ in stream:
            continue
    assert not caught.value.retryable
    with pytest.raises(ModelError, check=has_code("closed")):
        await text_of(model)
    await model.aclose()  # closing again does no harm


async def test_canceled_loading_leaves_no_process(demo_gguf: Path) -> None:
    before = children()
    loading = asyncio.create_task(LlamaModel.load(demo_gguf, "demo"))
    await asyncio.sleep(0.3)
    assert len(children() - before) == 1
    loading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loading
    assert children() == before


def is_running(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "state=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return bool(state) and not state.startswith("Z")


@pytest.mark.parametrize("stage", ["loaded", "writing"])
def test_the_process_ends_with_the_app_even_if_the_app_is_killed(demo_gguf: Path, stage: str) -> None:
    code = f"""
import asyncio, pathlib
from lwtui.models.base import Prompt, Request
from lwtui.models.llama_cpp.client import LlamaModel
async def main():
    model = await LlamaModel.load(pathlib.Path({str(demo_gguf)!r}), "demo")
    if {stage!r} == "writing":
        await anext(model.stream(Request(Prompt(text="tomato " * 20), 4000)))
    print(model.pid, flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as app:
        assert app.stdout is not None
        pid = int(app.stdout.readline())
        assert is_running(pid)
        assert os.getsid(pid) == pid  # so Ctrl-C in the app's terminal does not reach it
        app.kill()
    for _ in range(200):
        if not is_running(pid):
            return
        time.sleep(0.05)
    pytest.fail("the model's process is still there")


@pytest.fixture
def nan_gguf(demo_gguf: Path, tmp_path: Path) -> Path:
    """The demo model with a layer of NaN values."""
    path = tmp_path / "nan.gguf"
    path.write_bytes(demo_gguf.read_bytes())
    with path.open("r+b") as file:
        file.seek(read_offsets(demo_gguf).offsets["output_norm.weight"])
        file.write(b"\xff" * 640 * 4)
    return path


async def test_a_damaged_model_fails_in_one_line_and_the_process_survives(nan_gguf: Path) -> None:
    model = await LlamaModel.load(nan_gguf, "nan")
    try:
        pid = model.pid
        for _ in range(2):
            with pytest.raises(ModelError) as caught:
                await text_of(model)
            assert (caught.value.kind, caught.value.retryable) == ("worker", True)
        assert model.pid == pid
    finally:
        await model.aclose()

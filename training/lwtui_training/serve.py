"""Serve the checkpoint at hand with vLLM while a step samples from it."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep

from lwtui.config import ModelSettings
from lwtui.errors import LwtuiError
from lwtui.models.openai_api import list_models
from lwtui.translation import _
from lwtui_training.devices import uses_cpu
from lwtui_training.progress import note
from lwtui_training.recipe import Recipe
from lwtui_training.steps import TrainError

NAME = "checkpoint"  # of the model at the endpoint
_LOG = "vllm.log"
_READY_SECONDS = 1800.0  # a large checkpoint takes minutes to load and to compile
_ASK_SECONDS = 2.0
_END_SECONDS = 20.0
_PROMPT_TOKENS = 2048


def vllm_command(recipe: Recipe, checkpoint: str, port: int) -> list[str]:
    """Return the command that serves a checkpoint: a copy per device, or one copy over all machines with Ray.

    Args:
        recipe: The recipe; ``[prefs]`` says how long answers may be.
        checkpoint: The folder of the checkpoint.
        port: The port on the loopback interface.
    """
    hardware = recipe.hardware
    command = ["vllm", "serve", checkpoint, "--served-model-name", NAME, "--host", "127.0.0.1", "--port", str(port)]
    command += ["--max-model-len", str(recipe.prefs.max_new_tokens + _PROMPT_TOKENS)]
    if hardware.machines > 1:
        parallel = [
            "--tensor-parallel-size",
            str(hardware.processes),
            "--pipeline-parallel-size",
            str(hardware.machines),
        ]
        return [*command, *parallel, "--distributed-executor-backend", "ray"]
    if hardware.processes > 1 and not uses_cpu(recipe):
        command += ["--data-parallel-size", str(hardware.processes)]
    return command


@contextmanager
def serving(recipe: Recipe, checkpoint: str, folder: Path) -> Iterator[str]:
    """Serve a checkpoint, and yield the address of the endpoint once it answers. The server ends with the context.

    Args:
        recipe: The recipe.
        checkpoint: The folder of the checkpoint.
        folder: Receives the server's log.

    Raises:
        TrainError: The server does not start.
    """
    command = vllm_command(recipe, checkpoint, _free_port())
    note(f"$ {shlex.join(command)}")
    log = folder / _LOG
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        except FileNotFoundError:
            raise TrainError(
                _(
                    "There is no vllm on the path: pip install vllm. Or set prefs.serve to '' to sample with "
                    "transformers."
                ),
                code="missing-package",
            ) from None
    url = f"http://127.0.0.1:{command[command.index('--port') + 1]}/v1"
    try:
        _wait_until_ready(url, process, log)
        yield url
    finally:
        _end(process)


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = monotonic() + _READY_SECONDS
    while True:
        with suppress(LwtuiError):
            settings = ModelSettings(NAME, model=NAME, base_url=url)
            if NAME in asyncio.run(list_models(settings, "", _ASK_SECONDS)):
                return
        if process.poll() is not None or monotonic() > deadline:
            lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
            last, code = (lines or [""])[-1][:300], process.returncode
            if code is None:
                message = _("vLLM did not answer: {line} The log is {log}.", line=last, log=log)
            else:
                message = _("vLLM ended with exit code {code}: {line} The log is {log}.", code=code, line=last, log=log)
            raise TrainError(message, code="serve-failed")
        sleep(0.2)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the server and the workers that it has started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_END_SECONDS)
            return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

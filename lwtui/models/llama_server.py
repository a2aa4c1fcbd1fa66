"""A GGUF as a model where llama-cpp-python is missing: an installed llama-server, which lwtui starts and ends itself.

The server listens on the loopback interface, on a free port, and wants a key that is made for it alone. lwtui speaks to
it as to any endpoint. It has no saved states, and does not keep a section from ending too early.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lwtui.config import ModelSettings
from lwtui.log import add_secret
from lwtui.models.base import Capabilities, ModelError, Request
from lwtui.models.child_process import ChildProcess, hashing
from lwtui.models.llama_cpp.fit import Fit, LoadOptions, Machine, fit
from lwtui.models.llama_cpp.gguf_header import GgufHeader, read_header
from lwtui.models.openai_api import OpenAIModel
from lwtui.models.openai_stream import StreamState
from lwtui.system import detached
from lwtui.text import one_line
from lwtui.translation import _

_CHILD = Path(__file__).with_name("server_child.py")
_MAX_LINES = 200
_POLL_SECONDS = 0.1
_HEALTH_SECONDS = 5.0
_NOTICE_SECONDS = 1.0
_ERROR_WORDS = ("error", "failed", "unable", "cannot", "couldn't", "invalid", "unknown", "out of memory")


class ServerProcess(ChildProcess):
    """A running llama-server. It ends with this process, however that ends."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        super().__init__(process, _MAX_LINES)

    @classmethod
    async def start(cls, command: list[str], address: str, key: str) -> ServerProcess:
        """Start the program.

        Args:
            command: The program and its options.
            address: Where it is to listen.
            key: The key that it is to want.

        Raises:
            ModelError: It does not start.
        """
        place = urlsplit(address)
        where = ["--host", str(place.hostname), "--port", str(place.port)]
        pipe = asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", str(_CHILD), *command, *where),
                stdin=pipe,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=pipe,
                env={**os.environ, "LLAMA_API_KEY": key},  # other users can read the arguments of a process
                **detached(),
            )
        except OSError as error:
            raise ModelError(
                _("Cannot start {command}: {reason}.", command=command[0], reason=error.strerror), kind="worker"
            ) from None
        return cls(process)

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.returncode is None

    async def ends_within(self, seconds: float) -> bool:
        """Wait for the end of the process, and return whether it came."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.shield(self._reader)
        return not self.is_alive

    def last_line(self) -> str:
        """Return what the server said last that sounds like an error, or its last line."""
        errors = [line for line in self.last_lines if any(word in line.lower() for word in _ERROR_WORDS)]
        return (errors or self.last_lines or [""])[-1]

    async def _read(self) -> None:
        await self._read_stderr()
        await self._process.wait()


class ServedGguf(OpenAIModel):
    """A GGUF on llama-server (see :class:`lwtui.models.base.Model`). Open it with :meth:`load`.

    If the server dies, the next call starts a new one. ``model_hash`` is the file's SHA-256.
    """

    def __init__(self, program: str, path: Path, settings: ModelSettings, header: GgufHeader, chosen: Fit) -> None:
        import httpx2

        self._address, self._server_key = f"http://127.0.0.1:{_free_port()}", secrets.token_urlsafe(24)
        add_secret(self._server_key)
        endpoint = replace(
            settings,
            provider="openai",
            model=settings.name,
            base_url=f"{self._address}/v1",
            context_length=chosen.context_length,
            constrain="grammar",
        )
        super().__init__(endpoint, self._server_key)
        self._command = [program, "-m", str(path), "--alias", settings.name, *_options(settings, chosen)]
        self._client = httpx2.AsyncClient(
            base_url=self._address,
            headers={"Authorization": f"Bearer {self._server_key}"},
            timeout=_HEALTH_SECONDS,
            trust_env=False,
            verify=False,  # there is nothing to verify: the address is always http on this machine
        )
        self._file = path
        self._header = header
        self._starting = asyncio.Lock()
        self._closed = False
        self._process: ServerProcess | None = None

    @classmethod
    async def load(cls, program: str, path: Path, settings: ModelSettings) -> ServedGguf:
        """Start the server with a GGUF.

        Args:
            program: The path of llama-server.
            path: The file.
            settings: Options for loading; those left open are chosen to fit into memory.

        Raises:
            ModelError: The server does not start, or the GGUF cannot be opened; the message is one line.
        """
        header = await asyncio.to_thread(read_header, path)
        chosen = fit(header, Machine.detect(), LoadOptions.of(settings, sequences=1))
        if not chosen.fits:
            raise ModelError(_("Cannot load {path}: it {advice}", path=path, advice=chosen.advice), kind="worker")
        model = cls(program, path, settings, header, chosen)
        async with hashing(path, model.aclose) as sha256:
            await model._running()
            model.model_hash = await sha256
        return model

    @property
    def capabilities(self) -> Capabilities:
        """What the model can do."""
        return replace(
            super().capabilities,
            chat=bool(self._header.chat_template),
            parallel=1,
            exact_tokens=True,
            sampling=self._header.sampling,
            weights=self._header.weights,
        )

    @property
    def pid(self) -> int | None:
        """The id of the process that runs the server, if it runs."""
        return self._process.pid if self._process and self._process.is_alive else None

    async def count_tokens(self, text: str) -> int:
        """Count the tokens of ``text`` with the model's own tokenizer, or estimate them if the server fails."""
        await self._running()
        import httpx2

        with suppress(httpx2.HTTPError, ValueError, KeyError, TypeError):
            answer = await self._client.post("/tokenize", json={"content": text})
            return len(answer.raise_for_status().json()["tokens"])
        return await super().count_tokens(text)

    async def aclose(self) -> None:
        """End the server; calls under way fail."""
        self._closed = True
        await super().aclose()
        if self._process is not None:
            await self._process.close()
        await self._client.aclose()

    @asynccontextmanager
    async def _open(
        self, request: Request, body: dict[str, Any]
    ) -> AsyncIterator[AsyncGenerator[dict[str, Any] | None, None]]:
        process = await self._running()
        async with AsyncExitStack() as stack:
            async with self._blaming(process):
                with self._endpoint.translate_errors():
                    events = await stack.enter_async_context(super()._open(request, body))
            yield events

    async def _cause_of(self, end: Exception, state: StreamState) -> ModelError:
        assert self._process is not None
        return await self._blamed(self._process, await super()._cause_of(end, state))

    @asynccontextmanager
    async def _blaming(self, process: ServerProcess) -> AsyncIterator[None]:
        """Turn the errors of a connection whose server has ended into one that says so."""
        try:
            yield
        except ModelError as error:
            raise await self._blamed(process, error) from None

    async def _blamed(self, process: ServerProcess, error: ModelError) -> ModelError:
        """Return the error of a server that has ended or was closed in place of ``error``, if that is the cause."""
        if self._closed:
            return ModelError(_("The model was closed."), kind="worker", code="closed")
        is_broken = error.kind in ("unreachable", "dropped")  # the end of the process may be noticed a bit later
        has_ended = await process.ends_within(_NOTICE_SECONDS if is_broken else 0)
        return _has_ended(process, retryable=True) if has_ended else error

    async def _running(self) -> ServerProcess:
        """Return the server; start a new one if it has died.

        Raises:
            ModelError: The model is closed, or the server does not start.
        """
        async with self._starting:
            if self._closed:
                raise ModelError(_("The model was closed."), kind="worker", code="closed")
            if self._process is None or not self._process.is_alive:
                self._process = await ServerProcess.start(self._command, self._address, self._server_key)
                await self._wait_until_ready(self._process)
            return self._process

    async def _wait_until_ready(self, process: ServerProcess) -> None:
        import httpx2

        while process.is_alive and not self._closed:
            with suppress(httpx2.HTTPError):
                if (await self._client.get("/health")).status_code == httpx2.codes.OK:
                    return
            await asyncio.sleep(_POLL_SECONDS)
        await process.close()
        raise _has_ended(process, self._file)


def _options(settings: ModelSettings, chosen: Fit) -> list[str]:
    options = ["-c", str(chosen.context_length), "-np", "1", "-t", str(chosen.threads), "--jinja"]
    if settings.gpu_layers is not None:
        options += ["-ngl", str(settings.gpu_layers)]
    if chosen.kv_type != "f16":
        options += ["-ctk", chosen.kv_type, "-ctv", chosen.kv_type]
    return options + (["-fa", settings.flash_attention] if settings.flash_attention else [])


def _has_ended(process: ServerProcess, unloaded: Path | None = None, *, retryable: bool = False) -> ModelError:
    """Return the error for a server that has ended, before it had loaded the file ``unloaded`` or later."""
    last = one_line(process.last_line())
    output = _(" Its last output: {line}", line=last) if last else ""
    if unloaded is not None:
        message = _("Cannot load {file}: llama-server has ended.{output}", file=unloaded, output=output)
    else:
        message = _("llama-server has ended.{output}", output=output)
    return ModelError(message, kind="worker", retryable=retryable)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])

"""A small OpenAI-compatible server on the loopback that fails on purpose, with one fault per call.

It answers from a script, or acts as a proxy for a real server::

    async with FaultServer(faults=[Fault.http(429, retry_after=1), None, Fault.cut(after=3)]) as server:
        model = OpenAIModel(ModelSettings("m", base_url=server.base_url), key="")

``async with`` serves from the running event loop; plain ``with`` serves from a thread, for code that blocks. From the
command line::

    python -m tests.support.fault_server --upstream http://127.0.0.1:8000/v1 --port 9000 --faults 429,500,cut,stall
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

_PATHS = ("/chat/completions", "/completions")
_EVENT_END = re.compile(rb"\r?\n\r?\n")
_DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True)
class Answer:
    """What the server answers to one request.

    Attributes:
        pieces: The text, one event each.
        reasoning: The reasoning, one event each.
        finish: The finish reason; ``None`` sends none.
        usage: The token usage; ``None`` sends none.
        reasoning_field: The field that holds the reasoning.
        delay: Seconds between pieces, or a function to await after each.
    """

    pieces: Sequence[str] = ()
    reasoning: Sequence[str] = ()
    finish: str | None = "stop"
    usage: dict[str, Any] | None = field(default_factory=lambda: {"prompt_tokens": 11, "completion_tokens": 7})
    reasoning_field: str = "reasoning_content"
    delay: float | Callable[[], Awaitable[None]] = 0.0


@dataclass(frozen=True)
class Fault:
    """One way to fail. Make it with a class method; ``after`` is the number of events sent before it strikes."""

    kind: str
    after: int = 0
    seconds: float = 0.0
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @classmethod
    def http(cls, status: int, *, retry_after: object = None, body: object = None, **error: object) -> Fault:
        """Answer with ``status``.

        ``error`` (``message``, ``code``, ``param``, …) goes into the usual error object, unless ``body`` (bytes, or a
        value to write as JSON) replaces it.
        """
        if body is None:
            body = {"error": {"message": f"fault {status}", "type": "fault", "code": None, "param": None} | error}
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = (("Retry-After", str(retry_after)),) if retry_after is not None else ()
        return cls("http", status=status, headers=headers, body=raw)

    @classmethod
    def raw(cls, body: bytes, content_type: str = "text/event-stream", status: int = 200) -> Fault:
        """Send this body in place of the answer."""
        return cls("http", status=status, headers=(("Content-Type", content_type),), body=body)

    @classmethod
    def refuses(cls, parameter: str) -> Fault:
        """Answer 400 in OpenAI's words, because the model does not take ``parameter``."""
        return cls.http(400, message=f"Unsupported parameter: '{parameter}' is not supported.", param=parameter)

    @classmethod
    def redirect(cls, location: str, status: int = 307) -> Fault:
        return cls("http", status=status, headers=(("Location", location),))

    @classmethod
    def cut(cls, after: int = 3) -> Fault:
        """Tear down the connection in the middle of the body."""
        return cls("cut", after)

    @classmethod
    def stall(cls, seconds: float, after: int = 0, *, comments: bool = False) -> Fault:
        """Stay silent, then send the rest.

        With ``comments``, send comments meanwhile, which keep a connection alive. ``after=-1`` delays the status line.
        """
        return cls("comments" if comments else "stall", after, seconds)

    @classmethod
    def malformed(cls, after: int = 3) -> Fault:
        """Send an event with half a JSON object."""
        return cls("insert", after, body=b'data: {"choices": [{"delta": {"cont\n\n')

    @classmethod
    def garbage(cls, after: int = 3) -> Fault:
        """Send a line that belongs to no event."""
        return cls("insert", after, body=b'nt": "lost"}}]}\n\n')

    @classmethod
    def utf8(cls, after: int = 3) -> Fault:
        """Send an event with bytes that are not UTF-8."""
        return cls("insert", after, body=b'data: {"choices": [{"delta": {"content": "\xff\xc3("}}]}\n\n')

    @classmethod
    def huge(cls, size: int = 2**21, after: int = 0) -> Fault:
        """Send an event of ``size`` bytes."""
        return cls("insert", after, body=b'data: {"choices": [{"delta": {"content": "' + b"x" * size + b'"}}]}\n\n')

    @classmethod
    def error(cls, after: int = 3, *, event: str = "", **error: object) -> Fault:
        """Send an error object within the stream, as an event of type ``event`` if given, and end the stream."""
        head = f"event: {event}\n" if event else ""
        error = error or {"message": "fault", "code": 500}
        return cls("last", after, body=f"{head}data: {json.dumps({'error': error})}\n\n".encode())

    @classmethod
    def ends(cls, after: int = 3) -> Fault:
        """End the body properly, but without a finish reason and without ``[DONE]``."""
        return cls("last", after)

    @classmethod
    def no_text(cls) -> Fault:
        """Spend all tokens on reasoning: no content, and the finish reason ``length``."""
        return cls("no-text")


@dataclass
class RecordedRequest:
    """A request as the server received it.

    Attributes:
        method: The HTTP method.
        path: The path.
        headers: The headers, with names in lower case.
        json: The parsed body.
        hung_up: Whether the client closed the connection before the whole answer was sent.
        struck: Whether the fault meant for this request did strike.
    """

    method: str
    path: str
    headers: dict[str, str]
    json: Any
    hung_up: bool = False
    struck: bool = False


class FaultServer:
    """The server; see the module.

    Args:
        answer: Takes the JSON of a request and returns an :class:`Answer` or its pieces.
        faults: One for each call, in order; ``None`` is a call without a fault, and so are all calls after the last
            one. A fault that could not strike, because the answer was shorter or the client left earlier, strikes the
            next call. Or a function that takes the JSON of a request and returns its fault.
        models: The entries of ``/models``; ``None`` answers 404.
        upstream: The base URL of a real server to be the proxy for.
        port: The port; 0 picks a free one.
    """

    def __init__(
        self,
        answer: Callable[[Any], Answer | Sequence[str]] = lambda _: ["Once ", "upon ", "a ", "time."],
        faults: Iterable[Fault | None] | Callable[[Any], Fault | None] = (),
        *,
        models: list[dict[str, Any]] | None = None,
        upstream: str = "",
        port: int = 0,
    ) -> None:
        self.requests: list[RecordedRequest] = []
        self.port = port
        self._answer = answer
        self._fault_of = faults if callable(faults) else None
        self._faults = iter(()) if callable(faults) else iter(faults)
        self._postponed: list[Fault] = []  # could not strike yet
        self._models = models
        self._upstream = upstream.rstrip("/")
        self._server: asyncio.Server | None = None
        self._failure: Exception | None = None  # raised by the script
        self._open: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def calls(self) -> list[RecordedRequest]:
        """The calls: requests for a completion."""
        return [request for request in self.requests if request.path.endswith(_PATHS)]

    async def __aenter__(self) -> FaultServer:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        if self._failure:
            raise self._failure

    def __enter__(self) -> FaultServer:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.__aenter__(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._loop is not None and self._thread is not None
        asyncio.run_coroutine_threadsafe(self.__aexit__(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve the one request of a connection, and notice if the client hangs up meanwhile."""
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            request = await _read_request(reader)
            self.requests.append(request)
            serving = asyncio.create_task(self._serve(request, writer))
            watching = asyncio.create_task(reader.read(1))
            try:
                await asyncio.wait({serving, watching}, return_when=asyncio.FIRST_COMPLETED)
                request.hung_up = not serving.done() or isinstance(serving.exception(), ConnectionError)
            finally:
                for pending in (serving, watching):
                    pending.cancel()
                outcome, _ = await asyncio.gather(serving, watching, return_exceptions=True)
            if isinstance(outcome, Exception) and not isinstance(outcome, ConnectionError):
                self._failure = outcome
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            return  # the client went away, or the server is being closed
        finally:
            self._open.discard(task)
            writer.close()

    async def _serve(self, request: RecordedRequest, writer: asyncio.StreamWriter) -> None:
        fault = self._next_fault(request) if request.path.endswith(_PATHS) else None
        try:
            await self._answer_to(request, writer, fault)
        finally:
            if fault and not request.struck and self._fault_of is None:
                self._postponed.append(fault)

    def _next_fault(self, request: RecordedRequest) -> Fault | None:
        if self._fault_of is not None:
            return self._fault_of(request.json)
        return self._postponed.pop(0) if self._postponed else next(self._faults, None)

    async def _answer_to(self, request: RecordedRequest, writer: asyncio.StreamWriter, fault: Fault | None) -> None:
        if fault and (fault.kind in ("http", "no-text") or fault.after < 0):
            request.struck = True
        if fault and fault.kind == "http":
            return await send_response(writer, fault.status, fault.body, fault.headers)
        if fault and fault.after < 0:
            await asyncio.sleep(fault.seconds)
        if self._upstream:
            return await self._proxy(request, writer, fault)
        if not request.path.endswith(_PATHS):
            if request.path.endswith("/models") and self._models is not None:
                return await send_response(writer, 200, json.dumps({"object": "list", "data": self._models}).encode())
            return await send_response(writer, 404, b'{"detail": "Not Found"}')
        answer = self._answer(request.json)
        if not isinstance(answer, Answer):
            answer = Answer(answer)
        if fault and fault.kind == "no-text":
            answer = Answer(reasoning=["Hmm. ", "Let me ", "think."], finish="length", usage=answer.usage)
        return await _stream(writer, _scripted(answer, request), fault, request)

    async def _proxy(self, request: RecordedRequest, writer: asyncio.StreamWriter, fault: Fault | None) -> None:
        """Send the request to the upstream server, and pass on its answer."""
        address = urlsplit(self._upstream)
        path = address.path + request.path.removeprefix("/v1")
        reader, upstream = await asyncio.open_connection(address.hostname, address.port or 80)
        try:
            body = b"" if request.json is None else json.dumps(request.json).encode()
            key = request.headers.get("authorization")
            head = [f"{request.method} {path} HTTP/1.1", f"Host: {address.netloc}", "Connection: close"]
            head += [f"Content-Length: {len(body)}", "Content-Type: application/json"]
            head += [f"Authorization: {key}"] if key else []
            upstream.write("\r\n".join([*head, "", ""]).encode() + body)
            first, headers = await _read_head(reader)
            answer = _body(reader, headers)
            if headers.get("content-type", "").startswith("text/event-stream"):
                await _stream(writer, _split(answer), fault, request)
            else:
                await send_response(writer, int(first.split()[1]), b"".join([piece async for piece in answer]))
        finally:
            upstream.close()


async def _scripted(answer: Answer, request: RecordedRequest) -> AsyncIterator[bytes]:
    """Yield the events of an answer, in the format of the requested path."""
    chat = request.path.endswith("/chat/completions")
    object_name = "chat.completion.chunk" if chat else "text_completion"

    def event(name: str = "", text: str = "", finish: str | None = None, usage: object = None) -> bytes:
        choice: dict[str, Any] = {"index": 0, "finish_reason": finish}
        choice |= {"delta": {name: text} if name else {}} if chat else {"text": text}
        chunk = {"id": "x", "object": object_name, "choices": [] if usage else [choice], "usage": usage}
        return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n".encode()

    for name, pieces in ((answer.reasoning_field, answer.reasoning), ("content", answer.pieces)):
        for piece in pieces:
            yield event(name, piece)
            await (answer.delay() if callable(answer.delay) else asyncio.sleep(answer.delay))
    if answer.finish:
        yield event(finish=answer.finish)
    if answer.usage and ((request.json or {}).get("stream_options") or {}).get("include_usage"):
        yield event(usage=answer.usage)
    yield _DONE


async def _stream(
    writer: asyncio.StreamWriter, events: AsyncIterator[bytes], fault: Fault | None, request: RecordedRequest
) -> None:
    """Send events as chunks of a body; the fault strikes before event number ``after``."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n")
    writer.write(b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n")
    number = 0
    async for event in events:
        if fault and number == fault.after:
            request.struck = True
            if fault.kind == "cut":
                await writer.drain()
                return
            if fault.kind in ("stall", "comments"):
                await _wait(writer, fault)
            if fault.body:
                await _chunk(writer, fault.body)
            if fault.kind == "last":
                break
        await _chunk(writer, event)
        number += 1
    writer.write(b"0\r\n\r\n")
    await writer.drain()


async def _wait(writer: asyncio.StreamWriter, fault: Fault) -> None:
    until = asyncio.get_running_loop().time() + fault.seconds
    while (left := until - asyncio.get_running_loop().time()) > 0:
        await asyncio.sleep(min(0.05, left))
        if fault.kind == "comments":
            await _chunk(writer, b": still working\n\n")


async def _chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(b"%x\r\n%b\r\n" % (len(data), data))
    await writer.drain()


async def send_response(
    writer: asyncio.StreamWriter, status: int, body: bytes, headers: Iterable[tuple[str, str]] = ()
) -> None:
    """Send a response that is not a stream."""
    kind = "application/json" if body[:1] in (b"", b"{", b"[") else "text/html"
    fields = {"Content-Type": kind, "Content-Length": str(len(body)), "Connection": "close"} | dict(headers)
    lines = [f"HTTP/1.1 {status} Fault", *(f"{name}: {value}" for name, value in fields.items())]
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    await writer.drain()


async def _read_head(reader: asyncio.StreamReader) -> tuple[str, dict[str, str]]:
    """Read the first line and the headers, with names in lower case."""
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
    return first, {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


async def _read_request(reader: asyncio.StreamReader) -> RecordedRequest:
    first, headers = await _read_head(reader)
    method, path, _ = first.split(" ")
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return RecordedRequest(method, path, headers, json.loads(body) if body else None)


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> AsyncIterator[bytes]:
    """Yield the body of the upstream server's answer as it comes."""
    if headers.get("transfer-encoding") != "chunked":
        while data := await reader.read(65536):
            yield data
        return
    while size := int(await reader.readline(), 16):
        yield await reader.readexactly(size)
        await reader.readline()


async def _split(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Split a body into whole events, byte for byte."""
    rest = b""
    async for data in body:
        rest += data
        while match := _EVENT_END.search(rest):
            yield rest[: match.end()]
            rest = rest[match.end() :]
    if rest:
        yield rest


def parse_faults(text: str, seconds: float = 3600.0) -> list[Fault | None]:
    """Parse faults such as ``429,500,cut:5,stall,malformed,utf8,none``; the number is ``after`` (default 3)."""
    faults: list[Fault | None] = []
    for word in text.split(",") if text else ():
        name, _, number = word.strip().partition(":")
        after = int(number or 3)
        if name.isdecimal():
            faults.append(Fault.http(int(name), retry_after=1 if name == "429" else None))
        elif name == "stall":
            faults.append(Fault.stall(seconds, after))
        elif name in ("cut", "malformed", "garbage", "utf8", "ends", "error"):
            faults.append(getattr(Fault, name)(after))
        elif name == "none":
            faults.append(None)
        else:
            raise ValueError(f"There is no fault named {name!r}.")
    return faults


async def _main() -> None:
    parser = argparse.ArgumentParser(description="An OpenAI-compatible server that fails on purpose.")
    parser.add_argument("--upstream", default="", help="base URL of a real server to stand in front of")
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--faults", default="", help="429,500,cut:5,stall,malformed,garbage,utf8,ends,none")
    parser.add_argument("--stall-seconds", type=float, default=3600.0)
    options = parser.parse_args()
    faults = parse_faults(options.faults, options.stall_seconds)
    async with FaultServer(faults=faults, upstream=options.upstream, port=options.port) as server:
        print(f"{server.base_url}, {len(faults)} faults", file=sys.stderr)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main())

"""From what went wrong at an OpenAI-compatible server to the one line that a person reads."""

from __future__ import annotations

import json
import re
import ssl
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from lwtui.config import ModelSettings
from lwtui.models.base import ModelError
from lwtui.text import one_line

_LONGEST_MESSAGE = 300  # characters of a server's own words

_CONTEXT = re.compile(
    r"context[ _](length|size|window)|maximum context|exceed.{0,40}context"
    r"|(prompt|input) is too long|reduce the length",
    re.IGNORECASE,
)
_NO_MODEL = re.compile(
    r"model_not_found|invalid_model|not a valid model"
    r"|\bmodel\b.{0,100}(not found|not exist|not available)|no such model",
    re.IGNORECASE | re.DOTALL,
)
_NO_CREDIT = re.compile(r"insufficient[ _](quota|balance|credit|funds)|out of credits", re.IGNORECASE)
_NEVER_SENT = re.compile(r"\bsk-[\w*.…-]{4,}")  # keys, also those that a server has masked in part


class HttpStatus(Exception):
    """An answer that is not a success: its status, headers and the beginning of its body."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.headers = headers
        self.error = _error_object(body)


class Faults:
    """Makes the :class:`ModelError` for each way in which a call to one endpoint can fail."""

    def __init__(self, settings: ModelSettings, key: str) -> None:
        self._settings = settings
        self._key = key
        address = urlsplit(settings.base_url)
        self.host = address.netloc.rpartition("@")[2]
        self._secrets = [secret for secret in (key, unquote(address.password or "")) if secret]
        self.is_openai = self.host == "api.openai.com"

    def __repr__(self) -> str:
        return f"Faults({self.host!r})"

    # Each of these is a whole answer to "what is wrong and what to do".

    def dropped(self) -> ModelError:
        return ModelError(
            f"{self.host} broke off its answer. Check the connection if this goes on.", kind="dropped", retryable=True
        )

    def no_answer(self) -> ModelError:
        return ModelError(
            f"{self.host} ended its answer before it began. If this goes on, the text may be too long for it: set "
            "context_length to what the server was started with.",
            kind="dropped",
            retryable=True,
        )

    def stalled(self) -> ModelError:
        return ModelError(
            f"{self.host} has been silent for {self._settings.stall_seconds:g} s. "
            "Raise stall_seconds in the settings if the model needs longer.",
            kind="stalled",
            retryable=True,
        )

    def malformed(self, why: str) -> ModelError:
        return ModelError(
            f"The answer of {self.host} cannot be read: {why}. Check base_url if this goes on.",
            kind="malformed",
            retryable=True,
        )

    def not_a_stream(self, content_type: str) -> ModelError:
        return ModelError(
            f"{self.host} answered with a page ({self.words(content_type)}), not with text of a model: check base_url, "
            "which usually ends in /v1.",
            kind="refused",
        )

    def redirected(self, location: str) -> ModelError:
        return ModelError(
            f"{self.host} redirects to {self.words(location)}, which was not followed, so that no key or text goes "
            "there. If you trust that address, make it the base_url.",
            kind="refused",
        )

    def compressed(self) -> ModelError:
        return ModelError(
            f"{self.host} compresses its answers, which was not asked for and is not unpacked. "
            "Switch that off there, or check base_url.",
            kind="refused",
        )

    def filtered(self) -> ModelError:
        return ModelError(
            f"The content filter of {self.host} stopped the answer. Change the instruction or use another model.",
            kind="refused",
        )

    def from_transport(self, error: BaseException) -> ModelError:
        """For an exception of the HTTP client, or of the SDK around one."""
        import httpx2

        causes = list(_causes(error))
        names = " ".join(type(cause).__name__ for cause in causes)
        if any(isinstance(cause, ssl.SSLError) for cause in causes):
            return self._tls(causes)
        if any(isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.ProxyError) for cause in causes):
            if "gaierror" in names:
                why = "there is no such host"
            elif "Timeout" in names:
                why = f"no answer within {self._settings.connect_seconds:g} s"
            elif "ConnectionRefused" in names:
                why = "the connection was refused"
            else:
                why = "the connection failed"
            return ModelError(
                f"Cannot reach {self.host}: {why}. Check base_url, the network, and that the server runs.",
                kind="unreachable",
                retryable=True,
            )
        if any(isinstance(cause, httpx2.TimeoutException) for cause in causes):
            return self.stalled()
        if any(isinstance(cause, httpx2.UnsupportedProtocol | httpx2.InvalidURL) for cause in causes):
            return bad_address()
        if any(isinstance(cause, httpx2.DecodingError) for cause in causes):
            return self.malformed("its compression is broken")
        if any(isinstance(cause, httpx2.TooManyRedirects) for cause in causes):
            return ModelError(f"{self.host} redirects in a circle: check base_url.", kind="refused")
        return self.dropped()

    def _tls(self, causes: list[BaseException]) -> ModelError:
        if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
            why = "its certificate is not trusted. Check base_url and the date of this machine, or install its CA"
        else:
            why = "no secure connection could be made. Check whether base_url should begin with http://"
        return ModelError(f"Cannot reach {self.host}: {why}.", kind="unreachable")

    def from_stream(self, body: dict[str, Any]) -> ModelError:
        """For an error object within a stream."""
        error = _flat(body)
        return self._from_error(_status_in(error), error, None)

    def from_status(self, refusal: HttpStatus) -> ModelError:
        """For an answer that is not a success."""
        return self._from_error(refusal.status, refusal.error, retry_after(refusal.headers))

    def _from_error(self, status: int, error: dict[str, str], wait: float | None) -> ModelError:
        said = f" It says: {words}" if (words := self.words(error["message"])) else ""
        everything = " ".join(error.values())
        if status in (401, 403):
            return self._auth(status, said)
        if status == 402 or (status == 429 and _NO_CREDIT.search(everything)):
            return ModelError(
                f"The account at {self.host} has no credit left. Add credit or use another model.{said}", kind="budget"
            )
        if status == 429:
            return ModelError(
                f"{self.host} asks for fewer requests.{said}", kind="rate-limit", retryable=True, retry_after=wait
            )
        if names_context(status, error):
            return ModelError(
                f"The request is longer than the model's context; set context_length to what it has.{said}",
                kind="context",
            )
        if status >= 500 or status in (408, 409, 425):
            return ModelError(
                f"{self.host} has a fault (status {status}).{said}", kind="server", retryable=True, retry_after=wait
            )
        if _NO_MODEL.search(everything):
            return self.unknown_model([])
        return ModelError(f"{self.host} refused the request (status {status}).{said}", kind="refused")

    def _auth(self, status: int, said: str) -> ModelError:
        variable = self._settings.key_env or ("OPENAI_API_KEY" if self.is_openai else "LWTUI_API_KEY")
        if not self._key:
            what = f"{self.host} wants a key"
        elif status == 401:
            what = f"{self.host} does not accept the key"
        else:
            what = f"{self.host} does not allow this with the key"
        remedy = f"Set {variable}, or store the key of {self._settings.name!r} in the system keyring"
        return ModelError(f"{what}. {remedy}.{said}", kind="auth")

    def unknown_model(self, available: list[str]) -> ModelError:
        """``available`` holds names of models that the endpoint has, as far as it told."""
        model = self._settings.model or self._settings.name
        some = ", ".join(available[:5]) + (", …" if len(available) > 5 else "")
        remedy = f"It has: {some}" if available else "Check the model's name in the settings"
        return ModelError(f"{self.host} has no model named {self.words(model)!r}. {remedy}.", kind="unknown-model")

    def no_such_path(self, path: str) -> ModelError:
        return ModelError(
            f"{self.host} has nothing at {path}: check base_url, which usually ends in /v1.", kind="refused"
        )

    def words(self, text: str) -> str:
        """A server's words made fit to show: one clean line of at most 300 characters that holds no key."""
        line = one_line(text)
        if line.startswith("<"):
            return ""  # a proxy's HTML page says nothing that helps
        for secret in self._secrets:
            line = _without(line, secret)
        line = _NEVER_SENT.sub("[key]", line)
        return line if len(line) <= _LONGEST_MESSAGE else line[: _LONGEST_MESSAGE - 1].rstrip() + "…"


def _without(line: str, secret: str) -> str:
    if len(secret) > 8:  # recognised by its beginning: one that was cut or masked in part goes as well
        return re.sub(re.escape(secret[:8]) + r"[^\s'\"]*", "[key]", line)
    return re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "[key]", line)


def bad_address() -> ModelError:
    return ModelError("base_url is not an address: it must be like https://host/v1.", kind="refused")


def names_context(status: int, error: dict[str, str]) -> bool:
    """Whether an error says that the prompt (and its answer) does not fit the model."""
    return status == 413 or bool(status >= 400 and _CONTEXT.search(" ".join(error.values())))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait (``retry-after-ms``, or ``Retry-After`` in seconds or as a date)."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        if re.fullmatch(r"\d{1,9}(\.\d+)?", value):
            return float(value) * scale
    try:
        date = parsedate_to_datetime(headers.get("retry-after", ""))
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, date.timestamp() - time.time())


def _error_object(body: bytes) -> dict[str, str]:
    text = body.decode("utf-8", "replace")
    try:
        return _flat(json.loads(text))
    except (ValueError, RecursionError):
        return _flat(text)


def _flat(body: Any) -> dict[str, str]:
    """``message``, ``type``, ``code`` and ``param`` of an error, whichever of the usual shapes it came in."""
    while isinstance(body, list) and body:  # Google wraps it in a list
        body = body[0]
    error = body.get("error") or body if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return {"message": error if isinstance(error, str) else "", "type": "", "code": "", "param": ""}
    flat = {name: str(error.get(name) or "") for name in ("message", "type", "code", "param")}
    flat["message"] = flat["message"] or _detail(error.get("detail"))
    return flat


def _detail(detail: Any) -> str:
    """FastAPI's way to say it: a text, or a list of findings with the path of what they are about."""
    if not isinstance(detail, list):
        return detail if isinstance(detail, str) else ""
    findings = [one for one in detail if isinstance(one, dict)]
    return "; ".join(".".join(map(str, one.get("loc") or ())) + f": {one.get('msg', '')}" for one in findings)


def _status_in(error: dict[str, str]) -> int:
    """The HTTP status that an error within a stream stands for."""
    if re.fullmatch(r"[45]\d\d", error["code"]):
        return int(error["code"])
    kind = f"{error['type']} {error['code']}".lower()
    for pattern, status in (
        ("rate_limit|insufficient_quota|too_many", 429),
        ("auth|api_key|permission", 401),
        ("context|invalid|bad_request|not_found|exceed", 400),
    ):
        if re.search(pattern, kind):
            return status
    return 500


def _causes(error: BaseException) -> Iterator[BaseException]:
    """``error`` and what led to it, each once."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__]
        waiting += one.exceptions if isinstance(one, BaseExceptionGroup) else ()

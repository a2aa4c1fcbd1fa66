"""Turns faults of an OpenAI-compatible server into errors of one readable line."""

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
from lwtui.models.network import proxy_hint
from lwtui.text import one_line
from lwtui.translation import _

_MAX_QUOTE = 300  # characters quoted from a server's message

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
_DAY_QUOTA = re.compile(r"per[ _-]?day|daily|\bRPD\b|\bTPD\b", re.IGNORECASE)
_NO_PATH = re.compile(r"(unexpected|unknown|no such|invalid) (endpoint|route|path|url)", re.IGNORECASE)
_ANY_KEY = re.compile(r"\bsk-[\w*.…-]{4,}")  # including keys that the server has partly masked


_FIELDS = ("message", "type", "code", "param", "reset")


class HttpStatusError(Exception):
    """A response without success.

    Attributes:
        status: The HTTP status.
        headers: The response's headers.
        error: ``message``, ``type``, ``code``, ``param`` and ``reset`` (when a quota begins anew) from its body and
            headers, empty where they have none.
    """

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.headers = headers
        self.error = _error_object(body)
        self.error["reset"] = self.error["reset"] or headers.get("x-ratelimit-reset", "")


class UnreadableAnswer(ModelError):
    """A response that cannot be parsed.

    Attributes:
        why: What is wrong with it.
        sample: Its beginning; empty if it is not text.
    """

    def __init__(self, message: str, *, kind: str, retryable: bool, why: str, sample: str) -> None:
        super().__init__(message, kind=kind, retryable=retryable)
        self.why = why
        self.sample = sample


class EndpointErrors:
    """Makes the :class:`ModelError` for each way in which a call to one endpoint can fail.

    Args:
        settings: The model's settings.
        key: The endpoint's API key, which no message may contain.

    Attributes:
        host: Host and port of the endpoint.
        is_openai: Whether it is OpenAI's own.
        proxy_variable: The variable with the proxy on the way to it; empty if there is none.
    """

    def __init__(self, settings: ModelSettings, key: str) -> None:
        self._settings = settings
        self._key = key
        address = urlsplit(settings.base_url)
        self.host = address.netloc.rpartition("@")[2]
        self._secrets = [secret for secret in (key, unquote(address.password or "")) if secret]
        self.is_openai = self.host == "api.openai.com"
        self.proxy_variable = ""

    def add_secret(self, secret: str) -> None:
        """Keep ``secret`` out of every message."""
        self._secrets.append(secret)

    def __repr__(self) -> str:
        return f"EndpointErrors({self.host!r})"

    # Each message says what happened and what to do.

    def dropped(self) -> ModelError:
        """Report that the connection broke during the completion."""
        return ModelError(
            _("{host} broke off its answer. Check the connection if this happens again.", host=self.host),
            kind="dropped",
            retryable=True,
        )

    def no_answer(self) -> ModelError:
        """Report that the response ended before its first chunk."""
        return ModelError(
            _(
                "{host} sent an empty answer. If this happens again, the prompt may be too long for the server: set "
                "context_length to the value it was started with.",
                host=self.host,
            ),
            kind="dropped",
            retryable=True,
            code="no-answer",
        )

    def stalled(self) -> ModelError:
        """Report that the server stayed silent for too long."""
        return ModelError(
            _(
                "{host} has sent nothing for {seconds:g} s. "
                "Raise stall_seconds in the settings if the model needs longer.",
                host=self.host,
                seconds=self._settings.stall_seconds,
            ),
            kind="stalled",
            retryable=True,
        )

    def malformed(self, why: str, sample: str = "", *, again: bool = False) -> UnreadableAnswer:
        """Report that the response, which begins with ``sample``, cannot be parsed; ``again``: twice the same."""
        quote = _(" It begins: {shown}", shown=self.sanitize(sample)) if again else ""
        return UnreadableAnswer(
            _(
                "The answer of {host} cannot be read: {why}. Check the address if this happens again.{quote}",
                host=self.host,
                why=why,
                quote=quote,
            ),
            kind="malformed",
            retryable=not again,
            why=why,
            sample=sample,
        )

    def not_a_stream(self, content_type: str) -> ModelError:
        """Report that the response is a web page."""
        return ModelError(
            _(
                "{host} sent a web page ({shown}) instead of a model's answer: check the address, "
                "which usually ends in /v1.",
                host=self.host,
                shown=self.sanitize(content_type),
            ),
            kind="refused",
            code="web-page",
        )

    def redirected(self, location: str) -> ModelError:
        """Report that the server redirects to another origin."""
        return ModelError(
            _(
                "{host} redirects to {shown}. lwtui did not follow, to send no key or text there. "
                "If you trust that address, make it the model's address.",
                host=self.host,
                shown=self.sanitize(location),
            ),
            kind="refused",
            code="other-origin",
        )

    def compressed(self) -> ModelError:
        """Report that the response is compressed although the request did not allow that."""
        return ModelError(
            _(
                "{host} compresses its answers although lwtui asks for uncompressed ones. "
                "Switch compression off there, or check the address.",
                host=self.host,
            ),
            kind="refused",
            code="compressed",
        )

    def filtered(self, refusal: str = "") -> ModelError:
        """Report that the server's content filter ended the completion, or that the model refused in these words."""
        words = self.sanitize(refusal)
        if words:
            message = _("The model refuses: {words} Change the instruction or use another model.", words=words)
        else:
            message = _(
                "The content filter of {host} stopped the answer. Change the instruction or use another model.",
                host=self.host,
            )
        return ModelError(message, kind="refused", code="content-filter")

    def from_transport(self, error: BaseException) -> ModelError:
        """Translate an exception of the HTTP client."""
        import httpx2

        causes = list(_causes(error))
        names = " ".join(type(cause).__name__ for cause in causes)
        if any(isinstance(cause, ssl.SSLError) for cause in causes):
            return self._tls(causes)
        if any(isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.ProxyError) for cause in causes):
            if "gaierror" in names:
                why, code = _("there is no such host"), "no-host"
            elif "Timeout" in names:
                why = _("no answer within {seconds:g} s", seconds=self._settings.connect_seconds)
                code = "connect-timeout"
            elif "ConnectionRefused" in names:
                why, code = _("the connection was refused"), "connection-refused"
            else:
                why, code = _("the connection failed"), "unreachable"
            if self.proxy_variable:
                return self._proxy_failed(why)
            return ModelError(
                _(
                    "Cannot reach {host}: {why}. Check the address, the network, and whether the server runs.",
                    host=self.host,
                    why=why,
                ),
                kind="unreachable",
                retryable=True,
                code=code,
            )
        if any(isinstance(cause, httpx2.TimeoutException) for cause in causes):
            return self.stalled()
        if any(isinstance(cause, httpx2.UnsupportedProtocol | httpx2.InvalidURL) for cause in causes):
            return invalid_base_url()
        if any(isinstance(cause, httpx2.DecodingError) for cause in causes):
            return self.malformed(_("its compression is broken"))
        if any(isinstance(cause, httpx2.TooManyRedirects) for cause in causes):
            return ModelError(
                _("{host} redirects in a circle: check the address.", host=self.host), kind="refused", code="redirects"
            )
        return self.dropped()

    def _proxy_failed(self, why: str) -> ModelError:
        return ModelError(
            _(
                "Cannot reach {host} through the proxy: {why}. {hint}.",
                host=self.host,
                why=why,
                hint=proxy_hint(self.host, self.proxy_variable),
            ),
            kind="unreachable",
            retryable=True,
            code="proxy",
        )

    def _tls(self, causes: list[BaseException]) -> ModelError:
        if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
            why = _("its certificate is not trusted. Check the address and the date of this machine, or install its CA")
            code = "certificate"
        else:
            why = _("no secure connection could be made. Check whether the address should begin with http://")
            code = "no-tls"
        return ModelError(_("Cannot reach {host}: {why}.", host=self.host, why=why), kind="unreachable", code=code)

    def from_stream(self, body: dict[str, Any]) -> ModelError:
        """Translate an error object within a stream."""
        error = _error_fields(body)
        if _NO_PATH.search(error["message"]):
            return self.no_such_path(_("this address"))
        return self._from_error(_status_of(error), error, None)

    def from_status(self, refusal: HttpStatusError) -> ModelError:
        """Translate a response without success."""
        return self._from_error(refusal.status, refusal.error, parse_retry_after(refusal.headers))

    def _from_error(self, status: int, error: dict[str, str], wait: float | None) -> ModelError:
        quote = _(" It says: {message}", message=message) if (message := self.sanitize(error["message"])) else ""
        all_fields = " ".join(error.values())
        if status == 407 and self.proxy_variable:
            return ModelError(
                _(
                    "The proxy wants a user and a password. Write them into {variable}: http://user:password@…",
                    variable=self.proxy_variable,
                ),
                kind="unreachable",
                code="proxy",
            )
        if status in (401, 403):
            return self._auth(status, quote)
        if status == 402 or (status == 429 and _NO_CREDIT.search(all_fields)):
            return ModelError(
                _(
                    "The account at {host} has no credit left. Add credit or use another model.{quote}",
                    host=self.host,
                    quote=quote,
                ),
                kind="budget",
            )
        if status == 429 and _DAY_QUOTA.search(all_fields):
            return self._day_quota(_reset_time(error["reset"]), quote)
        if status == 429:
            return ModelError(
                _("{host} limits the rate of requests.{quote}", host=self.host, quote=quote),
                kind="rate-limit",
                retryable=True,
                retry_after=wait,
            )
        if is_context_overflow(status, error):
            return ModelError(
                _(
                    "The request does not fit the model's context. Set context_length to the length it has.{quote}",
                    quote=quote,
                ),
                kind="context",
            )
        if status >= 500 or status in (408, 409, 425):
            return ModelError(
                _("{host} has a fault (status {status}).{quote}", host=self.host, status=status, quote=quote),
                kind="server",
                retryable=True,
                retry_after=wait,
            )
        if _NO_MODEL.search(all_fields):
            return self.unknown_model([])
        return ModelError(
            _("{host} refused the request (status {status}).{quote}", host=self.host, status=status, quote=quote),
            kind="refused",
        )

    def _day_quota(self, reset: str, quote: str) -> ModelError:
        if reset:
            message = _(
                "The quota of {host} for the day is used up until {time}. Go on then, or use another model.{quote}",
                host=self.host,
                time=reset,
                quote=quote,
            )
        else:
            message = _(
                "The quota of {host} for the day is used up. Go on then, or use another model.{quote}",
                host=self.host,
                quote=quote,
            )
        return ModelError(message, kind="rate-limit", code="day-quota")

    def _auth(self, status: int, quote: str) -> ModelError:
        variable = self._settings.key_env or ("OPENAI_API_KEY" if self.is_openai else "LWTUI_API_KEY")
        if not self._key:
            what, code = _("{host} wants a key.", host=self.host), "no-key"
        elif status == 401:
            what, code = _("{host} does not accept the key.", host=self.host), "wrong-key"
        else:
            what, code = _("{host} does not allow this with the key.", host=self.host), "forbidden"
        message = _(
            "{problem} Set {variable}, or store the key of {name!r} in the system keyring.{quote}",
            problem=what,
            variable=variable,
            name=self._settings.name,
            quote=quote,
        )
        return ModelError(message, kind="auth", code=code)

    def unknown_model(self, available: list[str]) -> ModelError:
        """Report that the endpoint lacks the model; ``available`` holds the names of its models, if known."""
        name = self.sanitize(self._settings.model or self._settings.name)
        examples = ", ".join(available[:5]) + (", …" if len(available) > 5 else "")
        if available:
            message = _(
                "{host} has no model named {name!r}. It has: {examples}.", host=self.host, name=name, examples=examples
            )
        else:
            message = _(
                "{host} has no model named {name!r}. Check the model's name in the settings.", host=self.host, name=name
            )
        return ModelError(message, kind="unknown-model")

    def no_such_path(self, path: str) -> ModelError:
        """Report that the server has nothing at ``path``."""
        return ModelError(
            _("{host} has nothing at {path}: check the address, which usually ends in /v1.", host=self.host, path=path),
            kind="refused",
            code="no-such-path",
        )

    def sanitize(self, text: str) -> str:
        """Make a server's text fit to show: one clean line of at most 300 characters without any key."""
        line = one_line(text)
        if line.startswith("<"):
            return ""  # a proxy's HTML page is no help
        for secret in self._secrets:
            line = _without(line, secret)
        line = _ANY_KEY.sub("[key]", line)
        return line if len(line) <= _MAX_QUOTE else line[: _MAX_QUOTE - 1].rstrip() + "…"


def _without(line: str, secret: str) -> str:
    if len(secret) > 8:  # matched by its beginning, to catch a truncated or partly masked key as well
        return re.sub(re.escape(secret[:8]) + r"[^\s'\"]*", "[key]", line)
    return re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "[key]", line)


def invalid_base_url() -> ModelError:
    """Make the error for a base URL that is no web address."""
    return ModelError(
        _("This is no web address: it must look like https://host/v1."), kind="refused", code="invalid-address"
    )


def is_context_overflow(status: int, error: dict[str, str]) -> bool:
    """Whether an error says that prompt and completion do not fit the model's context."""
    return status == 413 or bool(status >= 400 and _CONTEXT.search(" ".join(error.values())))


def parse_retry_after(headers: Mapping[str, str]) -> float | None:
    """Read the seconds that the server asks to wait (``retry-after-ms``, or ``Retry-After``: seconds or a date)."""
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
        return _error_fields(json.loads(text))
    except (ValueError, RecursionError):
        return _error_fields(text)


def _error_fields(body: Any) -> dict[str, str]:
    """Read the fields of an error (see :class:`HttpStatusError`) in any of the usual shapes."""
    while isinstance(body, list) and body:  # Google wraps the error in a list
        body = body[0]
    error = body.get("error") or body if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return dict.fromkeys(_FIELDS, "") | {"message": error if isinstance(error, str) else ""}
    fields = {name: str(error.get(name) or "") for name in _FIELDS}
    fields["message"] = fields["message"] or _detail(error.get("detail"))
    metadata = error.get("metadata")  # of OpenRouter, which passes on the headers of others
    headers = metadata.get("headers") if isinstance(metadata, dict) else None
    fields["reset"] = str(headers.get("X-RateLimit-Reset") or "") if isinstance(headers, dict) else ""
    return fields


def _reset_time(seconds: str) -> str:
    """Return when a quota begins anew, from the seconds or milliseconds since 1970 that a server gives."""
    if not re.fullmatch(r"\d{9,14}(\.\d+)?", seconds):
        return ""
    moment = float(seconds) / (1000 if float(seconds) > 1e11 else 1)
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(moment))


def _detail(detail: Any) -> str:
    """Read FastAPI's ``detail``: a text, or a list of problems, each with the path of the field."""
    if not isinstance(detail, list):
        return detail if isinstance(detail, str) else ""
    problems = [item for item in detail if isinstance(item, dict)]
    return "; ".join(".".join(map(str, item.get("loc") or ())) + f": {item.get('msg', '')}" for item in problems)


def _status_of(error: dict[str, str]) -> int:
    """Find the HTTP status that an error within a stream stands for."""
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
    """Yield ``error`` and everything that led to it, each exception once."""
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        cause = pending.pop()
        if cause is None or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        pending += [cause.__cause__, cause.__context__]
        pending += cause.exceptions if isinstance(cause, BaseExceptionGroup) else ()

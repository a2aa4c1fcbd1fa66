"""Errors meant for the user: one line that says what went wrong and what to do about it."""


class LwtuiError(Exception):
    """A failure that the user can act on.

    ``str(error)`` is one line: what went wrong, then what to do. Commands print it on standard error, without a
    traceback, and exit with ``exit_code``.

    Attributes:
        code: The name of the failure, such as ``disk-full``, for programs. It stays the same when the message changes.
    """

    exit_code = 1
    code = "failed"

    def __init__(self, message: str = "", *, code: str = "") -> None:
        super().__init__(message)
        if code:
            self.code = code


class UsageError(LwtuiError):
    """A command, an option or a setting is invalid (exit code 2)."""

    exit_code = 2
    code = "usage"


class ConfigError(UsageError):
    """``settings.toml`` is malformed or holds an invalid value."""

    code = "settings"


class DocumentError(LwtuiError):
    """A document cannot be created, read or written."""

    code = "document"

"""Errors that a person reads: one line that says what is wrong and what to do about it."""


class LwtuiError(Exception):
    """Something failed in a way the user can act on.

    ``str(error)`` is one line without a traceback: what is wrong, then what to do.
    The commands print it on standard error and exit with ``exit_code``.
    """

    exit_code = 1


class UsageError(LwtuiError):
    """The command, an option or a setting was given wrongly (exit code 2)."""

    exit_code = 2


class ConfigError(UsageError):
    """settings.toml is malformed or holds a value that means nothing."""


class DocumentError(LwtuiError):
    """A document cannot be read, written or created."""

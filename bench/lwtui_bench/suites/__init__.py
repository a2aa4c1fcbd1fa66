"""The available suites: those that come with lwtui, and those of other packages."""

from __future__ import annotations

from importlib.metadata import entry_points

from lwtui.errors import LwtuiError, UsageError
from lwtui.translation import _
from lwtui_bench.suites.constraints import CONSTRAINTS
from lwtui_bench.suites.longbench import ENGLISH, RULER, TRIAL, WRITE
from lwtui_bench.tasks import Suite

_BUILT_IN = (WRITE, ENGLISH, RULER, CONSTRAINTS, TRIAL)
_GROUP = "lwtui_bench.suites"  # of entry points
_ALIASES = {"ruler": "longwrite-ruler"}


def suites() -> dict[str, Suite]:
    """Return all suites by name, first those that come with lwtui.

    Raises:
        LwtuiError: The suite of another package cannot be loaded.
    """
    found = {suite.name: suite for suite in _BUILT_IN}
    for point in entry_points(group=_GROUP):
        try:
            suite = point.load()
        except (ImportError, AttributeError) as error:
            raise LwtuiError(
                _(
                    "The suite {name!r} of another package cannot be loaded: {error}. Update or uninstall that "
                    "package.",
                    name=point.name,
                    error=error,
                )
            ) from None
        if not isinstance(suite, Suite):
            raise LwtuiError(
                _(
                    "The suite {name!r} of another package is not a lwtui_bench.tasks.Suite. Update or uninstall "
                    "that package.",
                    name=point.name,
                )
            )
        found[suite.name] = suite
    return found


def find_suite(name: str) -> Suite:
    """Return the suite called ``name``.

    Raises:
        UsageError: There is none.
    """
    known = suites()
    suite = known.get(_ALIASES.get(name, name))
    if suite is None:
        raise UsageError(_("There is no task {name!r}. Known: {known}.", name=name, known=", ".join(known)))
    return suite

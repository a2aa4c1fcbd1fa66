"""In what order the tests run: two processes share them by modules (``-n 2 --dist loadscope``), the longest first."""

from __future__ import annotations

import signal

import pytest
from hypothesis import settings

settings.register_profile("lwtui", deadline=None)  # no test depends on how fast the machine is
settings.load_profile("lwtui")

# Tests that are run in the background (``nohup … &``, some CI runners) ignore these signals, and so would every command
# that they start. What a handler catches is not passed on: the commands have the defaults, as from a terminal.
_STOPS = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: lambda *_: None, signal.SIGQUIT: lambda *_: None}
for _number, _handler in _STOPS.items():
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _handler)

# Modules that take longest, which are begun with, so that neither process waits for the other in the end. Those that
# compute on both processors stand apart from each other.
_LONGEST = (
    "cli/test_demo_document",
    "app/test_writing",
    "training/test_run",
    "app/test_snapshots",
    "training/test_resume",
    "e2e/test_terminal",
    "training/test_processes",
    "app/test_plan",
    "models/test_llama_cpp_engine",
    "faults/test_kill",
    "cli/test_stopped",
    "bench/test_run",
    "faults/test_secrets",
    "models/test_llama_cpp",
    "agentwrite/test_write",
    "app/test_library",
    "models/test_llama_cpp_faults",
    "faults/test_hostile_app",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort by module; within one, tests stay as they stand."""

    def place(item: pytest.Item) -> int:
        module = item.nodeid.partition("::")[0].removeprefix("tests/").removesuffix(".py")
        return _LONGEST.index(module) if module in _LONGEST else len(_LONGEST)

    items.sort(key=place)

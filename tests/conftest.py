"""The order of the tests: with ``-n auto --dist loadscope``, several processes share the modules, the longest first."""

from __future__ import annotations

import gc
import os
import signal
import sys

import pytest
from hypothesis import settings

# The tests read English, in every command that they start. LWTUI_TEST_LANGUAGE is for those that look at another one.
os.environ["LWTUI_LANGUAGE"] = os.environ.get("LWTUI_TEST_LANGUAGE", "en")
# Threads of a local model that wait for each other on busy processors take many times as long as one thread.
os.environ["OMP_THREAD_LIMIT"] = "1"

# No test depends on the speed of the machine, and none fails by chance: each run tries the same examples. New ones are
# tried by --hypothesis-profile=explore.
settings.register_profile("lwtui", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=1000, print_blob=True)
settings.load_profile("lwtui")

# In the background (``nohup … &``, some CI runners) these signals are ignored, and so they would be in every command
# that the tests start. Handled signals are not inherited: the commands get the defaults, as from a terminal.
_STOPS = {"SIGINT": signal.default_int_handler, "SIGHUP": lambda *_: None, "SIGQUIT": lambda *_: None}
for _name, _handler in _STOPS.items():
    if not hasattr(signal, _name):  # on Windows
        continue
    _number = getattr(signal, _name)
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _handler)

_MOST_PROCESSES = 8  # each takes up to 1 GB
# The modules that take longest run first, so that no process waits for the others at the end.
_LONGEST = (
    "cli/test_starter_document",
    "app/test_writing",
    "training/test_run",
    "cli/test_demo_document",
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


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Use three processes for two processors: tests also wait, for servers, timers and terminals. Four are slower."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(_MOST_PROCESSES, max(2, processors * 3 // 2))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests by module. Within a module, they keep their order. On Windows, leave out those that need POSIX."""
    if sys.platform == "win32":
        for item in items:
            if item.get_closest_marker("posix"):
                item.add_marker(pytest.mark.skip(reason="needs POSIX"))

    def rank(item: pytest.Item) -> int:
        module = item.nodeid.partition("::")[0].removeprefix("tests/").removesuffix(".py")
        return _LONGEST.index(module) if module in _LONGEST else len(_LONGEST)

    items.sort(key=rank)


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what was imported: a fifth of the time of the app's tests went into that."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 10)

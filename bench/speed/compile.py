"""Measure how much CPU time compiling llama.cpp takes as ``make run`` does it, next to llama-cpp-python's own build.

    .venv/bin/python bench/speed/compile.py

Both compile the installed version from its source distribution, one after the other, without pip's cache. CPU time is
that of all processes of a build, so other load on the machine hardly matters. Goal: at most 0.45.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
OURS = f"-DLLAVA_BUILD=OFF -DCMAKE_PROJECT_llama.cpp_INCLUDE={CHECKOUT / 'packaging' / 'llama_cpp.cmake'}"


def build(cmake_args: str) -> float:
    """Compile a wheel, and return the seconds of CPU time."""
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-cache-dir", "--no-deps"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    source = f"llama-cpp-python=={version('llama-cpp-python')}"
    with tempfile.TemporaryDirectory() as folder:
        command = [*pip, "--no-binary=llama-cpp-python", "--wheel-dir", folder, source]
        subprocess.run(command, env=os.environ | {"CMAKE_ARGS": cmake_args}, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Compile twice, and print the table."""
    ours, full = build(OURS), build("")
    print("| compiling llama.cpp | seconds of CPU time |\n| --- | --- |")
    print(f"| llama-cpp-python's own build | {full:.0f} |")
    print(f"| libllama and ggml alone, as `make run` does it | {ours:.0f} ({ours / full:.2f}) |")


if __name__ == "__main__":
    main()

"""Finds out what this machine offers to a model: cores and memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_MAX_CORES = 32  # more cores only wait for each other


def usable_cores() -> int:
    """Count the physical cores that this process may use; a second thread on a core makes a model no faster."""
    if sys.platform == "darwin":
        cores = _sysctl("hw.perflevel0.physicalcpu") or _sysctl("hw.physicalcpu") or os.cpu_count() or 1
    else:
        cores = min(_physical_cores(), _cgroup_cores())
    return max(1, min(cores, _MAX_CORES))


def available_memory(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Estimate the bytes of memory available without swapping, within the limit of a container."""
    return min(_free_memory(), _cgroup_memory(cgroup))


def _free_memory() -> int:
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        if memory := _sysctl("hw.memsize"):
            return memory // 2  # macOS has no single figure for it
    import psutil

    return int(psutil.virtual_memory().available)


def _physical_cores() -> int:
    if not hasattr(os, "sched_getaffinity"):
        import psutil

        return int(psutil.cpu_count(logical=False) or os.cpu_count() or 1)
    cores = set()
    allowed = os.sched_getaffinity(0)
    for cpu in allowed:
        try:
            siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
            cores.add(siblings.read_text(encoding="ascii").strip())
        except OSError:
            return len(allowed)
    return len(cores)


def _cgroup_cores() -> int:
    """Return the cores that the control group (container) allows; :data:`_MAX_CORES` without a limit."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return _MAX_CORES
    return _MAX_CORES if quota == "max" else max(1, int(quota) // int(period))


def _cgroup_memory(cgroup: Path) -> int:
    """Return the bytes left within the control group's limit, file cache included; ``sys.maxsize`` without a limit."""
    try:
        limit = (cgroup / "memory.max").read_text(encoding="ascii").strip()
        used = int((cgroup / "memory.current").read_text(encoding="ascii"))
        stat = dict(line.split() for line in (cgroup / "memory.stat").read_text(encoding="ascii").splitlines())
        file_cache = int(stat["inactive_file"]) + int(stat["active_file"])
    except (OSError, ValueError, KeyError):
        return sys.maxsize
    return sys.maxsize if limit == "max" else max(0, int(limit) - used + file_cache)


def _sysctl(name: str) -> int:
    try:
        result = subprocess.run(["/usr/sbin/sysctl", "-n", name], capture_output=True, text=True, timeout=5, check=True)
        return int(result.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return 0

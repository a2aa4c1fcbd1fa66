"""What this machine has to offer to a model."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_MOST_CORES = 32  # more of them wait for each other


def usable_cores() -> int:
    """Physical cores that this process may use: a second thread on one core makes a model no faster."""
    if sys.platform == "darwin":
        cores = _sysctl("hw.perflevel0.physicalcpu") or _sysctl("hw.physicalcpu") or os.cpu_count() or 1
    else:
        cores = min(_physical_cores(), _granted_cores())
    return max(1, min(cores, _MOST_CORES))


def available_memory(control_group: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes that can be had without swapping, about; in a container, no more than it is allowed."""
    return min(_free_memory(), _granted_memory(control_group))


def _free_memory() -> int:
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        return (_sysctl("hw.memsize") or 8 * 2**30) // 2  # macOS does not say it in a word
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def _physical_cores() -> int:
    cores = set()
    allowed = os.sched_getaffinity(0)
    for cpu in allowed:
        try:
            siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
            cores.add(siblings.read_text(encoding="ascii").strip())
        except OSError:
            return len(allowed)
    return len(cores)


def _granted_cores() -> int:
    """What the control group allows (containers), or many."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return _MOST_CORES
    return _MOST_CORES if quota == "max" else max(1, int(quota) // int(period))


def _granted_memory(control_group: Path) -> int:
    """What the control group leaves to take, with what it can drop from its file cache; or very much."""
    try:
        limit = (control_group / "memory.max").read_text(encoding="ascii").strip()
        used = int((control_group / "memory.current").read_text(encoding="ascii"))
        parts = dict(line.split() for line in (control_group / "memory.stat").read_text(encoding="ascii").splitlines())
        droppable = int(parts["inactive_file"]) + int(parts["active_file"])
    except (OSError, ValueError, KeyError):
        return sys.maxsize
    return sys.maxsize if limit == "max" else max(0, int(limit) - used + droppable)


def _sysctl(name: str) -> int:
    try:
        answer = subprocess.run(["/usr/sbin/sysctl", "-n", name], capture_output=True, text=True, timeout=5, check=True)
        return int(answer.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return 0

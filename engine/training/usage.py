"""How much memory a training takes and how much there is: of the accelerator, or of the machine
where there is none."""

import os
from dataclasses import dataclass
from pathlib import Path

import jax

_CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Usage:
    """Bytes."""

    used: int
    limit: int | None
    """How many there are; None where nobody tells."""


def memory_in_use() -> Usage | None:
    """What the first device holds now; on a CPU, what this process holds.

    None when nobody tells.
    """
    stats = jax.local_devices()[0].memory_stats()
    if stats and "bytes_in_use" in stats:
        return Usage(int(stats["bytes_in_use"]), stats.get("bytes_limit"))
    page = os.sysconf("SC_PAGE_SIZE")
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - read at every step
            resident = int(file.read().split()[1]) * page
    except (OSError, IndexError, ValueError):
        return None
    return Usage(resident, os.sysconf("SC_PHYS_PAGES") * page)


def free_memory() -> int | None:
    """Bytes that the first device has free; on a CPU, those that this process can still have.

    None when nobody tells.
    """
    device = jax.local_devices()[0]
    if device.platform == "cpu":
        return free_host_memory()
    stats = device.memory_stats()
    if not stats or "bytes_limit" not in stats:
        return None
    return int(stats["bytes_limit"]) - int(stats.get("bytes_in_use", 0))


def free_host_memory(
    meminfo: Path = Path("/proc/meminfo"), group: Path | None = None
) -> int | None:
    """What Linux says is available, or what a container or a batch system leaves of it.

    group: the folder of this process's control group (version 2); those above it count too.
    """
    found = [_available(meminfo), *map(_left, _lineage(group or _own_group()))]
    return min((size for size in found if size is not None), default=None)


def _available(meminfo: Path) -> int | None:
    try:
        lines = meminfo.read_text().splitlines()
        (line,) = (line for line in lines if line.startswith("MemAvailable:"))
        return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        return None


def _own_group() -> Path:
    try:
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            if line.startswith("0::"):
                return _CGROUPS / line[3:].lstrip("/")
    except OSError:
        pass
    return _CGROUPS


def _lineage(group: Path) -> list[Path]:
    """A group and those above it."""
    above = [one for one in group.parents if one.is_relative_to(_CGROUPS)]
    return [group, *above]


def _left(group: Path) -> int | None:
    """What a group may still have; what the system keeps of files for it can be had too."""
    try:
        most = int((group / "memory.max").read_text())
        used = int((group / "memory.current").read_text())
        rows = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        return max(0, most - used + int(rows["inactive_file"]) + int(rows["active_file"]))
    except (OSError, ValueError, KeyError):  # "max" is no limit
        return None

"""How much memory a training takes: of the accelerator, or of the machine where there is none."""

import os
from dataclasses import dataclass

import jax


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

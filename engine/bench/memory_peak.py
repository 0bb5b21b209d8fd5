"""The most memory that was held: of the accelerator, or of this process where there is none."""

from pathlib import Path

import jax

from projects.errors import SwapdeckError


def device_peak() -> int | None:
    """Most bytes of the first device in use at once since this process began; None on a CPU, and
    where the device does not tell."""
    peak = (jax.local_devices()[0].memory_stats() or {}).get("peak_bytes_in_use")
    return None if peak is None else int(peak)


def process_peak() -> int:
    """VmHWM: most bytes of this process that were resident at once. Raises SwapdeckError."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise SwapdeckError("This system does not tell how much memory a process had at its peak.")

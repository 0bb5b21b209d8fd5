"""This machine and this program, as far as files tell it; the engine's `doctor` looks deeper."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import time
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tui.snapshot import SystemDetail
from tui.text import clean, clean_path, size

CARDS_KEPT = 5.0  # seconds between two questions to the graphics cards


def read_system(root: Path) -> SystemDetail:
    """Disk, memory, processors, graphics cards, versions."""
    return SystemDetail(
        (
            ("workspace", _workspace(root)),
            ("machine", _machine()),
            ("program", _program()),
        )
    )


def _workspace(root: Path) -> tuple[tuple[str, str], ...]:
    folder = next((place for place in (root, *root.parents) if place.is_dir()), Path("/"))
    disk = shutil.disk_usage(folder)
    return (
        ("folder", clean_path(root, str(Path.home()))),
        ("disk", f"{size(disk.free)} free of {size(disk.total)}"),
    )


def _machine() -> tuple[tuple[str, str], ...]:
    load = os.getloadavg()[0]
    return (
        ("name", clean(platform.node())),
        ("system", clean(f"{platform.system()} {platform.release()}, {platform.machine()}")),
        ("processors", f"{os.cpu_count() or 1}, load {load:.1f}"),
        ("memory", _memory()),
        *_graphics(),
    )


def _memory() -> str:
    """Available and total, where the system has /proc/meminfo."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        kilobytes = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines}
        return f"{size(kilobytes['MemAvailable'])} free of {size(kilobytes['MemTotal'])}"
    except (OSError, LookupError, ValueError):
        return ""


def _graphics() -> list[tuple[str, str]]:
    """A line for each card: as nvidia-smi tells of it now, else as the driver lists it."""
    cards = _asked_cards(int(time.monotonic() / CARDS_KEPT)) or [
        clean(line.removeprefix("Model:").strip())
        for path in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
        for line in path.read_text(errors="replace").splitlines()
        if line.startswith("Model:")
    ]
    none = "no NVIDIA card; the CPU works"
    return [
        ("graphics" if number == 0 else "", card) for number, card in enumerate(cards or [none])
    ]


@lru_cache(maxsize=1)
def _asked_cards(period: int) -> list[str]:
    """What nvidia-smi says of each card; asked once in every `period`."""
    if shutil.which("nvidia-smi") is None:
        return []
    wanted = "name,memory.used,memory.total,utilization.gpu,temperature.gpu"
    try:
        asked = subprocess.run(
            ["nvidia-smi", f"--query-gpu={wanted}", "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=5,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [_card(line) for line in asked.stdout.splitlines() if line.count(",") >= 4]


def _card(line: str) -> str:
    name, used, total, busy, warm = (clean(part) for part in line.rsplit(",", 4))
    try:
        memory = f"{size(float(used) * 2**20)} of {size(float(total) * 2**20)} used"
    except ValueError:  # "[N/A]", as some cards say
        memory = "memory unknown"
    return f"{name}: {memory}, {busy} % busy, {warm} °C"


def _program() -> tuple[tuple[str, str], ...]:
    return (
        ("swapdeck", _version("swapdeck")),
        ("python", platform.python_version()),
        *((name, _version(name)) for name in ("jax", "textual", "av", "opencv-python-headless")),
    )


@cache
def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"

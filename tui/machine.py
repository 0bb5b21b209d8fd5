"""This machine and this program, as far as files tell it; the engine's `doctor` looks deeper."""

from __future__ import annotations

import os
import platform
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tui.snapshot import SystemDetail
from tui.text import clean, clean_path, size


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
        ("graphics", ", ".join(_graphics()) or "no NVIDIA card found; the engine uses the CPU"),
    )


def _memory() -> str:
    """Available and total, where the system has /proc/meminfo."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        kilobytes = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines}
        return f"{size(kilobytes['MemAvailable'])} free of {size(kilobytes['MemTotal'])}"
    except (OSError, LookupError, ValueError):
        return ""


def _graphics() -> list[str]:
    """Models of the NVIDIA cards that the driver lists."""
    return [
        clean(line.removeprefix("Model:").strip())
        for path in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
        for line in path.read_text(errors="replace").splitlines()
        if line.startswith("Model:")
    ]


def _program() -> tuple[tuple[str, str], ...]:
    return (
        ("swapdeck", _version("swapdeck")),
        ("python", platform.python_version()),
        *((name, _version(name)) for name in ("jax", "textual", "av", "opencv-python-headless")),
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"

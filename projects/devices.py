"""The devices of this machine that a training can have, found without loading JAX."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec

from projects.errors import CommandError
from projects.names import printable
from projects.options import Option

OPTIONS = (
    Option(
        "device",
        "Device",
        "text",
        "auto",
        group="Device",
        help="What trains: auto (a GPU that is free, else the CPU), cpu, gpu, gpu:1, or a UUID.",
    ),
    Option(
        "share",
        "Share the device",
        "bool",
        default=False,
        group="Device",
        help="Start at once, although another training has the device.",
    ),
)
"""What a training may say about its device, in the arguments of its job."""

_PLUGINS = ("jax_cuda12_plugin", "jax_cuda13_plugin")
_TIMEOUT = 20.0  # seconds; a driver that wakes up takes some
_GPU = re.compile(r"GPU (\d+): (.*) \(UUID: (GPU-[\w-]+)\)")
_PART = re.compile(r"MIG (.*?)\s+Device\s+\d+: \(UUID: (MIG-[\w/-]+)\)")
_ASKED = re.compile(r"auto|cpu|gpu(:\d+)?|(GPU|MIG)-[\w/-]+")


@dataclass(frozen=True)
class Device:
    """One device. `environment` is what a process needs so that JAX uses this one only."""

    id: str  # "cpu", "tpu", or the UUID of a GPU or of a part of one
    name: str
    environment: Mapping[str, str] = field(default_factory=dict)


def check_asked(asked: str) -> str:
    """`asked`, when it can name a device: auto, cpu, gpu, gpu:1, or a UUID.

    Raises:
        CommandError: it cannot.
    """
    if not _ASKED.fullmatch(asked):
        raise CommandError(
            f"There is no device '{printable(asked)}'. Say auto, cpu, gpu, gpu:1, or the UUID that "
            "`nvidia-smi -L` shows."
        )
    return asked


def how_many(asked: str, there: int) -> int:
    """How many devices `asked` wants: a number, or "all" of those that are `there`.

    Raises:
        CommandError: it is neither.
    """
    if asked == "all":
        return there
    if not re.fullmatch(r"[1-9]\d{0,4}", asked):
        raise CommandError(f"Devices cannot be '{printable(asked)}'. Say a number, or all.")
    return int(asked)


def choose(asked: str, environment: Mapping[str, str] | None = None) -> list[Device]:
    """The devices of this machine of which `asked` allows any: see `check_asked`.

    Raises:
        CommandError: there is none.
    """
    check_asked(asked)
    gpus = find_gpus(os.environ if environment is None else environment)
    if asked == "cpu":
        return [Device("cpu", "the CPU", {"JAX_PLATFORMS": "cpu"})]
    if asked == "auto":
        return gpus or [_other()]
    name, _, number = asked.partition(":")
    if name == "gpu":
        chosen = [gpu for i, gpu in enumerate(gpus) if not number or i == int(number)]
    else:
        chosen = [gpu for gpu in gpus if gpu.id == asked]
    if chosen:
        return chosen
    there = ", ".join(f"gpu:{i} ({gpu.name})" for i, gpu in enumerate(gpus)) or "cpu alone"
    raise CommandError(f"There is no device '{asked}' here that JAX can use. There is: {there}.")


def wanted_of(devices: Sequence[Device], asked: str) -> int:
    """How many of `devices`, as `choose` finds them, a training has that asks for so many.

    Other devices than GPUs count as one here, however many JAX finds in them.

    Raises:
        CommandError: there are fewer, or `asked` is no number.
    """
    if devices[0].id in ("cpu", "tpu"):
        how_many(asked, there=1)
        return 1
    count = how_many(asked, there=len(devices))
    if count > len(devices):
        names = ", ".join(device.name for device in devices)
        raise CommandError(f"There are fewer devices here than {count}: {names}.")
    return count


def environment_of(devices: Sequence[Device]) -> dict[str, str]:
    """What a process needs so that JAX uses these devices only."""
    found: dict[str, str] = {}
    for device in devices:
        for name, value in device.environment.items():
            found[name] = f"{found[name]},{value}" if name in found else value
    return found


def find_gpus(environment: Mapping[str, str]) -> list[Device]:
    """The NVIDIA GPUs, or the parts that they are divided into, that JAX would use; those that
    CUDA_VISIBLE_DEVICES names, in its order, where it is set."""
    platforms = environment.get("JAX_PLATFORMS", "")
    if platforms and not {"cuda", "gpu"} & set(platforms.split(",")):
        return []
    if not any(find_spec(name) for name in _PLUGINS):
        return []
    gpus = parse_list(_list_gpus())
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    return gpus if visible is None else _visible(gpus, visible.split(","))


def parse_list(text: str) -> list[Device]:
    """The devices that `nvidia-smi -L` lists. Of a divided GPU, its parts."""
    found: list[Device] = []
    whole: Device | None = None
    for line in text.splitlines():
        if gpu := _GPU.search(line):
            whole = _gpu(gpu[3], f"GPU {gpu[1]} ({printable(gpu[2])})")
            found.append(whole)
        elif (part := _PART.search(line)) and whole is not None:
            if found[-1] is whole:
                found.pop()
            found.append(_gpu(part[2], f"a part of {whole.name}, {printable(part[1])}"))
    return found


def _gpu(uuid: str, name: str) -> Device:
    return Device(uuid, name, {"CUDA_VISIBLE_DEVICES": uuid})


def _visible(gpus: Sequence[Device], names: Sequence[str]) -> list[Device]:
    found: list[Device] = []
    for name in (word.strip() for word in names):
        if name.isdigit():
            found += gpus[int(name) : int(name) + 1]
        elif name:
            found += [gpu for gpu in gpus if gpu.id.startswith(name)]
    return found


def _other() -> Device:
    return Device("tpu", "the TPU") if find_spec("libtpu") else Device("cpu", "the CPU")


def _list_gpus() -> str:
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    try:
        return subprocess.run(
            [program, "-L"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT,
            stdin=subprocess.DEVNULL,
            check=False,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""

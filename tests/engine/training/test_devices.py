"""A batch shared out among several devices makes the same training as on one."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from engine.reporting import NullReporter
from engine.training.devices import spread_over
from engine.training.limits import Limits
from engine.training.loop import train
from engine.training.settings import TrainSettings
from projects.errors import CommandError
from projects.options import Option
from projects.swaps import Swap, new_swap
from projects.training_options import LIMITS, train_arguments
from projects.workspace import Workspace

ROOT = Path(__file__).parents[3]
SETTINGS = {
    "batch": 4,
    "sampling": {"pose_uniform": 0.7},
    "augmentation": {"clahe": 0.5, "transfer": 0.5},
}


def state_of(swap: Swap, step: int) -> dict[str, np.ndarray]:
    return load_file(swap.checkpoints_dir / f"{step:08d}" / "state.safetensors")


def assert_alike(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> None:
    """Adam's steps have one length however small the gradients are, so rounding shows in them."""
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_allclose(a[name], b[name], rtol=1e-4, atol=2e-5, err_msg=name)


def several(devices: int, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `tests.engine.training.several` with so many simulated devices."""
    flags = os.environ.get("XLA_FLAGS", "")
    environment = {
        **os.environ,
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": str(ROOT),
        "XLA_FLAGS": f"{flags} --xla_force_host_platform_device_count={devices}",
    }
    command = [sys.executable, "-m", "tests.engine.training.several", *words]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def swaps(workspace: Workspace, swap: Swap, ada, ben) -> list[Swap]:
    """Three swaps that differ in their names alone."""
    return [
        new_swap(workspace, name, ada, ben, preset="tiny", seed=4, settings=SETTINGS)
        for name in ("one", "two", "streamed")
    ]


@pytest.mark.slow
def test_two_devices_train_as_one_does_and_one_goes_on_where_two_were(workspace, swaps):
    one, two, streamed = swaps
    done = several(2, str(workspace.root), "3", "two:2:device", "streamed:all:stream")
    assert done.returncode == 0, done.stderr
    train(workspace, one, Limits(steps=3), NullReporter())
    for other in (two, streamed):
        assert_alike(state_of(one, 3), state_of(other, 3))
    for each in (one, two):
        train(workspace, each, Limits(steps=4), NullReporter())
    assert_alike(state_of(one, 4), state_of(two, 4))


def test_more_devices_than_there_are_and_batches_that_do_not_go_round_are_refused(workspace, swaps):
    with pytest.raises(CommandError, match="JAX finds 1 of the 7 devices"):
        spread_over("7", TrainSettings())
    done = several(3, str(workspace.root), "1", "two:3:device")
    assert "A batch of 4 cannot be shared out among 3 devices. Set batch to 3 or 6" in done.stderr


def test_one_device_is_what_a_training_has_unless_it_says_so():
    assert spread_over(Limits().devices, TrainSettings()) is None
    [option] = [one for one in LIMITS if one.name == "devices"]
    assert isinstance(option, Option) and option.default == Limits().devices
    assert train_arguments("x", {"devices": "all"}) == {"swap": "x", "devices": "all"}
    with pytest.raises(CommandError, match="a number, or all"):
        train_arguments("x", {"devices": "0"})

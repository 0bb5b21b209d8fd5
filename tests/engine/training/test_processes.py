"""Two processes train as one does, and none goes on without the other."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from engine.reporting import NullReporter
from engine.training.limits import Limits
from engine.training.loop import train
from engine.training.processes import LostError, translated
from projects.checkpoints import newest, steps
from projects.errors import CommandError
from projects.swaps import Swap, new_swap, update_swap
from projects.together import LOST, Meeting, meeting_of
from projects.workspace import Workspace
from tests.engine.training.test_devices import ROOT, SETTINGS, assert_alike, state_of

ADDRESS = {"coordinator": "10.0.0.7:29500", "processes": 2, "process": 1}


@contextlib.contextmanager
def both(workspace: Workspace, swap: Swap, last: int) -> Iterator[list[subprocess.Popen[str]]]:
    """Process 0 and process 1 of a training over loopback."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        coordinator = f"127.0.0.1:{free.getsockname()[1]}"
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)}
    started = []
    try:
        for process in ("0", "1"):
            words = [str(workspace.root), str(last), swap.slug, coordinator, "2", process]
            started.append(
                subprocess.Popen(
                    [sys.executable, "-m", "tests.engine.training.several", *words],
                    cwd=ROOT,
                    env=environment,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
        yield started
    finally:
        for one in started:
            one.kill()
            one.communicate()


def until_step(process: subprocess.Popen[str], step: int) -> None:
    """Wait until it says so; nothing more comes of a process that has ended."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == f"step {step}":
            return
    raise AssertionError(process.stderr.read() if process.stderr else "")


def test_two_processes_train_as_one_does(workspace, swap, ada, ben):
    one, two = (
        new_swap(workspace, name, ada, ben, preset="tiny", seed=4, settings=SETTINGS)
        for name in ("one", "two")
    )
    with both(workspace, two, 3) as (leader, partner):
        said = [process.communicate() for process in (leader, partner)]
        assert (leader.returncode, partner.returncode) == (0, 0), said
    train(workspace, one, Limits(steps=3), NullReporter())
    assert_alike(state_of(one, 3), state_of(two, 3))
    assert steps(two.checkpoints_dir) == [3], "process 0 alone has written"


@pytest.mark.slow
def test_without_its_partner_the_training_ends_and_goes_on_in_one_process(workspace, swap):
    train(workspace, swap, Limits(steps=1), NullReporter())
    with both(workspace, swap, 1_000_000) as (leader, partner):
        until_step(leader, 3)
        partner.kill()
        said = leader.communicate()[1]
        assert leader.returncode != 0
    assert LOST in said
    checkpoint, _ = newest(swap.checkpoints_dir)
    assert checkpoint is not None
    last = int(checkpoint.name) + 1
    assert train(workspace, swap, Limits(steps=last), NullReporter()).step == last


def test_without_process_0_the_others_end(workspace, swap):
    swap = update_swap(swap, settings=SETTINGS)  # whose step is compiled above
    with both(workspace, swap, 1_000_000) as (leader, partner):
        until_step(leader, 2)
        leader.kill()
        partner.communicate()
        assert partner.returncode != 0


def test_what_jax_says_of_a_lost_process_becomes_a_sentence():
    with pytest.raises(LostError, match="start all of them again"), translated():
        raise ValueError("UNKNOWN: Gloo all-reduce failed: Connection closed by peer")
    with pytest.raises(ValueError, match="a fault"), translated():
        raise ValueError("a fault of our own")


def test_a_meeting_is_said_whole_or_not_at_all():
    assert meeting_of({}) is None
    assert meeting_of(ADDRESS) == Meeting(1, "10.0.0.7:29500", 2)
    slurm = {"SLURM_PROCID": "3"}
    assert meeting_of({"distributed": True}, slurm) == Meeting(3)
    for wrong, words in (
        ({"process": 0}, "--process alone will not do"),
        ({**ADDRESS, "coordinator": "here"}, "is no address"),
        ({**ADDRESS, "process": 2}, "--process goes from 0 to 1"),
        ({**ADDRESS, "distributed": True}, "Leave out --coordinator"),
        ({"distributed": True}, "which process this is"),
    ):
        with pytest.raises(CommandError, match=words):
            meeting_of(wrong, {})

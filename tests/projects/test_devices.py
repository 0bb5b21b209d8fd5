"""Which devices there are, and who has one and who is next."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from projects import devices
from projects.devices import Device, choose, environment_of, find_gpus, parse_list, wanted_of
from projects.errors import CommandError
from projects.slots import Place, queue_folder

LISTED = """\
GPU 0: NVIDIA H200 (UUID: GPU-11111111-aaaa)
GPU 1: NVIDIA H200 (UUID: GPU-22222222-bbbb)
  MIG 3g.71gb     Device  0: (UUID: MIG-33333333-cccc)
  MIG 3g.71gb     Device  1: (UUID: MIG-44444444-dddd)
"""
ONE, TWO = Device("GPU-1", "GPU 0 (one)"), Device("GPU-2", "GPU 1 (two)")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with the GPUs of LISTED, told by an nvidia-smi of its own, and a JAX for them."""
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{LISTED}END\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(devices, "find_spec", lambda name: name == "jax_cuda12_plugin")
    for name in ("JAX_PLATFORMS", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def empty_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def test_of_a_divided_gpu_its_parts_are_devices() -> None:
    found = parse_list(LISTED)
    assert [device.id for device in found] == [
        "GPU-11111111-aaaa",
        "MIG-33333333-cccc",
        "MIG-44444444-dddd",
    ]
    assert found[0].name == "GPU 0 (NVIDIA H200)"
    assert found[1].name == "a part of GPU 1 (NVIDIA H200), 3g.71gb"
    assert found[1].environment == {"CUDA_VISIBLE_DEVICES": "MIG-33333333-cccc"}
    assert parse_list("NVIDIA-SMI has failed") == []


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ("auto", ["GPU-11111111-aaaa", "MIG-33333333-cccc", "MIG-44444444-dddd"]),
        ("gpu", ["GPU-11111111-aaaa", "MIG-33333333-cccc", "MIG-44444444-dddd"]),
        ("gpu:1", ["MIG-33333333-cccc"]),
        ("MIG-44444444-dddd", ["MIG-44444444-dddd"]),
        ("cpu", ["cpu"]),
    ],
)
def test_a_device_is_chosen_by_kind_number_or_uuid(
    machine: None, asked: str, ids: list[str]
) -> None:
    assert [device.id for device in choose(asked)] == ids


@pytest.mark.parametrize("asked", ["gpu:7", "GPU-00000000", "gpus", "", "0", "cpu; rm"])
def test_a_device_that_is_not_there_is_refused(machine: None, asked: str) -> None:
    with pytest.raises(CommandError, match="There is no device"):
        choose(asked)


@pytest.mark.parametrize(
    ("environment", "ids"),
    [
        ({"CUDA_VISIBLE_DEVICES": "2,0"}, ["MIG-44444444-dddd", "GPU-11111111-aaaa"]),
        ({"CUDA_VISIBLE_DEVICES": "GPU-1111"}, ["GPU-11111111-aaaa"]),
        ({"CUDA_VISIBLE_DEVICES": ""}, []),
        ({"CUDA_VISIBLE_DEVICES": "-1"}, []),
        ({"JAX_PLATFORMS": "cpu"}, []),
    ],
)
def test_what_the_environment_hides_is_no_device(
    machine: None, environment: dict[str, str], ids: list[str]
) -> None:
    assert [device.id for device in find_gpus(environment)] == ids


def test_without_a_gpu_or_its_jax_the_cpu_is_the_device(
    machine: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "find_spec", lambda name: None)
    assert choose("auto") == [Device("cpu", "the CPU")]
    assert choose("cpu")[0].environment == {"JAX_PLATFORMS": "cpu"}


def who(name: str, jobs: str = "/here/jobs") -> dict[str, str]:
    return {"job": f"20261125-{name}", "what": f"train {name}", "jobs": jobs}


def test_a_device_is_had_by_one_and_the_next_one_gets_it() -> None:
    with Place([ONE], who("a")) as first, Place([ONE], who("b")) as second:
        taken = first.take()
        assert taken is not None and taken[0][0] == ONE
        assert second.take() is None
        assert second.sentence() == (
            "It begins when GPU 0 (one) is free; now it is used by train a (20261125-a)."
        )
        os.close(taken[0][1])
    with Place([ONE], who("c")) as third:
        assert third.take() is not None


def test_who_waits_longer_comes_first() -> None:
    with Place([ONE], who("a")) as first:
        had = first.take()
    assert had is not None
    with Place([ONE], who("b")) as second, Place([ONE, TWO], who("c")) as third:
        os.close(had[0][1])
        taken = third.take()
        assert taken is not None and taken[0][0] == TWO  # the second is to have the other
        with Place([ONE], who("d")) as fourth:
            assert fourth.take() is None
            assert "another job is to have it first" in fourth.sentence()
            assert second.take() is not None
            assert "train b (20261125-b)" in fourth.sentence()


def test_who_wants_several_devices_has_all_of_them_or_none() -> None:
    with Place([ONE], who("a")) as first:
        had = first.take()
    assert had is not None
    with Place([ONE, TWO], who("b")) as both:
        assert both.take(2) is None
        assert both.sentence(2) == (
            "It begins when 2 of GPU 0 (one), GPU 1 (two) are free; now it is used by train a "
            "(20261125-a)."
        )
        with Place([TWO], who("c")) as later:
            assert later.take() is None  # the older one is to have it
        os.close(had[0][1])
        taken = both.take(2)
    assert taken is not None and [device for device, _ in taken] == [ONE, TWO]
    for _, descriptor in taken:
        os.close(descriptor)


def test_a_training_on_several_gpus_sees_those_alone(machine: None) -> None:
    there = choose("gpu")
    assert (wanted_of(there, "1"), wanted_of(there, "2"), wanted_of(there, "all")) == (1, 2, 3)
    assert environment_of(there[:2]) == {
        "CUDA_VISIBLE_DEVICES": "GPU-11111111-aaaa,MIG-33333333-cccc"
    }
    with pytest.raises(CommandError, match="fewer devices here than 4"):
        wanted_of(there, "4")
    with pytest.raises(CommandError, match="a number, or all"):
        wanted_of(there, "some")


def test_a_job_of_another_workspace_is_named_with_its_folder() -> None:
    with Place([ONE, TWO], who("a")) as first:
        assert first.take() and first.take()
    with Place([ONE], who("b", "/there/jobs")) as second:
        assert second.take() is None
        assert second.sentence() == (
            "It begins when GPU 0 (one) is free; now it is used by train a (20261125-a in /here)."
        )


@pytest.fixture
def killed() -> None:
    """Somebody who had a device and a place in the queue was killed."""
    script = (
        "import os, sys\n"
        "from projects.devices import Device\n"
        "from projects.slots import Place\n"
        "who = {'job': 'x', 'what': 'train x', 'jobs': '/'}\n"
        "with Place([Device('GPU-1', 'one')], who) as first:\n"
        "    first.take()\n"
        "    with Place([Device('GPU-1', 'one')], who):\n"
        "        os.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9


def test_what_a_killed_job_left_keeps_nobody_waiting(killed: None) -> None:
    assert len(list((queue_folder() / "queue").iterdir())) == 2
    with Place([ONE], who("b")) as place:
        assert place.take() is not None
    assert list((queue_folder() / "queue").iterdir()) == []


def test_a_child_that_inherits_the_device_keeps_it() -> None:
    with Place([ONE], who("a")) as first:
        taken = first.take()
    assert taken is not None
    child = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[taken[0][1]]
    )
    os.close(taken[0][1])
    with Place([ONE], who("b")) as second:
        assert second.take() is None
        child.communicate()
        assert second.take() is not None


def test_a_lock_with_anything_in_it_can_be_told_of(tmp_path: Path) -> None:
    with Place([ONE], who("a")) as first, Place([ONE], who("b")) as second:
        assert first.take() is not None
        lock = queue_folder() / "GPU-1.lock"
        for text in ("{", "[]", json.dumps({"what": "\x1b[2J", "job": 7, "jobs": 3})):
            lock.write_text(text)
            assert second.sentence().isprintable()

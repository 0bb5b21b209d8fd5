import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from projects.checkpoints import best, choose, mark_best, newest, save, seal, steps, verify
from projects.errors import DamagedError, NewerVersionError, SwapdeckError

AsUser = Callable[[], AbstractContextManager[None]]
STATE = bytes(range(256)) * 300


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "checkpoints"
    for step in (100, 200, 300):
        save(folder, step, {"state.safetensors": STATE + bytes([step % 251]), "config.json": b"{}"})
    return folder


def flip_bit(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


def test_the_newest_checkpoint_is_found_and_verified(folder: Path) -> None:
    assert newest(folder) == (folder / "00000300", [])
    assert steps(folder) == [100, 200, 300]
    assert newest(folder.parent / "none") == (None, [])


def test_only_the_newest_few_are_kept(folder: Path) -> None:
    save(folder, 400, {"state.safetensors": STATE}, keep=2)
    assert sorted(e.name for e in folder.iterdir()) == ["00000300", "00000400"]


@pytest.mark.parametrize("position", [0, 1234, len(STATE)])
def test_a_flipped_bit_sets_the_checkpoint_aside_and_the_one_before_is_used(
    folder: Path, position: int
) -> None:
    flip_bit(folder / "00000300" / "state.safetensors", position)
    found, warnings = newest(folder)
    assert found == folder / "00000200"
    assert len(warnings) == 1
    assert "step 300 is damaged" in warnings[0] and "00000300.damaged" in warnings[0]
    assert (folder / "00000300.damaged" / "state.safetensors").exists()
    assert newest(folder) == (folder / "00000200", [])


def test_damage_again_at_the_same_step_keeps_both(folder: Path) -> None:
    for _ in range(2):
        save(folder, 300, {"state.safetensors": STATE})
        flip_bit(folder / "00000300" / "state.safetensors", 5)
        newest(folder)
    assert (folder / "00000300.damaged").exists() and (folder / "00000300.damaged-2").exists()


def truncate(checkpoint: Path) -> None:
    os.truncate(checkpoint / "state.safetensors", 1000)


def lose(checkpoint: Path) -> None:
    (checkpoint / "config.json").unlink()


def lose_manifest(checkpoint: Path) -> None:
    (checkpoint / "manifest.json").unlink()


def empty_manifest(checkpoint: Path) -> None:
    (checkpoint / "manifest.json").write_text('{"version": 1, "step": 300, "files": {}}')


def renamed(checkpoint: Path) -> None:
    manifest = checkpoint / "manifest.json"
    manifest.write_text(manifest.read_text().replace("300", "299"))


def lead_out(checkpoint: Path) -> None:
    manifest = json.loads((checkpoint / "manifest.json").read_text())
    manifest["files"]["../00000200/config.json"] = manifest["files"].pop("config.json")
    (checkpoint / "manifest.json").write_text(json.dumps(seal(manifest)))


@pytest.mark.parametrize(
    "spoil", [truncate, lose, lose_manifest, empty_manifest, renamed, lead_out]
)
def test_every_other_damage_is_found_too(folder: Path, spoil: Callable[[Path], None]) -> None:
    spoil(folder / "00000300")
    with pytest.raises(DamagedError):
        verify(folder / "00000300")
    assert newest(folder)[0] == folder / "00000200"


@pytest.mark.parametrize("name", ["manifest.json", "config.json", "state.safetensors"])
def test_any_flipped_bit_is_found(folder: Path, name: str) -> None:
    """Every bit of the small files, and a few thousand of the large one."""
    path = folder / "00000300" / name
    data = path.read_bytes()
    for bit in range(0, len(data) * 8, max(1, len(data) // 500)):
        path.write_bytes(
            data[: bit // 8] + bytes([data[bit // 8] ^ 1 << bit % 8]) + data[bit // 8 + 1 :]
        )
        with pytest.raises(DamagedError):
            verify(folder / "00000300")
    found, warnings = newest(folder)
    assert found == folder / "00000200"
    assert "step 300 is damaged" in warnings[0] and "before it is used" in warnings[0]


def test_a_flipped_bit_in_a_mark_is_found_and_said(folder: Path) -> None:
    mark_best(folder, 200, 0.75)
    choose(folder, 100)
    assert best(folder) == (folder / "00000100", [])
    for name, instead in (("chosen.json", "00000200"), ("best.json", "00000100")):
        path = folder / name
        good = path.read_bytes()
        for bit in range(0, len(good) * 8, 5):
            bad = bytearray(good)
            bad[bit // 8] ^= 1 << bit % 8
            path.write_bytes(bad)
            found, warnings = best(folder)
            if not warnings:  # white space, which says nothing
                assert json.loads(bad) == json.loads(good)
                continue
            assert found == folder / instead
            assert f"{name} is damaged and does not count any more" in warnings[0]
        path.write_bytes(good)


def test_marks_from_before_the_checksum_still_count(folder: Path) -> None:
    (folder / "best.json").write_text('{"version": 2, "step": 200, "score": 0.5}')
    assert best(folder) == (folder / "00000200", [])


def test_a_manifest_from_before_the_checksum_is_still_read(folder: Path) -> None:
    manifest = folder / "00000300" / "manifest.json"
    record = json.loads(manifest.read_text())
    del record["sha256"]
    manifest.write_text(json.dumps({**record, "version": 1}))
    assert newest(folder) == (folder / "00000300", [])


def test_what_a_killed_deletion_left_is_deleted_by_the_next_save(folder: Path) -> None:
    (folder / "00000100").rename(folder / "00000100.old")
    save(folder, 400, {"config.json": b"{}"})
    assert steps(folder) == [200, 300, 400]
    assert not (folder / "00000100.old").exists()


def test_when_all_are_damaged_none_is_used(folder: Path) -> None:
    for step in steps(folder):
        flip_bit(folder / f"{step:08d}" / "state.safetensors", 9)
    found, warnings = newest(folder)
    assert found is None and len(warnings) == 3


def test_a_checkpoint_of_a_newer_version_is_not_set_aside(folder: Path) -> None:
    manifest = folder / "00000300" / "manifest.json"
    manifest.write_text(json.dumps(seal({**json.loads(manifest.read_text()), "version": 3})))
    with pytest.raises(NewerVersionError, match="Update swapdeck"):
        newest(folder)
    assert steps(folder) == [100, 200, 300]


def test_a_checkpoint_that_cannot_be_read_is_not_called_damaged(
    user_folder: Path, as_user: AsUser
) -> None:
    with as_user():
        save(user_folder / "c", 1, {"state": b"x"})
        (user_folder / "c" / "00000001" / "state").chmod(0)
        with pytest.raises(SwapdeckError, match="no permission to read"):
            newest(user_folder / "c")
        assert steps(user_folder / "c") == [1]


def test_a_disk_that_fills_up_in_a_save_leaves_the_ones_before(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(SwapdeckError, match="disk is full"):
        save(folder, 400, {"state.safetensors": STATE})
    assert sorted(e.name for e in folder.iterdir()) == ["00000100", "00000200", "00000300"]


def test_a_save_of_the_same_step_replaces_it(folder: Path) -> None:
    save(folder, 300, {"state.safetensors": b"other"})
    assert (folder / "00000300" / "state.safetensors").read_bytes() == b"other"
    assert newest(folder) == (folder / "00000300", [])


def test_a_save_that_is_killed_is_as_if_it_had_not_begun(folder: Path) -> None:
    script = (
        "import os, signal, sys, pathlib\n"
        "from projects import checkpoints\n"
        "write = checkpoints.write_bytes\n"
        "def write_and_die(path, data):\n"
        "    write(path, data)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "checkpoints.write_bytes = write_and_die\n"
        "checkpoints.save(pathlib.Path(sys.argv[1]), 400, {'state.safetensors': bytes(9)})\n"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(folder)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert newest(folder) == (folder / "00000300", [])
    save(folder, 400, {"state.safetensors": STATE})
    assert sorted(e.name for e in folder.iterdir()) == ["00000200", "00000300", "00000400"]


@pytest.mark.parametrize("name", ["../x", "a/b", ".hidden", "manifest.json", ""])
def test_a_checkpoint_holds_only_plain_names(folder: Path, name: str) -> None:
    with pytest.raises(ValueError):
        save(folder, 400, {name: b"x"})

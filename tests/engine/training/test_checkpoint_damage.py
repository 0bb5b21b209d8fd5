"""A flipped bit in what a training saves: it is found, and the checkpoint before is used."""

import random
from pathlib import Path

import numpy as np
import pytest

from engine.training.checkpoint import save_state
from engine.training.settings import settings_for
from engine.training.step import State
from projects.checkpoints import newest

FLIPS = 40


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    weights = {"dense": {"kernel": np.arange(64, dtype=np.float32).reshape(8, 8)}}
    for step in (7, 8):
        state = State(np.int32(step), weights, weights, weights)
        save_state(tmp_path, state, settings_for("light-64"), {"source": "a" * 64}, keep=3)
    return tmp_path


def test_a_flipped_bit_in_any_file_of_a_checkpoint_is_found_and_the_one_before_is_used(folder):
    draw = random.Random(5)
    files = sorted(path.name for path in (folder / "00000008").iterdir())
    assert files == ["config.json", "manifest.json", "state.safetensors"]
    for name in files:
        path = folder / "00000008" / name
        good = path.read_bytes()
        ends = [0, len(good) * 8 - 1]
        for bit in (*ends, *(draw.randrange(len(good) * 8) for _ in range(FLIPS))):
            bad = bytearray(good)
            bad[bit // 8] ^= 1 << bit % 8
            path.write_bytes(bad)
            found, [warning] = newest(folder)
            assert found == folder / "00000007", (name, bit)
            assert "The checkpoint of step 8 is damaged" in warning
            assert "the one before it is used" in warning and name in warning
            (folder / "00000008.damaged").rename(folder / "00000008")
            path.write_bytes(good)
    assert newest(folder) == (folder / "00000008", [])

"""Event files for TensorBoard, read back by hand and, where it is installed, by TensorBoard."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.media.pictures import save_png
from engine.training.history import History
from engine.training.tensorboard import Board, crc32c
from projects.swaps import Swap, new_swap

ROW = {"step": 5, "loss": 0.25, "losses": {"source": 0.5}, "rate": 11.5, "stall": 0.01}
SCORE = {"step": 9, "value": 0.4, "ssim": {"target": 0.7}, "identity": 0.5, "landmarks": 0.1}


@pytest.fixture
def swap(workspace, ada, ben) -> Swap:
    return new_swap(workspace, None, ada, ben, preset="light-64", seed=1, settings={})


def files(swap: Swap) -> list[Path]:
    return sorted((swap.root / "tensorboard").iterdir())


def fields(data: bytes) -> list[tuple[int, object]]:
    """The fields of a protobuf message: number and value, by their wire types."""
    found: list[tuple[int, object]] = []
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        key = varint()
        if key & 7 == 0:
            value: object = varint()
        else:
            size = {1: 8, 5: 4}.get(key & 7) or varint()
            value = data[at : at + size]
            at += size
            if key & 7 == 1:
                [value] = struct.unpack("<d", value)
            elif key & 7 == 5:
                [value] = struct.unpack("<f", value)
        found.append((key >> 3, value))
    return found


def masked(data: bytes) -> int:
    crc = crc32c(data)
    return ((crc >> 15) | (crc << 17 & 0xFFFFFFFF)) + 0xA282EAD8 & 0xFFFFFFFF


def events(path: Path) -> list[dict[int, object]]:
    """Every event of a file, each by its fields' numbers; checks the framing."""
    data, found = path.read_bytes(), []
    while data:
        length, check = struct.unpack_from("<QI", data)
        assert masked(data[:8]) == check
        body = data[12 : 12 + length]
        assert struct.unpack_from("<I", data, 12 + length) == (masked(body),)
        found.append(dict(fields(body)))
        data = data[16 + length :]
    return found


def values(event: dict[int, object]) -> dict[str, object]:
    """The scalars, or pictures, of an event by their tags."""
    found = {}
    for number, value in fields(event[5]):
        assert number == 1
        parts = dict(fields(value))
        found[parts[1].decode()] = parts.get(2, parts.get(4))
    return found


def test_the_checksum_is_that_of_the_standard() -> None:
    """RFC 3720, appendix B.4."""
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"\xff" * 32) == 0x62A8AB43


def test_rows_scores_and_previews_are_events(swap, tmp_path) -> None:
    board = Board(swap, 0)
    board.row(ROW)
    board.row(SCORE)
    save_png(tmp_path / "preview.png", np.full((600, 2560, 3), 77, np.uint8))
    board.picture(10, tmp_path / "preview.png")
    board.close()
    [path] = files(swap)
    assert "tfevents" in path.name
    version, start, row, score, preview = events(path)
    assert version[3] == b"brain.Event:2" and version[1] > 1e9
    assert dict(fields(start[7])) == {1: 1} and start[2] == 1
    assert row[2] == 5
    assert values(row) == pytest.approx(
        {
            "loss": 0.25,
            "loss/source": 0.5,
            "machine/steps_per_second": 11.5,
            "machine/input_stall": 0.01,
        }
    )
    assert score[2] == 9
    assert values(score)["score/score"] == pytest.approx(0.4)
    assert set(values(score)) == {
        "score/score",
        "score/distance_to_source",
        "score/landmark_error",
        "score/ssim/target",
    }
    image = dict(fields(values(preview)["preview"]))
    assert (image[1], image[2], image[3]) == (300, 1280, 3)
    assert Image.open(io.BytesIO(image[4])).size == (1280, 300)


def test_the_history_passes_on_what_it_writes(swap) -> None:
    board = Board(swap, 0)
    history = History(swap.history_path, 0, 1, board.row)
    history.add(1, 0.5, {"mask": 0.1}, 1.0, {"rate": None, "stall": 0.0, "memory": 10.0**9})
    history.flush()
    board.close()
    *_, row = events(files(swap)[0])
    assert values(row)["machine/memory"] == pytest.approx(1e9)


def test_a_training_that_goes_on_begins_a_file_that_outdates_what_was_lost(swap) -> None:
    """Killed at step 30, it goes on from the checkpoint of step 20, again and again."""
    for _ in range(3):
        board = Board(swap, 20)
        board.row({"step": 30, "loss": 1.0})
        board.close()
    names = [path.name for path in files(swap)]
    assert len(names) == 3
    for path in files(swap):
        assert events(path)[1][2] == 21  # TensorBoard forgets events of this step and later


def test_tensorboard_itself_reads_them(swap, tmp_path) -> None:
    """Only where it happens to be installed."""
    module = "tensorboard.backend.event_processing.event_accumulator"
    accumulator = pytest.importorskip(module)
    save_png(tmp_path / "preview.png", np.full((60, 100, 3), 77, np.uint8))
    for first, loss in ((0, 1.0), (20, 2.0)):
        board = Board(swap, first)
        for step in range(first + 10, first + 40, 10):
            board.row({"step": step, "loss": loss})
        board.picture(first + 30, tmp_path / "preview.png")
        board.close()
    read = accumulator.EventAccumulator(str(swap.root / "tensorboard"))
    read.Reload()
    kept = [(event.step, event.value) for event in read.Scalars("loss")]
    assert kept == [(10, 1.0), (20, 1.0), (30, 2.0), (40, 2.0), (50, 2.0)]
    assert [image.step for image in read.Images("preview")] == [50]

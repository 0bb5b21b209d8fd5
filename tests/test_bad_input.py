"""What goes wrong for users: a sentence, the right code, nothing lost, nothing half-written."""

import json
import resource
import shutil
import signal
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image


def kinds(events: list[dict], kind: str) -> list[dict]:
    return [event for event in events if event.get("kind") == kind]


def leftovers(root: Path) -> list[Path]:
    """Temporary entries that a write should have removed."""
    return [path for path in root.rglob("*") if path.name.startswith(".tmp-")]


def limited_to(size: int):
    """To be run in a new process: no file can grow beyond `size` bytes, as on a full disk."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def interrupt(process, kind: str) -> list[dict]:
    """Press Ctrl-C as soon as an event of this kind is shown; all that was shown."""
    seen = []
    for line in process.stdout:
        seen.append(json.loads(line))
        if seen[-1].get("kind") == kind and len(kinds(seen, kind)) == 1:
            process.send_signal(signal.SIGINT)
    process.wait()
    return seen


def write_video(path: Path, frames: int = 8) -> Path:
    """A video of noise, in which there is no face."""
    rng = np.random.default_rng(1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", 25)
        stream.width, stream.height = 160, 120
        for _ in range(frames):
            noise = rng.integers(0, 255, (120, 160, 3), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(noise, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def write_sound(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", 16000, layout="mono")
        for number in range(20):
            frame = av.AudioFrame.from_ndarray(
                np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
            )
            frame.sample_rate, frame.pts = 16000, number * 1024
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_no_face_in_any_frame(swapdeck, tmp_path) -> None:
    swapdeck("person", "add", "Ada", "--basis", "self")
    swapdeck("gather", "ada", write_video(tmp_path / "noise.mp4"))
    said = swapdeck.error("extract", "ada", code=1)
    assert "No face was found" in said
    assert "noise.mp4" in said
    assert swapdeck("faces", "ada") == []


def test_a_file_without_video_is_not_brought_in(swapdeck, tmp_path) -> None:
    swapdeck("person", "add", "Ada", "--basis", "self")
    said = swapdeck.error("gather", "ada", write_sound(tmp_path / "talk.mp4"), code=1)
    assert "only sound" in said
    assert swapdeck("person", "show", "ada")[0]["files"] == []


def test_a_picture_with_a_videos_name_is_not_brought_in(swapdeck, tmp_path) -> None:
    picture = tmp_path / "photo.mp4"
    Image.new("RGB", (64, 64)).save(picture, "JPEG")
    swapdeck("person", "add", "Ada", "--basis", "self")
    assert "Rename it to photo.jpg" in swapdeck.error("gather", "ada", picture, code=1)
    assert leftovers(swapdeck.root) == []


def test_two_people_cannot_share_a_name(swapdeck) -> None:
    swapdeck("person", "add", "Ada", "--basis", "self")
    assert "already a person" in swapdeck.error("person", "add", "ada", "--basis", "self", code=2)


def test_nothing_is_read_or_written_outside_the_workspace(swapdeck, tmp_path) -> None:
    swapdeck("person", "add", "Ada", "--basis", "self")
    swapdeck.error("person", "add", "../../escaped", "--basis", "self", code=2)
    elsewhere = shutil.copytree(swapdeck.root / "people" / "ada", tmp_path / "elsewhere")
    (swapdeck.root / "people" / "eve").symlink_to(elsewhere)
    assert "leads out of" in swapdeck.error("person", "show", "eve", code=2)
    assert {path.name for path in tmp_path.iterdir()} == {"workspace", "elsewhere"}


def test_a_truncated_video_is_done_with_a_warning(trained, short_clips, tmp_path) -> None:
    whole = short_clips["scene"].read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole[: len(whole) // 2])
    output = tmp_path / "out.mp4"
    events = trained("convert", "a-as-b", cut, "-o", output)
    assert any("cut short" in event["text"] for event in kinds(events, "warning"))
    [result] = kinds(events, "result")
    assert 0 < result["frames"] < 20
    assert output.exists()


def test_one_face_is_enough_to_train(trained) -> None:
    others = [face["id"] for face in trained("faces", "anna", "--kept")][1:]
    trained("faces", "reject", "anna", *others)
    assert len(trained("faces", "anna", "--kept")) == 1
    [result] = kinds(trained("train", "a-as-b", "--steps", "8"), "result")
    assert result["step"] == 8


def test_no_face_left_to_train_on(trained) -> None:
    everyone = [face["id"] for face in trained("faces", "anna")]
    trained("faces", "reject", "anna", *everyone)
    assert "no faces to train on" in trained.error("train", "a-as-b", "--steps", "8", code=1)
    assert trained("swap", "show", "a-as-b")[0]["checkpoints"] == [6]


def test_a_landmark_model_that_is_none_loses_no_face(trained, tmp_path) -> None:
    junk = tmp_path / "junk.dat"
    junk.write_bytes(b"not a model")
    kept = [row["kept"] for row in trained("person", "list")]
    said = trained.error("extract", "anna", "--again", "--landmark-model", junk, code=1)
    assert "junk.dat" in said and "dlib" in said
    assert [row["kept"] for row in trained("person", "list")] == kept


def test_a_full_disk_while_a_checkpoint_is_saved(trained) -> None:
    said = trained.error("train", "a-as-b", "--steps", "8", code=1, preexec_fn=limited_to(4 << 20))
    assert "state.safetensors" in said or "00000008" in said
    assert leftovers(trained.root) == []
    assert trained("swap", "show", "a-as-b")[0]["checkpoints"] == [6]
    assert kinds(trained("train", "a-as-b", "--steps", "8"), "result")[0]["step"] == 8


def test_a_full_disk_while_a_video_is_written(trained, short_clips, tmp_path) -> None:
    output = tmp_path / "out.mp4"
    words = ("convert", "a-as-b", short_clips["scene"], "-o", output)
    said = trained.error(*words, code=1, preexec_fn=limited_to(24 << 10))
    assert "would be larger than the disk" in said
    assert list(tmp_path.iterdir()) == [trained.root]
    trained(*words)
    assert output.exists()


def test_a_full_disk_while_faces_are_found(trained) -> None:
    shutil.rmtree(trained.root / "people" / "anna" / "faces")
    (trained.root / "people" / "anna" / "faces.sqlite").unlink()
    trained.error("extract", "anna", code=1, preexec_fn=limited_to(24 << 10))
    assert leftovers(trained.root) == []
    trained("extract", "anna")
    assert len(trained("faces", "anna", "--kept")) == 16


@pytest.mark.parametrize("event", ["started", "step"])
def test_ctrl_c_while_training(trained, event) -> None:
    process = trained.start("train", "a-as-b", "--steps", "100000")
    shown = interrupt(process, event)
    assert process.returncode == 130
    assert shown[-1]["exit_code"] == 130
    [swap] = trained("swap", "list")
    reached = max((one["step"] for one in kinds(shown, "step")), default=6)
    assert swap["step"] >= reached
    after = swap["step"] + 2
    assert kinds(trained("train", "a-as-b", "--steps", after), "result")[0]["step"] == after


def test_ctrl_c_while_finding_faces(trained) -> None:
    shutil.rmtree(trained.root / "people" / "anna" / "faces")
    (trained.root / "people" / "anna" / "faces.sqlite").unlink()
    process = trained.start("extract", "anna")
    interrupt(process, "stage")
    assert process.returncode == 130
    assert leftovers(trained.root) == []
    trained("extract", "anna")
    assert len(trained("faces", "anna", "--kept")) == 16


def test_ctrl_c_while_converting(trained, short_clips, tmp_path) -> None:
    output = tmp_path / "out.mp4"
    words = ("convert", "a-as-b", short_clips["scene"], "-o", output)
    process = trained.start(*words)
    interrupt(process, "stage")
    assert process.returncode == 130
    assert list(tmp_path.iterdir()) == [trained.root]
    trained(*words)
    assert output.exists()


def test_a_checkpoint_whose_bytes_were_changed_is_set_aside(trained, short_clips, tmp_path) -> None:
    trained("train", "a-as-b", "--steps", "8")
    state = trained.root / "swaps" / "a-as-b" / "checkpoints" / "00000008" / "state.safetensors"
    data = bytearray(state.read_bytes())
    data[len(data) // 2] ^= 1
    state.write_bytes(data)
    events = trained("convert", "a-as-b", short_clips["scene"], "-o", tmp_path / "out.mp4")
    assert any("00000008" in event["text"] for event in kinds(events, "warning"))
    assert kinds(events, "result")[0]["frames"] == 20
    assert trained("swap", "show", "a-as-b")[0]["checkpoints"] == [6]
    assert kinds(trained("train", "a-as-b", "--steps", "8"), "result")[0]["step"] == 8

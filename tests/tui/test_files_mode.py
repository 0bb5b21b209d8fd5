"""Files: folders and what is in each file, however large, odd or hostile it is."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from safetensors.numpy import save_file

from projects.workspace import list_trash
from tui import looking
from tui.app import Dashboard
from tui.looking import look
from tui.picture import Picture
from tui.snapshot import Looked
from tui.videoheader import UnreadableError, read_video

from .conftest import listed, press, reread, screen_text, settle, told
from .workspaces import empty, person, preview, trained_swap

Open = Callable[[], Dashboard]


def words(looked: Looked) -> str:
    lines = [
        line if isinstance(line, str) else "  ".join(map(" ".join, line)) for line in looked.lines
    ]
    return "\n".join([*(f"{name}: {value}" for name, value in looked.facts), *lines, looked.note])


def video(path: Path, *, rotation: int = 0) -> None:
    with av.open(path, "w") as container:
        picture = container.add_stream("libx264", rate=25)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        sound = container.add_stream("aac", rate=48000, layout="stereo")
        for number in range(50):
            frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
            frame.pts = number
            container.mux(picture.encode(frame))
        noise = av.AudioFrame.from_ndarray(
            np.zeros((2, 96000), np.float32), format="fltp", layout="stereo"
        )
        noise.sample_rate = 48000
        container.mux(sound.encode(noise))
        container.mux(sound.encode())
        container.mux(picture.encode())


@pytest.mark.parametrize(
    ("name", "container"), [("a.mp4", "MP4"), ("a.mov", "MOV"), ("a.mkv", "Matroska")]
)
def test_a_video_is_described_from_its_header(tmp_path: Path, name: str, container: str) -> None:
    path = tmp_path / name
    video(path)
    found = read_video(path)
    assert found.container == container
    assert found.seconds == pytest.approx(2.0, abs=0.1)
    picture, sound = found.tracks
    assert (picture.kind, picture.codec) == ("video", "H.264")
    assert (picture.width, picture.height) == (64, 48)
    assert picture.rate == pytest.approx(25, rel=0.05)
    assert (sound.kind, sound.codec, sound.rate, sound.channels) == ("sound", "AAC", 48000, 2)


def test_a_damaged_video_is_a_sentence_and_never_hangs(tmp_path: Path) -> None:
    whole = tmp_path / "whole.mp4"
    video(whole)
    data = whole.read_bytes()
    generator = np.random.default_rng(1)
    path = tmp_path / "bad.mp4"
    for number in range(150):
        if number % 2:
            broken = bytearray(data)
            for at in generator.integers(0, len(broken), 40):
                broken[at] = generator.integers(0, 256)
            path.write_bytes(broken)
        else:
            path.write_bytes(data[: int(generator.integers(0, len(data)))])
        try:
            read_video(path)
        except UnreadableError as error:
            assert str(error)
    assert "What it holds is not known" in words(look(path)) or look(path).facts


def test_text_json_and_records_can_be_read(tmp_path: Path) -> None:
    toml = tmp_path / "a.toml"
    toml.write_text('version = 1\n[table]\n  name = "x\x1b[31m"\n')
    assert look(toml).lines[:3] == ("version = 1", "[table]", '  name = "x[31m"')
    plain = tmp_path / "a.json"
    plain.write_text('{"a":[1,2],"b":"\\u001b[2J"}')
    assert '  "b": "\\u001b[2J"' in look(plain).lines
    records = tmp_path / "a.jsonl"
    records.write_text('{"step": 5, "loss": 0.12345678, "sha": "' + "a" * 64 + '"}\nnot json\n')
    assert look(records).lines == (
        (("step", "5"), ("loss", "0.1235"), ("sha", "aaaaaaaaaaaa…")),
        "not json",
    )


def test_huge_and_odd_files_cost_little_and_say_so(tmp_path: Path) -> None:
    log = tmp_path / "output.log"
    with log.open("wb") as file:
        file.write(b"first line\n" * 10_000)
        file.seek(3_000_000_000)
        file.write(b"\nlast line\n")
    assert look(log).lines[-1] == "last line"
    assert "This is its end; all of it is 3.0 GB." in look(log).note
    big = tmp_path / "big.json"
    big.write_text(json.dumps(["word"] * 100_000))
    assert "This is its beginning" in look(big).note
    deep = tmp_path / "deep.json"
    deep.write_text("[" * 100_000)
    assert "not valid JSON" in look(deep).note
    binary = tmp_path / "thing.bin"
    binary.write_bytes(bytes(range(256)) * 40)
    assert "0010  10 11 12" in words(look(binary))
    assert len(look(binary).lines) == looking.SHOWN_BYTES // 16
    (tmp_path / "none.txt").touch()
    assert look(tmp_path / "none.txt").note == "It is empty."
    os.mkfifo(tmp_path / "pipe.txt")
    assert "no ordinary file" in look(tmp_path / "pipe.txt").note
    assert "cannot be read" in look(tmp_path / "gone.txt").note
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 50)
    assert "cannot be shown" in look(tmp_path / "bad.png").note


def test_weights_show_names_and_shapes(tmp_path: Path) -> None:
    save_file({"encoder/w": np.zeros((3, 4), np.float32)}, tmp_path / "a.safetensors")
    assert "1 array of weights" in words(look(tmp_path / "a.safetensors"))
    assert "encoder/w  F32 3 x 4" in words(look(tmp_path / "a.safetensors"))
    (tmp_path / "b.safetensors").write_bytes(b"\xff" * 64)
    assert "damaged" in look(tmp_path / "b.safetensors").note


async def test_folders_are_gone_into_and_out_of_by_keys(root: Path, dashboard: Open) -> None:
    ws = empty(root)
    person(ws, "Anna", faces=2)
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await press(pilot, "4")
        assert [row.split()[0] for row in listed(pilot)][:3] == ["bases/", "jobs/", "people/"]
        await press(pilot, "j", "j", "enter", "enter")
        assert "people/anna/" in screen_text(pilot)
        names = [row.split()[0] for row in listed(pilot)]
        assert names == ["faces/", "sources/", "faces.sqlite", "person.toml"]
        await press(pilot, "G", "enter")
        assert 'name = "Anna"' in screen_text(pilot)
        await press(pilot, "escape", "left")
        assert pilot.app.screen.key == "people/anna"
        await press(pilot, "escape")
        assert pilot.app.screen.key == "/people"
        assert "Out" not in screen_text(pilot).splitlines()[-1]


async def test_a_picture_is_shown_beside_the_list(root: Path, dashboard: Open) -> None:
    ws = empty(root)
    person(ws, "Anna", faces=1)
    person(ws, "Bruno")
    preview(trained_swap(ws, "anna", "bruno", 20), 20)
    async with dashboard().run_test(size=(140, 40)) as pilot:
        await press(pilot, "4", "j", "j", "j", "enter", "enter", "j", "enter")
        assert "previews/" in screen_text(pilot)
        assert "330 x 264, PNG" in screen_text(pilot)
        assert pilot.app.screen.query_one(Picture).size.height > 5


async def test_links_are_not_followed_out_and_a_vanished_folder_is_left(
    root: Path, dashboard: Open
) -> None:
    ws = empty(root)
    outside = root.parent / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("secret words")
    anna = person(ws, "Anna")
    (anna.root / "away").symlink_to(outside)
    (anna.root / "note.txt").symlink_to(outside / "secret.txt")
    async with dashboard().run_test(size=(140, 40)) as pilot:
        await press(pilot, "4", "j", "j", "enter", "enter", "slash", "a", "w", "a", "y", "enter")
        assert "It is not followed." in screen_text(pilot)
        await press(pilot, "enter", "escape", "escape", "slash", "n", "o", "t", "e", "enter")
        await press(pilot, "enter")
        assert "secret words" not in screen_text(pilot)
        await press(pilot, "escape", "escape")
        for path in sorted(anna.root.rglob("*"), reverse=True):
            path.unlink() if path.is_symlink() or path.is_file() else path.rmdir()
        anna.root.rmdir()
        await reread(pilot)
        await settle(pilot)
        assert pilot.app.screen.key.startswith("people/")
        assert "There is nothing in this folder" in screen_text(pilot)


async def test_only_results_and_previews_go_to_the_trash_from_here(
    root: Path, dashboard: Open
) -> None:
    ws = empty(root)
    person(ws, "Anna")
    person(ws, "Bruno")
    swap = trained_swap(ws, "anna", "bruno", 20)
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await press(pilot, "4", "j", "d")
        assert "Trash" not in screen_text(pilot).splitlines()[-1]
        await press(pilot, "j", "j", "enter", "enter", "slash", "r", "e", "s", "enter", "enter")
        assert "Trash" in screen_text(pilot).splitlines()[-1]
        await press(pilot, "d")
        assert "4.2 MB." in screen_text(pilot)
        await press(pilot, "right", "enter")
        assert list(swap.results_dir.iterdir()) == []
        assert len(list_trash(ws)) == 1
        await press(pilot, "z")
        assert [path.name for path in swap.results_dir.iterdir()] == ["bruno-anna-as-bruno.mp4"]
        await press(pilot, "y")
        assert "Copied: " in told(pilot)

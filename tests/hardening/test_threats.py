"""What docs/threat-model.md says is stopped, is stopped."""

from __future__ import annotations

import ast
import io
import json
import os
import pty
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.faces.align import CROP_SIZE
from engine.faces.dataset import load_crop
from engine.media import MediaError, open_frames, probe
from engine.media.pictures import read_picture
from projects import checkpoints
from projects.consent import Consent
from projects.errors import CommandError, DamagedError, SwapdeckError
from projects.faces import FaceIndex
from projects.people import Person, get_person, load_person, set_consent
from projects.swaps import load_swap
from projects.texts import read_json, read_toml
from projects.workspace import Workspace, move_to_trash, open_workspace, restore_from_trash
from tests.hardening.seeds import face_like, videos
from tui.picture import decode

NASTY = "\x1b]0;owned\x07\x1b[2J\u202e\x9b31m[red]a[link=x].png"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def full(good_workspace: Path, tmp_path: Path) -> Workspace:
    """A workspace with one of everything, to be spoilt."""
    return open_workspace(Path(shutil.copytree(good_workspace, tmp_path / "full")))


# Hostile strings on a terminal.


def on_a_terminal(*words: object) -> bytes:
    """All bytes that a verb writes to a terminal."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "dumb", "COLUMNS": "200", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "engine", *map(str, words)]
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, cwd=ROOT
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:
            break
        if not part:
            break
        shown += part
    process.wait()
    os.close(ours)
    return shown


@pytest.mark.parametrize(
    "words",
    [
        ("gather", "ada", "{folder}"),
        ("gather", "ada", "{folder}/" + NASTY),
        ("person", "show", NASTY),
        ("faces", "list", "ada", "--reason", NASTY),
        ("convert", "ada-as-ben", "{folder}/" + NASTY),
        (NASTY,),
        ("jobs", "log", "train"),
        ("doctor", "--workspace", NASTY),
    ],
    ids=lambda words: words[0][:7].strip("\x1b") or "verb",
)
def test_no_name_reaches_the_terminal_as_a_command(
    full: Workspace, tmp_path: Path, words: tuple[str, ...]
) -> None:
    folder = tmp_path / "media"
    folder.mkdir()
    (folder / NASTY).write_bytes(b"no picture")
    for job in full.jobs.iterdir():
        (job / "output.log").write_text(NASTY)
    shown = on_a_terminal(
        "--workspace", full.root, *(word.replace("{folder}", str(folder)) for word in words)
    )
    assert shown
    for sequence in ("\x1b]", "\x1b[2J", "\x07", "\u202e", "\x9b"):
        assert sequence.encode() not in shown
    assert b"Traceback" not in shown


# Links that lead out of the workspace.


@pytest.mark.parametrize(
    "place",
    [
        *("people/ada/sources", "people/ada/faces", "people/ada/faces.sqlite", "people/ada"),
        *("swaps/ada-as-ben/checkpoints", "swaps/ada-as-ben/results", "swaps/ada-as-ben"),
        *("swaps/ada-as-ben/previews", "swaps/ada-as-ben/history.jsonl"),
    ],
)
def test_a_link_out_of_the_workspace_is_refused(
    full: Workspace, tmp_path: Path, place: str
) -> None:
    path = full.root / place
    elsewhere = tmp_path / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    load = load_person if place.startswith("people") else load_swap
    owner = "/".join(place.split("/")[:2])
    with pytest.raises(CommandError, match="leads out of"):
        from projects.files import inside

        load(inside(full.root, owner))


def test_a_linked_folder_of_the_workspace_itself_is_refused(
    full: Workspace, tmp_path: Path
) -> None:
    full.people.rename(tmp_path / "elsewhere")
    full.people.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CommandError, match="leads out of"):
        open_workspace(full.root)


def test_removing_what_is_linked_removes_the_link_only(full: Workspace, tmp_path: Path) -> None:
    from projects.files import remove_tree

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").touch()
    (full.people / "ada" / "linked").symlink_to(elsewhere)
    remove_tree(full.people / "ada")
    assert (elsewhere / "precious").exists()


# Paths in documents.


@pytest.mark.parametrize("crop", ["../../person.toml", "/etc/passwd", "a/b.png", "..", "", "a\0b"])
def test_a_crop_outside_its_folder_is_refused(full: Workspace, crop: str) -> None:
    ada = get_person(full, "ada")
    with FaceIndex(ada.index_path) as index:
        index._query("UPDATE faces SET crop = ? WHERE id = 2", (crop,))
        with pytest.raises(DamagedError, match="face 2"):
            index.faces()


@pytest.mark.parametrize("name", ["../state.safetensors", "/etc/passwd", "a/b", "..", ""])
def test_a_manifest_that_names_other_files_is_refused(full: Workspace, name: str) -> None:
    checkpoint = full.swaps / "ada-as-ben" / "checkpoints" / "00000004"
    manifest = read_json(checkpoint / "manifest.json")
    manifest["files"][name] = {"sha256": "0" * 64, "bytes": 1}
    (checkpoint / "manifest.json").write_text(json.dumps(checkpoints.seal(manifest)))
    with pytest.raises(DamagedError, match="entry for"):
        checkpoints.verify(checkpoint)


def test_the_trash_restores_nothing_outside_the_workspace(full: Workspace, tmp_path: Path) -> None:
    trashed = move_to_trash(full, full.people / "ada")
    record = trashed.parent / "trash.json"
    record.write_text(json.dumps({**read_json(record), "from": "../../escaped"}))
    with pytest.raises(CommandError, match="leads out of"):
        restore_from_trash(full, trashed)
    assert trashed.exists() and not (tmp_path / "escaped").exists()


# Bombs.


def png_of(width: int, height: int) -> bytes:
    """A PNG whose header says a size that its few bytes do not hold."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1 << 20), 9)
    start = b"\x89PNG\r\n\x1a\n"
    return start + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def test_a_pixel_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.png"
    bomb.write_bytes(png_of(50_000, 50_000))
    for read in (read_picture, probe):
        with pytest.raises(MediaError, match="million pixels"):
            read(bomb)
    assert isinstance(decode([bomb], 20, 20, (0, 0, 0)), str)


def test_a_crop_that_is_a_pixel_bomb_is_refused(full: Workspace) -> None:
    ada = get_person(full, "ada")
    (ada.faces_dir / "bomb.png").write_bytes(png_of(30_000, 30_000))
    with pytest.raises(DamagedError, match="another size"):
        load_crop(ada, face_like(crop="bomb.png"))
    assert CROP_SIZE < 30_000


def test_a_video_of_too_many_pixels_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    data = bytearray(videos()["a.gif"])
    data[6:10] = struct.pack("<HH", 15_000, 15_000)
    bomb = tmp_path / "bomb.gif"
    bomb.write_bytes(data)
    with pytest.raises(MediaError, match="million pixels"):
        probe(bomb)


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "[" * 100_000,
        "a." * 50_000 + "b = 1",
        "x = " + "9" * 5_000,
        "x = '" + "a" * 300_000,
    ],
)
def test_a_toml_bomb_is_a_damaged_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "bomb.toml").write_text(text)
    with pytest.raises(DamagedError):
        read_toml(tmp_path / "bomb.toml")


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "9" * 5_000])
def test_a_json_bomb_is_a_damaged_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "bomb.json").write_text(text)
    with pytest.raises(DamagedError):
        read_json(tmp_path / "bomb.json")


def test_a_json_file_larger_than_any_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "bomb.json").open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(DamagedError, match="larger than"):
        read_json(tmp_path / "bomb.json")


@pytest.mark.parametrize("read", [read_json, read_toml, probe])
def test_a_pipe_in_place_of_a_file_does_not_hang(tmp_path: Path, read: Any) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(SwapdeckError, match="file"):
        read(tmp_path / "pipe.mp4")


# Models.


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: _with_first_tensor(data, np.nan), "not numbers"),
        (lambda data: _with_first_tensor(data, np.inf), "not numbers"),
        (lambda data: data + bytes(20_000_000), "bytes, and the weights have"),
        (lambda data: (10**15).to_bytes(8, "little") + data[8:], "cannot be read"),
    ],
)
def test_weights_that_are_no_weights_are_refused(
    full: Workspace, change: Any, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.nets.presets import PRESETS
    from engine.training.inference import load_swapper
    from projects.swaps import get_swap
    from tests.hardening.targets import _fit_manifest
    from tests.hardening.tiny import register_tiny

    monkeypatch.setitem(PRESETS, "tiny", None)  # so that it is taken away again
    register_tiny()
    state = full.swaps / "ada-as-ben" / "checkpoints" / "00000004" / "state.safetensors"
    state.write_bytes(change(state.read_bytes()))
    _fit_manifest(state)
    with pytest.raises(DamagedError, match=said):
        load_swapper(get_swap(full, "ada-as-ben"))


def _with_first_tensor(data: bytes, value: float) -> bytes:
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    name = next(key for key, one in header.items() if one.get("dtype") == "F32")
    start = 8 + size + header[name]["data_offsets"][0]
    return data[:start] + np.float32(value).tobytes() + data[start + 4 :]


def test_a_face_index_that_runs_something_is_refused(full: Workspace) -> None:
    ada = get_person(full, "ada")
    for statement in (
        "CREATE TRIGGER t AFTER UPDATE ON faces BEGIN DELETE FROM faces; END",
        "CREATE VIEW v AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x FROM n) "
        "SELECT x FROM n",
    ):
        copy = ada.index_path.with_name("copy.sqlite")
        shutil.copy(ada.index_path, copy)
        with FaceIndex(copy) as index:
            index._query(statement)
        with pytest.raises(DamagedError, match="no face index"), FaceIndex(copy):
            pass


# Footage that names other files and hosts.


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile {secret}\n",
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>',
    ],
)
def test_a_playlist_is_not_footage(tmp_path: Path, text: str) -> None:
    secret = tmp_path / "secret.ts"
    secret.write_bytes(videos()["a.ts"])
    assert probe(secret).width == 48
    playlist = tmp_path / "clip.mp4"
    playlist.write_text(text.replace("{secret}", str(secret)))
    with pytest.raises(MediaError, match="cannot be read as a video"):
        probe(playlist)


def test_a_files_name_is_no_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("concat:a.mp4|b.mp4", "http:", "a%03d.mkv", "-i.mp4"):
        (tmp_path / name).write_bytes(videos()["a.mp4"])
        monkeypatch.chdir(tmp_path)
        with open_frames(Path(name)) as frames:
            assert len(list(frames)) == 6


# Two processes at once.

CHANGE = """
import sys
from pathlib import Path
from projects.documents import update
for number in range(40):
    update(Path(sys.argv[1]), 1, {sys.argv[2]: number})
"""


def test_two_processes_that_change_a_document_keep_each_others_changes(full: Workspace) -> None:
    path = full.people / "ada" / "person.toml"
    both = [
        subprocess.Popen([sys.executable, "-c", CHANGE, str(path), key], cwd=ROOT)
        for key in ("one", "two")
    ]
    assert [process.wait() for process in both] == [0, 0]
    document = read_toml(path)
    assert (document["one"], document["two"]) == (39, 39)
    assert load_person(path.parent).name == "Ada"


def test_two_jobs_do_not_train_one_swap(full: Workspace) -> None:
    from engine.worker import main
    from projects.files import locked
    from projects.jobs import create_job, read_exit

    job = create_job(full, "train", "ada-as-ben", {"swap": "ada-as-ben", "steps": 1})
    script = (
        "import sys; from pathlib import Path; from engine.worker import main; "
        "main(Path(sys.argv[1]), lambda *_: None)"
    )
    with locked(full.swaps / "ada-as-ben" / "checkpoints"):
        subprocess.run([sys.executable, "-c", script, str(job.root)], cwd=ROOT, check=True)
    ended = read_exit(job)
    assert ended is not None and ended[0] == 2 and "Another job is writing" in ended[1]
    assert main is not None


def test_a_replaced_folder_outlives_a_kill_between_two_renamings(tmp_path: Path) -> None:
    from projects.files import folder_replacing

    result = tmp_path / "result"
    result.with_name("result.old").mkdir()
    (tmp_path / "result.old" / "precious").touch()
    with pytest.raises(RuntimeError), folder_replacing(result):
        raise RuntimeError
    assert (result / "precious").exists()


# Code.

RUNS_CODE = {"pickle", "marshal", "shelve", "dill", "joblib", "torch", "yaml", "runpy", "code"}


def test_nothing_that_is_read_can_run_code() -> None:
    """No module imports what loads code from files, or calls what runs text."""
    found = []
    for path in (p for top in ("engine", "projects", "tui") for p in (ROOT / top).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name.split(".")[0] for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [(node.module or "").split(".")[0]]
            elif isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                shell = any(
                    k.arg in ("shell", "allow_pickle") and ast.unparse(k.value) != "False"
                    for k in node.keywords
                )
                if called in ("eval", "exec", "os.system", "os.popen") or shell:
                    found.append(f"{path.name}:{node.lineno} {called}")
            # The yardstick of the benches builds its networks itself and loads nothing.
            allowed = {"torch"} if path.name in ("torch_nets.py", "torch_rival.py") else set()
            forbidden = RUNS_CODE - allowed
            found += [f"{path.name} imports {name}" for name in names if name in forbidden]
    assert found == []


def test_consent_is_text_that_can_be_shown(ada: Person) -> None:
    with pytest.raises(CommandError, match="cannot be shown"):
        set_consent(ada, Consent("self", NASTY, "me", "2026-11-01"))


def test_a_picture_that_is_a_program_for_another_program_is_not_opened(tmp_path: Path) -> None:
    """Encapsulated PostScript would be handed to Ghostscript."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "EPS")
    (tmp_path / "a.png").write_bytes(file.getvalue())
    with pytest.raises(MediaError):
        read_picture(tmp_path / "a.png")
    assert isinstance(decode([tmp_path / "a.png"], 8, 8, (0, 0, 0)), str)

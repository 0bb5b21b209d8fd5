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

from projects import files
from projects.errors import CommandError, DamagedError, NewerVersionError, SwapdeckError

AsUser = Callable[[], AbstractContextManager[None]]


def entries(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def full_disk(descriptor: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_write_replaces_the_file_and_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o600)
    files.write_text(path, "new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert entries(tmp_path) == ["a.txt"]


def test_a_write_replaces_a_link_and_leaves_what_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("precious")
    (tmp_path / "a.txt").symlink_to(tmp_path / "elsewhere")
    files.write_text(tmp_path / "a.txt", "new")
    assert (tmp_path / "elsewhere").read_text() == "precious"
    assert (tmp_path / "a.txt").read_text() == "new"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("no"), MemoryError()])
def test_whatever_interrupts_a_write_the_old_file_stays_and_nothing_else(
    tmp_path: Path, error: BaseException
) -> None:
    path = tmp_path / "a.mp4"
    path.write_text("old")
    with pytest.raises(type(error)), files.replacing(path) as temporary:
        assert temporary.parent == tmp_path and temporary.suffix == ".mp4"
        temporary.write_text("half")
        raise error
    assert path.read_text() == "old"
    assert entries(tmp_path) == ["a.mp4"]


def test_a_full_disk_is_a_sentence_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(SwapdeckError, match=r"disk is full.*Free some space"):
        files.write_text(path, "new")
    with (
        pytest.raises(SwapdeckError, match=r"disk is full: .*/b/x could not be written"),
        files.folder_replacing(tmp_path / "b") as temporary,
    ):
        files.write_text(temporary / "x", "x")
    assert path.read_text() == "old"
    assert entries(tmp_path) == ["a.txt"]


def test_a_size_limit_really_reached_is_a_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    script = (
        "import resource, sys, pathlib\n"
        "from projects.errors import SwapdeckError\n"
        "from projects.files import write_bytes\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))\n"
        "try:\n"
        "    write_bytes(pathlib.Path(sys.argv[1]), bytes(1 << 20))\n"
        "except SwapdeckError as error:\n"
        "    sys.stdout.write(str(error))\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "big")]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "lift the limit" in answer.stdout
    assert entries(tmp_path) == []


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.EROFS, "mounted read-only"),
        (errno.EACCES, "no permission"),
        (errno.EDQUOT, "quota"),
        (errno.EIO, "Check the disk"),
        (errno.ENAMETOOLONG, "too long"),
    ],
)
def test_every_disk_error_is_a_sentence(tmp_path: Path, number: int, sentence: str) -> None:
    with pytest.raises(SwapdeckError, match=sentence), files.write_errors(tmp_path / "a"):
        raise OSError(number, os.strerror(number))


def test_a_locked_folder_is_a_sentence(user_folder: Path, as_user: AsUser) -> None:
    user_folder.chmod(0o555)
    with as_user(), pytest.raises(SwapdeckError, match=r"no permission to write .*a.txt"):
        files.write_text(user_folder / "a.txt", "x")


def test_a_missing_folder_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SwapdeckError, match=r"folder .*nowhere does not exist"):
        files.write_text(tmp_path / "nowhere" / "a.txt", "x")


def test_an_error_about_another_file_names_that_file(tmp_path: Path) -> None:
    with (
        pytest.raises(SwapdeckError, match=r"out.mp4 could not be written .*input.mp4"),
        files.replacing(tmp_path / "out.mp4"),
    ):
        (tmp_path / "input.mp4").read_bytes()


def test_a_folder_is_complete_or_absent(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), files.folder_replacing(tmp_path / "a") as temporary:
        (temporary / "deep").mkdir()
        (temporary / "deep" / "x").write_text("x")
        raise KeyboardInterrupt
    assert entries(tmp_path) == []
    for text in ("one", "two"):
        with files.folder_replacing(tmp_path / "a") as temporary:
            (temporary / "x").write_text(text)
    assert (tmp_path / "a" / "x").read_text() == "two"
    assert entries(tmp_path) == ["a"]


def test_a_folder_that_must_be_new_does_not_replace_one(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_text("mine")
    with (
        pytest.raises(CommandError, match="exists already"),
        files.folder_replacing(tmp_path / "a", replace=False),
    ):
        pass
    assert (tmp_path / "a" / "x").read_text() == "mine"
    assert entries(tmp_path) == ["a"]


def test_a_killed_write_leaves_the_old_file_and_the_next_sweep_cleans_up(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    script = (
        "import os, signal, sys, pathlib\n"
        "from projects.files import replacing\n"
        "with replacing(pathlib.Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert path.read_text() == "old"
    assert len(entries(tmp_path)) == 2
    with files.replacing(tmp_path / "b.txt") as temporary:
        temporary.write_text("still being written")
        files.sweep(tmp_path)
    assert entries(tmp_path) == ["a.txt", "b.txt"]


def test_a_sweep_of_everything_does_not_follow_links(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    leftover = f".tmp-{files._host()}-{dead.pid}-0123abcd.mp4"
    (tmp_path / "w" / "deep" / leftover).mkdir(parents=True)
    (tmp_path / leftover).write_text("x")
    (tmp_path / "w" / "link").symlink_to(tmp_path)
    files.sweep_all(tmp_path / "w")
    assert entries(tmp_path / "w" / "deep") == []
    assert leftover in entries(tmp_path)


@pytest.mark.parametrize("parts", [("..",), ("a", "..", "..", "b"), ("/etc",), ("link",), ("a\0",)])
def test_a_path_that_leads_out_is_refused(tmp_path: Path, parts: tuple[str, ...]) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    (root / "loop").symlink_to(root / "loop")
    with pytest.raises(CommandError, match="leads out of"):
        files.inside(root, *parts)


def test_a_path_inside_may_be_a_link_to_a_place_inside(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    assert files.inside(tmp_path, "link", "x") == tmp_path / "link" / "x"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"version = 1\nname = 'Ada\n", "line 2"),
        (b"version = 1\n\xff\xfe", "line 2 is not UTF-8"),
        (b"", "version"),
        (b"version = 'x'\n", "version"),
        (b"version = true\n", "version"),
    ],
)
def test_damaged_toml_names_the_file_the_line_and_what_to_do(
    tmp_path: Path, text: bytes, sentence: str
) -> None:
    path = tmp_path / "person.toml"
    path.write_bytes(text)
    with pytest.raises(DamagedError, match=sentence) as caught:
        files.versioned_toml(path, 1)
    assert str(path) in str(caught.value)
    assert "editor" in str(caught.value) or "good copy" in str(caught.value)


def test_a_newer_version_says_update(tmp_path: Path) -> None:
    path = tmp_path / "person.toml"
    path.write_text("version = 2\n")
    with pytest.raises(NewerVersionError, match="Update swapdeck; nothing was changed"):
        files.versioned_toml(path, 1)


def test_damaged_json_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"a": 1,\n "b": }\n')
    with pytest.raises(DamagedError, match="line 2"):
        files.read_json(path)
    with pytest.raises(DamagedError, match="missing"):
        files.read_json(tmp_path / "none.json")


def test_numbers_that_json_does_not_have_become_null(tmp_path: Path) -> None:
    class Scalar:
        def item(self) -> float:
            return 1.5

    value = {"nan": float("nan"), "inf": [float("inf")], "scalar": Scalar(), "path": Path("/a")}
    files.write_json(tmp_path / "a.json", value)
    text = (tmp_path / "a.json").read_text()
    assert json.loads(text) == {"nan": None, "inf": [None], "scalar": 1.5, "path": "/a"}


def test_toml_leaves_none_out(tmp_path: Path) -> None:
    files.write_toml(tmp_path / "a.toml", {"a": 1, "b": None, "c": {"d": None, "e": [1.5]}})
    assert files.read_toml(tmp_path / "a.toml") == {"a": 1, "c": {"e": [1.5]}}


def test_a_reader_follows_a_growing_log_and_ignores_a_partial_line(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    assert files.read_jsonl(path) == ([], 0)
    files.append_line(path, {"n": 1})
    with path.open("a") as file:
        file.write('{"n": 2')
    first, offset = files.read_jsonl(path)
    assert first == [{"n": 1}]
    with path.open("a") as file:
        file.write("}\n")
    assert files.read_jsonl(path, offset)[0] == [{"n": 2}]


def test_a_torn_line_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"n": 1}\n{"n": 2, "te')
    files.append_line(path, {"n": 3})
    assert [line["n"] for line in files.read_jsonl(path)[0]] == [1, 3]


def test_a_line_that_does_not_fit_on_the_disk_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.jsonl"
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:3]))
    with pytest.raises(SwapdeckError, match="disk is full"):
        files.append_line(path, {"n": 1})
    monkeypatch.undo()
    files.append_line(path, {"n": 2})
    assert files.read_jsonl(path)[0] == [{"n": 2}]


def test_the_end_of_a_long_log_can_be_read_alone(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    for number in range(100):
        files.append_line(path, {"n": number})
    tail, offset = files.read_jsonl(path, -30)
    assert [line["n"] for line in tail] == [97, 98, 99]
    assert offset == path.stat().st_size
    assert len(files.read_jsonl(path, -(10**6))[0]) == 100
    exact = len(b'{"n":99}\n')
    assert [line["n"] for line in files.read_jsonl(path, -exact)[0]] == [99]


def test_a_log_that_was_replaced_by_a_shorter_one_is_read_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"n": 1}\n')
    assert files.read_jsonl(path, 10_000)[0] == [{"n": 1}]

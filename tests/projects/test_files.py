import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from projects import files
from projects.errors import CommandError, SwapdeckError

AsUser = Callable[[], AbstractContextManager[None]]


def entries(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def full_disk(descriptor: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_write_replaces_the_file_and_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o600)
    files.write_bytes(path, b"new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert entries(tmp_path) == ["a.txt"]


def test_a_write_replaces_a_link_and_leaves_what_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("precious")
    (tmp_path / "a.txt").symlink_to(tmp_path / "elsewhere")
    files.write_bytes(tmp_path / "a.txt", b"new")
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
        files.write_bytes(path, b"new")
    with (
        pytest.raises(SwapdeckError, match=r"disk is full: .*/b/x could not be written"),
        files.folder_replacing(tmp_path / "b") as temporary,
    ):
        files.write_bytes(temporary / "x", b"x")
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
        files.write_bytes(user_folder / "a.txt", b"x")


def test_a_missing_folder_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SwapdeckError, match=r"folder .*nowhere does not exist"):
        files.write_bytes(tmp_path / "nowhere" / "a.txt", b"x")


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

"""Reading and writing so that a file is complete or absent, and errors are sentences.

A write goes to a temporary entry in the same folder, is flushed and fsynced, renamed over the
final name, and the folder is fsynced. Whatever interrupts it, the temporary entry is removed;
only a killed process can leave one, and `sweep` removes those.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from projects.errors import CommandError, DamagedError, SwapdeckError
from projects.names import printable
from projects.names import slug as slug

_TEMPORARY = re.compile(r"\.tmp-(?P<host>[0-9a-f]{8})-(?P<pid>\d+)-[0-9a-f]{8}(\..*)?")


def inside(root: Path, *parts: str) -> Path:
    """`root` joined with `parts`.

    Raises:
        CommandError: the result lies outside `root` once symbolic links are followed.
    """
    path = root.joinpath(*parts)
    try:
        contained = path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError, ValueError):  # a loop of links, or a NUL in a part
        contained = False
    if not contained:
        raise CommandError(
            f"'{printable(str(Path(*parts)))}' leads out of {root}. Nothing is read or written "
            "there: use a name without '..', and no symbolic link to another place."
        )
    return path


@contextlib.contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """Turn an OSError in the body into a SwapdeckError about writing `path`."""
    try:
        yield
    except OSError as error:
        raise SwapdeckError(write_sentence(error, path)) from error


def write_sentence(error: OSError, path: Path) -> str:
    """What went wrong when `path` was written, and what to do about it."""
    match error.errno:
        case errno.ENOSPC:
            return (
                f"The disk is full: {path} could not be written. Free some space and run the "
                "same command again; what was there before is unchanged."
            )
        case errno.EDQUOT:
            return (
                f"Your disk quota is used up: {path} could not be written. Delete something or "
                "ask for more, then run the same command again."
            )
        case errno.EFBIG:
            return (
                f"{path} would be larger than the disk or a limit of this session (ulimit -f) "
                "allows. Choose another disk or lift the limit."
            )
        case errno.EROFS:
            return (
                f"{path} is on a disk that is mounted read-only. Mount it for writing or choose "
                "another place."
            )
        case errno.EACCES | errno.EPERM:
            return (
                f"You have no permission to write {path}. Change the owner or the permissions of "
                f"{path.parent}, or choose another place."
            )
        case errno.EIO:
            return (
                f"The disk reported an error while {path} was written. Check the disk and its "
                "cable before anything else, and copy what matters to another one."
            )
        case errno.ENOENT | errno.ENOTDIR if not path.parent.is_dir():
            return (
                f"{path} could not be written because the folder {path.parent} does not exist. "
                "Create it or choose another place."
            )
    what = error.strerror or str(error)
    return f"{path} could not be written ({what}{_elsewhere(error, path)})."


@contextlib.contextmanager
def read_errors(path: Path) -> Iterator[None]:
    """Turn an OSError in the body into a SwapdeckError about reading `path`."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DamagedError(
            f"{path} is missing. If it was moved or deleted by hand, put it back."
        ) from error
    except PermissionError as error:
        raise SwapdeckError(
            f"You have no permission to read {path}. Change its owner or its permissions."
        ) from error
    except OSError as error:
        what = error.strerror or str(error)
        raise SwapdeckError(
            f"{path} could not be read ({what}{_elsewhere(error, path)})."
        ) from error


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path in the same folder, with the same suffix, to write to; then rename it.

    On success `path` is the new file, on the disk. On any exception, also KeyboardInterrupt,
    `path` is as it was and the temporary file is gone. An existing file's permissions are kept.

    Raises:
        SwapdeckError: an OSError in the body or in the renaming, as a sentence.
    """
    temporary = _temporary(path)
    try:
        with write_errors(path):
            yield temporary
            _keep_permissions(path, temporary)
            _sync(temporary)
            temporary.replace(path)
            _sync(path.parent)
    except BaseException:
        remove_tree(temporary)
        raise


@contextlib.contextmanager
def folder_replacing(path: Path, *, replace: bool = True) -> Iterator[Path]:
    """Yield an empty folder beside `path` to fill; then rename it, complete, to `path`.

    With `replace=False` an existing, non-empty `path` is an error (CommandError) and wins.
    With `replace=True` it is set aside as NAME.old for the moment of the renaming. Where a killed
    process left only that, it is put back first.

    Raises:
        SwapdeckError: an OSError in the body or in the renaming, as a sentence.
    """
    temporary = _temporary(path)
    try:
        with write_errors(path):
            sweep(path.parent)
            put_back(path)
            temporary.mkdir()
            yield temporary
            for folder, _, names in os.walk(temporary, topdown=False):
                for name in names:
                    _sync(Path(folder, name))
                _sync(Path(folder))
            _rename_folder(temporary, path, replace)
            _sync(path.parent)
    except BaseException as error:
        remove_tree(temporary)
        if isinstance(error, SwapdeckError) and str(temporary) in str(error):
            raise type(error)(str(error).replace(str(temporary), str(path))) from error
        raise


def write_bytes(path: Path, data: bytes | memoryview) -> None:
    """Write `data` to `path`, completely or not at all."""
    with replacing(path) as temporary:
        view = memoryview(data).cast("B")
        with temporary.open("xb", buffering=0) as file:
            while view:
                view = view[file.write(view) or 0 :]


def sha256_file(path: Path) -> str:
    """The SHA-256 of the file's bytes, in lower-case hex."""
    with read_errors(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def locked(folder: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold `folder`'s lock while the body runs, against other processes that ask for it too.

    Yields False when it is held by another process and `wait` is False.

    Raises:
        SwapdeckError: the folder cannot be opened.
    """
    with read_errors(folder):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def remove_tree(path: Path) -> None:
    """Delete a file or a folder that may not exist. A symbolic link is deleted, not followed."""
    if path.is_dir() and not path.is_symlink():
        import shutil

        shutil.rmtree(path, ignore_errors=True)
    elif os.path.lexists(path):
        with contextlib.suppress(OSError):
            path.unlink()


def remove_folder(path: Path) -> None:
    """Delete a folder: gone from its place in one step, and swept later if this is interrupted."""
    temporary = _temporary(path)
    with write_errors(path):
        path.rename(temporary)
        _sync(path.parent)
    remove_tree(temporary)


def is_temporary(name: str) -> bool:
    """Whether an entry of this name is one that a write makes before its renaming."""
    return _TEMPORARY.fullmatch(name) is not None


def sweep(folder: Path) -> None:
    """Delete temporary entries in `folder` whose process, on this machine, is gone."""
    with contextlib.suppress(OSError):  # what cannot be listed cannot be cleaned either
        for entry in list(folder.iterdir()):
            match = _TEMPORARY.fullmatch(entry.name)
            if match and match["host"] == _host() and not _runs(int(match["pid"])):
                remove_tree(entry)


def sweep_all(root: Path) -> None:
    """`sweep` in `root` and every folder below it; symbolic links are not followed."""
    for folder, _, _ in os.walk(root):
        sweep(Path(folder))


def _temporary(path: Path) -> Path:
    token = f"{_host()}-{os.getpid()}-{secrets.token_hex(4)}"
    return path.with_name(f".tmp-{token}{path.suffix[:20]}")


def _host() -> str:
    return hashlib.sha256(os.uname().nodename.encode()).hexdigest()[:8]


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _keep_permissions(path: Path, temporary: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode):
            temporary.chmod(stat.S_IMODE(mode))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some file systems cannot sync a folder, and say so.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP) or not path.is_dir():
            raise
    finally:
        os.close(descriptor)


def _rename_folder(temporary: Path, path: Path, replace: bool) -> None:
    try:
        temporary.rename(path)  # an existing empty folder is replaced
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        if not replace:
            raise CommandError(f"{path} exists already. Choose another name.") from error
        aside = _aside(path)
        remove_tree(aside)
        path.rename(aside)
        try:
            temporary.rename(path)
        except BaseException:
            aside.rename(path)
            raise
        remove_tree(aside)


def put_back(path: Path) -> None:
    """Undo a replacement of the folder `path` that ended between its two renamings."""
    if not os.path.lexists(path) and _aside(path).is_dir():
        _aside(path).rename(path)


def _aside(path: Path) -> Path:
    return path.with_name(path.name + ".old")


def _elsewhere(error: OSError, path: Path) -> str:
    if not isinstance(error.filename, str | bytes):  # an open file's is a number
        return ""
    other = Path(os.fsdecode(error.filename))
    return "" if other == path or _TEMPORARY.fullmatch(other.name) else f": {other}"

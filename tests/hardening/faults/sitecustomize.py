"""Put on PYTHONPATH, this makes a write of swapdeck's fail, or kills the process in its place.

SWAPDECK_TEST_FAULT is `count`, or one of these with the number of the write that it is about,
counted over all processes of a run:

    kill:N   that process dies by SIGKILL      all:N    it dies with its process group
    once:N   that write finds no room          full:N   that and every later write finds none

Writes are whatever opens a file for writing, makes, renames or removes an entry, writes to a
descriptor or syncs one, below the folders that SWAPDECK_TEST_ROOTS names. SWAPDECK_TEST_TINY makes
the preset `tiny` known, whose models are small.
"""

import errno
import importlib.abc
import importlib.machinery
import os
import signal
import sys

_ROOTS = tuple(filter(None, os.environ.get("SWAPDECK_TEST_ROOTS", "").split(os.pathsep)))
_MODE, _, _NUMBER = os.environ.get("SWAPDECK_TEST_FAULT", "").partition(":")
_COUNT = os.environ.get("SWAPDECK_TEST_COUNT", "")
_CHANGES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate", "os.link")
_busy = False


def _mine(path: object) -> bool:
    if isinstance(path, int):
        try:
            path = os.readlink(f"/proc/self/fd/{path}")  # noqa: PTH115 - no imports here
        except OSError:
            return False
    if isinstance(path, bytes):
        path = os.fsdecode(path)
    return isinstance(path, str | os.PathLike) and os.fspath(path).startswith(_ROOTS)


def _write(path: object, frees: bool = False) -> None:
    """One write: count it, and fail or die when it is the one; what frees room finds some."""
    global _busy
    if _busy or not _mine(path):
        return
    _busy = True
    try:
        descriptor = os.open(_COUNT, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        _real["write"](descriptor, b".")
        number = os.lseek(descriptor, 0, os.SEEK_CUR)
        os.close(descriptor)
    finally:
        _busy = False
    if _MODE == "count" or number < int(_NUMBER):
        return
    if number == int(_NUMBER) and _MODE in ("kill", "all"):
        if _MODE == "all":
            os.killpg(0, signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)
    if frees:
        return
    if _MODE == "full" or (_MODE == "once" and number == int(_NUMBER)):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open":
        flags = arguments[2]
        if isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            _write(arguments[0])
    elif event in _CHANGES:
        _write(arguments[0], event in ("os.remove", "os.rmdir", "os.truncate"))


_real = {name: getattr(os, name) for name in ("write", "pwrite", "fsync")}


def _wrapped(name):  # type: ignore[no-untyped-def]
    def call(descriptor, *arguments):  # type: ignore[no-untyped-def]
        _write(descriptor)
        return _real[name](descriptor, *arguments)

    return call


class _Tiny(importlib.abc.MetaPathFinder):
    """Registers the preset as soon as the presets are imported."""

    def find_spec(self, name, path, target=None):  # type: ignore[no-untyped-def]
        if name != "engine.nets.presets":
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is None or spec.loader is None:
            return spec
        real = spec.loader.exec_module

        def exec_module(module):  # type: ignore[no-untyped-def]
            real(module)
            sys.modules[name] = module
            sys.path.append(__file__.rpartition("/tests/")[0])
            from tests.hardening.tiny import register_tiny

            register_tiny()

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


if os.environ.get("SWAPDECK_TEST_TINY"):
    sys.meta_path.insert(0, _Tiny())
if _MODE:
    for _name in _real:
        setattr(os, _name, _wrapped(_name))
    sys.addaudithook(_hook)

"""Compiled programs kept between runs, so that a second start does not compile again."""

import os

import jax

from projects.userfolders import user_cache


def use_compilation_cache() -> None:
    """Keep XLA's compiled programs in the user's cache folder.

    What lies there is executed, so the folder is private to the user; one that belongs to
    somebody else or that others may write to is not used.
    """
    folder = user_cache() / "xla"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
    except OSError:
        return  # A cache that cannot be had costs seconds, not the work.
    if found.st_uid == os.getuid() and not found.st_mode & 0o022:
        for name, value in (
            ("jax_compilation_cache_dir", str(folder)),
            # A start compiles some ninety small programs, each in less than the second that JAX
            # thinks worth keeping by itself, and all of them in several.
            ("jax_persistent_cache_min_compile_time_secs", 0.0),
        ):
            jax.config.update(name, value)  # type: ignore[no-untyped-call]

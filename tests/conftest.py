"""Fixtures that every package's tests share."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from projects.consent import Consent
from projects.files import locked
from projects.people import Person, add_person
from projects.workspace import Workspace, open_workspace

NOBODY = 65534
REPEATABLE = {"x264-params": "mbtree=0:threads=1:lookahead-threads=1"}
"""The same pixels every time: where HOG finds a face hangs on less than x264's threads change."""
MOST_AT_ONCE = 8
"""Test processes at most: each loads JAX and dlib's models."""
ALONE = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
"""Threads of these libraries wait by spinning, in the way of the tests beside."""
_QUICKLY_COMPILED = (
    "--xla_backend_optimization_level=0",
    "--xla_llvm_disable_expensive_passes=true",
    "--xla_cpu_use_fusion_emitters=false",
    # Without AVX2, products and sums are not fused into one rounding, here and not there, so that
    # what must be equal to the bit is.
    *(["--xla_cpu_max_isa=AVX"] if platform.machine() == "x86_64" else []),
)
"""The tests' networks are so small that compiling them costs many times what running them does: the
plain emitters take half as long as those for speed."""
os.environ.setdefault("XLA_FLAGS", " ".join(_QUICKLY_COMPILED))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """As many test processes as there are processors; none besides this one for named files."""
    if any(".py" in argument for argument in config.args):
        return 0
    number = min(len(os.sched_getaffinity(0)), MOST_AT_ONCE)
    os.environ.update(dict.fromkeys(ALONE, "1"))
    return number if number > 1 else 0


@pytest.fixture(scope="session")
def session_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this run of the tests, which all its processes share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def made_once(session_folder: Path) -> Callable[[str, Callable[[Path], object]], Path]:
    """A folder by name, which the first process that asks for it fills; the others wait."""

    def made(name: str, fill: Callable[[Path], object]) -> Path:
        folder = session_folder / name
        folder.mkdir(exist_ok=True)
        with locked(folder):
            if not (folder / "made").exists():
                fill(folder)
                (folder / "made").touch()
        return folder

    return made


@pytest.fixture(scope="session", autouse=True)
def own_folders(session_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What programs remember outside a workspace is kept out of the user's own folders, and out of
    those of the tests that run beside. Compiled programs alone are shared, with them too."""
    compiled = session_folder / "xla"
    compiled.mkdir(mode=0o700, exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        for kind in ("cache", "state", "config"):
            patch.setenv(f"XDG_{kind.upper()}_HOME", str(tmp_path_factory.mktemp(kind)))
        cache = Path(os.environ["XDG_CACHE_HOME"], "swapdeck")
        cache.mkdir()
        (cache / "xla").symlink_to(compiled)
        if "jax" in sys.modules:
            from engine.compilation import use_compilation_cache

            use_compilation_cache()
        yield


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty workspace."""
    return open_workspace(tmp_path / "workspace", create=True)


@pytest.fixture(scope="session")
def consent() -> Consent:
    """A complete consent record for a rendered person."""
    return Consent(
        basis="synthetic",
        scope="tests of swapdeck",
        recorded_by="the tests",
        recorded_at="2026-11-23T10:00:00+00:00",
    )


@pytest.fixture
def ada(workspace: Workspace, consent: Consent) -> Person:
    return add_person(workspace, "Ada", consent)


@pytest.fixture
def ben(workspace: Workspace, consent: Consent) -> Person:
    return add_person(workspace, "Ben", consent)


@pytest.fixture
def user_folder() -> Iterator[Path]:
    """A folder whose path and owner an ordinary user can work with, also when root runs this."""
    folder = Path(tempfile.mkdtemp(prefix="swapdeck-test-"))
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def as_user() -> Callable[[], contextlib.AbstractContextManager[None]]:
    """A context manager in which permissions count, because root lends itself to nobody."""

    @contextlib.contextmanager
    def ordinary() -> Iterator[None]:
        if os.geteuid() != 0:
            yield
            return
        group = os.getresgid()
        os.setresgid(NOBODY, NOBODY, 0)
        os.setresuid(NOBODY, NOBODY, 0)
        try:
            yield
        finally:
            os.setresuid(0, 0, 0)
            os.setresgid(*group)

    return ordinary


class Swapdeck:
    """The command line as a user has it: real processes, in a workspace of its own, and without
    a network (see hardening/offline)."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.network_log = root.with_name(f"{root.name}.network")

    @property
    def environment(self) -> dict[str, str]:
        offline = str(Path(__file__).parent / "hardening" / "offline")
        return {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, [offline, os.environ.get("PYTHONPATH")])),
            "SWAPDECK_TEST_NETWORK": str(self.network_log),
        }

    def command(self, *words: object) -> list[str]:
        base = [sys.executable, "-m", "engine", "--workspace", str(self.root), "--json"]
        return [*base, *map(str, words)]

    def __call__(self, *words: object, code: int = 0, **options: Any) -> list[dict[str, Any]]:
        """Run a verb to its end; the objects on its stdout. Fails unless it exits with `code`."""
        options.setdefault("env", self.environment)
        done = subprocess.run(self.command(*words), capture_output=True, text=True, **options)
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        assert done.stderr == ""
        return [json.loads(line) for line in done.stdout.splitlines()]

    def error(self, *words: object, code: int, **options: Any) -> str:
        """Run a verb that fails with `code`; its sentence."""
        last = self(*words, code=code, **options)[-1]
        assert last["exit_code"] == code
        assert "Traceback" not in last["error"]
        return str(last["error"])

    def start(self, *words: object) -> subprocess.Popen[str]:
        """Start a verb without waiting for it."""
        return subprocess.Popen(
            self.command(*words), stdout=subprocess.PIPE, text=True, env=self.environment
        )


@pytest.fixture
def swapdeck(tmp_path: Path) -> Swapdeck:
    return Swapdeck(tmp_path / "workspace")


@pytest.fixture(scope="session")
def short_clips(made_once: Callable[..., Path]) -> dict[str, Path]:
    """The first moments of the shipped clips: anna, bruno and scene, with their sound."""
    folder = made_once("clips", shortened_clips)
    return {path.stem: path for path in sorted(folder.glob("*.mp4"))}


def shortened_clips(folder: Path) -> dict[str, Path]:
    """See `short_clips`."""
    from engine.avatars.demo import demo_clips

    clips = demo_clips()
    chosen = {
        "anna": (clips.source_training, 16),
        "bruno": (clips.target_training, 16),
        "scene": (clips.scene, 20),
    }
    return {
        name: _shortened(clip, folder / f"{name}.mp4", frames)
        for name, (clip, frames) in chosen.items()
    }


@pytest.fixture(scope="session")
def trained_once(made_once: Callable[..., Path], short_clips: dict[str, Path]) -> Swapdeck:
    """A workspace with anna, bruno and their swap at step 6; to be copied, not changed."""
    return _at(made_once("trained", lambda folder: _train(_at(folder), short_clips)))


def _at(folder: Path) -> Swapdeck:
    return Swapdeck(folder / "workspace")


def _train(swapdeck: Swapdeck, short_clips: dict[str, Path]) -> None:
    for person in ("anna", "bruno"):
        swapdeck("person", "add", person, "--basis", "synthetic")
        swapdeck("gather", person, short_clips[person])
        swapdeck("extract", person)
    swapdeck("swap", "new", "a as b", "--source", "anna", "--target", "bruno", "--seed", "5")
    swapdeck("swap", "set", "a-as-b", "batch=4")  # steps are waited for again and again
    swapdeck("train", "a-as-b", "--steps", "6")
    assert not swapdeck.network_log.exists()  # nobody tried


@pytest.fixture
def trained(trained_once: Swapdeck, tmp_path: Path) -> Swapdeck:
    """A copy of the trained workspace that a test may spoil."""
    return Swapdeck(Path(shutil.copytree(trained_once.root, tmp_path / "trained")))


@pytest.fixture(scope="session")
def good_workspace(made_once: Callable[..., Path]) -> Path:
    """A small workspace with one of everything, made in a moment; to be copied, not changed."""
    from tests.hardening.fuzz import make_good

    return made_once("good", lambda folder: make_good(folder / "workspace")) / "workspace"


def _shortened(clip: Path, output: Path, frames: int) -> Path:
    """The first frames of a clip, encoded again, with the sound that belongs to them.

    The same pixels every time: x264's macroblock tree differs from run to run, as its answer does
    with the number of threads, and where HOG finds a face hangs on less.
    """
    import av

    faststart = {"movflags": "faststart"}
    with av.open(str(clip)) as source, av.open(str(output), "w", options=faststart) as target:
        picture, sound = source.streams.video[0], source.streams.audio[0]
        options = {"crf": "16", **REPEATABLE}
        video = target.add_stream("libx264", picture.average_rate, options=options)
        video.width, video.height, video.pix_fmt = picture.width, picture.height, "yuv420p"
        copied = target.add_stream_from_template(sound)
        for frame in itertools.islice(source.decode(picture), frames):
            frame.pict_type = av.video.frame.PictureType.NONE
            end = float(frame.time or 0.0)
            target.mux(video.encode(frame))
        target.mux(video.encode(None))
        source.seek(0)
        for packet in source.demux(sound):
            if packet.dts is None or float(packet.dts * packet.time_base) > end:
                continue
            packet.stream = copied
            target.mux(packet)
    return output

"""What damaged files are given to: the product's own verbs and readers, watched while they work.

`answer` runs in a process that may be killed (see `pool`). It copies a good workspace, puts one
damaged file into it, lets everything read it that would, and says what was wrong with that: an
error that is no sentence, a control character in what would be shown, a write outside the
workspace, a network connection, or a file whose content is nowhere any more.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import json
import os
import shutil
import sys
import tempfile
import traceback
import unicodedata
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from projects.checkpoints import seal
from projects.errors import SwapdeckError

Act = Callable[[Path, Path], None]
_WRITING = {
    *("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate"),
    *("os.chmod", "os.chown", "os.utime", "shutil.rmtree", "shutil.move"),
}
_FORBIDDEN = {"socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system", "os.exec"}

_CHANGED = {  # by the verbs that are run here, as they should
    "documents": ("person.toml", "control.json", "ledger.jsonl", "ledger.head.json"),
    "given": ("ledger.jsonl", "ledger.head.json"),
    "faces": ("faces.sqlite",),
    "gather": (".toml",),
    "dataset": ("faces.sqlite",),
    "foreign": ("faces.sqlite",),
    "masks": (".png",),
    "mends": ("faces.sqlite", ".png"),
}
BESIDE = ("given", "dataset", "byhand", "signed")
"""Folders beside the good workspace that lie in its copy."""


class ProblemError(Exception):
    """What a user must never meet."""


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """`{"target", "good", "file", "data"}` -> `{"problem": "" or words, "where": words}`.

    data: the file that is put in the place of `file`.
    """
    base = Path(tempfile.gettempdir()) / f"swapdeck-fuzz-{os.getpid()}"
    shutil.rmtree(base, ignore_errors=True)
    root = base / "workspace"
    shutil.copytree(request["good"], root, symlinks=True)
    for name in BESIDE:
        if (folder := Path(request["good"]).with_name(name)).is_dir():
            shutil.copytree(folder, root / name)
    place = root / request["file"]
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(request["data"], place)
    if "checkpoints" in place.parts and place.name != "manifest.json":
        _fit_manifest(place)
    if place.name == "model.safetensors":
        _fit_manifest(place, "swap.json")
    before = _contents(root)
    try:
        with _watched(base):
            TARGETS[request["target"]](root, place)
        lost = {before[digest] for digest in before.keys() - _contents(root).keys()}
        expected = (place.name, *_CHANGED.get(request["target"], ()))
        if names := sorted(name for name in lost if not name.endswith(expected)):
            raise ProblemError(f"lost: {names}")
    except ProblemError as problem:
        return {"problem": str(problem), "where": str(problem)[:80]}
    except MemoryError:
        return {"problem": f"memory: {traceback.format_exc()}", "where": "memory " + _where()}
    except BaseException:  # noqa: BLE001 - whatever it is, it is what is looked for
        return {"problem": traceback.format_exc(), "where": _where()}
    finally:
        shutil.rmtree(base, ignore_errors=True)
    return {"problem": "", "where": ""}


def media(root: Path, path: Path) -> None:
    """Everything that reads a picture or a video."""
    from engine.media import open_frames, probe
    from engine.media.outputs import default_suffix
    from engine.media.sound import audio_packets, frame_times

    def frames() -> None:
        with open_frames(path) as reader:
            for frame in reader:
                assert frame.image.ndim == 3
            reader.shortfall()

    for read in (probe, default_suffix, audio_packets, frame_times):
        _sentence(lambda read=read: read(path))
    _sentence(frames)


def gather(root: Path, path: Path) -> None:
    """A file that is brought in, by its name."""
    from engine.reporting import CollectingReporter
    from engine.verbs import run
    from projects.workspace import open_workspace

    arguments = {"person": "ada", "paths": [str(path)]}
    _sentence(lambda: run(open_workspace(root), "gather", arguments, CollectingReporter()))


def documents(root: Path, path: Path) -> None:
    """What lists, shows and changes people, swaps and jobs, and the dashboard."""
    for words in (
        *(["person", "list"], ["person", "show", "ada"], ["swap", "list"]),
        *(["swap", "show", "ada-as-ben"], ["jobs", "list"], ["faces", "list", "ada"]),
        *(["ledger", "verify"], ["ledger", "list"], ["person", "consent", "ada"]),
    ):
        _verb(root, *words)
    for job in _jobs(root):
        _verb(root, "jobs", "log", job)
        _verb(root, "jobs", "stop", job)
    _dashboard(root)
    _keeps(path, lambda: _verb(root, "person", "consent", "ada", "--scope", "other"))


def faces(root: Path, path: Path) -> None:
    """What reads a face index: lists, sheets, training's loader, and what judges by hand."""
    from engine.training.dataset import crops, find_dataset
    from projects.people import get_person
    from projects.workspace import open_workspace

    for order in ("time", "sharpness", "yaw", "size"):
        _verb(root, "faces", "list", "ada", "--sort", order)
    _verb(root, "faces", "sheet", "ada", "-o", str(root / "sheet.png"))
    _verb(root, "faces", "reject", "ada", "2")
    for _ in range(3):
        _verb(root, "faces", "undo", "ada")
    _verb(root, "faces", "dedupe", "ada")
    _verb(root, "person", "list")
    _dashboard(root)

    def load() -> None:
        person = get_person(open_workspace(root), "ada")
        list(crops(find_dataset(person, 32, False)))
        list(crops(find_dataset(person, 32, False, side=300)))  # which looks at details

    _sentence(load)


def checkpoint(root: Path, path: Path) -> None:
    """A model from somebody else: its manifest fits its files, whatever is in them."""
    from tests.hardening.tiny import register_tiny

    register_tiny()

    def load() -> None:
        import numpy as np

        from engine.training.inference import load_swapper
        from projects.swaps import get_swap
        from projects.workspace import open_workspace

        swapper, _ = load_swapper(get_swap(open_workspace(root), "ada-as-ben"))
        side = swapper.size
        pictures = np.zeros((1, side, side, 3), np.uint8)
        rgb, _ = swapper.chips(pictures, pictures[..., 0], "source")
        if not np.isfinite(rgb).all():
            raise ProblemError("a model that answers with numbers that are none was taken")

    _sentence(load)
    _verb(root, "swap", "show", "ada-as-ben")
    _dashboard(root)


def given(root: Path, path: Path) -> None:
    """A swap that was given by others."""
    from tests.hardening.tiny import register_tiny

    register_tiny()
    words = ("--source", "ada", "--target", "ben", "--name", "taken")
    _verb(root, "swap", "import", str(root / "given"), *words)
    _verb(root, "swap", "list")
    _dashboard(root)


def dataset(root: Path, path: Path) -> None:
    """A dataset that was given by others, for somebody who has none of its faces."""
    _imported(root, root / "dataset")
    _verb(root, "faces", "list", "ben")


def foreign(root: Path, path: Path) -> None:
    """A folder of another tool's aligned faces."""
    _imported(root, path.parent)


def masks(root: Path, path: Path) -> None:
    """A painted mask, or a file of polygons; what is attached is taken off again."""
    which = () if path.suffix == ".json" else ("2-3",)
    _verb(root, "faces", "mask", "ada", str(path), *which)
    _verb(root, "faces", "unmask", "ada", "1-5")


def mends(root: Path, path: Path) -> None:
    """A file that corrects faces, and the way back; of faces without footage, so from crops."""
    _imported(root, root / "dataset")
    _verb(root, "faces", "mend", "ben", "--file", str(path))
    _verb(root, "faces", "mend", "ben", "7", "--restore")
    _verb(root, "faces", "list", "ben")


def credentials(root: Path, path: Path) -> None:
    """What a result says of itself, and that result as the footage of another.

    Whatever was done to it, it must not be trusted to say what nobody signed.
    """
    from engine.credentials.identity import signing
    from engine.credentials.manifest import SIDECAR, sidecar, sign
    from engine.credentials.verify import EXIT_CODES
    from projects.workspace import open_workspace
    from tests.hardening import seeds

    file = path.with_name(path.name.removesuffix(SIDECAR))
    codes = (0, 1, 2, 3, *EXIT_CODES.values())
    said = _verb(root, "--json", "verify", str(file), codes=codes)
    found = json.loads(said.splitlines()[-1])
    signed = seeds.statement().as_dict()
    if found.get("credentials") == "trusted" and not signed.items() <= found["says"].items():
        raise ProblemError(f"forged: {found['says']}")
    _verb(root, "verify", str(file), codes=codes)
    another = root / "signed" / "another.png"
    another.write_bytes(seeds.pictures()["a.png"])
    identity = signing(open_workspace(root))
    _sentence(lambda: sign(another, another, path, seeds.statement(), identity))
    if sidecar(another).exists() or list(another.parent.glob("*-signed*")):
        raise ProblemError("signing left something behind")


def _imported(root: Path, folder: Path) -> None:
    from engine.reporting import CollectingReporter
    from engine.verbs import run
    from projects.workspace import open_workspace

    arguments = {"person": "ben", "folder": str(folder)}
    _sentence(lambda: run(open_workspace(root), "import", arguments, CollectingReporter()))


def _fit_manifest(path: Path, name: str = "manifest.json") -> None:
    """As somebody does who wants a model to be taken."""
    manifest = path.parent / name
    record = json.loads(manifest.read_bytes())
    record["files"][path.name] = {
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "bytes": path.stat().st_size,
    }
    manifest.write_text(json.dumps(seal(record) if name == "manifest.json" else record))


TARGETS: dict[str, Act] = {
    "media": media,
    "gather": gather,
    "documents": documents,
    "faces": faces,
    "checkpoint": checkpoint,
    "given": given,
    "dataset": dataset,
    "foreign": foreign,
    "masks": masks,
    "mends": mends,
    "credentials": credentials,
}


def _verb(root: Path, *words: str, codes: tuple[int, ...] = (0, 1, 2, 3)) -> str:
    """A verb of the command line, in this process; its words, which must be fit for a terminal."""
    from engine.cli import app

    faults: list[str] = []

    def remember(error: Exception) -> str:
        faults.append("".join(traceback.format_exception(error)))
        return "fault"

    app._unexpected = remember  # type: ignore[assignment]
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = app.run(["--workspace", str(root), *words])
    if faults:
        raise ProblemError(f"{' '.join(words)}: {_last_frame(faults[0])}\n{faults[0]}")
    if code not in codes:
        raise ProblemError(f"{' '.join(words)} ended with {code}")
    _fit_for_a_terminal(said.getvalue(), " ".join(words))
    return said.getvalue()


def _dashboard(root: Path) -> None:
    """What the dashboard reads, and would show."""
    from tui.picture import decode
    from tui.reading import Reader

    reader = Reader(root)
    shown: list[Any] = [reader.snapshot()]
    for mode, key in (("people", "ada"), ("swaps", "ada-as-ben")):
        shown.append(reader.detail(mode, key))
    shown += [reader.detail("jobs", job) for job in _jobs(root)]
    for text in _texts(shown):
        _fit_for_a_terminal(text, "dashboard")
    for picture in (p for one in shown for p in _pictures(one)):
        if isinstance(words := decode([picture], 20, 20, (0, 0, 0)), str):
            _fit_for_a_terminal(words, "dashboard")


def _jobs(root: Path) -> list[str]:
    return [folder.name for folder in (root / "jobs").iterdir() if folder.is_dir()]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _texts(getattr(value, field.name))
    elif isinstance(value, dict):
        yield from _texts(list(value.items()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def _pictures(value: Any) -> Iterator[Path]:
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            found = getattr(value, field.name)
            for one in found if isinstance(found, tuple) else (found,):
                if isinstance(one, Path):
                    yield one


def _sentence(work: Callable[[], object]) -> None:
    """It works, or says in a sentence why not."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            work()
    except SwapdeckError as error:
        # What a job says goes through `printable` before anybody sees it; what it is must be text.
        if "Traceback" in str(error) or not str(error).strip():
            raise ProblemError(f"no sentence: {error}") from error


def _keeps(path: Path, work: Callable[[], None]) -> None:
    """What cannot be read is not written over, so that it can still be mended by hand."""
    before = path.read_bytes()
    work()
    if path.name == "ledger.head.json":  # says again where the ledger ends
        return
    after = path.read_bytes()
    if len(after) < len(before) // 2:
        raise ProblemError(f"lost: {path.name} was {len(before)} bytes and is {len(after)}")


def _fit_for_a_terminal(text: str, where: str) -> None:
    for character in text:
        if character not in "\n\t" and unicodedata.category(character) in ("Cc", "Cs"):
            raise ProblemError(f"control character {character!r} in {where}")
        if "\u202a" <= character <= "\u202e" or "\u2066" <= character <= "\u2069":
            raise ProblemError(f"reordering mark {character!r} in {where}")


_watching: list[Path] = []
_seen: list[str] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching:
        return
    if event in _FORBIDDEN:
        _seen.append(f"{event} {arguments[:2]!r}"[:200])
    elif event == "open":
        path, _, flags = arguments
        if isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            _note(event, path)
    elif event in _WRITING:
        for path in arguments[:2] if event in ("os.rename", "os.link") else arguments[:1]:
            _note(event, path)


def _note(event: str, path: object) -> None:
    if not isinstance(path, str | bytes | os.PathLike):
        return
    full = Path.cwd() / os.fsdecode(path)
    allowed = ("/dev/null", "/proc/", os.environ.get("XDG_CACHE_HOME", "/dev/null"))
    if full.parent.resolve().is_relative_to(_watching[0]) or str(full).startswith(allowed):
        return
    _seen.append(f"{event} {full}")


@contextlib.contextmanager
def _watched(base: Path) -> Iterator[None]:
    """Raise ProblemError when the body writes outside `base` or reaches for the network."""
    if not getattr(sys, "swapdeck_hooked", False):
        sys.addaudithook(_hook)
        sys.swapdeck_hooked = True  # type: ignore[attr-defined]
    _seen.clear()
    _watching.append(base.resolve())
    try:
        yield
    finally:
        _watching.clear()
    if _seen:
        raise ProblemError(f"outside: {_seen[0]}")


def _contents(root: Path) -> dict[str, str]:
    """The digest of every file's content, and the file's name."""
    return {
        hashlib.sha256(path.read_bytes()).hexdigest(): path.name
        for path in root.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def _where() -> str:
    return _last_frame(traceback.format_exc())


def _last_frame(text: str) -> str:
    """The exception's class and the last frame of ours that it came through."""
    lines = text.strip().splitlines()
    ours = [line.strip() for line in lines if "File " in line and "/tests/" not in line]
    ours = [line for line in ours if "site-packages" not in line and "/lib/python" not in line]
    return f"{lines[-1][:80]} {ours[-1] if ours else ''}"

"""Kill every verb, and fill the disk under it: `python -m tests.hardening.crashes`.

Each fault is put into a copy of a good workspace: a verb runs in real processes, one of its writes
is its last, or finds no room. Afterwards the doctor must find the workspace sound, nothing that was
there before may be gone, and the same command run again must complete.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric import ec

from engine.soundness import examine_workspace
from projects.faces import FaceIndex

ROOT = Path(__file__).resolve().parents[2]
FAULTS = Path(__file__).parent / "faults"
PATIENCE = 300.0  # seconds that a verb and its processes may take to end
PEOPLE = ("anna", "bruno", "dora", "eve")
CODES = (0, 1, 2, 3, 130)
FAULTED = ("workspace", "out", "config")
"""The folders whose writes are counted and fail; the last is where identities are made."""


_ALONE = ("unshare", "--map-root-user", "--mount")
_SMALL_DISK = """
base=$1 room=$2; shift 2
used=$(($(du -sk "$base" | cut -f1) + $(find "$base" | wc -l)))
mkdir "$base.room" "$base.after"
mount -t tmpfs -o size=$((used + room))k none "$base.room"
cp -a "$base/." "$base.room"
mount --bind "$base.room" "$base"
"$@" && code=0 || code=$?
cp -a "$base/." "$base.after"
exit $code
"""
"""Runs a command on a copy of its folder that lies on a disk with little room; see tmpfs(5)."""


@dataclass(frozen=True)
class Verb:
    """A command, and how to see that it did its work. `{media}` and `{out}` stand for folders,
    `{job}` for the newest job that extracts dora."""

    name: str
    words: tuple[str, ...]
    done: Callable[[Path], bool]
    """Whether the work is there, in the folder that holds `workspace` and `out`."""
    again: tuple[int, ...] = (0,)
    """The exit codes of a second run: 2 where it may say that all is there already."""
    changes: tuple[str, ...] = ()
    """The ends of the names of files whose old content it takes the place of."""
    harm: Callable[[Path], None] | None = None
    """What makes the work necessary."""


@dataclass
class Account:
    faults: int = 0
    survived: int = 0
    failures: list[str] = field(default_factory=list)


EVES = (".mp4", ".toml", ".png", ".sqlite")  # what is erased with somebody


def verbs() -> list[Verb]:
    """Every verb that writes."""
    return [
        Verb(
            "person add",
            ("person", "add", "carla", "--basis", "self"),
            lambda base: (base / "workspace/people/carla/person.toml").is_file(),
            again=(0, 2),
        ),
        Verb(
            "person consent",
            ("person", "consent", "anna", "--scope", "another scope"),
            lambda base: (
                "another scope" in (base / "workspace/people/anna/person.toml").read_text()
            ),
            changes=("person.toml",),
        ),
        Verb(
            "person remove",
            ("person", "remove", "dora", "--yes"),
            lambda base: not (base / "workspace/people/dora").exists(),
            again=(0, 2),
        ),
        Verb(
            "person rename",
            ("person", "rename", "dora", "Doris"),
            lambda base: "Doris" in (base / "workspace/people/dora/person.toml").read_text(),
            again=(0, 2),
            changes=("person.toml",),
        ),
        Verb(
            "person merge",
            ("person", "merge", "anna", "dora", "--yes"),
            lambda base: (
                not (base / "workspace/people/dora").exists()
                and len(list((base / "workspace/people/anna/sources").glob("*.toml"))) == 6
            ),
            again=(0, 2),
            changes=("person.toml", "faces.sqlite"),
        ),
        Verb(
            "gather",
            ("gather", "anna", "{media}/scene.mp4"),
            lambda base: len(list((base / "workspace/people/anna/sources").glob("*.toml"))) == 2,
        ),
        Verb(
            "extract",
            ("extract", "dora"),
            lambda base: _kept(base, "dora") == 16,
            changes=("faces.sqlite",),
        ),
        Verb(
            "faces reject",
            ("faces", "reject", "anna", "2", "3"),
            lambda base: _kept(base, "anna") == 13,
            changes=("faces.sqlite",),
        ),
        *face_verbs("anna", "{media}"),
        Verb(
            "faces import",
            ("faces", "import", "dora", "{media}/dataset"),
            lambda base: _kept(base, "dora") == _kept(base, "bruno"),
            changes=("faces.sqlite",),
        ),
        Verb(
            "swap new",
            ("swap", "new", "second", "--source", "anna", "--target", "bruno"),
            lambda base: (base / "workspace/swaps/second/swap.toml").is_file(),
            again=(0, 2),
        ),
        Verb(
            "swap set",
            ("swap", "set", "a-as-b", "batch=4"),
            lambda base: "batch" in (base / "workspace/swaps/a-as-b/swap.toml").read_text(),
            changes=("swap.toml",),
        ),
        Verb("swap use", ("swap", "use", "a-as-b", "4"), lambda base: True),
        Verb(
            "train",
            ("train", "a-as-b", "--steps", "8"),
            lambda base: (base / "workspace/swaps/a-as-b/checkpoints/00000008").is_dir(),
            changes=("swap.toml", "history.jsonl", "runs.jsonl", "best.json", ".png"),
        ),
        Verb(
            "convert",
            ("convert", "a-as-b", "{media}/scene.mp4", "-o", "{out}/out.mp4"),
            lambda base: (base / "out/out.mp4").is_file(),
            again=(0, 2),
        ),
        Verb(
            "convert preview",
            ("convert", "a-as-b", "{media}/scene.mp4", "--preview", "0,4"),
            lambda base: any((base / "workspace/swaps/a-as-b/previews/convert").glob("*.png")),
        ),
        Verb(
            "convert layers",
            ("convert", "a-as-b", "{media}/scene.mp4", "--layers", "-o", "{out}/layers"),
            lambda base: (base / "out/layers/layers.credentials.json").is_file(),
            again=(0, 2),
        ),
        Verb(
            "report",
            ("report", "a-as-b"),
            lambda base: any((base / "workspace/swaps/a-as-b").rglob("*.html")),
            changes=(".html", ".json"),
        ),
        Verb(
            "consent withdrawn",
            ("person", "consent", "bruno", "--withdraw", "--yes"),
            lambda base: (
                "withdrawn_at" in (base / "workspace/people/bruno/person.toml").read_text()
            ),
            changes=("person.toml",),
        ),
        Verb(
            "consent erased",
            ("person", "consent", "eve", "--delete", "--yes"),
            lambda base: not list((base / "workspace/people").glob("eve/sources/*")),
            again=(0, 2),
            changes=tuple(EVES),
        ),
        Verb(
            "swap export",
            ("swap", "export", "a-as-b", "{out}/given"),
            lambda base: (base / "out/given/model.safetensors").is_file(),
            again=(0, 2),
        ),
        Verb(
            "swap import",
            ("swap", "import", "{media}/given", "--name", "third"),
            lambda base: any((base / "workspace/swaps/third/checkpoints").glob("0*")),
            again=(0, 2),
        ),
        Verb(
            "swap remove",
            ("swap", "remove", "a-as-b", "--yes"),
            lambda base: not (base / "workspace/swaps/a-as-b").exists(),
            again=(0, 2),
        ),
        Verb("verify", ("verify", "{media}/signed.mp4"), lambda base: True),
        Verb("ledger verify", ("ledger", "verify"), lambda base: True),
        Verb("doctor", ("doctor",), lambda base: True),
        Verb(
            "identity own",
            ("identity", "own", "--new"),
            lambda base: len(_identities(base)) > 1,
        ),
        Verb(
            "identity use",
            ("identity", "use", "--key", "{media}/key.pem", "--chain", "{media}/chain.pem"),
            lambda base: any((folder / "issuer.pem").is_file() for folder in _identities(base)),
        ),
        Verb(
            "jobs retry",
            ("jobs", "retry", "{job}", "--attach"),
            lambda base: _kept(base, "dora") == 16,
            again=(0, 2),
            changes=("faces.sqlite",),
        ),
        Verb(
            "jobs clean",
            ("jobs", "clean", "--all", "--yes"),
            lambda base: not list((base / "workspace/jobs").glob("[!.]*")),
        ),
    ]


def _last_stopped(base: Path) -> str:
    """The newest job that `_make_stopped_job` or a retry of it made."""
    return max((p.name for p in (base / "workspace/jobs").glob("*-extract-dora*")), default="")


def _identities(base: Path) -> list[Path]:
    return [p for p in (base / "config/swapdeck/identities").glob("[!.]*") if p.is_dir()]


def face_verbs(person: str, given: str) -> list[Verb]:
    """What changes or draws faces by hand. `given`: where mask.png and mend.json are."""

    def faces(name: str, done: Callable[[Path], bool], *words: str, **options: Any) -> Verb:
        changes = ("faces.sqlite", *options.pop("changes", ()))
        verb, *rest = name.split()
        return Verb(
            f"faces {name}",
            ("faces", verb, person, *rest, *words),
            done,
            changes=changes,
            **options,
        )

    def masks(base: Path) -> int:
        folder = base / "workspace/people" / person / "masks"
        return sum(not path.name.startswith(".") for path in folder.glob("*.png"))

    def mended(base: Path) -> bool:
        return any((base / "workspace/people" / person / "faces").glob("*-m*.png"))

    return [
        faces("keep", lambda base: _verdict(base, person, 1) == (True, "by hand"), "1"),
        faces("dedupe", lambda base: True, "--distance", "15"),
        faces("best", lambda base: _kept(base, person) == 2, "2", "--reject-rest"),
        # Again it takes back the one before, if the first run got so far.
        faces("undo", lambda base: True, again=(0, 2)),
        faces(
            "mask", lambda base: masks(base) >= 2, f"{given}/mask.png", "2", "3", changes=(".png",)
        ),
        faces("unmask", lambda base: masks(base) == 0, "4", changes=(".png",)),
        faces("mend", mended, "--file", f"{given}/mend.json", changes=(".png",)),
        faces(
            "export",
            lambda base: (base / "out/faces/dataset.json").is_file(),
            "{out}/faces",
            again=(0, 2),
        ),
        faces("sheet", lambda base: (base / "out/sheet.png").is_file(), "-o", "{out}/sheet.png"),
        faces("poses", lambda base: (base / "out/poses.png").is_file(), "-o", "{out}/poses.png"),
    ]


def make_good(folder: Path, clips: dict[str, Path]) -> None:
    """`folder`/workspace with everything, and `folder`/media; `clips` as the tests' fixture."""
    from engine.media.pictures import save_png

    media = folder / "media"
    media.mkdir(parents=True)
    for name, clip in clips.items():
        shutil.copy(clip, media / f"{name}.mp4")
    for copy in ("dora", "eve"):
        # A box that players skip, so that no two files have the same content.
        box = b"\0\0\0\x0cfree" + copy.encode().ljust(4)
        (media / f"{copy}.mp4").write_bytes((media / "anna.mp4").read_bytes() + box)
    blank = [f"blank-{number}.png" for number in range(4)]
    for number, name in enumerate(blank):
        save_png(media / name, np.full((64, 64, 3), 50 * number, np.uint8))
    (folder / "out").mkdir()
    for words in (
        *[("person", "add", name, "--basis", "synthetic") for name in PEOPLE],
        *[("gather", name, f"{{media}}/{name}.mp4") for name in PEOPLE],
        # So much to search that `extract dora` does it in several processes.
        ("gather", "dora", *[f"{{media}}/{name}" for name in blank]),
        *[("extract", name) for name in ("anna", "bruno")],
        ("person", "consent", "eve", "--withdraw", "--yes"),
        ("swap", "new", "a as b", "--source", "anna", "--target", "bruno", "--seed", "5"),
    ):
        _must(folder, words)
    path = folder / "workspace/swaps/a-as-b/swap.toml"
    path.write_text(path.read_text().replace('"light-64"', '"tiny"'))
    _must(folder, ("train", "a-as-b", "--steps", "4"))
    _must(folder, ("swap", "export", "a-as-b", "{media}/given"))
    make_corrections(media, 5)
    _make_certificate(media)
    _make_stopped_job(folder / "workspace")
    for words in (
        ("convert", "a-as-b", "{media}/scene.mp4", "-o", "{media}/signed.mp4"),
        ("faces", "export", "bruno", "{media}/dataset"),
        ("faces", "mask", "anna", "{media}/mask.png", "4"),
        ("faces", "reject", "anna", "1"),
    ):
        _must(folder, words)


def _make_certificate(folder: Path) -> None:
    """key.pem and chain.pem, as an organisation has them."""
    from engine.credentials.certificates import certificate, key_pem, pem

    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = certificate("The root", root_key, None, root_key, timedelta(days=400))
    leaf = certificate("The studio", key, root, root_key, timedelta(days=365))
    (folder / "chain.pem").write_bytes(pem(leaf, root))
    (folder / "key.pem").write_bytes(key_pem(key))
    (folder / "key.pem").chmod(0o600)


def _make_stopped_job(root: Path) -> None:
    """A job that can be gone on with."""
    from projects.jobs import create_job, write_exit
    from projects.workspace import open_workspace

    job = create_job(open_workspace(root), "extract", "dora", {"person": "dora"})
    write_exit(job, 130, "Stopped.")


def make_corrections(folder: Path, face: int) -> None:
    """mask.png for any face, and mend.json for one."""
    from engine.faces.align import CROP_SIZE
    from engine.media.pictures import save_png

    save_png(folder / "mask.png", np.full((CROP_SIZE, CROP_SIZE, 3), 255, np.uint8))
    moved = {"face": face, "points": {"8": [128, 200]}, "space": "crop"}
    (folder / "mend.json").write_text(json.dumps({"version": 1, "faces": [moved]}))


class Trial:
    """A copy of the good folder in which one verb meets one fault."""

    def __init__(self, good: Path, verb: Verb, folder: Path) -> None:
        self.base = Path(shutil.copytree(good, folder / f"trial-{uuid.uuid4().hex[:8]}"))
        self.root = self.base / "workspace"
        self.verb = verb
        self._before = _contents(self.base)

    def count(self) -> int:
        """How many writes the verb makes when nothing goes wrong."""
        self._run("count")
        return _writes(self.base)

    def suffer(self, fault: str, seconds: float | None = None) -> str:
        """Run the verb with the fault, and again without; what was wrong, "" when nothing was.

        With `seconds`, all its processes are killed after that time.
        """
        try:
            return self._suffer(fault, seconds)
        except subprocess.TimeoutExpired:
            return "it hangs"
        finally:
            for folder in self.base.parent.glob(f"{self.base.name}*"):
                shutil.rmtree(folder, ignore_errors=True)

    def _suffer(self, fault: str, seconds: float | None) -> str:
        code, said = self._run(fault, seconds)
        if wrong := _rude(code, said):
            return f"the run with the fault: {wrong}"
        if broken := _broken(self.root):
            return f"after the fault: {broken}"
        if lost := self._lost():
            return f"after the fault, lost: {lost}"
        code, said = self._run("")
        if code not in self.verb.again:
            return f"the next run ended with {code}: {said[-800:]}"
        if not self.verb.done(self.base):
            return f"the next run ended with {code}, but the work is not done: {said[-400:]}"
        if broken := _broken(self.root, leftovers=code == 0):
            return f"after the next run: {broken}"
        if lost := self._lost():
            return f"after the next run, lost: {lost}"
        return ""

    def _run(self, fault: str, seconds: float | None = None) -> tuple[int, str]:
        if not fault.startswith("room:"):
            return _run(self.base, self.verb.words, fault, seconds)
        answer = _run(self.base, self.verb.words, fault, seconds)
        shutil.rmtree(self.base)
        self.base.with_suffix(".after").rename(self.base)
        return answer

    def _lost(self) -> str:
        now = _contents(self.base)
        lost = sorted(
            name
            for digest, name in self._before.items()
            if digest not in now and not name.endswith(self.verb.changes)
        )
        return ", ".join(lost[:5])


def _run(
    base: Path,
    words: Sequence[str],
    fault: str = "",
    seconds: float | None = None,
    patience: float = PATIENCE,
) -> tuple[int, str]:
    """Run a verb to the end of all its processes: exit code, and all that it and its job said."""
    token = uuid.uuid4().hex
    (base / "count").unlink(missing_ok=True)
    environment = {
        **os.environ,
        "PYTHONPATH": str(FAULTS),
        "SWAPDECK_TEST_TINY": "1",
        "SWAPDECK_TEST_FAULT": fault,
        "SWAPDECK_TEST_COUNT": str(base / "count"),
        "SWAPDECK_TEST_ROOTS": os.pathsep.join(str(base / name) for name in FAULTED),
        "SWAPDECK_TEST_TOKEN": token,
        "XDG_CACHE_HOME": str(base.parent / "cache"),
        "XDG_STATE_HOME": str(base / "state"),
        "XDG_CONFIG_HOME": str(base / "config"),
        "OMP_NUM_THREADS": "1",
    }
    stand_for = {"media": base / "media", "out": base / "out", "job": _last_stopped(base)}
    filled = [word.format(**stand_for) if "{" in word else word for word in words]
    command = [sys.executable, "-m", "engine", "--workspace", str(base / "workspace"), "--json"]
    command += filled
    if fault.startswith("room:"):
        command = [*_ALONE, "sh", "-euc", _SMALL_DISK, "sh", str(base), fault[5:], *command]
        environment["SWAPDECK_TEST_FAULT"] = ""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=ROOT,
        env=environment,
        start_new_session=True,
        text=True,
    )
    try:
        said, _ = process.communicate(timeout=patience if seconds is None else seconds)
    except subprocess.TimeoutExpired:
        if seconds is None:
            _kill_all(token)
            process.communicate()
            raise
        _kill_all(token)
        said, _ = process.communicate()
    if fault.startswith("all") and process.returncode == -signal.SIGKILL:
        _kill_all(token)
    _wait_for_all(token)
    return process.returncode, said


def _with(token: str) -> list[int]:
    """The processes whose environment holds the token."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if token.encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def _kill_all(token: str) -> None:
    while pids := _with(token):
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if all(_is_dead(pid) for pid in pids):
            return


def _is_dead(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def _wait_for_all(token: str) -> None:
    end = time.monotonic() + PATIENCE
    while any(not _is_dead(pid) for pid in _with(token)):
        if time.monotonic() > end:
            _kill_all(token)
            raise subprocess.TimeoutExpired("its job", PATIENCE)
        time.sleep(0.02)


def _must(base: Path, words: Sequence[str]) -> None:
    code, said = _run(base, words, patience=5 * PATIENCE)  # nothing is compiled yet
    if code != 0:
        raise RuntimeError(f"{words} ended with {code}: {said}")


def _rude(code: int, said: str) -> str:
    """What a user should not have met: a traceback, a fault of ours, an exit code without sense."""
    if code not in (*CODES, -signal.SIGKILL):
        return f"exit code {code}: {said[-400:]}"
    for words in ("Traceback", "fault in swapdeck", "wrong inside swapdeck"):
        if words in said:
            return said[-1500:]
    told = '"error"' in said or '"state": "broken"' in said  # the doctor tells by its findings
    if code in CODES and code != 0 and not told:
        return f"exit code {code} without a sentence: {said[-400:]}"
    return ""


def _broken(root: Path, *, leftovers: bool = False) -> str:
    """What the doctor finds. Leftovers and jobs without an end are as they must be after a kill."""
    if not (root / "swapdeck.toml").exists() and not any(root.glob("*/*")):
        return ""  # nothing was begun
    found = [
        f"{check.name}: {check.found}"
        for check in examine_workspace(root)
        if check.state == "broken" or (leftovers and check.name == "leftovers" and check.mend)
    ]
    return "; ".join(found)


def _contents(base: Path) -> dict[str, str]:
    """What is worth keeping: the digest of every file's content, but of jobs and the ledger."""
    found = {}
    for top in ("workspace/people", "workspace/swaps", "workspace/trash", "media", "out"):
        for path in (base / top).rglob("*"):
            if path.is_file():
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                found[digest] = str(path.relative_to(base))
    return found


def _writes(base: Path) -> int:
    try:
        return (base / "count").stat().st_size
    except FileNotFoundError:
        return 0


def _size(base: Path) -> int:
    """What lies there, in kB, in blocks of 4 kB."""
    return sum(-(-path.lstat().st_size // 4096) * 4 for path in base.rglob("*"))


def _has_small_disks() -> bool:
    """Whether a user may mount one here."""
    if shutil.which("unshare") is None:
        return False
    probe = [*_ALONE, "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def _kept(base: Path, person: str) -> int:
    with FaceIndex(base / "workspace/people" / person / "faces.sqlite", readonly=True) as index:
        return index.counts().kept


def _verdict(base: Path, person: str, face: int) -> tuple[bool, str]:
    with FaceIndex(base / "workspace/people" / person / "faces.sqlite", readonly=True) as index:
        found = index.face(face)
        return found.kept, found.reason


def plan(
    writes: int, seconds: float, room: int, count: int, seed: str
) -> list[tuple[str, float | None]]:
    """`count` faults: at chosen writes, kills at any moment, disks with less room than is needed.

    writes, seconds, room: how many of them the verb needs; the last in kB, 0 to leave it out.
    """
    draw = random.Random(seed)
    modes = ["kill", "full", "all", "once", "time", *(("room",) if room else ())]
    draw.shuffle(modes)  # a few faults for each of many verbs are of every kind as well
    faults: list[tuple[str, float | None]] = []
    for number in range(count):
        mode = modes[number % len(modes)]
        if mode == "time":
            faults.append(("", draw.uniform(0.05, seconds)))
        elif mode == "room":
            faults.append((f"room:{draw.randint(0, room)}", None))
        else:
            faults.append((f"{mode}:{draw.randint(1, max(1, writes))}", None))
    return faults


def torment(verb: Verb, good: Path, folder: Path, count: int, seed: int, account: Account) -> None:
    """Put `count` faults into a verb."""
    began = time.monotonic()
    trial = Trial(good, verb, folder)
    size = _size(trial.base)
    writes = trial.count()
    room = max(8, _size(trial.base) - size) if _has_small_disks() else 0
    shutil.rmtree(trial.base)
    seconds = time.monotonic() - began
    for fault, after in plan(writes, seconds, room, count, f"{seed} {verb.name}"):
        account.faults += 1
        wrong = Trial(good, verb, folder).suffer(fault, after)
        if wrong:
            where = fault or f"killed after {after:.2f} s"
            account.failures.append(f"{verb.name}, {where} of {writes} writes: {wrong}")
        else:
            account.survived += 1


def main(arguments: list[str]) -> int:
    """Torment every verb; 1 when one did not survive a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20, help="faults for each verb")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="verbs whose name contains this")
    parser.add_argument("--at-once", type=int, default=2, help="verbs that are tormented at once")
    parser.add_argument("--good", type=Path, help="where the good workspace is kept between runs")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="swapdeck-crashes-") as name:
        folder = Path(name)
        good = options.good or folder / "good"
        if not good.exists():
            from tests.conftest import shortened_clips

            make_good(good, shortened_clips(folder))

        def run(verb: Verb) -> Account:
            account, began = Account(), time.monotonic()
            torment(verb, good, folder, options.count, options.seed, account)
            words = [
                f"{verb.name}: {account.faults} faults, {account.survived} survived, "
                f"{time.monotonic() - began:.0f} s",
                *(f"    {failure}" for failure in account.failures),
            ]
            sys.stdout.write("".join(f"{line}\n" for line in words))
            sys.stdout.flush()
            return account

        with ThreadPoolExecutor(options.at_once) as threads:
            chosen = [verb for verb in verbs() if options.only in verb.name]
            accounts = list(threads.map(run, chosen))
    total = Account(
        sum(account.faults for account in accounts), sum(account.survived for account in accounts)
    )
    sys.stdout.write(json.dumps({"faults": total.faults, "survived": total.survived}) + "\n")
    return 0 if total.survived == total.faults else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

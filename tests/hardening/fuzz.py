"""Give damaged files to everything that reads files: `python -m tests.hardening.fuzz`.

hypothesis makes the damage, `seeds` the good files, `targets` the readers. Each file is read in a
process that has a limit of time and of memory, and is killed at either.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st

from tests.hardening import seeds
from tests.hardening.mutations import apply, byte_changes, row_changes, tensor_changes, text_changes
from tests.hardening.pool import ROOT, CrashedError, HungError, Killable, own_folders

SECONDS = 30.0  # of processor time that reading one file may take, a process's start included
MEMORY = 12 << 30  # bytes of address space, which JAX reserves more of than it uses


@dataclass
class Kind:
    """Files of one kind: which are damaged, how, what reads them, their `share` of all cases."""

    name: str
    target: str
    files: dict[str, bytes]
    changes: Any
    share: float


@dataclass
class Finding:
    where: str
    problem: str
    target: str
    file: str
    data: bytes

    def case(self) -> str:
        """As a file of the corpus, see test_fuzz."""
        case = {"why": self.where, "target": self.target, "file": self.file}
        return json.dumps({**case, "base64": base64.b64encode(self.data).decode()}, indent=1)


@dataclass
class Tally:
    cases: int = 0
    codec_crashes: int = 0  # in a native library; a job names the file and goes on
    slowest: float = 0.0  # seconds that reading one file took
    findings: dict[str, Finding] = field(default_factory=dict)


def kinds(good: Path) -> list[Kind]:
    """Every kind of file that the workspace `good` holds, and pictures and videos."""

    def of(*patterns: str) -> dict[str, bytes]:
        found = [path for pattern in patterns for path in sorted(good.glob(pattern))]
        return {str(path.relative_to(good)): path.read_bytes() for path in found}

    pictures = {f"media/{name}": data for name, data in seeds.pictures().items()}
    videos = {f"media/{name}": data for name, data in seeds.videos().items()}
    swap = "swaps/*/checkpoints/00000004"

    def beside(*patterns: str) -> dict[str, bytes]:
        found = [path for pattern in patterns for path in sorted(good.parent.glob(pattern))]
        return {str(path.relative_to(good.parent)): path.read_bytes() for path in found}

    model, card = beside("given/*.safetensors"), beside("given/*.json")
    foreign = {f"foreign/{name}": data for name, data in seeds.pictures().items()}
    signed = beside("signed/*.png", "signed/*.jpg", "signed/*.webp", "signed/*.mp4")
    return [
        Kind("pictures", "media", pictures, byte_changes, 0.18),
        Kind("videos", "media", videos, byte_changes, 0.2),
        Kind("gathered files", "gather", {**pictures, **videos}, byte_changes, 0.04),
        Kind(
            "TOML",
            "documents",
            of("*.toml", "people/ada/*.toml", "people/ada/sources/*.toml", "swaps/*/*.toml"),
            text_changes,
            0.18,
        ),
        Kind(
            "event logs and job files",
            "documents",
            of("jobs/*/*", "swaps/*/history.jsonl"),
            text_changes,
            0.16,
        ),
        Kind("SQLite", "faces", of("people/ada/faces.sqlite"), byte_changes, 0.06),
        Kind("SQLite rows", "faces", of("people/ada/faces.sqlite"), row_changes, 0.06),
        Kind("crops", "faces", of("people/ada/faces/*3-0.png"), byte_changes, 0.02),
        Kind("details", "faces", of("people/ada/details/*.jpg"), byte_changes, 0.02),
        Kind("safetensors", "checkpoint", of(f"{swap}/*.safetensors"), byte_changes, 0.03),
        Kind("tensors", "checkpoint", of(f"{swap}/*.safetensors"), tensor_changes, 0.02),
        Kind("ledgers", "documents", of("ledger*"), text_changes, 0.05),
        Kind("exports: description", "given", card, text_changes, 0.05),
        Kind("exports: model", "given", model, st.one_of(byte_changes, tensor_changes), 0.03),
        Kind("manifests", "checkpoint", of(f"{swap}/*.json"), text_changes, 0.05),
        Kind("datasets: sidecars", "dataset", beside("dataset/*.json"), text_changes, 0.05),
        Kind("datasets: pictures", "dataset", beside("dataset/*.png"), byte_changes, 0.02),
        Kind("foreign pictures", "foreign", foreign, byte_changes, 0.02),
        Kind("masks", "masks", beside("byhand/mask*.png", "byhand/mask.jpg"), byte_changes, 0.02),
        Kind("polygons", "masks", beside("byhand/masks.json"), text_changes, 0.04),
        Kind("mends", "mends", beside("byhand/mend*.json"), text_changes, 0.04),
        Kind("credentials beside", "credentials", beside("signed/*.json"), text_changes, 0.04),
        Kind("signed results", "credentials", signed, byte_changes, 0.06),
    ]


def make_good(root: Path) -> None:
    """`seeds.build_workspace` in a process of its own, because threads here start processes."""
    code = "import sys; from pathlib import Path; from tests.hardening import seeds; "
    code += "seeds.build_workspace(Path(sys.argv[1]))"
    environment = {**os.environ, **own_folders(root.parent / "cache")}
    subprocess.run([sys.executable, "-c", code, str(root)], cwd=ROOT, check=True, env=environment)


def reader(good: Path) -> Killable:
    """A process that reads what it is given as `targets` says."""
    cache = good.parent / "cache"
    return Killable("tests.hardening.targets", memory=MEMORY, seconds=SECONDS, cache=cache)


def fuzz(kind: Kind, good: Path, count: int, seed: int, pool: Killable) -> Tally:
    """Read `count` damaged files of one kind."""
    tally = Tally()

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(st.sampled_from(sorted(kind.files)), kind.changes)
    def one(file: str, changes: list[tuple[str, int, object]]) -> None:
        data = apply(kind.files[file], changes)
        hypothesis.assume(data != kind.files[file])
        judge(pool, kind.target, good, file, data, tally)

    one()
    return tally


def judge(pool: Killable, target: str, good: Path, file: str, data: bytes, tally: Tally) -> None:
    """Read one file, and note in `tally` what was wrong with how that went."""
    tally.cases += 1
    with tempfile.NamedTemporaryFile(prefix="swapdeck-fuzz-") as given:
        given.write(data)
        given.flush()
        request = {"target": target, "good": str(good), "file": file, "data": given.name}
        began = time.monotonic()
        try:
            found = pool.ask(request)
        except HungError as error:
            found = {"problem": f"hung: {error}", "where": f"hung {target}"}
        except CrashedError as error:
            tally.codec_crashes += target in ("media", "gather")
            found = {"problem": f"crashed: {error}", "where": f"crashed {target} {error}"}
    tally.slowest = max(tally.slowest, time.monotonic() - began)
    if found["problem"]:
        finding = Finding(found["where"], found["problem"], target, file, data)
        tally.findings.setdefault(finding.where, finding)


def main(arguments: list[str]) -> int:
    """Fuzz everything; 1 when there is a finding."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="kinds whose name contains this")
    parser.add_argument(
        "--keep", type=Path, help="a folder for what found something, as the corpus has it"
    )
    options = parser.parse_args(arguments)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="swapdeck-fuzz-") as folder:
        good = Path(folder) / "workspace"
        make_good(good)
        every = kinds(good)
        whole = sum(kind.share for kind in every)
        chosen = [kind for kind in every if options.only in kind.name]

        def run(kind: Kind) -> Tally:
            with contextlib.closing(reader(good)) as pool:
                count = max(1, round(options.count * kind.share / whole))
                tally = fuzz(kind, good, count, options.seed, pool)
            sys.stdout.write(
                f"{kind.name}: {tally.cases} files, {len(tally.findings)} findings, "
                f"the slowest read in {tally.slowest:.1f} s\n"
            )
            sys.stdout.flush()
            return tally

        with ThreadPoolExecutor(2) as threads:
            tallies = list(threads.map(run, chosen))
    findings = [one for tally in tallies for one in tally.findings.values()]
    for number, one in enumerate(findings):
        sys.stdout.write(f"\n--- {one.file}\n{one.problem}\n")
        if options.keep is not None:
            options.keep.mkdir(exist_ok=True)
            (options.keep / f"{number:02d}-{Path(one.file).name}.json").write_text(one.case())
    cases = sum(tally.cases for tally in tallies)
    crashes = sum(tally.codec_crashes for tally in tallies)
    sys.stdout.write(
        f"\n{cases} damaged files, {len(findings)} findings, {crashes} crashes of a codec, "
        f"{time.monotonic() - began:.0f} s\n"
    )
    return 1 if findings else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

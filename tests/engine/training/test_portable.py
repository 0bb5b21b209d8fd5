"""A trained swap given to others: it comes back whole, and nothing hostile gets in."""

from __future__ import annotations

import json
import os
import shutil
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import jax
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from engine import verbs
from engine.nets.presets import Preset
from engine.reporting import CollectingReporter
from engine.training.checkpoint import load_state, read_settings, save_state
from engine.training.export import export_swap
from engine.training.importing import import_swap, load_identity
from engine.training.portable import CARD, MANIFEST, MODEL
from engine.training.settings import settings_for
from engine.training.step import State, state_shapes
from projects import ledger
from projects.checkpoints import newest
from projects.consent import Consent
from projects.errors import CommandError, DamagedError, RefusedError, SwapdeckError
from projects.files import sha256_file
from projects.people import Person, add_person, get_person, list_people, set_consent
from projects.swaps import Swap, list_swaps, new_swap
from projects.workspace import Workspace, open_workspace

STEP = 7


@pytest.fixture(autouse=True)
def tiny(preset: Preset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.nets.presets.PRESETS", {preset.name: preset})


@pytest.fixture(scope="session")
def trained_state(preset: Preset) -> State:
    """A state of random numbers, whose average differs from its weights."""
    random = np.random.default_rng(1)
    shapes = state_shapes(preset, settings_for(preset.name, seed=3, batch=2))

    def leaf(like: Any) -> Any:
        return random.normal(size=like.shape).astype(like.dtype)

    return jax.tree.map(leaf, shapes)._replace(step=np.int32(STEP))


@pytest.fixture
def swap(workspace: Workspace, ada: Person, ben: Person, trained_state: State) -> Swap:
    made = new_swap(workspace, None, ada, ben, preset="tiny", seed=3, settings={"batch": 2})
    settings = settings_for("tiny", seed=3, batch=2)
    save_state(made.checkpoints_dir, trained_state, settings, {}, 3)
    return made


@pytest.fixture
def exported(workspace: Workspace, swap: Swap, tmp_path: Path) -> Path:
    folder = tmp_path / "given"
    export_swap(workspace, swap, folder)
    return folder


@pytest.fixture
def other(tmp_path: Path, consent: Consent) -> Workspace:
    """Another workspace in which both people are known."""
    made = open_workspace(tmp_path / "other", create=True)
    for name in ("Ada", "Ben"):
        add_person(made, name, consent)
    return made


def state_of(swap: Swap) -> State:
    checkpoint, warnings = newest(swap.checkpoints_dir)
    assert checkpoint is not None and not warnings
    settings = read_settings(checkpoint)
    from engine.nets.presets import get_preset

    return load_state(checkpoint, state_shapes(get_preset(settings.preset), settings))


def test_what_is_exported_is_imported_bit_for_bit(
    exported: Path, other: Workspace, swap: Swap, trained_state: State
) -> None:
    assert {path.name for path in exported.iterdir()} == {MANIFEST, MODEL, CARD}
    made, _ = import_swap(other, exported)
    assert (made.name, made.source, made.target, made.seed) == ("ada-as-ben", "ada", "ben", 3)
    assert made.settings == {"batch": 2}
    found = state_of(made)
    assert int(found.step) == STEP
    for which in (found.average, found.params):
        same = jax.tree.map(np.array_equal, which, trained_state.average)
        assert all(jax.tree.leaves(same))
    assert not any(np.any(leaf) for leaf in jax.tree.leaves(found.optimiser))
    kinds = [entry.kind for entry in ledger.entries(other)]
    assert kinds == ["consent", "consent", "import"]


def test_the_card_and_the_description_name_people_consent_and_data(exported: Path) -> None:
    card = (exported / CARD).read_text()
    for words in ("Ada", "Ben", "basis: synthetic", "tests of swapdeck", "tiny", "under age"):
        assert words in card
    record = json.loads((exported / MANIFEST).read_text())
    assert record["people"]["source"]["consent"]["basis"] == "synthetic"
    assert record["step"] == STEP and record["tensors"]


def test_an_export_is_in_the_ledger_and_is_not_made_twice(
    workspace: Workspace, swap: Swap, exported: Path
) -> None:
    [entry] = [e for e in ledger.entries(workspace) if e.kind == "export"]
    assert entry.values["folder"] == str(exported) and entry.values["people"] == ["ada", "ben"]
    assert entry.values["sha256"] == sha256_file(exported / MANIFEST)
    with pytest.raises(CommandError, match="there already"):
        export_swap(workspace, swap, exported)
    with pytest.raises(CommandError, match="lies in the workspace"):
        export_swap(workspace, swap, workspace.swaps / "given")


def test_an_export_runs_as_a_job_too(workspace: Workspace, swap: Swap, tmp_path: Path) -> None:
    reporter = CollectingReporter()
    folder = tmp_path / "given"
    verbs.run(workspace, "export", {"swap": swap.slug, "folder": str(folder)}, reporter)
    [result] = reporter.of("result")
    assert result["folder"] == str(folder) and result["step"] > 0
    assert {path.name for path in folder.iterdir()} == {MANIFEST, MODEL, CARD}


def test_an_export_needs_a_consent_that_covers_it(
    workspace: Workspace, swap: Swap, ben: Person, tmp_path: Path
) -> None:
    agreed = cast(Consent, ben.consent)
    for change in ({"basis": "release"}, {"withdrawn_at": "2026-11-24"}):
        set_consent(ben, replace(agreed, **change))
        with pytest.raises(RefusedError, match="Ben"):
            export_swap(workspace, swap, tmp_path / "given")
    assert not (tmp_path / "given").exists()
    set_consent(ben, replace(agreed, basis="release", uses=("export",)))
    export_swap(workspace, swap, tmp_path / "given")


def test_a_swap_that_was_never_trained_cannot_be_exported(
    workspace: Workspace, ada: Person, ben: Person, tmp_path: Path
) -> None:
    fresh = new_swap(workspace, None, ada, ben, preset="tiny", seed=3, settings={})
    with pytest.raises(SwapdeckError, match="Train it first"):
        export_swap(workspace, fresh, tmp_path / "given")
    assert not (tmp_path / "given").exists()


def test_an_import_needs_people_whose_consent_holds(
    exported: Path, other: Workspace, consent: Consent, tmp_path: Path
) -> None:
    set_consent(get_person(other, "ben"), replace(consent, withdrawn_at="2026-11-24"))
    with pytest.raises(RefusedError, match="Ben withdrew"):
        import_swap(other, exported)
    nobody = open_workspace(tmp_path / "empty", create=True)
    with pytest.raises(RefusedError, match="--basis"):
        import_swap(nobody, exported)
    with pytest.raises(RefusedError, match="--use conversion"):
        import_swap(nobody, exported, consent=replace(consent, uses=("training",)))
    assert list_people(nobody) == []
    made, _ = import_swap(nobody, exported, consent=consent)
    assert [person.slug for person in list_people(nobody)] == ["ada", "ben"]
    assert list_swaps(nobody) == [made]


def test_people_may_have_other_names_here(
    exported: Path, other: Workspace, consent: Consent
) -> None:
    add_person(other, "Zoe", consent)
    made, _ = import_swap(other, exported, name="mine", people={"source": "zoe"})
    assert (made.slug, made.source, made.target) == ("mine", "zoe", "ben")
    with pytest.raises(CommandError, match="--name"):
        import_swap(other, exported, name="Mine")
    with pytest.raises(CommandError, match="same person"):
        import_swap(other, exported, people={"source": "ben"})


def test_identities_travel_and_are_known_where_there_are_no_faces(
    exported: Path, other: Workspace
) -> None:
    vector = np.linspace(-0.1, 0.1, 128, dtype=np.float32)
    rewrite_tensors(exported, lambda t: {**t, "identity/target": vector})
    made, _ = import_swap(other, exported)
    known = load_identity(made, "target")
    assert known is not None and np.array_equal(known, vector)
    assert load_identity(made, "source") is None


# Hostile folders.


def rewrite(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    path = folder / MANIFEST
    record = json.loads(path.read_text())
    changed = change(record)
    path.write_text(json.dumps(record if changed is None else changed))


def rewrite_tensors(folder: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Change the weights and put the right hash and size into the description, as an attacker."""
    path = folder / MODEL
    tensors = {k: np.ascontiguousarray(v) for k, v in change(load_file(path)).items()}
    save_file(tensors, path)
    seal(folder)


def seal(folder: Path) -> None:
    path = folder / MODEL
    right = {"sha256": sha256_file(path), "bytes": path.stat().st_size}
    rewrite(folder, lambda record: record["files"].update({MODEL: right}))


def bomb_header(folder: Path) -> None:
    """A header that claims tensors of the size of a galaxy."""
    header = json.dumps(
        {"encoder/x": {"dtype": "F32", "shape": [2**40, 2**20], "data_offsets": [0, 2**62]}}
    ).encode()
    size = (folder / MODEL).stat().st_size
    data = struct.pack("<Q", len(header)) + header
    (folder / MODEL).write_bytes(data + b"\0" * (size - len(data)))
    seal(folder)


def put(*names: str, value: Any) -> Callable[[Path], None]:
    def change(record: dict[str, Any]) -> None:
        for name in names[:-1]:
            record = record[name]
        record[names[-1]] = value

    return lambda folder: rewrite(folder, change)


def first_tensor(change: Callable[[Any], Any]) -> Callable[[Path], None]:
    def changed(tensors: dict[str, Any]) -> dict[str, Any]:
        name = sorted(tensors)[0]
        return {**tensors, name: change(tensors[name].copy())}

    return lambda folder: rewrite_tensors(folder, changed)


def with_nan(array: Any) -> Any:
    array.flat[0] = np.nan
    return array


def linked(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        elsewhere = folder.parent / "elsewhere"
        (folder / name).rename(elsewhere)
        (folder / name).symlink_to(elsewhere)

    return change


def piped(folder: Path) -> None:
    (folder / MODEL).unlink()
    os.mkfifo(folder / MODEL)


def flipped(folder: Path) -> None:
    data = bytearray((folder / MODEL).read_bytes())
    data[-5] ^= 1
    (folder / MODEL).write_bytes(data)


def sparse(folder: Path) -> None:
    """A terabyte of nothing, as the description says too."""
    os.truncate(folder / MODEL, 10**12)
    right = {"sha256": "0" * 64, "bytes": 10**12}
    rewrite(folder, lambda record: record["files"].update({MODEL: right}))


HOSTILE: dict[str, Callable[[Path], None]] = {
    "a path that leads out": put("files", value={"../../etc/passwd": {}, CARD: {}}),
    "an absolute path": put("files", value={"/etc/passwd": {}, MODEL: {}, CARD: {}}),
    "a link in place of the weights": linked(MODEL),
    "a link in place of the description": linked(MANIFEST),
    "a pipe in place of the weights": piped,
    "a changed bit": flipped,
    "a terabyte": sparse,
    "a header that lies": bomb_header,
    "weights that are not numbers": first_tensor(with_nan),
    "weights of another type": first_tensor(lambda a: a.astype(np.float64)),
    "weights of another shape": first_tensor(lambda a: a.reshape(-1, 1)),
    "one tensor too many": lambda f: rewrite_tensors(f, lambda t: {**t, "os.system": np.zeros(1)}),
    "one tensor too few": lambda f: rewrite_tensors(f, lambda t: dict(sorted(t.items())[1:])),
    "an identity of another shape": lambda f: rewrite_tensors(
        f, lambda t: {**t, "identity/source": np.zeros(9, np.float32)}
    ),
    "an unknown preset": put("preset", value="evil\x1b[2J"),
    "a preset that is two": put("training", "preset", value="light-64"),
    "a setting that is none": put("training", "__class__", value="x"),
    "a setting of another type": put("training", "batch", value="16"),
    "a setting that is no number": put("training", "learning_rate", value=float("nan")),
    "a change of the seed": put("settings", value={"seed": 3}),
    "a change that is none": put("settings", value={"exec": "rm"}),
    "a change that is a bomb": put("settings", value={"losses": {"l1": 1e400}}),
    "a step before the first": put("step", value=-1),
    "a step beyond all bounds": put("step", value=10**30),
    "a step that is a word": put("step", value=True),
    "fingerprints that are none": put("datasets", value={"source": "../x"}),
    "nobody": put("people", value={}),
    "a name that is a list": put("people", "source", "name", value=["Ada"]),
    "another format": put("format", value="pickle"),
    "no version": put("version", value=None),
    "a newer version": put("version", value=99),
    "a list": lambda f: rewrite(f, lambda record: [record]),
    "no text": lambda f: (f / MANIFEST).write_bytes(b"\xff\xfe\x00"),
    "a deep nest": lambda f: (f / MANIFEST).write_text("[" * 200_000),
    "a long number": lambda f: (f / MANIFEST).write_text("9" * 100_000),
    "a huge description": lambda f: os.truncate(f / MANIFEST, 10**9),
    "no weights": lambda f: (f / MODEL).unlink(),
    "weights that are a folder": lambda f: ((f / MODEL).unlink(), (f / MODEL).mkdir()),
    "an empty file": lambda f: os.truncate(f / MODEL, 0),
}


@pytest.mark.parametrize("harm", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_folder_is_refused_with_a_sentence_and_nothing_is_written(
    exported: Path, other: Workspace, harm: Callable[[Path], Any]
) -> None:
    harm(exported)
    before = sorted(other.root.rglob("*"))
    with pytest.raises(DamagedError) as caught:
        import_swap(other, exported)
    said = str(caught.value)
    assert str(exported) in said and said.isprintable()
    assert sorted(other.root.rglob("*")) == before


@pytest.mark.parametrize("name", ["../../outside", "CON", "\x1b[2J", "", "x" * 5000])
def test_a_hostile_name_writes_nothing_outside(
    exported: Path, other: Workspace, consent: Consent, tmp_path: Path, name: str
) -> None:
    put("people", "source", "name", value=name)(exported)
    put("name", value=name)(exported)
    outside = {path for path in tmp_path.rglob("*") if other.root not in path.parents}
    try:
        import_swap(other, exported, consent=consent)
    except SwapdeckError as error:
        assert str(error).isprintable()
    after = {path for path in tmp_path.rglob("*") if other.root not in path.parents}
    assert after == outside
    for path in other.root.rglob("*"):
        assert path.name.isprintable()


def test_no_folder_at_all_is_a_wrong_command(other: Workspace, tmp_path: Path) -> None:
    for folder in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(CommandError, match="holds no exported swap"):
            import_swap(other, folder)


def test_a_failure_in_the_end_leaves_no_swap(
    exported: Path, other: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*words: Any, **options: Any) -> None:
        raise SwapdeckError("The disk is full.")

    monkeypatch.setattr("engine.training.importing.save_state", full)
    with pytest.raises(SwapdeckError, match="disk is full"):
        import_swap(other, exported)
    assert list(other.swaps.iterdir()) == []


def test_a_copy_of_the_folder_is_as_good(exported: Path, other: Workspace, tmp_path: Path) -> None:
    copy = shutil.copytree(exported, tmp_path / "copy")
    assert import_swap(other, copy)[0].slug == "ada-as-ben"

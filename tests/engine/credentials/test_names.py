"""Nobody is named in public unless that was asked for."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from engine.credentials.manifest import sidecar
from engine.credentials.marking import new_marking
from engine.credentials.verify import verify
from projects import ledger
from projects.people import add_person
from projects.swaps import new_swap

NAMES = (b"adelheid", b"Adelheid", b"benvolio", b"Benvolio", b"lakeside-holiday")


@pytest.fixture
def people(workspace, consent):
    first = replace(consent, basis="self")
    return add_person(workspace, "Adelheid", first), add_person(workspace, "Benvolio", consent)


@pytest.fixture
def written(workspace, people, tmp_path):
    """Marks a result that has the default name; its bytes, or those of what is beside it."""
    swap = new_swap(workspace, None, *people, preset="light-64", seed=0, settings={})

    def mark(suffix, *, names):
        source, output = tmp_path / "lakeside-holiday.png", tmp_path / f"out-{swap.slug}{suffix}"
        temporary = tmp_path / f"temporary{suffix}"
        picture = np.random.default_rng(0).integers(0, 255, (80, 80, 3), dtype=np.uint8)
        cv2.imwrite(str(source), picture)
        cv2.imwrite(str(temporary.with_suffix(".png")), picture)
        temporary.with_suffix(".png").rename(temporary)
        marking = new_marking(workspace, swap, 7, people, names=names)
        marking.finisher(output)(temporary, output, source)
        temporary.rename(output)
        return output

    return mark


@pytest.mark.parametrize("suffix", [".png", ".mkv"])
def test_neither_people_nor_the_swap_nor_files_are_named(written, suffix):
    output = written(suffix, names=False)
    data = (output if suffix == ".png" else sidecar(output)).read_bytes()
    assert [name for name in NAMES if name in data] == []
    assert b"source_sha256" in data
    assert f"result{suffix}".encode() in data


def test_they_are_when_asked_for(written):
    output = written(".png", names=True)
    data = output.read_bytes()
    for name in (b"Adelheid", b"Benvolio", b"lakeside-holiday.png", output.name.encode()):
        assert name in data


def test_names_are_in_the_file_beside_a_result_when_asked_for(written):
    output = written(".mkv", names=True)
    data = sidecar(output).read_bytes()
    assert all(name in data for name in (b"Adelheid", b"Benvolio", output.name.encode()))


def test_the_ledger_knows_the_very_bytes_of_a_result(written, workspace):
    output = written(".png", names=False)
    verdict = verify(output, workspace)
    assert verdict.same_file is True
    (entry,) = [e for e in ledger.entries(workspace) if e.kind == "output"]
    assert entry.values["file"] == str(output)
    assert verdict.entry is not None and verdict.entry["sequence"] == entry.sequence
    assert "This is the very file" in " ".join(verdict.sentences())

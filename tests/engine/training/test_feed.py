"""Faces on the device or from the disk: the same batches, little memory, and no bad crops."""

import threading
from dataclasses import replace

import jax
import numpy as np
import pytest

from engine.faces.align import CROP_MARGIN
from engine.reporting import CollectingReporter, NullReporter
from engine.training.cropfile import crop_file, file_size
from engine.training.dataset import Dataset, chunks, crops, find_dataset, twins_of
from engine.training.feed import DEPTH, Resident, Streamed, host_draws, is_streamed, open_feed
from engine.training.sampling import Chosen, drawn, person_keys, step_key
from engine.training.settings import Augmentation, Sampling, TrainSettings
from engine.training.step import make_step
from engine.training.usage import free_host_memory, free_memory
from projects import cache
from projects.errors import CommandError, DamagedError, StopRequested, SwapdeckError

SIZE = 32
SETTINGS = TrainSettings(batch=3, seed=7)
BY_POSE = replace(
    SETTINGS, sampling=Sampling(pose_uniform=0.5), augmentation=Augmentation(clahe=0.5)
)


@pytest.fixture
def people(ada, ben, store, made_face) -> dict[str, Dataset]:
    """Five faces of one person and seven of the other."""
    store(ada, [made_face(frame) for frame in range(5)])
    store(ben, [made_face(frame + 50) for frame in range(7)])
    return {"source": find_dataset(ada, SIZE, False), "target": find_dataset(ben, SIZE, False)}


def twins(people: dict[str, Dataset]) -> dict[str, Dataset]:
    return {role: replace(dataset, twins=True) for role, dataset in people.items()}


def all_crops(dataset: Dataset) -> np.ndarray:
    plain = np.stack(list(crops(dataset)))
    return np.concatenate([plain, twins_of(plain)]) if dataset.twins else plain


@pytest.mark.parametrize("settings", [SETTINGS, BY_POSE], ids=["plain", "poses and twins"])
def test_both_feeds_give_every_step_the_same_crops(workspace, people, settings):
    if settings.augmentation.clahe:
        people = twins(people)
    resident = Resident(people, settings, NullReporter())
    clahe = settings.augmentation.clahe
    choose = jax.jit(lambda whole, key: drawn(whole, key, settings.batch, clahe))
    with open_feed(workspace, people, settings, "stream", NullReporter()) as streamed:
        for step, steps in ((0, 1), (1, 1), (2, 1), (2, 3), (5, 3), (40, 1)):
            found = streamed.take(step, steps)
            for number, role in enumerate(people):
                for k in range(steps):
                    key = person_keys(step_key(settings.seed, step + k), number)[0]
                    whole = resident.take(step, steps)[role]
                    pixels, index = choose(whole, key)
                    crop = found[role].pixels[k] if steps > 1 else found[role].pixels
                    np.testing.assert_array_equal(crop, pixels[index])
        for role, crop in streamed.few(3).items():
            np.testing.assert_array_equal(crop, resident.few(3)[role])


def test_everything_is_on_the_device_once_with_its_twins(people):
    for role, dataset in twins(people).items():
        crop = Resident({role: dataset}, SETTINGS, NullReporter()).take(0, 1)[role]
        np.testing.assert_array_equal(crop, all_crops(dataset))


def test_what_is_said_of_a_batch_is_how_it_comes(workspace, people):
    with open_feed(workspace, people, SETTINGS, "stream", NullReporter()) as feed:
        for steps in (1, 4):
            said, given = feed.example(steps), feed.take(0, steps)
            for role in people:
                assert isinstance(given[role], Chosen)
                assert said[role].pixels.shape == given[role].pixels.shape
                assert said[role].pixels.dtype == given[role].pixels.dtype


def test_several_steps_in_one_call_take_their_own_crops(model, first, settings, pixels):
    rows = np.array([[0, 1, 2, 3], [5, 4, 3, 2]])
    stacked = {role: Chosen(crop[rows]) for role, crop in pixels.items()}
    many = jax.jit(make_step(model, settings, CROP_MARGIN, steps=2))
    together, _ = many(first, stacked)
    one, each = jax.jit(make_step(model, settings, CROP_MARGIN)), first
    for row in rows:
        each, _ = one(each, {role: Chosen(crop[row]) for role, crop in pixels.items()})
    assert int(together.step) == 2
    for a, b in zip(*map(jax.tree.leaves, (together.params, each.params)), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-3)


def test_the_file_is_made_once_and_again_when_a_face_changes(workspace, people, ada, store):
    dataset = people["source"]
    reporter = CollectingReporter()
    for _ in range(2):
        with crop_file(workspace, dataset, reporter) as file:
            found = np.empty(dataset.shape, np.uint8)
            file.read(np.arange(5), found)
        np.testing.assert_array_equal(found, all_crops(dataset))
    assert len(reporter.of("stage")) == 1
    [used] = [one for one in cache.usage(workspace) if one.kind == "crops"]
    assert (used.entries, used.bytes) == (1, file_size(dataset.shape))
    picture = ada.faces_dir / dataset.faces[0].crop
    picture.write_bytes((ada.faces_dir / dataset.faces[1].crop).read_bytes() + b"\0")
    with crop_file(workspace, dataset, reporter) as file:
        file.read(np.arange(1), found[:1])
    np.testing.assert_array_equal(found[0, ..., :3], found[1, ..., :3])
    assert len(reporter.of("stage")) == 2


def entry(workspace):
    [path] = (workspace.root / "cache" / "crops").iterdir()
    return path


@pytest.mark.parametrize("place", [0, 30, -1])
def test_a_flipped_bit_is_noticed_and_the_file_made_anew_next_time(workspace, people, place):
    dataset = people["source"]
    crop_file(workspace, dataset, NullReporter()).close()
    data = bytearray(entry(workspace).read_bytes())
    data[place] ^= 4
    entry(workspace).write_bytes(data)
    found = np.empty(dataset.shape, np.uint8)
    with (
        pytest.raises(DamagedError, match="Train again"),
        crop_file(workspace, dataset, NullReporter()) as file,
    ):
        file.read(np.arange(5), found)
    with crop_file(workspace, dataset, NullReporter()) as file:
        file.read(np.arange(5), found)
    np.testing.assert_array_equal(found, all_crops(dataset))


def test_a_file_that_is_too_short_is_noticed(workspace, people):
    crop_file(workspace, people["source"], NullReporter()).close()
    path = entry(workspace)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DamagedError, match="made anew"):
        crop_file(workspace, people["source"], NullReporter())


def test_an_error_of_a_thread_comes_out_where_its_batch_is_taken(workspace, people):
    with open_feed(workspace, people, SETTINGS, "stream", NullReporter()) as feed:
        feed.take(0, 1)
    crop = workspace.root / "cache" / "crops"
    for path in crop.iterdir():
        data = bytearray(path.read_bytes())
        data[4096::50] = bytes(len(data[4096::50]))
        path.write_bytes(data)
    with open_feed(workspace, people, SETTINGS, "device", NullReporter()) as feed:
        feed.take(0, 1)
    with (
        pytest.raises(DamagedError),
        open_feed(workspace, people, SETTINGS, "stream", NullReporter()) as feed,
    ):
        feed.take(0, 1)
    assert not [t for t in threading.enumerate() if t.name.startswith("feed")]


def test_a_stop_while_faces_are_cut_leaves_nothing_behind(workspace, people):
    stopped = CollectingReporter(stop=lambda: True)
    with (
        pytest.raises(StopRequested),
        open_feed(workspace, people, SETTINGS, "stream", stopped),
    ):
        pass
    assert list((workspace.root / "cache" / "crops").iterdir()) == []


def test_batches_are_made_a_few_ahead_and_no_more(workspace, people):
    asked: list[int] = []
    draw = host_draws(people, SETTINGS)

    def counted(step: int, steps: int):
        asked.append(step)
        return draw(step, steps)

    files = {role: crop_file(workspace, one, NullReporter()) for role, one in people.items()}
    looks: list[int] = []
    with Streamed(files, counted, SETTINGS.batch) as feed:
        for step in range(6):
            feed.take(step, 1, lambda: looks.append(1))
    for file in files.values():
        file.close()
    assert sorted(asked)[:6] == list(range(6))
    assert max(asked) <= 5 + DEPTH - 1
    assert len(asked) == len(set(asked))


def test_where_faces_go_depends_on_what_is_free_unless_it_is_said(people):
    both = list(people.values())
    size = sum(one.nbytes for one in both)
    assert not is_streamed("auto", both, free=2 * size)
    assert is_streamed("auto", both, free=2 * size - 1)
    assert not is_streamed("auto", both, free=None)
    assert is_streamed("stream", both, free=100 * size)
    assert not is_streamed("device", both, free=0)
    many = replace(both[0], faces=both[0].faces * 20_000, side=256)
    assert is_streamed("auto", [many], free=10**15)
    with pytest.raises(CommandError, match="more faces than"):
        is_streamed("device", [many], free=10**15)


def test_more_crops_than_the_cache_may_have_are_refused_at_once(workspace, people, monkeypatch):
    monkeypatch.setenv("SWAPDECK_CACHE_GB", "0.00001")
    with (
        pytest.raises(SwapdeckError, match="SWAPDECK_CACHE_GB"),
        open_feed(workspace, people, SETTINGS, "stream", NullReporter()),
    ):
        pass


def test_pieces_are_small_and_say_how_far_they_are(people):
    reporter = CollectingReporter()
    pieces = list(chunks(twins(people)["target"], 3, reporter))
    assert [(start, len(piece)) for start, piece in pieces] == [
        *[(0, 3), (7, 3), (3, 3), (10, 3), (6, 1), (13, 1)]
    ]
    assert reporter.of("progress")[-1]["done"] == 7


def test_free_memory_is_what_the_system_or_a_group_leaves(tmp_path):
    free = free_memory()
    assert free is not None and free > 0
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:  9000 kB\nMemAvailable:    4000 kB\n")
    group = tmp_path / "group"
    group.mkdir()
    assert free_host_memory(meminfo, group) == 4000 * 1024
    (group / "memory.max").write_text("2000000\n")
    (group / "memory.current").write_text("1500000\n")
    (group / "memory.stat").write_text("anon 1\ninactive_file 300000\nactive_file 5\n")
    assert free_host_memory(meminfo, group) == 800_005
    (group / "memory.max").write_text("max\n")
    assert free_host_memory(meminfo, group) == 4000 * 1024
    assert free_host_memory(tmp_path / "none", group) is None

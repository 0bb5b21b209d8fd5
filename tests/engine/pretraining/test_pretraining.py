"""A base learns from people who do the same; swaps begin with its weights."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.avatars.identities import PEOPLE
from engine.faces.align import CROP_MARGIN
from engine.nets.light import LightConfig, LightDecoder, LightEncoder
from engine.nets.presets import PRESETS, Preset
from engine.pretraining import weights
from engine.pretraining.crowd import Crowd, crowd_pose, stranger
from engine.pretraining.faces import DOES, Faces, crowd_for, together, with_peers
from engine.pretraining.loop import base_settings, pretrain
from engine.pretraining.step import first_base_state, make_base_step, on_device
from engine.pretraining.weights import base_params, ship
from engine.reporting import NullReporter
from engine.training.augment import CHANNELS
from engine.training.checkpoint import flat
from engine.training.model import build, fresh_params
from engine.training.settings import settings_for
from engine.training.start import ANYONE, started
from projects import checkpoints
from projects.bases import get_base, list_bases, new_base, remove_base, write_down_start
from projects.checkpoints import steps
from projects.errors import CommandError, DamagedError, RefusedError, SwapdeckError
from projects.face_crop import crop_side
from projects.people import add_person
from projects.swaps import get_swap, new_swap, update_swap
from projects.traces import made_from
from projects.training_options import DEFAULT_RECIPE

TINY = LightConfig(size=32, encoder=(8, 8, 8), code=8, decoder=(8, 8, 8, 8))
SIDE = crop_side(TINY.size)


@pytest.fixture
def preset(monkeypatch) -> Preset:
    tiny = Preset(
        "tiny",
        TINY.size,
        lambda rngs: LightEncoder(TINY, rngs=rngs),
        lambda rngs: LightDecoder(TINY, rngs=rngs),
    )
    monkeypatch.setitem(PRESETS, "tiny", tiny)
    return tiny


@pytest.fixture
def faces() -> Faces:
    """Three people, two of whom do each of four things."""
    rng = np.random.default_rng(3)
    pixels = rng.integers(0, 256, (8, SIDE, SIDE, CHANNELS), np.uint8)
    pixels[..., 3:] = 255
    who = np.array([0, 1, 1, 2, 2, 0, 0, 1], np.int32)
    pose = np.repeat(np.arange(4, dtype=np.int32), 2)
    does = rng.normal(size=(4, len(DOES))).astype(np.float32)[pose]
    return with_peers(pixels, who, pose, does, 3)


@pytest.fixture
def base(workspace, preset, faces, monkeypatch):
    monkeypatch.setattr("engine.pretraining.loop._faces", lambda *_: faces)
    return new_base(workspace, "Tiny base", preset="tiny", seed=1, people=[], crowd=3, steps=4)


@pytest.mark.parametrize(("people", "times"), [(24, 80), (480, 8)])
def test_everybody_of_a_crowd_is_seen_equally_often_and_nobody_twice_in_a_pose(people, times):
    crowd = crowd_for(people, 64, 0)
    who = np.array([crowd.who(frame) for frame in range(crowd.frames)])
    assert set(np.bincount(who)) == {times}
    assert all(len(set(row)) == crowd.seen for row in who.reshape(-1, crowd.seen))


def test_chips_of_64_and_of_128_pixels_are_of_the_same_pictures():
    assert crowd_for(480, 64, 3) == crowd_for(480, 128, 3)


def test_a_crowd_shows_expressions_that_people_at_work_seldom_have():
    crowd = Crowd()
    poses = [crowd_pose(crowd, number) for number in range(crowd.poses)]
    half_shut = np.mean([0.25 < pose.blink_left < 0.75 for pose in poses])
    silent_smiles = np.mean([pose.smile > 0.6 and pose.mouth_open < 0.3 for pose in poses])
    assert half_shut > 0.1 and silent_smiles > 0.05
    assert poses == [crowd_pose(crowd, number) for number in range(crowd.poses)]


def test_a_stranger_is_always_the_same_and_nobody_that_there_is():
    assert stranger(7) == stranger(7) != stranger(8)
    assert stranger(7).face not in [person.face for person in PEOPLE.values()]


def test_measures_of_strangers_lie_around_those_of_people_and_shares_stay_shares():
    faces = [stranger(seed).face for seed in range(200)]
    known = [person.face for person in PEOPLE.values()]
    widths = [face.jaw_width for face in faces]
    assert min(widths) < min(face.jaw_width for face in known)
    assert max(widths) > max(face.jaw_width for face in known)
    for share in ("age", "beard", "moustache", "freckles", "makeup"):
        assert all(0 <= getattr(face, share) <= 1 for face in faces)


def test_peers_do_the_same_and_are_counted_on_when_people_come_together(faces):
    unknown = np.full((2, len(DOES)), np.nan, np.float32)
    peers = np.array([[0] * 4, [1] * 4])
    alone = Faces(faces.pixels[:2], np.zeros(2, np.int32), peers, unknown, 1)
    both = together([alone, faces])
    assert both.people == 4
    assert both.who.tolist() == [0, 0, 1, 2, 2, 3, 3, 1, 1, 2]
    assert set(both.peers[2]) == {2, 3} and set(both.peers[0]) == {0}


def test_codes_of_people_who_do_the_same_are_drawn_together_and_tell_what_they_do(preset, faces):
    settings = settings_for("light-64", batch=8, learning_rate=1e-2, warm_up=0)
    model = build(preset, (ANYONE,))
    state = first_base_state(preset, settings, model, faces.people)
    step = jax.jit(make_base_step(model, settings, CROP_MARGIN))
    told = []
    for _ in range(60):
        state, metrics = step(state, on_device(faces))
        told.append([float(metrics[name]) for name in ("loss", "apart", "misread")])
    for values in np.array(told).T:
        assert values[-10:].mean() < values[:10].mean()


def test_faces_of_which_nobody_knows_what_they_do_are_learnt_from_all_the_same(preset, faces):
    settings = settings_for("light-64", batch=4)
    model = build(preset, (ANYONE,))
    state = first_base_state(preset, settings, model, faces.people)
    unknown = replace(faces, does=np.full_like(faces.does, np.nan))
    after, metrics = jax.jit(make_base_step(model, settings, CROP_MARGIN))(
        state, on_device(unknown)
    )
    assert float(metrics["misread"]) == 0
    assert all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(after.params))


def test_a_base_is_trained_to_its_last_step_and_not_again(workspace, base):
    assert pretrain(workspace, base, NullReporter()).step == 4
    before = (base.checkpoints_dir / "00000004" / "state.safetensors").read_bytes()
    assert pretrain(workspace, base, NullReporter()).step == 4
    assert (base.checkpoints_dir / "00000004" / "state.safetensors").read_bytes() == before
    assert steps(base.checkpoints_dir) == [4]


def test_a_swap_begins_with_the_averaged_weights_of_its_base(workspace, base):
    pretrain(workspace, base, NullReporter())
    params = base_params("Tiny base", "tiny", workspace)
    assert params is not None
    random = fresh_params(PRESETS["tiny"], 0)
    first = started(params, {}, build(PRESETS["tiny"]), random)
    assert jax.tree.structure(first) == jax.tree.structure(random)
    for role in ("source", "target"):
        same = jax.tree.map(lambda a, b: bool((a == b).all()), first[role], params[ANYONE])
        assert all(jax.tree.leaves(same))


def test_a_shipped_base_is_half_as_large_and_reads_as_the_same(
    workspace, base, tmp_path, monkeypatch
):
    pretrain(workspace, base, NullReporter())
    ship(base, tmp_path / "tiny.safetensors")
    monkeypatch.setattr(weights, "_SHIPPED", tmp_path)
    shipped, own = (base_params(name, "tiny", workspace) for name in ("auto", "tiny-base"))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=2e-3), shipped, own)
    data = (tmp_path / "tiny.safetensors").read_bytes()
    (tmp_path / "tiny.safetensors").write_bytes(data[:-40])
    with pytest.raises(DamagedError):
        base_params("auto", "tiny", workspace)


@pytest.mark.parametrize("name", [name for name, way in DEFAULT_RECIPE.items() if way == "based"])
def test_a_preset_that_begins_with_a_base_has_one_that_is_shipped_and_small(name, workspace):
    path = weights.shipped_base(name)
    assert path is not None and path.stat().st_size < 10e6
    assert base_params("auto", name, workspace) is not None


def test_a_larger_preset_begins_with_the_base_of_the_one_that_it_goes_on_from(workspace):
    bases = {name: base_params("auto", name, workspace) for name in ("light-64", "light-128")}
    small, large = (flat(base) for base in bases.values())
    for name in ("encoder/stem/kernel", "encoder/code/kernel", f"{ANYONE}/block2/conv/kernel"):
        np.testing.assert_array_equal(small[name], large[name])
    # All of the encoder is there, and it says the same of a chip at either size.
    same = {name for name in small if name in large and small[name].shape == large[name].shape}
    assert {name for name in small if name.startswith("encoder/")} <= same
    assert f"{ANYONE}/block4/conv/kernel" in large.keys() - small.keys()
    chips = np.random.default_rng(0).uniform(size=(1, 64, 64, 3)).astype(np.float32)
    codes = [
        build(PRESETS[name], (ANYONE,)).encode(bases[name], shown)
        for name, shown in (("light-64", chips), ("light-128", chips.repeat(2, 1).repeat(2, 2)))
    ]
    np.testing.assert_allclose(*codes, atol=1e-4)


def test_no_base_means_random_weights(workspace, preset):
    assert base_params("none", "tiny", workspace) is None
    assert base_params("auto", "tiny", workspace) is None


def test_a_base_that_cannot_be_used_is_refused_with_what_to_do(workspace, base):
    with pytest.raises(CommandError, match="swapdeck pretrain NAME"):
        base_params("nobody", "tiny", workspace)
    with pytest.raises(CommandError, match="swap set SWAP base="):
        base_params("tiny-base", "light-64", workspace)
    with pytest.raises(SwapdeckError, match="never trained"):
        base_params("tiny-base", "tiny", workspace)


def test_a_base_of_somebody_without_a_consent_record_is_refused(workspace, preset):
    crew = new_base(workspace, "Crew", preset="tiny", seed=0, people=["ada"], crowd=9, steps=1)
    with pytest.raises(RefusedError, match="no consent record"):
        base_params("crew", "tiny", workspace)
    with pytest.raises(RefusedError, match="no consent record"):
        pretrain(workspace, crew, NullReporter())


def test_whoever_is_in_the_base_is_one_of_the_swaps_people(
    workspace, preset, faces, ada, ben, consent
):
    """Their consent then counts for its conversions, and an erasure takes it."""
    eve = add_person(workspace, "Eve", consent)
    swap = new_swap(workspace, None, ada, ben, preset="light-64", seed=1, settings={"base": "crew"})
    base = new_base(
        workspace, "Crew", preset="light-64", seed=0, people=["eve", "ada"], crowd=0, steps=1
    )
    assert write_down_start(workspace, swap).start is None  # there are no weights yet
    checkpoints.save(base.checkpoints_dir, 1, {"state": b"w"})
    known = write_down_start(workspace, swap)
    assert known == get_swap(workspace, swap.slug) and known.people == ("ada", "ben", "eve")
    assert made_from(workspace, eve).swaps == (swap.slug,)
    assert write_down_start(workspace, known) == known
    changed = update_swap(known, settings={"base": "none"})
    assert write_down_start(workspace, changed).people == ("ada", "ben")
    checkpoints.save(swap.checkpoints_dir, 1, {"state": b"w"})
    assert write_down_start(workspace, known) == known  # what it is made of stays so


def test_a_base_needs_two_people_and_a_preset_with_decoders(workspace):
    with pytest.raises(CommandError, match="at least two people"):
        new_base(workspace, "Lonely", preset="light-64", seed=0, people=["ada"], crowd=0, steps=9)
    shared = new_base(
        workspace, "Shared", preset="standard-128-liae", seed=0, people=[], crowd=9, steps=9
    )
    with pytest.raises(CommandError, match="df family"):
        base_settings(shared)


def test_a_removed_base_is_in_the_trash(workspace, base):
    trashed = remove_base(workspace, get_base(workspace, "tiny base"))
    assert list_bases(workspace) == [] and (trashed / "base.toml").exists()


def test_the_vectors_of_people_leave_the_plain_decoder_to_the_average_person(preset, faces):
    settings = settings_for("light-64")
    model = build(preset, (ANYONE,))
    state = first_base_state(preset, settings, model, faces.people)
    vectors = state.params["people"]["vectors"]
    assert vectors.shape == (3, TINY.code)
    assert jnp.abs((vectors - vectors.mean(0)).sum(0)).max() < 1e-6

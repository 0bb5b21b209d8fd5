"""Settings are plain values; what is not one of them is refused by name."""

from dataclasses import asdict, fields

import pytest

from engine.training.limits import Limits
from engine.training.settings import RECIPES, TrainSettings, settings_for
from projects.errors import CommandError
from projects.presets import PRESETS
from projects.training_options import DEFAULT_RECIPE, LIMITS, SETTINGS, flat, values_of


@pytest.mark.parametrize("recipe", RECIPES)
def test_settings_survive_being_written_down(recipe: str):
    settings = RECIPES[recipe]
    assert TrainSettings.from_dict(settings.as_dict()) == settings


def test_a_swap_changes_only_what_it_names():
    usual = settings_for("light-64")
    changed = settings_for("light-64", losses={"edges": 0}, batch=8)
    assert (changed.losses.edges, changed.batch) == (0.0, 8)
    assert changed.losses.l1 == usual.losses.l1
    assert changed.augmentation == usual.augmentation


@pytest.mark.parametrize("preset", PRESETS)
def test_batch_and_learning_rate_are_the_presets_own_unless_they_are_said(preset: str):
    facts, settings = PRESETS[preset], settings_for(preset)
    assert settings.batch == facts.batch
    if facts.learning_rate is not None:
        assert settings.learning_rate == facts.learning_rate
    assert settings_for(preset, batch=3).batch == 3
    assert settings_for(preset, learning_rate=1e-5).learning_rate == 1e-5
    offered = values_of(preset, {})
    values = flat(settings.as_dict())
    assert offered == {name: values[name] for name in offered}


def test_another_recipe_has_its_own_learning_rate():
    naive = settings_for("hd-256", recipe="naive")
    assert naive.learning_rate == RECIPES["naive"].learning_rate
    assert naive.batch == PRESETS["hd-256"].batch


def test_classic_is_trained_with_its_published_defaults():
    settings = settings_for("classic-64")
    assert (settings.learning_rate, settings.epsilon, settings.batch) == (5e-5, 1e-7, 16)
    assert (settings.losses.eyes, settings.losses.mouth) == (4.0, 3.0)
    assert (settings.losses.dssim, settings.losses.mse, settings.losses.l1) == (1.0, 1.0, 0.0)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"lerning_rate": 1e-3}, "lerning_rate"),
        ({"losses": {"features": 1.0}}, "settings.losses"),
        ({"losses": 3}, "losses"),
        ({"learning_rate": "fast"}, "must be a number"),
        ({"learning_rate": float("nan")}, "must be a number"),
        ({"batch": 0}, "batch"),
        ({"batch": 2.5}, "batch"),
        ({"masked": "yes"}, "masked"),
        ({"recipe": "secret"}, "secret"),
    ],
)
def test_what_is_not_a_setting_is_refused_in_a_sentence(changes, said):
    with pytest.raises(CommandError, match=said) as refused:
        settings_for("light-64", **changes)
    assert "__init__" not in str(refused.value)


def test_the_options_are_the_settings_and_have_their_defaults():
    usual = flat(asdict(TrainSettings()))
    assert {option.name: option.default for option in SETTINGS} == {
        name: value for name, value in usual.items() if name not in ("preset", "seed")
    }
    assert list(usual) == [*list(usual)[:3], *[option.name for option in SETTINGS][1:]]
    for option in SETTINGS:
        assert type(option.default) is type(usual[option.name])


@pytest.mark.parametrize("recipe", RECIPES)
def test_an_option_offers_what_the_recipe_has(recipe: str):
    values = flat(settings_for("light-64", recipe=recipe).as_dict())
    offered = values_of("light-64", {"recipe": recipe})
    assert offered == {name: values[name] for name in offered}


def test_presets_have_the_recipes_that_are_offered():
    for preset in PRESETS:
        assert settings_for(preset).recipe == values_of(preset, {})["recipe"]
        assert (preset in DEFAULT_RECIPE) == preset.startswith(("classic", "light"))


def test_what_a_form_refuses_is_refused_in_a_file_too():
    with pytest.raises(CommandError, match="Mirror cannot be '2'"):
        settings_for("light-64", augmentation={"flip": 2.0})


def test_the_options_of_a_run_are_its_limits_and_have_their_defaults():
    usual = {field.name: field.default for field in fields(Limits)}
    assert {option.name: option.default for option in LIMITS} == usual
    given = {"swap": "ada-as-ben", "steps": 5, "minutes": None, "until_plateau": True}
    assert Limits.from_arguments(given) == Limits(steps=5, until_plateau=True)
    with pytest.raises(CommandError, match="Save every"):
        Limits.from_arguments({"checkpoint_every": 0})

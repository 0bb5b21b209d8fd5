"""Settings are plain values; what is not one of them is refused by name."""

import pytest

from engine.training.settings import RECIPES, TrainSettings, settings_for
from projects.errors import CommandError


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

"""What can be set about a training: read from words, kept as what differs, refused by name."""

from __future__ import annotations

import pytest

from projects.errors import CommandError
from projects.training_options import (
    DEFAULT_RECIPE,
    LIMITS,
    RECIPES,
    SETTINGS,
    changed,
    check_settings,
    flat,
    nested,
    options_for,
    read_changes,
    train_arguments,
    values_of,
)


def test_nested_settings_and_flat_ones_are_each_others_inverse() -> None:
    settings = {"batch": 8, "losses": {"edges": 0.5, "eyes": 2.0}, "augmentation": {"warp": 0.1}}
    assert flat(settings) == {
        "batch": 8, "losses.edges": 0.5, "losses.eyes": 2.0, "augmentation.warp": 0.1,
    }  # fmt: skip
    assert nested(flat(settings)) == settings


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_changes_only_what_is_an_option_and_stays_within_bounds(recipe: str) -> None:
    names = {option.name for option in SETTINGS}
    assert RECIPES[recipe].keys() <= names
    for option in options_for("light-64", recipe):
        assert option.check(option.default) == option.default


def test_values_are_the_swaps_own_or_else_its_recipes() -> None:
    values = values_of("light-64", {"losses": {"edges": 0.5}})
    assert values["losses.edges"] == 0.5
    assert values["learning_rate"] == RECIPES["swapdeck"]["learning_rate"]
    assert values_of("classic-64", {})["recipe"] == DEFAULT_RECIPE["classic-64"]
    assert values_of("classic-64", {"recipe": "naive"})["masked"] is False


def test_only_what_differs_from_the_recipe_is_kept() -> None:
    settings = changed("light-64", {"batch": 8}, {"losses.edges": 0.5, "batch": 16})
    assert settings == {"losses": {"edges": 0.5}}
    assert changed("light-64", settings, {"losses.edges": 1.0}) == {}
    assert changed("light-64", {}, {"recipe": "naive", "batch": 4}) == {
        "recipe": "naive",
        "batch": 4,
    }


def test_words_are_read_by_their_options() -> None:
    words = ["learning_rate=0.001", "masked=no", "losses.eyes = 5"]
    assert read_changes(words) == {
        "learning_rate": 0.001,
        "masked": False,
        "losses.eyes": 5.0,
    }


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("batch", "NAME=VALUE"),
        ("lerning_rate=1", "learning_rate"),
        ("batch=many", "a whole number: 1 to 1024 chips"),
        ("losses.eyes=-1", "0 to 1000"),
        ("recipe=secret", "swapdeck, based, original, naive"),
    ],
)
def test_words_that_set_nothing_are_refused_in_a_sentence(word: str, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        read_changes([word])


def test_a_file_with_a_setting_out_of_bounds_is_refused() -> None:
    with pytest.raises(CommandError, match="Mirror cannot be '2'"):
        check_settings({"augmentation": {"flip": 2}})
    with pytest.raises(CommandError, match=r"no setting 'losses\.tongue'"):
        check_settings({"losses": {"tongue": 1.0}})


def test_a_job_is_told_only_the_limits_that_were_said() -> None:
    nothing = {option.name: None for option in LIMITS}
    assert train_arguments("ada-as-ben", nothing) == {"swap": "ada-as-ben"}
    assert train_arguments("ada-as-ben", nothing | {"steps": 5, "until_plateau": True}) == {
        "swap": "ada-as-ben",
        "steps": 5,
        "until_plateau": True,
    }
    with pytest.raises(CommandError, match="To step"):
        train_arguments("ada-as-ben", {"steps": 0})


def test_a_run_may_say_its_device_and_nothing_else_by_that_name() -> None:
    said = {"steps": 3, "device": "gpu:1", "share": True}
    assert train_arguments("a-as-b", said) == {"swap": "a-as-b", **said}
    with pytest.raises(CommandError, match="There is no device 'gpus'"):
        train_arguments("a-as-b", {"device": "gpus"})

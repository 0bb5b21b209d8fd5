"""The table of a conversion's options, the engine's settings and the command line say the same."""

from dataclasses import fields

import pytest
from click.testing import CliRunner

from engine.cli.app import cli
from engine.conversion.blend import BLENDERS
from engine.conversion.mask import SHAPES
from engine.conversion.picture import PictureSettings
from engine.conversion.settings import ConvertSettings
from engine.conversion.transport import MATCHERS
from projects.conversion_options import PICTURE_OPTIONS
from projects.errors import CommandError

TABLE = {option.name: option for option in PICTURE_OPTIONS}


def test_the_table_and_the_settings_have_the_same_names_and_defaults():
    settings = {field.name: field.default for field in fields(PictureSettings)}
    assert settings == {option.name: option.default for option in PICTURE_OPTIONS}


def test_what_can_be_chosen_by_name_is_what_there_is():
    assert set(TABLE["mask"].choices) == set(SHAPES)
    assert set(TABLE["colour"].choices) == set(MATCHERS)
    assert set(TABLE["blend"].choices) == set(BLENDERS)


@pytest.mark.parametrize("option", PICTURE_OPTIONS, ids=lambda option: option.name)
def test_the_settings_refuse_what_the_table_refuses(option):
    wrong = {"int": 10**6, "float": 1e6, "choice": "nonsense", "bool": "perhaps"}[option.kind]
    with pytest.raises(CommandError, match=option.label):
        ConvertSettings(**{option.name: wrong})


def test_every_option_stands_in_the_help_with_its_default():
    shown = CliRunner().invoke(cli, ["convert", "--help"], terminal_width=200)
    assert shown.exit_code == 0
    for option in PICTURE_OPTIONS:
        assert option.flag in shown.output
    assert "default: 13" in shown.output


def test_a_wrong_value_on_the_command_line_says_what_to_do():
    shown = CliRunner().invoke(cli, ["convert", "a-as-b", "x.mp4", "--feather", "soft"])
    assert shown.exit_code == 2
    assert "Feather cannot be 'soft'" in shown.output

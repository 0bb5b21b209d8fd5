"""The table of a conversion's options, the engine's settings and the command line say the same."""

from dataclasses import fields
from fractions import Fraction

import pytest
from click.testing import CliRunner

from engine.cli.app import cli
from engine.conversion.blend import BLENDERS
from engine.conversion.compose import AUTO
from engine.conversion.mask import SHAPES
from engine.conversion.picture import PictureSettings
from engine.conversion.settings import ConvertSettings
from engine.conversion.transport import MATCHERS
from engine.media import EncodeSettings
from engine.media.codecs import CODECS, PICTURE_CODECS, SPEEDS
from projects.conversion_options import CONVERSION_OPTIONS, PICTURE_OPTIONS
from projects.errors import CommandError

TABLE = {option.name: option for option in PICTURE_OPTIONS}


def test_the_table_and_the_settings_have_the_same_names_and_defaults():
    settings = {field.name: field.default for field in fields(PictureSettings)}
    assert settings == {option.name: option.default for option in PICTURE_OPTIONS}


def test_what_can_be_chosen_by_name_is_what_there_is():
    assert set(TABLE["mask"].choices) == {AUTO, *SHAPES}
    assert set(TABLE["colour"].choices) == {AUTO, *MATCHERS}
    assert set(TABLE["blend"].choices) == {AUTO, *BLENDERS}


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


def test_what_is_said_of_casting_and_files_is_what_the_engine_believes():
    table = {option.name: option for option in CONVERSION_OPTIONS}
    settings = ConvertSettings()
    assert table["confidence"].default == settings.confidence
    assert table["upsample"].default == settings.upsample
    assert table["codec"].default == settings.encode.codec
    assert table["speed"].default == settings.encode.preset
    assert set(table["codec"].choices) == {*CODECS, *PICTURE_CODECS}
    assert table["speed"].choices == SPEEDS
    worst = [codec.quality[1] for codec in CODECS.values() if codec.quality is not None]
    assert table["quality"].maximum == max(worst)


def test_options_become_settings():
    given = {"codec": "h265", "quality": 22, "speed": "fast", "rate": "23.976", "feather": 9.0}
    settings = ConvertSettings.of(given, overwrite=True)
    assert settings.encode == EncodeSettings("h265", 22, "fast", Fraction(24000, 1001))
    assert settings.feather == 9.0 and settings.overwrite
    with pytest.raises(CommandError, match="no setting 'sparkle'"):
        ConvertSettings.of({"sparkle": 1})

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from projects.errors import CommandError
from projects.names import clean_name, printable, slug


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("Ada", "ada"),
        ("Ada  Lovelace", "ada-lovelace"),
        ("O'Brien, Jr.", "o-brien-jr"),
        ("../../etc/passwd", "etc-passwd"),
        ("a\x1b[31mred\x07", "a-31mred"),
        ("李明", "李明"),
        ("\uff21\uff24\uff21", "ada"),
        ("Ünal", "ünal"),
        ("हिन्दी", "हिन्दी"),
        ("com1x", "com1x"),
    ],
)
def test_a_name_becomes_a_folder_name(name: str, folder: str) -> None:
    assert slug(name) == folder


@pytest.mark.parametrize(
    "name", ["", "   ", ".", "..", "/", "-rf", "--help", "CON", "nul.", "LPT1", "🙂", "\u202e\x00"]
)
def test_a_name_that_cannot_be_a_folder_is_refused_with_a_sentence(name: str) -> None:
    with pytest.raises(CommandError, match=r"Choose another|Start it with"):
        slug(name)


@given(st.text(max_size=300))
@example("İ")
@example("\u017f")
@example("a" * 4000)
@example("\U0001d51e" * 100)
@example("क" * 40 + "्" * 20)
def test_a_slug_is_safe_and_is_its_own_slug(name: str) -> None:
    try:
        folder = slug(name)
    except CommandError:
        return
    assert slug(folder) == folder
    assert len(folder.encode()) <= 96
    assert not folder.startswith(("-", ".")) and not folder.endswith("-")
    assert all(c == "-" or unicodedata.category(c)[0] in "LNM" for c in folder)


def test_long_names_that_differ_at_the_end_have_different_folders() -> None:
    assert slug("a" * 200 + "x") != slug("a" * 200 + "y")


@pytest.mark.parametrize(
    "name", ["a/b", "a\\b", "a\x1b[2J", "a\nb", "a\u202eb", "a\x00", "x" * 81, " "]
)
def test_a_display_name_holds_nothing_that_could_deceive_a_terminal(name: str) -> None:
    with pytest.raises(CommandError) as caught:
        clean_name(name)
    assert str(caught.value).isprintable()


def test_a_display_name_keeps_its_spelling() -> None:
    assert clean_name("  Zoë  O'Neil ") == "Zoë  O'Neil"


@given(st.text())
def test_printable_text_is_one_line_without_control_characters(text: str) -> None:
    shown = printable(text)
    assert shown == printable(shown)
    assert not any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} for c in shown)

"""The list: what is in sight, where the cursor is, columns of exact width."""

from __future__ import annotations

from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.content import Content

from tui.rows import Column, Row, Rows, fit, widths
from tui.themes import DEFAULT_VARIABLES

from .conftest import screen_text

COLUMNS = (Column("name", 10, grow=1), Column("number", 6, right=True, from_width=40))
MANY = [Row(str(number), (f"row {number}", str(number))) for number in range(20_000)]


class Listing(App[None]):
    def get_theme_variable_defaults(self) -> dict[str, str]:
        return DEFAULT_VARIABLES

    def compose(self) -> ComposeResult:
        yield Rows(COLUMNS)


async def test_a_long_list_goes_to_its_ends_and_keeps_the_cursor_in_sight() -> None:
    async with Listing().run_test(size=(60, 12)) as pilot:
        rows = pilot.app.query_one(Rows)
        rows.focus()
        rows.show(MANY)
        await pilot.pause()
        assert screen_text(pilot).splitlines()[1].split() == ["row", "0", "0"]
        await pilot.press("G")
        assert rows.key == "19999"
        assert "row 19999" in screen_text(pilot)
        await pilot.press("k", "pageup")
        assert rows.key == "19988"
        assert "row 19988" in screen_text(pilot)
        await pilot.press("g")
        lines = screen_text(pilot).splitlines()
        assert lines[0].split() == ["name", "number"]
        assert lines[1].split() == ["row", "0", "0"]


async def test_a_changed_row_is_drawn_anew() -> None:
    async with Listing().run_test(size=(60, 12)) as pilot:
        rows = pilot.app.query_one(Rows)
        rows.show(MANY[:5])
        await pilot.pause()
        rows.show([*MANY[:3], Row("3", ("changed", "!")), MANY[4]])
        await pilot.pause()
        assert screen_text(pilot).splitlines()[4].split() == ["changed", "!"]
        rows.show([])
        await pilot.pause()
        assert rows.key == ""
        assert "changed" not in screen_text(pilot)


def test_a_cell_fills_its_column_exactly_whatever_its_characters_are() -> None:
    for words in (
        "",
        "ada",
        "a name too long for it",
        "王小明王小明王小明",
        "שלום עולם ארוך",
        "e\u0301te\u0301",
    ):
        for right in (False, True):
            assert cell_len(fit(words, 9, right).plain) == 9
            assert cell_len(fit(Content.styled(words, "bold"), 9, right).plain) == 9


def test_columns_share_what_is_left_and_narrow_ones_are_dropped() -> None:
    assert widths(COLUMNS, 60) == [50, 6]
    assert widths(COLUMNS, 39) == [37, 0]

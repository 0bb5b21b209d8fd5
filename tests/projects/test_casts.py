"""How a cast is written, and which casts make no sense."""

import pytest

from projects.casts import check_casts, parse_cast, parse_who
from projects.errors import CommandError
from projects.swaps import new_swap


def test_a_cast_names_who_and_the_swap():
    assert parse_cast("ben=ada-as-ben") == ("ben", "ada-as-ben")
    assert parse_cast("track:3 = ada-as-ben") == ("track:3", "ada-as-ben")
    assert parse_cast("picture:/a=b.png=ada-as-ben") == ("picture:/a=b.png", "ada-as-ben")
    assert parse_who("track:03") == ("track", "3")


@pytest.mark.parametrize("text", ["ben", "=x", "ben=", "track:x=s", "picture:=s", "track:-1=s"])
def test_what_is_no_cast_is_refused_with_a_sentence(text):
    with pytest.raises(CommandError, match=r"\."):
        parse_cast(text)


def test_casts_must_make_sense_together(workspace, ada, ben):
    swap = new_swap(workspace, None, ada, ben, preset="light-64", seed=0, settings={})
    other = new_swap(workspace, "other", ben, ada, preset="light-64", seed=0, settings={})
    assert check_casts(workspace, swap, [("Ben", swap.slug)]) == [("Ben", swap.slug)]
    both = [("ben", swap.slug), ("track:4", "other")]
    assert check_casts(workspace, swap, both) == both
    with pytest.raises(CommandError, match="whose face"):
        check_casts(workspace, swap, [("ada", swap.slug)])
    with pytest.raises(CommandError, match="twice"):
        check_casts(workspace, swap, [("ben", swap.slug), ("BEN", swap.slug)])
    with pytest.raises(CommandError, match="not cast"):
        check_casts(workspace, swap, [("ada", other.slug)])
    with pytest.raises(CommandError, match="no swap"):
        check_casts(workspace, swap, [("ben", "nothing")])

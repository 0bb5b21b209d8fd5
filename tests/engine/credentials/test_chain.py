"""The file beside a result is believed only when its certificates lead to a trusted authority."""

import pytest

from engine.credentials.identity import identities_folder
from engine.credentials.manifest import sign
from engine.credentials.verify import verify
from tests.engine.credentials.dated import FUTURE, PAST, TODAY, issue, signer

ALWAYS = (PAST[0], TODAY[1])


@pytest.fixture
def result(tmp_path):
    path = tmp_path / "result.bmp"
    path.write_bytes(b"BM" + bytes(400))
    return path


@pytest.fixture
def root():
    return issue("root", authority=True, dates=ALWAYS)


@pytest.fixture
def state(result, statement):
    """The state of a result that was signed with a leaf and those above it."""

    def found(leaf, *above):
        sign(result, result, result, statement, signer(leaf, above))
        return verify(result).credentials

    return found


@pytest.fixture
def trust():
    def add(*holders):
        folder = identities_folder() / "trusted"
        folder.mkdir(parents=True)
        for number, holder in enumerate(holders):
            (folder / f"{number}.pem").write_text(holder.pem)

    return add


def test_a_leaf_with_its_root_is_trusted(state, trust, root):
    trust(root)
    assert state(issue("leaf", root), root) == "trusted"


def test_a_lone_leaf_of_a_trusted_root_is_trusted(state, trust, root):
    trust(root)
    assert state(issue("leaf", root)) == "trusted"


def test_a_leaf_an_intermediate_and_a_root_are_trusted(state, trust, root):
    trust(root)
    between = issue("between", root, authority=True)
    leaf = issue("leaf", between)
    assert state(leaf, between, root) == "trusted"
    assert state(leaf, between) == "trusted"
    assert state(leaf) == "unknown"


def test_a_trusted_intermediate_is_enough(state, trust, root):
    between = issue("between", root, authority=True)
    trust(between)
    assert state(issue("leaf", between), between, root) == "trusted"


def test_an_unknown_root_is_not_trusted_whoever_else_is(state, trust, root):
    trust(issue("another", authority=True))
    assert state(issue("leaf", root), root) == "unknown"
    assert state(issue("leaf", root)) == "unknown"


@pytest.mark.parametrize("dates", [PAST, FUTURE])
def test_a_certificate_outside_of_its_dates_is_not_trusted(state, trust, root, dates):
    trust(root)
    assert state(issue("leaf", root, dates=dates), root) == "expired"
    between = issue("between", root, authority=True, dates=dates)
    assert state(issue("leaf", between), between, root) == "expired"


def test_a_trusted_root_that_is_not_shown_must_be_valid_too(state, trust):
    root = issue("root", authority=True, dates=PAST)
    trust(root)
    assert state(issue("leaf", root)) == "expired"


def test_a_leaf_cannot_issue_certificates(state, trust, root):
    trust(root)
    leaf = issue("leaf", root)
    assert state(issue("forged", leaf), leaf, root) == "tampered"


def test_certificates_that_do_not_belong_together_are_not_trusted(state, trust, root):
    trust(root)
    stranger = issue("root", authority=True)
    assert state(issue("leaf", stranger), root) == "tampered"


def test_a_chain_of_hundreds_is_not_followed(state, trust, root):
    trust(root)
    assert state(issue("leaf", root), *[root] * 300) == "tampered"

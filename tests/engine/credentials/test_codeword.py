"""The watermark's word: read through noise, and believed only when its check sum fits."""

import binascii

import numpy as np
import pytest

from engine.credentials import codeword
from engine.credentials.codeword import LEVELS, SYMBOLS, clarity, identifiers, patterns, symbols

KNOWN = (0, 1, 0xDEADBE01, 2**32 - 1)


@pytest.mark.parametrize("identifier", KNOWN)
def test_a_word_is_the_identifier_and_its_crc(identifier: int) -> None:
    number = int("".join(f"{symbol:06b}" for symbol in symbols(identifier)), 2)
    assert number >> codeword.CHECK == identifier
    crc = binascii.crc32(identifier.to_bytes(4, "big"))
    assert number % 2**codeword.CHECK == crc % 2**codeword.CHECK


def test_words_are_read_at_many_places_at_once() -> None:
    read = np.stack([patterns(symbols(identifier)) for identifier in KNOWN])
    assert identifiers(read) == list(KNOWN)


def test_no_two_symbols_look_alike() -> None:
    shown = np.stack([patterns(np.full(SYMBOLS, s))[0] for s in range(2 * LEVELS)])
    products = shown @ shown.T / LEVELS
    np.testing.assert_array_equal(products[:LEVELS, :LEVELS], np.eye(LEVELS))
    np.testing.assert_array_equal(products[:LEVELS, LEVELS:], -np.eye(LEVELS))


@pytest.mark.parametrize("wrong", [0, 1, 2, 3])
def test_symbols_whose_second_likeliest_is_right_are_mended(wrong: int) -> None:
    word = symbols(0xDEADBE01)
    read = patterns(word)
    for place in range(wrong):  # another symbol a little stronger
        other = patterns((word + 5) % (2 * LEVELS))[place]
        read[3 * place] += 1.2 * other
    assert identifiers(read[None]) == [0xDEADBE01]


def test_more_wrong_symbols_than_are_tried_give_nothing() -> None:
    word = symbols(0xDEADBE01)
    read = patterns(word) + 1.2 * patterns((word + 5) % (2 * LEVELS))
    assert identifiers(read[None]) == [None]


def test_noise_is_not_believed() -> None:
    noise = np.random.default_rng(1).normal(size=(20_000, SYMBOLS, LEVELS))
    assert set(identifiers(noise)) == {None}


def test_a_clear_word_stands_out_of_noise() -> None:
    noise = np.random.default_rng(2).normal(size=(SYMBOLS, LEVELS))
    word = patterns(symbols(7))
    assert clarity(word + 0.5 * noise, 7) > 2 * clarity(word + 2 * noise, 7)
    assert abs(clarity(noise, 7)) < 1.5

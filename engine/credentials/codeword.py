"""The word that a watermark carries: an identifier and its check sum, as symbols of BITS bits.

Each symbol is one of LEVELS orthogonal patterns, or the negative of one: biorthogonal signalling
(J. Proakis, M. Salehi, "Digital Communications", 5th edition, section 3.2-4), whose choice needs
much less of the pattern to be left than the sign of a pattern for each bit. What is read is
believed only when all CHECK bits of the check sum fit. Where they do not, words are tried in which
up to CHANGED symbols are the next likeliest (D. Chase, "A class of algorithms for decoding block
codes with channel measurement information", IEEE Trans. Information Theory 18(1), 1972).
"""

import binascii
import math
from collections.abc import Iterator
from functools import cache
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

IDENTIFIER: Final = 32
CHECK: Final = 28
"""Bits of the check sum."""
BITS: Final = 6
LEVELS: Final = 2 ** (BITS - 1)
SYMBOLS: Final = (IDENTIFIER + CHECK) // BITS
CHANGED: Final = 3
"""Symbols in which the next likeliest is tried."""
TRIALS: Final = sum(math.comb(SYMBOLS, number) for number in range(CHANGED + 1))
"""Words that are tried for one reading of all symbols."""


def symbols(identifier: int) -> NDArray[np.int64]:
    """The word of an identifier of 32 bits: [SYMBOLS], 0 to 2 LEVELS - 1, the first bits first."""
    word = identifier << CHECK | _check(identifier)
    places = range(BITS * (SYMBOLS - 1), -1, -BITS)
    return np.array([word >> place & (2 * LEVELS - 1) for place in places], np.int64)


def patterns(word: NDArray[np.int64]) -> NDArray[np.float64]:
    """The patterns of a word's symbols, each +1 or -1: [SYMBOLS, LEVELS]."""
    signs = np.where(word < LEVELS, 1.0, -1.0)
    return _hadamard()[word % LEVELS] * signs[:, None]


def identifiers(read: NDArray[np.floating]) -> list[int | None]:
    """What is read, at each of P places, or None where nothing is to be believed.

    read: [P, SYMBOLS, LEVELS], as `patterns` gives them, with noise.
    """
    likely = _matched(read)
    order = np.argpartition(-likely, 2, axis=2)[:, :, :2]
    scores = np.take_along_axis(likely, order, 2)
    first = np.argmax(scores, 2)[:, :, None]
    best = np.take_along_axis(order, first, 2)[:, :, 0]
    other = np.take_along_axis(order, 1 - first, 2)[:, :, 0]
    table, constant = _sums()
    places = np.arange(SYMBOLS)
    wrong = np.bitwise_xor.reduce(table[places, best], axis=1) ^ constant
    change = table[places, best] ^ table[places, other]
    found: list[int | None] = [None] * len(read)
    for changed in _changes():
        fits = wrong.copy()
        for symbol in changed:
            fits ^= change[:, symbol]
        for place in np.flatnonzero(fits == 0):
            if found[place] is None:
                word = best[place].copy()
                word[list(changed)] = other[place, list(changed)]
                found[place] = _number(word) >> CHECK
    return found


def clarity(read: NDArray[np.floating], identifier: int) -> float:
    """How far a word's patterns stand out of all others, in standard deviations.

    read: [SYMBOLS, LEVELS]. In noise alone the likeliest word has about 2.4.
    """
    word = symbols(identifier)
    values = np.asarray(read, np.float64) @ _hadamard()
    own = np.zeros(values.shape, np.bool_)
    own[np.arange(SYMBOLS), word % LEVELS] = True
    signal = float(np.mean(values[own] * np.where(word < LEVELS, 1.0, -1.0)))
    return signal / (float(np.std(values[~own])) or 1.0)


def _matched(read: NDArray[np.floating]) -> NDArray[np.floating]:
    """How well each of the 2 LEVELS symbols fits: [P, SYMBOLS, 2 LEVELS]."""
    values = read @ _hadamard().astype(read.dtype)
    return np.concatenate([values, -values], axis=2)


def _changes() -> Iterator[tuple[int, ...]]:
    for number in range(CHANGED + 1):
        yield from combinations(range(SYMBOLS), number)


def _number(word: NDArray[np.int64]) -> int:
    total = 0
    for symbol in word.tolist():
        total = total << BITS | symbol
    return total


def _check(identifier: int) -> int:
    """The lower CHECK bits of the CRC-32 of the identifier."""
    return binascii.crc32(identifier.to_bytes(4, "big")) & (1 << CHECK) - 1


@cache
def _hadamard() -> NDArray[np.float64]:
    """J. Sylvester's construction: [LEVELS, LEVELS], +1 or -1, symmetric."""
    matrix = np.ones((1, 1))
    while len(matrix) < LEVELS:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    return matrix


@cache
def _sums() -> tuple[NDArray[np.int64], int]:
    """What each symbol at each place adds to check sum and what it should be, and what is always
    added: a CRC is linear, but for a constant. int64 [SYMBOLS, 2 LEVELS]."""
    constant = _check(0)
    table = np.zeros((SYMBOLS, 2 * LEVELS), np.int64)
    for place in range(SYMBOLS):
        for symbol in range(2 * LEVELS):
            word = symbol << BITS * (SYMBOLS - 1 - place)
            identifier, check = word >> CHECK, word & (1 << CHECK) - 1
            table[place, symbol] = _check(identifier) ^ constant ^ check
    return table, constant

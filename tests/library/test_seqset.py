"""Ranges of sequence numbers against a plain set."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenhearth.seqset import SeqSet

RANGES = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 8)).map(lambda p: (p[0], p[0] + p[1])))


@given(RANGES)
def test_it_holds_what_a_set_holds(ranges):
    seqs = SeqSet(ranges)
    plain = {n for first, last in ranges for n in range(first, last + 1)}

    assert {n for n in range(80) if n in seqs} == plain
    assert len(seqs) == len(plain)


@given(RANGES)
def test_its_ranges_are_sorted_and_never_touch(ranges):
    found = list(SeqSet(ranges))

    assert all(a[1] + 1 < b[0] for a, b in itertools.pairwise(found))


@given(RANGES)
def test_upto_and_above_split_it_without_loss(ranges):
    seqs = SeqSet(ranges)
    upto = seqs.upto()

    assert upto + sum(last - first + 1 for first, last in seqs.above(upto)) == len(seqs)


def test_adding_twice_is_told():
    seqs = SeqSet()

    assert seqs.add(5)
    assert not seqs.add(5)


def test_a_range_that_runs_backwards_is_refused():
    with pytest.raises(ValueError, match="backwards"):
        SeqSet([(5, 4)])


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 9), st.booleans()), max_size=30))
def test_removing_and_looking_within_agree_with_a_set(steps):
    """Ranges are cut, and counted once."""
    ours, model = SeqSet(), set[int]()
    for first, length, put in steps:
        numbers = set(range(first, first + length + 1))
        inside = {n for a, b in ours.within(first, first + length) for n in range(a, b + 1)}
        assert inside == model & numbers
        if put:
            ours.add_range(first, first + length)
            model |= numbers
        else:
            assert ours.remove_range(first, first + length) == len(model & numbers)
            model -= numbers
        assert {n for a, b in ours for n in range(a, b + 1)} == model
        assert all(b + 1 < c for (_, b), (c, _) in itertools.pairwise(ours)), "ranges touch"

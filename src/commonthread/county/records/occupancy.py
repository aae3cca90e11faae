"""Who lives where on one day: alone or not, and who of a household signs for it."""

from __future__ import annotations

import numpy as np

from commonthread.county.settings import MISSING, NEVER

from .drawing import Array, World

ADULT = 18 * 365 + 4


def present(world: World, at: int) -> Array:
    """Rows (int64) of `residence` that hold on day `at`."""
    residence = world.residence
    return np.flatnonzero((residence.since <= at) & (residence.until > at))


def lives_alone(world: World, at: int) -> Array:
    """bool per person; false for who lives nowhere, or in a care home."""
    residence, addresses = world.residence, world.place.addresses
    rows = present(world, at)
    home = residence.address[rows]
    many = np.bincount(home, minlength=len(addresses.uprn))
    alone = np.zeros(len(world.people.born), bool)
    alone[residence.person[rows]] = (many[home] == 1) & (addresses.building[home] != 3)
    return alone


def signatories(world: World, at: int) -> tuple[Array, Array]:
    """For each dwelling with an adult on day `at`: the row of `residence` of its eldest adult,
    in order of address, and how many adults live there."""
    residence, born = world.residence, world.people.born
    rows = present(world, at)
    adult = born[residence.person[rows]] <= at - ADULT
    dwelling = world.place.addresses.building[residence.address[rows]] != 3
    rows = rows[adult & dwelling]
    home = residence.address[rows]
    rows = rows[np.lexsort((rows, born[residence.person[rows]], home))]
    home = residence.address[rows]
    first = np.flatnonzero(np.diff(home, prepend=-1))
    return rows[first], np.diff(first, append=len(rows))


def tenancies(world: World, tenures: tuple[int, ...]) -> tuple[Array, Array]:
    """For each unbroken let of a dwelling under one of `tenures`: the row of `residence` of its
    tenant (the eldest adult of those who came first) and the day it ended (int64; NEVER)."""
    residence, born = world.residence, world.people.born
    rows = np.flatnonzero(np.isin(residence.tenure, tenures))
    person = residence.person[rows]
    # Those who were always here have no first day: the first day of events stands for it.
    came = np.where(residence.since == MISSING, world.settings.start, residence.since)
    rows = rows[born[person].astype(np.int64) + ADULT <= came[rows]]
    order = (rows, born[residence.person[rows]], residence.since[rows], residence.address[rows])
    rows = rows[np.lexsort(order)]
    if not len(rows):
        return rows, rows
    home = residence.address[rows].astype(np.int64)
    since = residence.since[rows].astype(np.int64)
    until = residence.until[rows].astype(np.int64)
    # Days of each address are lifted above those of the address before, for one running maximum.
    lift = home * (4 * NEVER)
    reached = np.maximum.accumulate(until + lift) - lift
    begins = np.ones(len(rows), bool)
    begins[1:] = (home[1:] != home[:-1]) | (since[1:] > reached[:-1])
    first = np.flatnonzero(begins)
    return rows[first], np.maximum.reduceat(until, first)

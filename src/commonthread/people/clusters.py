"""From weighed pairs to residents: average linkage, which one lucky pair cannot mislead.

Plain connected components let a single strong pair join two crowds (measured: cluster precision
.0013 at the threshold that is best for pairs). Here two groups join only while the mean weight over
*all* pairs between them reaches the threshold; a pair that was never weighed, since no blocking
rule proposed it, counts as weak evidence against.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence

UNWEIGHED = -2.0
LARGEST = 500

Edge = tuple[int, int, float]


class Groups:
    """Groups that grow by joining; the same nodes and sorted edges give the same groups."""

    def __init__(self, count: int, edges: Iterable[Edge]) -> None:
        self.parent = list(range(count))
        self.size = [1] * count
        # For each group its neighbours, and with each the sum of weights and the number weighed.
        self.links: list[dict[int, tuple[float, int]]] = [{} for _ in range(count)]
        for left, right, weight in edges:
            self.links[left][right] = self.links[right][left] = (weight, 1)

    def of(self, node: int) -> int:
        while self.parent[node] != node:
            self.parent[node] = node = self.parent[self.parent[node]]
        return node

    def mean(self, left: int, right: int) -> float:
        total, weighed = self.links[left][right]
        pairs = self.size[left] * self.size[right]
        return (total + (pairs - weighed) * UNWEIGHED) / pairs

    def join(self, left: int, right: int) -> int:
        """The one with more neighbours takes the other in; returns which it was."""
        if (len(self.links[left]), right) < (len(self.links[right]), left):
            left, right = right, left
        self.parent[right] = left
        self.size[left] += self.size[right]
        kept = self.links[left]
        kept.pop(right, None)
        for other, (total, weighed) in self.links[right].items():
            if other != left:
                del self.links[other][right]
                before = kept.get(other, (0.0, 0))
                kept[other] = self.links[other][left] = (before[0] + total, before[1] + weighed)
        self.links[right] = {}
        return left


def cluster(
    count: int,
    edges: Sequence[Edge],
    threshold: float,
    same: Iterable[tuple[int, int]] = (),
    largest: int = LARGEST,
) -> list[int]:
    """The group of each of `count` nodes, numbered in the order in which they first occur.

    `edges` are sorted, at most one a pair; `same` are pairs that belong together for sure. Groups
    of more than `largest` nodes come about by `same` only.
    """
    groups = Groups(count, edges)
    for left, right in same:
        if groups.of(left) != groups.of(right):
            groups.join(groups.of(left), groups.of(right))
    _grow(groups, threshold, largest)
    numbers: dict[int, int] = {}
    return [numbers.setdefault(groups.of(node), len(numbers)) for node in range(count)]


def _grow(groups: Groups, threshold: float, largest: int) -> None:
    queue = [
        (-groups.mean(left, right), left, right)
        for left, links in enumerate(groups.links)
        for right in links
        if left < right and groups.mean(left, right) >= threshold
    ]
    heapq.heapify(queue)
    while queue:
        mean, left, right = heapq.heappop(queue)
        # An entry is stale when either group has grown or gone since it was made.
        if right not in groups.links[left] or -mean != groups.mean(left, right):
            continue
        if groups.size[left] + groups.size[right] > largest:
            continue
        kept = groups.join(left, right)
        for other in groups.links[kept]:
            if (mean := groups.mean(kept, other)) >= threshold:
                heapq.heappush(queue, (-mean, min(kept, other), max(kept, other)))

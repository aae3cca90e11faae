"""All datasets of the county's partners: their contracts, and how their rows are drawn."""

from __future__ import annotations

from . import care, council, health, homes, registration, safety
from .drawing import Column, Drawn, Plan, contract

__all__ = ["PLANS", "Column", "Drawn", "Plan", "contract"]

PLANS: tuple[Plan, ...] = (
    *care.PLANS,
    *council.PLANS,
    *health.PLANS,
    *homes.PLANS,
    *safety.PLANS,
    *registration.PLANS,
)

"""Partners' datasets, each drawn from the people as its keeper would have written them down."""

from .plans import PLANS, Column, Drawn, Plan, contract

__all__ = ["PLANS", "Column", "Drawn", "Plan", "contract"]

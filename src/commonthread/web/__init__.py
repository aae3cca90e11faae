"""The pages: sign in as a persona, agreements, a query and its answer, the ledger.

A thin door. Each page asks `broker.access` and shows what it says; no rule is decided here.
"""

"""Assessing risk: a DPIA from its first step to its record in the ledger, and who advises on it."""

"""The synthetic county: people, a place, partners who record them badly, and the truth apart."""

"""Living with an agreement: its timeline, its duties, its endings, and what was not shared."""

"""The pages of assurance: the grid, each partner's credentials, the charter, and the outbox."""

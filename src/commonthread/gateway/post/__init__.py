"""The outbox: what is to be said to members by mail, each thing once, whatever dies meanwhile."""

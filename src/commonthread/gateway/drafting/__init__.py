"""Writing an agreement together, before anybody signs: drafts, comments, what is still missing."""

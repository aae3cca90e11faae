"""Bringing in an existing agreement: its text kept whole, its clauses mapped by people.

- `reading.read_text` turns a stranger's file into paragraphs, in a fenced child.
- `clauses.split` cuts them into clauses and loses no character; `targets.suggest` says which words
  of a clause speak of which section. Nothing is mapped by itself.
- `imports` keeps what was brought in, what was mapped and what was copied into the draft.

Empty on purpose: the fenced child imports this package before its fence stands.
"""

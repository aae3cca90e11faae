"""What there is: datasets as their owners declare them, and the files that arrive for them.

- `reading.read_file` reads a stranger's file in a fenced child and hands over typed rows.
- `identity.linkable` says which identity values are well formed enough to link by.

Empty on purpose: the fenced child imports this package before its fence stands, so no engine may
be imported from here.
"""

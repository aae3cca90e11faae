"""People: which records of which datasets are of one resident, and the ids that residents keep.

The door: `people.linker` has `Source`, `link` and `Linked`, `people.index` has `residents`. They
are not imported here: the engine behind the linker takes a while to load.
"""

"""The pages on which an agreement is written: tasks, sections, what is shared, talk, compare."""

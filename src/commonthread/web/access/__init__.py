"""Pages of personal access: ask for it, see every step, take the next one."""

"""Personal access (Tier 3b): one worker asks for another partner's records, step by step."""

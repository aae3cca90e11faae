"""The pages of assessments: the seven steps, advice, the decision on it, and the approval."""

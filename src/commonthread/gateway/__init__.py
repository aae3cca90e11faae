"""What is being agreed, and what follows from what was: drafts, assessments, documents, registers.

Nothing here governs: the moment all have signed, the bytes are the broker's. What is derived is
rebuilt from agreements and ledger whenever it is asked for, the same bytes each time.
"""

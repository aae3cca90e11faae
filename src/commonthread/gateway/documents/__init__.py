"""The agreement for people: a sealed PDF, an evidence pack, and whether a document still holds.

- `pdf.agreement_pdf` makes the document of one version; `seal.seal` seals it.
- `evidence.evidence_pack` makes the pack; `evidence.verify_pack` verifies one off line.
- `check.check_document` says of any such file whether it is the one in force.

Empty on purpose: the fenced child imports this package before its fence stands.
"""

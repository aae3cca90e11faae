"""What an evidence pack says about itself: what is in it, and how to verify it without us."""

from __future__ import annotations

from commonthread.broker.rules.terms import Terms


def readme(origin: str, terms: Terms) -> str:
    """The README of a pack, the same each time for the same terms."""
    dpia = terms.dpia or "none"
    return f"""Evidence of an agreement
========================

Trust      {origin}
Agreement  {terms.reference}, version {terms.version}
Title      {terms.title}
Digest     {terms.digest}
DPIA       {dpia}

The digest is SHA-256 of terms.json, byte for byte. Each signature is about that digest.
The DPIA is not in this pack: the terms carry its digest.


What is in it
-------------
terms.json       the terms in canonical form (RFC 8785)
charter.json     the charter that the parties acceded to
contracts/       the datasets as their owners declared them
acts/            the signed envelopes: accessions to the charter, and acts on these terms
ledger/          the ledger's facts that all this was made of, each with its proof (RFC 9162)
                 that it lies under checkpoint.note, and the opening of its sealed body
ledger/key.vkey  the ledger's public key. A key out of this pack proves nothing by itself:
                 compare it with the one that your organisation was given.


How to verify it off line
-------------------------
With commonthread installed, and no connection to the trust:

    commonthread check-document PACK.zip --key KEY

KEY is the ledger's public key from outside this pack, or a file of it. This checks that every
fact lies under the signed checkpoint, that every file says what the facts say, that each party
acceded under the root key it pinned, and that each signature is by a signatory's key which that
root key admitted.

With an export of the ledger (any later one), check that nothing was rewritten since:

    commonthread verify EXPORT.ledger --key KEY --checkpoint ledger/checkpoint.note

That command is one file, commonthread/cli/verify.py, which needs Python and the package
cryptography only.

By hand: SHA-256 of the "opening" of a proof (base64) is the "commitment" of its "entry";
SHA-256 of a zero byte and the entry is its "leaf"; the "proof" leads from the leaf to the root
in checkpoint.note. The message of an envelope is "commonthread/sign/v1" followed by SHA-256 of
the canonical JSON of its act, subject, member, partner, reason and previous.


What it cannot show
-------------------
Whether the agreement is in force today. The pack shows how the ledger stood when it was made.
Hand the pack in at the page "Check a document" of the trust, or ask for its newest checkpoint.
"""

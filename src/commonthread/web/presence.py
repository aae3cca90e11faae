"""The one place in which whoever acts is asked to show, at that moment, that it is really them.

Every act of a signatory passes here after it was filled in and before the key signs. In a demo home
there is nothing to ask: the persona's key lies in the home. Passkeys come with accounts; then the
challenge is the digest of what is signed, and this function checks the answer to it.
"""

from __future__ import annotations

from commonthread.web.pages import Visit


def missing(visit: Visit, digest: str) -> str:
    """What is still missing before `digest` may be signed, in words; empty when nothing is."""
    if visit.member is None or not digest:
        return "Sign in first."
    return "" if visit.broker.demo else "Signing on the web needs a passkey, which comes later."

"""What partners vouch for themselves with, what a lapse does, who acceded, what is due when.

Credentials, accessions and dates are facts of the broker, which acts on them by itself. Here they
are shown and said in time. What is checked and filed as evidence is the gateway's, and no decision
rests on it.
"""

"""The ledger's tree against the text of RFC 9162, and its notes against C2SP's published ones."""

import base64
import hashlib
import random
from collections.abc import Callable, Sequence

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from commonthread.broker.rules.errors import BadInput, IntegrityFailure
from commonthread.broker.rules.ledger import (
    EMPTY_ROOT,
    FACTS_START,
    Checkpoint,
    Frontier,
    consistency_proof,
    export_lines,
    inclusion_proof,
    key_text,
    leaf_hash,
    next_head,
    open_note,
    read_key,
    root,
    sign_note,
    signed_text,
    verify_consistency,
    verify_inclusion,
)

MOST = 70
LEAVES = [leaf_hash(b"entry %d" % number) for number in range(MOST)]
ORIGIN = "trust.example/ledger"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key()
HEAD = Checkpoint(ORIGIN, 3, root(LEAVES[:3]), 1, next_head(FACTS_START, LEAVES[0]))
NOTE = sign_note(HEAD, ORIGIN, KEY)


# The definitions of RFC 9162 §2.1.1, §2.1.3.1 and §2.1.4.1, as the text has them: the oracle.


def split(count: int) -> int:
    power = 1
    while power * 2 < count:
        power *= 2
    return power


def mth(leaves: Sequence[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return hashlib.sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: Sequence[bytes], whole: bool) -> list[bytes]:
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


def grown(size: int) -> tuple[Frontier, Callable[[int, int], bytes]]:
    """A frontier of that size and the reader of the nodes that a store would have kept."""
    frontier, nodes = Frontier(), {}
    for leaf in LEAVES[:size]:
        for level, place, value in frontier.append(leaf):
            assert (level, place) not in nodes
            nodes[level, place] = value
    return frontier, lambda level, place: nodes[level, place]


def test_published_roots() -> None:
    # The eight inputs and the roots of their prefixes, as the certificate transparency logs test.
    inputs = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
    leaves = [leaf_hash(bytes.fromhex(text)) for text in inputs]
    assert [root(leaves[:size]).hex() for size in range(9)] == [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]
    assert root([]) == EMPTY_ROOT


def test_the_frontier_grows_as_the_definition_says() -> None:
    frontier = Frontier()
    for size in range(MOST):
        assert (frontier.size, frontier.root()) == (size, mth(LEAVES[:size]))
        frontier.append(LEAVES[size])


def test_a_frontier_is_loaded_from_stored_nodes() -> None:
    _, node = grown(MOST)
    for size in range(MOST):
        loaded = Frontier.load(size, node)
        assert loaded.root() == mth(LEAVES[:size])
        loaded.append(LEAVES[size])
        assert loaded.root() == mth(LEAVES[: size + 1])


def test_a_copied_frontier_grows_apart() -> None:
    frontier, _ = grown(5)
    twin = frontier.copy()
    twin.append(LEAVES[5])
    assert (frontier.size, frontier.root()) == (5, mth(LEAVES[:5]))
    assert (twin.size, twin.root()) == (6, mth(LEAVES[:6]))


def test_every_inclusion_proof() -> None:
    _, node = grown(MOST)
    for size in range(1, MOST + 1):
        top = mth(LEAVES[:size])
        for index in range(size):
            proof = inclusion_proof(index, size, node)
            assert list(proof) == path(index, LEAVES[:size])
            verify_inclusion(LEAVES[index], index, size, proof, top)


def test_every_consistency_proof() -> None:
    _, node = grown(MOST)
    roots = [mth(LEAVES[:size]) for size in range(MOST + 1)]
    for new in range(MOST + 1):
        for old in range(new + 1):
            proof = consistency_proof(old, new, node)
            assert list(proof) == (subproof(old, LEAVES[:new], True) if old else [])
            verify_consistency(old, new, roots[old], roots[new], proof)


def forgeries(proof: Sequence[bytes]) -> list[tuple[bytes, ...]]:
    """Everything near a proof that is not that proof."""
    other = hashlib.sha256(b"other").digest()
    made = [(*proof, other), (other, *proof), (*proof, *proof)]
    for place in range(len(proof)):
        made.append((*proof[:place], other, *proof[place + 1 :]))
        made.append((*proof[:place], *proof[place + 1 :]))
    made += [
        (*proof[:place], proof[place + 1], proof[place], *proof[place + 2 :])
        for place in range(len(proof) - 1)
    ]
    return [forged for forged in made if forged != tuple(proof)]


def test_forged_inclusion_proofs_are_refused() -> None:
    _, node = grown(MOST)
    for size in (1, 2, 3, 7, 8, 21, 64, 70):
        top = mth(LEAVES[:size])
        for index in range(size):
            proof = inclusion_proof(index, size, node)
            for forged in forgeries(proof):
                with pytest.raises(IntegrityFailure):
                    verify_inclusion(LEAVES[index], index, size, forged, top)


def test_an_inclusion_proof_holds_for_its_own_place_only() -> None:
    _, node = grown(MOST)
    for size in (2, 3, 7, 8, 21):
        top = mth(LEAVES[:size])
        for index in range(size):
            proof = inclusion_proof(index, size, node)
            for place in (other for other in range(-1, size + 2) if other != index):
                with pytest.raises(IntegrityFailure):
                    verify_inclusion(LEAVES[index], place, size, proof, top)
            with pytest.raises(IntegrityFailure):
                verify_inclusion(LEAVES[(index + 1) % size], index, size, proof, top)


def test_forged_consistency_proofs_are_refused() -> None:
    _, node = grown(MOST)
    roots = [mth(LEAVES[:size]) for size in range(MOST + 1)]
    for new in (1, 2, 3, 7, 8, 21, 64, 70):
        for old in range(1, new + 1):
            proof = consistency_proof(old, new, node)
            for forged in forgeries(proof):
                with pytest.raises(IntegrityFailure):
                    verify_consistency(old, new, roots[old], roots[new], forged)


def test_a_rewritten_past_has_no_consistency_proof() -> None:
    _, node = grown(MOST)
    top = mth(LEAVES)
    for old in range(1, MOST + 1):
        rewritten = mth([*LEAVES[: old - 1], leaf_hash(b"rewritten")])
        with pytest.raises(IntegrityFailure):
            verify_consistency(old, MOST, rewritten, top, consistency_proof(old, MOST, node))
    with pytest.raises(IntegrityFailure):
        verify_consistency(0, MOST, LEAVES[0], top, ())


def test_a_tree_over_hashes_is_not_the_tree_over_their_parent() -> None:
    # Leaves and nodes are hashed apart, so that no inner node passes for an entry.
    parent = LEAVES[0] + LEAVES[1]
    assert root(LEAVES[:2]) != leaf_hash(parent)


@pytest.mark.parametrize("sizes", [(5, 4), (-1, 4)])
def test_proofs_between_impossible_sizes_are_refused(sizes: tuple[int, int]) -> None:
    _, node = grown(8)
    with pytest.raises(IntegrityFailure):
        consistency_proof(*sizes, node)
    with pytest.raises(IntegrityFailure):
        verify_consistency(*sizes, LEAVES[0], LEAVES[1], [])


def test_an_entry_in_the_place_of_its_hash_is_refused() -> None:
    with pytest.raises(IntegrityFailure):
        Frontier().append(b"{}")
    with pytest.raises(IntegrityFailure):
        next_head(FACTS_START, b"{}")


def test_the_chain_of_facts() -> None:
    expected = hashlib.sha256(b"commonthread/facts/v1\n" + bytes(32) + LEAVES[0]).digest()
    assert next_head(FACTS_START, LEAVES[0]) == expected


# Notes. The two published ones were signed by others: the Go checksum database and Go's own tests.

GO_KEY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
GO_NOTE = """go.sum database tree
30055305
mXfgRcJ0bG0j3CPdKwgGWtUzBUbX67saZGRmFuJGGsM=

— sum.golang.org Az3grpgEild5qw7+5dtV13Kf1C2Xurm8q4fhdxvcsDHnqNTaxL2AFjBY+2TyGKevucFcAAlWFJJYle3EJlDCrQ+y3A8=
"""  # noqa: E501 - a signature has no place to break
PETER_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_NOTE = """If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
"""  # noqa: E501 - a signature has no place to break


@pytest.mark.parametrize(("key", "note"), [(GO_KEY, GO_NOTE), (PETER_KEY, PETER_NOTE)])
def test_published_notes_open(key: str, note: str) -> None:
    name, public = read_key(key)
    assert key_text(name, public) == key
    assert note.startswith(signed_text(note, name, public) + "\n—")
    with pytest.raises(IntegrityFailure):
        signed_text(note.replace("o", "0", 1), name, public)


def test_a_fixed_checkpoint() -> None:
    # Ed25519 is deterministic: these bytes change only if the format does.
    empty = Checkpoint("trust.example/ledger", 0, EMPTY_ROOT, 0, FACTS_START)
    assert sign_note(empty, ORIGIN, KEY) == (
        "trust.example/ledger\n"
        "0\n"
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
        "facts 0 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
        "\n"
        "— trust.example/ledger "
        "Qqilhuo1TIZ5DjL0Gcsr18mYx5wpvDgTgrU20INBBRlDVB"
        "p1VyTk2XM9aws19MSYES/IGNEtz8o3katfkKx8Vi1RMgU=\n"
    )
    assert (
        key_text(ORIGIN, PUBLIC)
        == "trust.example/ledger+42a8a586+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
    )


def test_a_checkpoint_comes_back() -> None:
    assert open_note(NOTE, ORIGIN, PUBLIC) == HEAD
    assert read_key(key_text(ORIGIN, PUBLIC))[0] == ORIGIN


def test_lines_by_other_keys_are_ignored() -> None:
    other = sign_note(HEAD, "witness.example", Ed25519PrivateKey.generate()).split("\n")[-2]
    same_name = sign_note(HEAD, ORIGIN, Ed25519PrivateKey.generate()).split("\n")[-2]
    text, _, mine = NOTE.rpartition("\n\n")
    assert open_note(f"{text}\n\n{other}\n{same_name}\n{mine}", ORIGIN, PUBLIC) == HEAD
    with pytest.raises(IntegrityFailure):
        open_note(f"{text}\n\n{other}\n{same_name}\n", ORIGIN, PUBLIC)


def test_one_false_line_by_the_key_refuses_the_note() -> None:
    mark = base64.b64decode(NOTE.split(" ")[-1])
    false = base64.b64encode(mark[:-1] + bytes([mark[-1] ^ 1])).decode()
    for lines in (f"— {ORIGIN} {false}\n", f"{NOTE.split(chr(10))[-2]}\n— {ORIGIN} {false}\n"):
        with pytest.raises(IntegrityFailure):
            open_note(f"{HEAD.body()}\n{lines}", ORIGIN, PUBLIC)


def signed(body: str) -> str:
    """Any text, signed by the right key: the signature is good, the content may not be."""
    key_id = bytes.fromhex(key_text(ORIGIN, PUBLIC).split("+")[1])
    mark = base64.b64encode(key_id + KEY.sign(body.encode())).decode()
    return f"{body}\n— {ORIGIN} {mark}\n"


ROOT64, HEAD64 = HEAD.body().split("\n")[2], HEAD.body().split(" ")[-1].strip()
ODD_BODIES = {
    "no origin": f"\n3\n{ROOT64}\nfacts 1 {HEAD64}\n",
    "no facts": f"{ORIGIN}\n3\n{ROOT64}\n",
    "one line more": f"{ORIGIN}\n3\n{ROOT64}\nfacts 1 {HEAD64}\nmore\n",
    "leading zero": f"{ORIGIN}\n03\n{ROOT64}\nfacts 1 {HEAD64}\n",
    "leading plus": f"{ORIGIN}\n+3\n{ROOT64}\nfacts 1 {HEAD64}\n",
    "other digits": f"{ORIGIN}\n٣\n{ROOT64}\nfacts 1 {HEAD64}\n",
    "negative": f"{ORIGIN}\n-3\n{ROOT64}\nfacts 1 {HEAD64}\n",
    "too large": f"{ORIGIN}\n{2**63}\n{ROOT64}\nfacts 1 {HEAD64}\n",
    "endless number": f"{ORIGIN}\n{'9' * 5000}\n{ROOT64}\nfacts 1 {HEAD64}\n",
    "short root": f"{ORIGIN}\n3\n{ROOT64[:-8]}\nfacts 1 {HEAD64}\n",
    "loose base64": f"{ORIGIN}\n3\n{ROOT64[:-2]}B=\nfacts 1 {HEAD64}\n",
    "no base64": f"{ORIGIN}\n3\n{'*' * 44}\nfacts 1 {HEAD64}\n",
    "other extension": f"{ORIGIN}\n3\n{ROOT64}\nthings 1 {HEAD64}\n",
    "two spaces": f"{ORIGIN}\n3\n{ROOT64}\nfacts  1 {HEAD64}\n",
    "more facts than entries": f"{ORIGIN}\n3\n{ROOT64}\nfacts 4 {HEAD64}\n",
    "facts without head": f"{ORIGIN}\n3\n{ROOT64}\nfacts 1 {'A' * 43}=\n",
    "head without facts": f"{ORIGIN}\n3\n{ROOT64}\nfacts 0 {HEAD64}\n",
    "empty with a root": f"{ORIGIN}\n0\n{ROOT64}\nfacts 0 {'A' * 43}=\n",
    "carriage return": f"{ORIGIN}\n3\n{ROOT64}\r\nfacts 1 {HEAD64}\n",
    "escape in the origin": f"{ORIGIN}\x9b\n3\n{ROOT64}\nfacts 1 {HEAD64}\n",
    "blank line": f"{ORIGIN}\n3\n{ROOT64}\n\nfacts 1 {HEAD64}\n",
    "nothing": "",
}


@pytest.mark.parametrize("body", ODD_BODIES.values(), ids=ODD_BODIES)
def test_an_odd_body_is_refused_though_signed(body: str) -> None:
    with pytest.raises(IntegrityFailure):
        open_note(signed(body), ORIGIN, PUBLIC)


LINE = NOTE.split("\n")[-2]
ODD_NOTES = {
    "empty": "",
    "unsigned": HEAD.body(),
    "unsigned with its blank line": HEAD.body() + "\n",
    "cut": NOTE[:-1],
    "without blank line": f"{HEAD.body()}{LINE}\n",
    "hyphen for a dash": NOTE.replace("—", "-"),
    "dash without space": NOTE.replace("— ", "—"),
    "signature cut": f"{HEAD.body()}\n{LINE[:-4]}\n",
    "key id only": f"{HEAD.body()}\n— {ORIGIN} AAAAAA==\n",
    "no name": f"{HEAD.body()}\n—  {LINE.split(' ')[-1]}\n",
    "a word more": f"{HEAD.body()}\n{LINE} more\n",
    "a line more": f"{HEAD.body()}\n{LINE}\nmore\n",
    "a blank line more": f"{HEAD.body()}\n{LINE}\n\n",
    "too many lines": f"{HEAD.body()}\n" + f"{LINE}\n" * 101,
    "too long": f"{HEAD.body()}{'x' * 1_000_001}\n\n{LINE}\n",
    "half a character": f"{HEAD.body()}\n— \ud800 AAAAAAAA\n{LINE}\n",
    "another separator": NOTE.replace("\n\n", "\n\u2028\n"),
}


@pytest.mark.parametrize("note", ODD_NOTES.values(), ids=ODD_NOTES)
def test_an_odd_note_is_refused(note: str) -> None:
    with pytest.raises(IntegrityFailure):
        open_note(note, ORIGIN, PUBLIC)


def test_a_signature_holds_for_its_own_name_only() -> None:
    with pytest.raises(IntegrityFailure):
        open_note(NOTE, "other.example", PUBLIC)
    with pytest.raises(IntegrityFailure):
        open_note(NOTE.replace(f"— {ORIGIN}", "— other.example"), "other.example", PUBLIC)


def test_every_changed_character_of_a_note_is_noticed() -> None:
    for place, mark in enumerate(NOTE):
        changed = NOTE[:place] + ("B" if mark == "A" else "A") + NOTE[place + 1 :]
        with pytest.raises(IntegrityFailure):
            open_note(changed, ORIGIN, PUBLIC)


@pytest.mark.parametrize("name", ["", "two words", "a+b", "a\nb", "a\u00a0b", "a\x9bb"])
def test_a_key_name_has_neither_spaces_nor_plus(name: str) -> None:
    with pytest.raises(IntegrityFailure):
        sign_note(HEAD, name, KEY)


def test_a_mangled_key_is_bad_input() -> None:
    for start in range(len(PETER_KEY)):
        for end in range(start + 1, len(PETER_KEY) + 1):
            if (start, end) != (0, len(PETER_KEY)):
                with pytest.raises(BadInput):
                    read_key(PETER_KEY[start:end])
    # An unknown algorithm and a key of the wrong length, each under its right id.
    for key in (
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        PETER_KEY + "\n",
    ):
        with pytest.raises(BadInput):
            read_key(key)


def test_random_notes_never_open_and_never_break() -> None:
    chance = random.Random(9162)
    for _ in range(2_000):
        pieces = list(NOTE)
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(pieces))
            pieces[place : place + chance.randint(0, 3)] = chance.choice(["", "\n", " ", "—", "0"])
        if (text := "".join(pieces)) != NOTE:
            with pytest.raises(IntegrityFailure):
                open_note(text, ORIGIN, PUBLIC)


def test_an_export_is_the_checkpoint_and_the_verbatim_entries() -> None:
    lines = list(export_lines(NOTE, "key", [b'{"seq":0}', b'{"seq":1}']))
    assert lines[0].startswith(b'{"checkpoint":"trust.example/ledger\\n3\\n')
    assert lines[0].endswith(b',"format":"commonthread-ledger/v1","key":"key"}\n')
    assert lines[1:] == [b'{"seq":0}\n', b'{"seq":1}\n']
    with pytest.raises(IntegrityFailure):
        list(export_lines(NOTE, "key", [b"two\nlines"]))

"""Commands about what holds: homes, authored documents, signatures, keys."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.core.management import call_command

from commonthread.broker.access import (
    AgreementStatus,
    BadInput,
    Broker,
    Change,
    Document,
    create_home,
)
from commonthread.broker.access import open_broker as opened
from commonthread.broker.access.exports import whole
from commonthread.broker.rules import keys as signing
from commonthread.broker.rules.dates import london_day
from commonthread.broker.rules.keys import PrivateKey

from .output import DEMO, print_json, print_table, reasons_table, said, words

JSON_ASKED = "commonthread.json"


def remember(context: typer.Context, asked: bool) -> bool:
    """An error is then said in JSON too, wherever it comes from."""
    context.meta[JSON_ASKED] = asked
    return asked


Json = Annotated[bool, typer.Option("--json", help="Print JSON.", callback=remember, is_eager=True)]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Write over a file that is there already.")
]
As = Annotated[str, typer.Option("--as", help="The member who does it.")]
KeyFile = Annotated[
    Path | None, typer.Option("--key", help="File of the member's private key; not in a demo home.")
]
Reason = Annotated[str, typer.Option(help="Why; written into the ledger.")]
Reference = Annotated[str, typer.Argument(help="Reference of an agreement or a charter.")]


def init(
    demo_keys: Annotated[
        bool, typer.Option(help="Hold the keys of all personas: a demo home, for ever marked so.")
    ] = False,
    origin: Annotated[str, typer.Option(help="Name of this trust's ledger.")] = "commonthread",
    json: Json = False,
) -> None:
    """Make a new home: its keys, its database and an empty ledger."""
    home = settings.HOME
    if (home / "keys" / "checkpoint.key").exists():
        raise BadInput(
            f"There is a home already at {home}.", mend="Choose another folder with --home."
        )
    make_folders(home)
    call_command("migrate", verbosity=0, interactive=False)
    broker = create_home(home, demo=demo_keys, origin=origin, home_key_file=settings.HOME_KEY_FILE)
    if json:
        key = broker.ledger.key_text()
        print_json({"home": str(home), "ledger_key": key, "demo": demo_keys, "origin": origin})
        return
    said().print(f"Made a home at {home}. Ledger key: {broker.ledger.key_text()}", markup=False)
    if demo_keys:
        said().print(DEMO)


def make_folders(home: Path) -> None:
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        (home / "keys").mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise BadInput(
            f"No home can be made at {home}: {error.strerror}.",
            mend="Choose another folder with --home.",
        ) from None


def apply(
    files: Annotated[list[Path], typer.Argument(help="TOML files, in any order.")],
    partner_key: Annotated[
        list[str] | None,
        typer.Option(help="PARTNER=FILE of its root private key, once it has acceded."),
    ] = None,
    json: Json = False,
) -> None:
    """Take partners, members, datasets, charters, DPIAs and agreements: all of them, or none."""
    broker = opened()
    changes = broker.apply(documents(files), partner_keys(partner_key or []))
    rows = [(change.kind, change.name, change.what, warning(broker, change)) for change in changes]
    if json:
        names = ("kind", "name", "what", "warning")
        print_json([dict(zip(names, row, strict=True)) for row in rows])
        return
    print_table(("kind", "name", "what"), [row[:3] for row in rows], most=10_000)
    for _, name, _, said_of_it in rows:
        if said_of_it:
            said().print(f"warning: {name}: {said_of_it}", markup=False)


def warning(broker: Broker, change: Change) -> str:
    """What is lawful to write down and yet can never be in force."""
    if change.kind not in ("agreement", "charter"):
        return ""
    now = broker.status(change.name)
    newest = now.draft or now
    document = newest.terms or newest.charter
    if document is None or document.ends >= london_day(datetime.now(UTC)):
        return ""
    return (
        f"version {newest.version} ended on {document.ends.isoformat()}, so it opens nothing. "
        "Apply a version with a later date in `ends`."
    )


def documents(files: list[Path]) -> list[Document]:
    """The files as tables, with the DPIA that lies beside an agreement; each file once."""
    waiting, taken = list(files), dict[Path, Document]()
    while waiting:
        path = waiting.pop(0)
        place = path.resolve()
        if place in taken:
            continue
        table = read_toml(path)
        taken[place] = Document(str(path), table)
        agreement = table.get("agreement")
        named = agreement.get("dpia") if isinstance(agreement, dict) else None
        if isinstance(named, str) and named and (path.parent / named).is_file():
            waiting.append(path.parent / named)
    return list(taken.values())


def read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path} is not UTF-8 text.") from None
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{path} is not TOML: {error}.") from None


def partner_keys(given: list[str]) -> dict[str, PrivateKey]:
    found = {}
    for item in given:
        partner, equals, file = item.partition("=")
        if not equals:
            raise BadInput("--partner-key is written PARTNER=FILE.")
        found[partner] = private_key(Path(file))
    return found


def private_key(path: Path) -> PrivateKey:
    """An Ed25519 or P-256 private key from a PEM file that only its owner may read."""
    try:
        content = path.read_bytes()
        if path.stat().st_mode & 0o077:
            raise BadInput(f"{path} may be read by others.", mend=f"Run: chmod 600 {path}")
        key = serialization.load_pem_private_key(content, None)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, TypeError):
        raise BadInput(
            f"{path} is not a private key.", mend="Make one: commonthread key new."
        ) from None
    p256 = isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1)
    if not (isinstance(key, Ed25519PrivateKey) or p256):
        raise BadInput(f"{path} is neither an Ed25519 nor a P-256 key.")
    return key  # type: ignore[return-value]  # the line above says which two it can be


def status(
    reference: Annotated[str, typer.Argument(help="One agreement or charter; none: all.")] = "",
    json: Json = False,
) -> None:
    """Say what is in force, and why not; without a reference also the home as a whole."""
    broker = opened()
    found = (broker.status(reference),) if reference else broker.agreements()
    if json:
        print_json(
            {**({} if reference else _home(broker)), "agreements": [_plain(s) for s in found]}
        )
        return
    if not reference:
        for name, value in _home(broker).items():
            said().print(f"{name}: {words(value)}", markup=False)
    rows = []
    for item in found:
        rows += [_row(item), *([_row(item.draft, "draft")] if item.draft else [])]
    print_table(("reference", "version", "now", "still to sign", "title"), rows)
    for item in found:
        for reason in (*item.reasons, *item.warnings):
            typer.echo(f"{item.reference}: {reason}")
        if reference:
            typer.echo(f"digest {item.digest}")
        if item.draft:
            typer.echo(_draft(item.draft))


def _row(item: AgreementStatus, now: str = "") -> tuple[Any, ...]:
    force = "in force" if item.in_force else "not in force"
    waiting = ", ".join(item.unsigned) or "nobody"
    return item.reference, item.version, now or force, waiting, item.title


def _draft(item: AgreementStatus) -> str:
    return (
        f"{item.reference}: version {item.version} is a draft, digest {item.digest}; "
        f"still to sign: {', '.join(item.unsigned)}"
    )


def _home(broker: Broker) -> dict[str, Any]:
    unfenced = broker.unfenced()
    return {
        "home": str(settings.HOME),
        "demo": broker.demo,
        "ledger": f"{broker.origin}, {broker.ledger.size} entries",
        "fence": "whole" if not unfenced else {name: why for name, why in unfenced.items()},
    }


def _plain(item: AgreementStatus) -> dict[str, Any]:
    return {
        "kind": item.kind,
        "reference": item.reference,
        "version": item.version,
        "title": item.title,
        "digest": item.digest,
        "in_force": item.in_force,
        "reasons": reasons_table(item.reasons),
        "warnings": reasons_table(item.warnings),
        "expires": item.expires.isoformat(),
        "parties": [{"partner": p, "signed": s, "role": r} for p, s, r in item.parties],
        "still_to_sign": list(item.unsigned),
        "draft": _plain(item.draft) if item.draft else None,
    }


def sign(reference: Reference, member: As, key: KeyFile = None, json: Json = False) -> None:
    """Sign an agreement, or accede to a charter."""
    _act(reference, signing.SIGN, member, "", key, json)


def withdraw(
    reference: Reference, member: As, reason: Reason, key: KeyFile = None, json: Json = False
) -> None:
    """Withdraw from an agreement: access ends within a second, everywhere."""
    _act(reference, signing.WITHDRAW, member, reason, key, json)


def suspend(
    reference: Reference, member: As, reason: Reason, key: KeyFile = None, json: Json = False
) -> None:
    """Suspend an agreement until the same partner resumes it."""
    _act(reference, signing.SUSPEND, member, reason, key, json)


def resume(
    reference: Reference, member: As, reason: Reason, key: KeyFile = None, json: Json = False
) -> None:
    """Resume an agreement that the same partner suspended."""
    _act(reference, signing.RESUME, member, reason, key, json)


def _act(reference: str, what: str, member: str, reason: str, key: Path | None, json: bool) -> None:
    private = private_key(key) if key else None
    now = opened().act(reference, what, member, reason, private)
    draft = now.draft if what == signing.SIGN else None
    about = draft or now
    if json:
        done = {"act": what, "version": about.version, "digest": about.digest}
        print_json({**_plain(now), "done": done})
        return
    force = "in force" if now.in_force else "not in force"
    if draft:
        force = f"a draft, while version {now.version} is {force}"
    typer.echo(f"{what}: {about.reference} version {about.version}, digest {about.digest}: {force}")
    if about.unsigned and about.kind == "agreement":
        typer.echo("still to sign: " + ", ".join(about.unsigned))


def new_key(
    file: Annotated[Path, typer.Argument(help="Where to write it; the public half goes beside.")],
    p256: Annotated[bool, typer.Option(help="P-256 instead of Ed25519.")] = False,
    json: Json = False,
) -> None:
    """Make a private key on this machine. Nothing of it goes to a home."""
    beside = file.with_name(f"{file.name}.pub")
    if taken := [path for path in (file, beside) if path.exists()]:
        raise BadInput(
            f"{taken[0]} is there already.", mend="A key is never written over: name another file."
        )
    key: PrivateKey = (
        ec.generate_private_key(ec.SECP256R1()) if p256 else Ed25519PrivateKey.generate()
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = str(signing.public_key(key))
    with whole(file) as draft:
        draft.write_bytes(pem)
    beside.write_text(public + "\n")
    if json:
        print_json({"private": str(file), "public": str(beside), "public_key": public})
    else:
        typer.echo(public)


def admit(
    member: Annotated[str, typer.Argument(help="The member's id.")],
    public_key: Annotated[str, typer.Option(help="ed25519:… or p256:…, or a file of it.")],
    partner_key: Annotated[Path, typer.Option(help="File of the partner's root private key.")],
    json: Json = False,
) -> None:
    """Admit a member's key under the partner's root key, which is read here and not kept."""
    text = _public(public_key)
    opened().admit_member(member, text, private_key(partner_key))
    if json:
        print_json({"member": member, "public_key": text})
    else:
        typer.echo(f"{member} may sign with {text}")


def _public(given: str) -> str:
    path = Path(given)
    try:
        return path.read_text(encoding="ascii").strip() if path.is_file() else given
    except (OSError, UnicodeDecodeError):
        raise BadInput(
            f"{path} cannot be read as a public key.", mend="Give the .pub file of the key."
        ) from None


def approve(
    reference: Reference,
    grant: Annotated[str, typer.Argument(help="Id of the grant.")],
    need: Annotated[str, typer.Option(help="approval, activation or training.")],
    member: As,
    for_member: Annotated[str, typer.Option("--for", help="For this member only.")] = "",
    hours: Annotated[int, typer.Option(min=1, help="How long it holds.")] = 24,
    key: KeyFile = None,
    json: Json = False,
) -> None:
    """Attest that a grant's need is met, for a time."""
    starts = datetime.now(UTC).replace(microsecond=0)
    ends = starts + timedelta(hours=hours)
    private = private_key(key) if key else None
    opened().fulfil(
        reference, grant, need, member=for_member, starts=starts, ends=ends, by=member, key=private
    )
    if json:
        print_json({"need": need, "grant": grant, "member": for_member, "until": ends.isoformat()})
    else:
        typer.echo(f"{need} for {grant} until {ends.isoformat()}")


def object_(
    dataset: Annotated[str, typer.Argument(help="Dataset as owner/id.")],
    value: Annotated[list[str], typer.Option(help="The record's key, a value for each column.")],
    purpose: Annotated[list[str], typer.Option(help="REFERENCE/purpose, may be repeated.")],
    member: As,
    lift: Annotated[bool, typer.Option(help="Lift it instead.")] = False,
    key: KeyFile = None,
    json: Json = False,
) -> None:
    """Uphold a resident's objection for some purposes: the records are then not shown for them."""
    private = private_key(key) if key else None
    opened().object(dataset, value, purpose, by=member, lifted=lift, key=private)
    done = "lifted" if lift else "upheld"
    if json:
        print_json({"objection": done, "dataset": dataset, "purposes": purpose})
    else:
        typer.echo(done)


def register(app: typer.Typer) -> None:
    examples: dict[Callable[..., None], str] = {
        init: "commonthread init --demo-keys --home ./county",
        apply: "commonthread apply county.toml charter.toml agreements/*.toml",
        status: "commonthread status ISA-2026-014 --json",
        sign: "commonthread sign ISA-2026-014 --as d.ashe",
        withdraw: 'commonthread withdraw ISA-2026-014 --as m.dove --reason "Review of the flow"',
        suspend: 'commonthread suspend ISA-2026-014 --as m.dove --reason "Incident 12"',
        resume: 'commonthread resume ISA-2026-014 --as m.dove --reason "Incident 12 closed"',
        approve: "commonthread approve ISA-2026-030 case-notes --need approval --as c.lowe",
    }
    for command, example in examples.items():
        app.command(epilog=f"Example: {example}")(command)
    app.command(
        "object",
        epilog="Example: commonthread object wychshire/telecare --value AT0001 "
        "--purpose ISA-2026-014/falls-prevention --as d.ashe",
    )(object_)
    key = typer.Typer(no_args_is_help=True, help="Private keys of members and partners.")
    key.command("new", epilog="Example: commonthread key new ashe.pem")(new_key)
    app.add_typer(key, name="key")
    member = typer.Typer(no_args_is_help=True, help="Members of partners.")
    member.command(
        "admit",
        epilog="Example: commonthread member admit d.ashe --public-key ashe.pem.pub "
        "--partner-key wychshire.pem",
    )(admit)
    app.add_typer(member, name="member")

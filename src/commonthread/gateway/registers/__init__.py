"""Registers that are derived and never typed twice, from signed agreements and the ledger.

- A register is a pure function of what holds at one time: the same facts on the same day give the
  same bytes, whoever builds it. Nothing here has a clock.
- Only agreements that all have signed are in a register; a draft is in none.
- A field that nothing says is never a blank: it is named, with where in the terms to say it.
- `is_public` registers hold no name of a person and may be read by anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from commonthread.broker.access import BadInput
from commonthread.broker.rules.standing import Standing

from . import dcat, dea, notices, odrl, public, ropa, schema
from .activity import Activity, Reading
from .files import as_json
from .held import Held, hold, references

__all__ = [
    "REGISTERS",
    "Activity",
    "Held",
    "Maker",
    "Reading",
    "Register",
    "build",
    "hold",
    "maker",
    "references",
]

Maker = Callable[[Held], bytes]
Files = Callable[[Standing], Mapping[str, Maker]]


@dataclass(frozen=True, slots=True)
class Register:
    """One register: what it is, by which law or standard, who may read it, and its files."""

    name: str
    title: str
    law: str
    about: str
    is_public: bool
    files: Files


def _fixed(**makers: Maker) -> Files:
    """`ropa_json` is the file ropa.json. Beside a CSV stands what it was made of."""
    named = {".".join(name.rsplit("_", 1)).replace("_", "-"): make for name, make in makers.items()}
    tables = [name for name in named if name.endswith(".csv")]
    about = {f"{name}-metadata.json": partial(_metadata, url=name) for name in tables}
    return lambda standing: {**named, **about}


def _metadata(held: Held, url: str) -> bytes:
    return as_json({"url": url, "made_of": held.about()})


def _notices(standing: Standing) -> Mapping[str, Maker]:
    return {
        f"notice-{who}.md": partial(notices.notice, partner=who)
        for who in notices.partners(standing)
    }


REGISTERS = (
    Register(
        "public",
        "Public register of agreements",
        "The ICO’s data sharing code: be open about what is shared",
        "Who gives what to whom, why and by which law, and how often it is used",
        True,
        _fixed(
            agreements_json=public.register_json,
            agreements_csv=public.register_csv,
            agreements_md=public.register_text,
        ),
    ),
    Register(
        "notices",
        "Privacy notices",
        "UK GDPR Articles 13 and 14",
        "What each partner tells people about the agreements in force",
        True,
        _notices,
    ),
    Register(
        "dea",
        "Register of information sharing agreements",
        "Digital Economy Act 2017, Part 5",
        "Each agreement in the Act’s 18 fields, and what keeps an agreement from being published",
        True,
        _fixed(
            dea_json=dea.register_json,
            dea_csv=dea.register_csv,
            dea_missing_csv=dea.missing_csv,
        ),
    ),
    Register(
        "ropa",
        "Records of processing activities",
        "UK GDPR Article 30",
        "One record for each controller and each processor of each agreement",
        False,
        _fixed(
            ropa_json=ropa.register_json,
            ropa_controllers_csv=ropa.controllers_csv,
            ropa_processors_csv=ropa.processors_csv,
        ),
    ),
    Register(
        "odrl",
        "Agreements as policies",
        "W3C ODRL 2.2 with terms of DPV 2.1",
        "For other systems: a view of the terms, named by their digest",
        False,
        _fixed(odrl_jsonld=odrl.document),
    ),
    Register(
        "dcat",
        "Catalogue of datasets",
        "W3C DCAT 3",
        "For other catalogues: what there is, whose it is, and which policies open it",
        False,
        _fixed(dcat_jsonld=dcat.document),
    ),
    Register(
        "schema",
        "JSON Schema of the terms",
        "JSON Schema 2020-12",
        "What an agreement’s canonical terms look like to a machine",
        True,
        _fixed(terms_schema_json=lambda held: schema.schema_bytes()),
    ),
)


def build(held: Held, *names: str) -> dict[str, bytes]:
    """File name → its bytes, of the registers named, or of all; raises `BadInput` for another."""
    known = {register.name: register for register in REGISTERS}
    if set(names) - set(known):
        raise BadInput("No register of this name is known.", mend=f"Known are: {', '.join(known)}.")
    chosen = [register for register in REGISTERS if not names or register.name in names]
    return {
        file: make(held)
        for register in chosen
        for file, make in register.files(held.standing).items()
    }


def maker(standing: Standing, file: str) -> tuple[Register, Maker] | None:
    """The register that a file belongs to, and what makes it; nothing for a file of none."""
    for register in REGISTERS:
        make = register.files(standing).get(file)
        if make is not None:
            return register, make
    return None

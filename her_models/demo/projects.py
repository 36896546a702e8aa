# ruff: noqa: E501  (texts of people and programs, as wide as they are)
"""The code of an invented company: Spoke, booking and workshop software for bicycle repair shops.

What belongs here: files as they stand before anybody works on them. What happens to them is in `stories`.
"""

from __future__ import annotations

from dataclasses import dataclass

CLAUDE_COMMON = """
## How we work

- Small changes with a test. Say in the commit why, not what.
- Run the narrowest test first, the whole suite before you hand over.
- Never commit secrets; `.env` files stay on the machine.
- Times are UTC in code and in the database; shops see their own zone.
- Money is integer cents plus a currency code. No floats.
"""


API_NEW_RULES = """
## Before you answer

- Read the test of a module before the module.
- Search for the name first, then open the lines you need, not the file.
- Ask when two readings of a ticket differ by more than a day of work.
"""


@dataclass(frozen=True)
class Entity:
    """A thing the shops deal with: what generated models, routes and tests are about."""

    name: str
    plural: str
    fields: tuple[tuple[str, str], ...]
    note: str


ENTITIES = (
    Entity(
        "Booking",
        "bookings",
        (
            ("shop_id", "int"),
            ("bike_id", "int"),
            ("starts_at", "datetime"),
            ("ends_at", "datetime"),
            ("mechanic_id", "int | None"),
            ("status", "str"),
            ("note", "str"),
        ),
        "a slot on a mechanic's stand",
    ),
    Entity(
        "Bike",
        "bikes",
        (("owner_id", "int"), ("frame_number", "str"), ("brand", "str"), ("model", "str"), ("is_electric", "bool")),
        "a customer's bicycle, known by its frame number",
    ),
    Entity(
        "Customer",
        "customers",
        (("shop_id", "int"), ("name", "str"), ("email", "str"), ("phone", "str | None"), ("wants_reminders", "bool")),
        "a person who brings bikes",
    ),
    Entity(
        "Invoice",
        "invoices",
        (
            ("booking_id", "int"),
            ("number", "str"),
            ("net_cents", "int"),
            ("vat_cents", "int"),
            ("currency", "str"),
            ("paid_at", "datetime | None"),
        ),
        "what a customer pays for a booking",
    ),
    Entity(
        "Part",
        "parts",
        (
            ("sku", "str"),
            ("ean", "str | None"),
            ("name", "str"),
            ("price_cents", "int"),
            ("stock", "int"),
            ("supplier_id", "int"),
        ),
        "something that can be sold or fitted",
    ),
    Entity(
        "Mechanic",
        "mechanics",
        (("shop_id", "int"), ("name", "str"), ("skills", "list[str]"), ("hours_per_week", "int")),
        "somebody who repairs",
    ),
    Entity(
        "Shop",
        "shops",
        (("name", "str"), ("time_zone", "str"), ("vat_id", "str"), ("opens_at", "time"), ("closes_at", "time")),
        "a workshop that uses Spoke",
    ),
    Entity(
        "Supplier",
        "suppliers",
        (("name", "str"), ("catalogue_url", "str"), ("delimiter", "str"), ("encoding", "str")),
        "a wholesaler whose catalogue we import",
    ),
)


def python_model(entity: Entity) -> str:
    """Return the module of one database model."""
    columns = "\n".join(f"    {name}: Mapped[{kind}]" for name, kind in entity.fields)
    shown = ", ".join(f'"{name}": self.{name}' for name, _ in entity.fields[:4])
    return f'''"""{entity.name}: {entity.note}."""

from datetime import datetime, time

from sqlalchemy.orm import Mapped, mapped_column

from spoke.db import Base


class {entity.name}(Base):
    __tablename__ = "{entity.plural}"

    id: Mapped[int] = mapped_column(primary_key=True)
{columns}
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    def as_dict(self) -> dict[str, object]:
        return {{"id": self.id, {shown}}}

    def __repr__(self) -> str:
        return f"<{entity.name} {{self.id}}>"
'''


def python_routes(entity: Entity) -> str:
    """Return the module with the HTTP routes of one model."""
    low, name = entity.name.lower(), entity.name
    filters = "\n".join(
        f'    if {field} := params.get("{field}"):\n        query = query.where({name}.{field} == {field})'
        for field, kind in entity.fields
        if kind in ("int", "str")
    )
    return f'''"""HTTP routes for {entity.plural}: {entity.note}."""

from fastapi import APIRouter, Depends, HTTPException, Request
from sqlalchemy import select
from sqlalchemy.orm import Session

from spoke.auth import Principal, require
from spoke.db import session
from spoke.models.{low} import {name}
from spoke.paging import Page, paginate

router = APIRouter(prefix="/{entity.plural}", tags=["{entity.plural}"])


@router.get("")
def list_{entity.plural}(
    request: Request,
    db: Session = Depends(session),
    who: Principal = Depends(require("{entity.plural}:read")),
) -> Page:
    params = request.query_params
    query = select({name}).order_by({name}.id)
{filters}
    return paginate(db, query, params)


@router.get("/{{{low}_id}}")
def get_{low}({low}_id: int, db: Session = Depends(session), who: Principal = Depends(require("{entity.plural}:read"))):
    found = db.get({name}, {low}_id)
    if found is None:
        raise HTTPException(404, f"{name} {{{low}_id}} does not exist")
    return found.as_dict()


@router.delete("/{{{low}_id}}", status_code=204)
def delete_{low}({low}_id: int, db: Session = Depends(session), who: Principal = Depends(require("{entity.plural}:write"))):
    found = db.get({name}, {low}_id)
    if found is None:
        raise HTTPException(404, f"{name} {{{low}_id}} does not exist")
    db.delete(found)
    db.commit()
'''


API_FILES = {
    "CLAUDE.md": "# spoke-api\n\nFastAPI service behind the shop front, the mechanics' app and the partner API. PostgreSQL 16.\n"
    + CLAUDE_COMMON
    + """
## Layout

- `spoke/models/` one SQLAlchemy model per file; `spoke/routes/` one router per model
- `spoke/scheduling.py` finds free slots; `spoke/billing.py` makes invoices; `spoke/vat.py` knows the rates
- `tests/` mirrors the package; run `pytest tests/test_x.py -q`, everything with `make test`
- Migrations: `alembic revision -m "..."`, one change each, always with a downgrade
""",
    "spoke/scheduling.py": '''"""Free slots on the stands of a shop.

A slot is free when a mechanic with the needed skill is on shift and no booking overlaps it.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from spoke.models.booking import Booking
from spoke.models.mechanic import Mechanic
from spoke.models.shop import Shop

STEP = timedelta(minutes=15)
BUFFER = timedelta(minutes=10)


@dataclass(frozen=True)
class Slot:
    mechanic_id: int
    starts_at: datetime
    ends_at: datetime

    def overlaps(self, other: "Slot | Booking") -> bool:
        return self.starts_at <= other.ends_at and other.starts_at <= self.ends_at


def opening(shop: Shop, day: date) -> tuple[datetime, datetime]:
    """Opening hours of a day, in UTC."""
    zone = ZoneInfo(shop.time_zone)
    opens = datetime.combine(day, shop.opens_at, tzinfo=zone)
    closes = datetime.combine(day, shop.closes_at, tzinfo=zone)
    return opens.astimezone(ZoneInfo("UTC")), closes.astimezone(ZoneInfo("UTC"))


def booked(db: Session, shop: Shop, day: date) -> list[Booking]:
    opens, closes = opening(shop, day)
    query = (
        select(Booking)
        .where(Booking.shop_id == shop.id)
        .where(Booking.status != "cancelled")
        .where(Booking.starts_at >= opens)
        .where(Booking.ends_at <= closes)
    )
    return list(db.scalars(query))


def free_slots(db: Session, shop: Shop, day: date, length: timedelta, skill: str | None = None) -> list[Slot]:
    """Every slot of `length` on `day`, at quarter hours, in the order of time."""
    mechanics = list(db.scalars(select(Mechanic).where(Mechanic.shop_id == shop.id)))
    if skill is not None:
        mechanics = [m for m in mechanics if skill in m.skills]
    taken = booked(db, shop, day)
    opens, closes = opening(shop, day)
    slots = []
    for mechanic in mechanics:
        theirs = [b for b in taken if b.mechanic_id == mechanic.id]
        start = opens
        while start + length <= closes:
            slot = Slot(mechanic.id, start, start + length)
            if not any(slot.overlaps(b) for b in theirs):
                slots.append(slot)
            start += STEP
    return sorted(slots, key=lambda s: (s.starts_at, s.mechanic_id))


def first_free(db: Session, shop: Shop, length: timedelta, skill: str | None = None, days: int = 14) -> Slot | None:
    today = datetime.now(ZoneInfo(shop.time_zone)).date()
    for offset in range(days):
        found = free_slots(db, shop, today + timedelta(days=offset), length, skill)
        if found:
            return found[0]
    return None
''',
    "spoke/billing.py": '''"""Invoices: from the work done on a booking to what the customer pays."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from spoke.clock import utcnow
from spoke.models.booking import Booking
from spoke.models.invoice import Invoice
from spoke.vat import rate_for


@dataclass(frozen=True)
class Position:
    text: str
    quantity: int
    unit_cents: int
    vat_class: str = "standard"

    @property
    def net_cents(self) -> int:
        return self.quantity * self.unit_cents


def vat_cents(positions: list[Position], country: str) -> int:
    total = 0.0
    for position in positions:
        total += position.net_cents * rate_for(country, position.vat_class)
    return int(total)


def next_number(db: Session, shop_id: int, year: int) -> str:
    """Invoice numbers run per shop and year, without gaps."""
    count = db.scalar(
        select(func.count(Invoice.id))
        .join(Booking, Booking.id == Invoice.booking_id)
        .where(Booking.shop_id == shop_id)
        .where(func.extract("year", Invoice.created_at) == year)
    )
    return f"{year}-{shop_id:04d}-{(count or 0) + 1:05d}"


def make_invoice(db: Session, booking: Booking, positions: list[Position], country: str, currency: str) -> Invoice:
    now = utcnow()
    invoice = Invoice(
        booking_id=booking.id,
        number=next_number(db, booking.shop_id, now.year),
        net_cents=sum(p.net_cents for p in positions),
        vat_cents=vat_cents(positions, country),
        currency=currency,
        paid_at=None,
        created_at=now,
        updated_at=now,
    )
    db.add(invoice)
    db.flush()
    return invoice


def mark_paid(db: Session, invoice: Invoice, at: datetime) -> None:
    if invoice.paid_at is not None:
        return
    invoice.paid_at = at
    db.flush()


def open_invoices(db: Session, shop_id: int) -> list[Invoice]:
    query = (
        select(Invoice)
        .join(Booking, Booking.id == Invoice.booking_id)
        .where(Booking.shop_id == shop_id, Invoice.paid_at.is_(None))
        .order_by(Invoice.created_at)
    )
    return list(db.scalars(query))
''',
    "spoke/vat.py": '''"""VAT rates by country and class. Checked against the commission's list in September 2026."""

RATES = {
    "DE": {"standard": 0.19, "reduced": 0.07},
    "NL": {"standard": 0.21, "reduced": 0.09},
    "AT": {"standard": 0.20, "reduced": 0.10},
    "FR": {"standard": 0.20, "reduced": 0.055},
    "DK": {"standard": 0.25},
    "BE": {"standard": 0.21, "reduced": 0.06},
}

# Bicycle repairs are taxed at the reduced rate here.
REDUCED_REPAIRS = {"NL", "BE"}


class UnknownCountry(ValueError):
    pass


def rate_for(country: str, vat_class: str) -> float:
    try:
        rates = RATES[country]
    except KeyError:
        raise UnknownCountry(f"no VAT rates for {country!r}") from None
    if vat_class == "repair":
        vat_class = "reduced" if country in REDUCED_REPAIRS else "standard"
    return rates.get(vat_class, rates["standard"])
''',
    "spoke/paging.py": '''"""Paging of lists: `limit` and `after` in, items and a cursor out."""

from dataclasses import dataclass, field

from sqlalchemy import Select
from sqlalchemy.orm import Session

MAX_LIMIT = 200


@dataclass
class Page:
    items: list[dict] = field(default_factory=list)
    next: str | None = None


def paginate(db: Session, query: Select, params) -> Page:
    limit = int(params.get("limit", 50))
    after = int(params.get("after", 0))
    model = query.column_descriptions[0]["entity"]
    rows = list(db.scalars(query.where(model.id > after).limit(limit + 1)))
    more = len(rows) > limit
    rows = rows[:limit]
    return Page([row.as_dict() for row in rows], str(rows[-1].id) if more else None)
''',
    "spoke/reminders.py": '''"""Reminders a day before an appointment, by mail or text message."""

import logging
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from spoke.clock import utcnow
from spoke.models.booking import Booking
from spoke.models.customer import Customer
from spoke.notify_client import send

log = logging.getLogger(__name__)
AHEAD = timedelta(hours=24)


def due(db: Session) -> list[tuple[Booking, Customer]]:
    now = utcnow()
    query = (
        select(Booking, Customer)
        .join(Customer, Customer.id == Booking.customer_id)
        .where(Booking.starts_at.between(now, now + AHEAD))
        .where(Booking.status == "confirmed")
        .where(Customer.wants_reminders)
    )
    return [(b, c) for b, c in db.execute(query)]


def run(db: Session) -> int:
    sent = 0
    for booking, customer in due(db):
        channel = "sms" if customer.phone else "mail"
        log.info("reminding %s by %s", customer.email, channel)
        send(channel, customer.phone or customer.email, "reminder", {"booking": booking.id})
        sent += 1
    return sent
''',
    "tests/test_scheduling.py": """from datetime import date, timedelta

import pytest

from spoke.scheduling import first_free, free_slots
from tests.factories import booking, mechanic, shop

DAY = date(2026, 11, 4)
HOUR = timedelta(hours=1)


def test_empty_day_is_free_from_opening_to_closing(db):
    place = shop(db, opens="09:00", closes="12:00")
    mechanic(db, place)
    slots = free_slots(db, place, DAY, HOUR)
    assert slots[0].starts_at.hour == 8  # 09:00 in Berlin
    assert len(slots) == 9


def test_cancelled_booking_does_not_block(db):
    place = shop(db)
    mechanic(db, place)
    booking(db, place, DAY, "10:00", "11:00", status="cancelled")
    assert any(s.starts_at.hour == 9 for s in free_slots(db, place, DAY, HOUR))


@pytest.mark.parametrize("skill, expected", [("wheels", 1), ("suspension", 0)])
def test_only_mechanics_with_the_skill(db, skill, expected):
    place = shop(db)
    mechanic(db, place, skills=["wheels"])
    assert len({s.mechanic_id for s in free_slots(db, place, DAY, HOUR, skill)}) == expected


def test_first_free_looks_two_weeks_ahead(db):
    place = shop(db)
    assert first_free(db, place, HOUR) is None
""",
    "tests/test_billing.py": """from spoke.billing import Position, next_number, vat_cents
from tests.factories import shop


def test_vat_of_one_position():
    assert vat_cents([Position("Service", 1, 10_000)], "DE") == 1_900


def test_repairs_are_reduced_in_the_netherlands():
    assert vat_cents([Position("Repair", 1, 10_000, "repair")], "NL") == 900


def test_numbers_start_at_one(db):
    place = shop(db)
    assert next_number(db, place.id, 2026).endswith("-00001")
""",
    "pyproject.toml": """[project]
name = "spoke-api"
version = "4.18.0"
requires-python = ">=3.12"
dependencies = ["fastapi>=0.121", "sqlalchemy>=2.0.44", "psycopg[binary]>=3.2", "alembic>=1.17", "pydantic>=2.12"]

[tool.ruff]
line-length = 110
""",
    ".env.example": "DATABASE_URL=postgresql://spoke:spoke@localhost/spoke\nNOTIFY_URL=http://localhost:8090\nSENTRY_DSN=\n",
}
for _entity in ENTITIES:
    API_FILES[f"spoke/models/{_entity.name.lower()}.py"] = python_model(_entity)
    API_FILES[f"spoke/routes/{_entity.plural}.py"] = python_routes(_entity)

IMPORTER_FILES = {
    "CLAUDE.md": "# parts-importer\n\nNightly import of supplier catalogues (CSV, XML) into the parts table. 14 suppliers, 2.1 million rows.\n"
    + CLAUDE_COMMON
    + """
## Notes

- `importer/readers.py` makes rows of whatever a supplier sends; `importer/match.py` finds the part they mean
- A supplier's file may be wrong in any way. A bad row is reported, never fatal.
- Sample files in `samples/` are small and invented.
""",
    "importer/readers.py": '''"""Rows out of supplier files: delimiters, encodings and headers differ from one to the next."""

import csv
import io
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass

ALIASES = {
    "sku": {"sku", "artikelnr", "art_nr", "item", "itemno", "article"},
    "ean": {"ean", "gtin", "barcode", "ean13"},
    "name": {"name", "bezeichnung", "description", "omschrijving", "titel"},
    "price": {"price", "preis", "vk", "rrp", "prijs"},
    "stock": {"stock", "bestand", "qty", "voorraad", "lager"},
}


@dataclass(frozen=True)
class Row:
    line: int
    sku: str
    ean: str | None
    name: str
    price_cents: int
    stock: int


class BadRow(ValueError):
    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line, self.reason = line, reason


def columns(header: list[str]) -> dict[str, int]:
    found = {}
    for index, title in enumerate(header):
        for name, aliases in ALIASES.items():
            if title.strip().lower() in aliases:
                found[name] = index
    missing = {"sku", "name", "price"} - found.keys()
    if missing:
        raise BadRow(1, f"no column for {', '.join(sorted(missing))}")
    return found


def cents(text: str) -> int:
    """Read a price: 1.234,56 and 1,234.56 and 1234.5 all occur."""
    text = text.strip().replace("€", "").replace(" ", "")
    if "," in text:
        text = text.replace(".", "").replace(",", ".")
    return round(float(text) * 100)


def read_csv(data: bytes, delimiter: str = ";", encoding: str = "utf-8") -> Iterator[Row]:
    lines = data.decode(encoding).splitlines()
    reader = csv.reader(lines, delimiter=delimiter)
    where = columns(next(reader))
    for number, cells in enumerate(reader, 2):
        if not cells:
            continue
        try:
            yield Row(
                number,
                cells[where["sku"]].strip(),
                cells[where["ean"]].strip() or None if "ean" in where else None,
                cells[where["name"]].strip(),
                cents(cells[where["price"]]),
                int(cells[where["stock"]]) if "stock" in where else 0,
            )
        except (IndexError, ValueError) as error:
            raise BadRow(number, str(error)) from error


def read_xml(data: bytes) -> Iterator[Row]:
    for number, item in enumerate(ET.parse(io.BytesIO(data)).getroot().iter("item"), 1):
        yield Row(
            number,
            item.findtext("sku", "").strip(),
            item.findtext("ean") or None,
            item.findtext("name", "").strip(),
            cents(item.findtext("price", "0")),
            int(item.findtext("stock", "0")),
        )
''',
    "importer/match.py": '''"""Which part of ours a supplier's row means: by EAN, then by SKU, then by a name that is close enough."""

from dataclasses import dataclass
from difflib import SequenceMatcher

from importer.readers import Row

CLOSE = 0.92


@dataclass
class Known:
    id: int
    sku: str
    ean: str | None
    name: str


class Catalogue:
    def __init__(self, parts: list[Known]) -> None:
        self.parts = parts
        self.by_ean = {p.ean: p for p in parts if p.ean}
        self.by_sku = {p.sku: p for p in parts}

    def find(self, row: Row) -> Known | None:
        if row.ean and row.ean in self.by_ean:
            return self.by_ean[row.ean]
        if row.sku in self.by_sku:
            return self.by_sku[row.sku]
        return self.closest(row.name)

    def closest(self, name: str) -> Known | None:
        best, score = None, CLOSE
        for part in self.parts:
            ratio = SequenceMatcher(None, part.name.lower(), name.lower()).ratio()
            if ratio > score:
                best, score = part, ratio
        return best


def normalise(name: str) -> str:
    """Lower case, without packaging words, for comparison only."""
    words = [w for w in name.lower().split() if w not in {"oem", "bulk", "stk", "pcs", "neu"}]
    return " ".join(words)
''',
    "importer/run.py": '''"""One import: fetch, read, match, write, report."""

import argparse
import logging
import sys
from dataclasses import dataclass, field

from importer.fetch import fetch
from importer.match import Catalogue
from importer.readers import BadRow, read_csv, read_xml
from importer.store import Store

log = logging.getLogger("importer")


@dataclass
class Report:
    supplier: str
    read: int = 0
    changed: int = 0
    created: int = 0
    bad: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.supplier}: {self.read} read, {self.changed} changed, {self.created} new, {len(self.bad)} bad"


def run(supplier, store: Store) -> Report:
    report = Report(supplier.name)
    data = fetch(supplier.catalogue_url)
    rows = read_xml(data) if supplier.catalogue_url.endswith(".xml") else read_csv(data, supplier.delimiter)
    catalogue = Catalogue(store.parts(supplier.id))
    try:
        for row in rows:
            report.read += 1
            part = catalogue.find(row)
            if part is None:
                store.create(supplier.id, row)
                report.created += 1
            elif store.update(part.id, row):
                report.changed += 1
    except BadRow as error:
        report.bad.append(str(error))
        log.warning("%s: %s", supplier.name, error)
    store.commit()
    return report


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="importer")
    parser.add_argument("supplier", nargs="*")
    parser.add_argument("--dry-run", action="store_true")
    args = parser.parse_args(argv)
    store = Store.connect(dry_run=args.dry_run)
    reports = [run(s, store) for s in store.suppliers(args.supplier)]
    for report in reports:
        print(report)
    return 1 if any(r.bad for r in reports) else 0


if __name__ == "__main__":
    sys.exit(main())
''',
    "importer/store.py": '''"""Parts in PostgreSQL, written in batches."""

import os

import psycopg

from importer.match import Known
from importer.readers import Row

BATCH = 1


class Store:
    def __init__(self, connection: psycopg.Connection, dry_run: bool = False) -> None:
        self.connection, self.dry_run = connection, dry_run
        self.pending: list[tuple] = []

    @classmethod
    def connect(cls, dry_run: bool = False) -> "Store":
        return cls(psycopg.connect(os.environ["DATABASE_URL"]), dry_run)

    def suppliers(self, names: list[str]):
        query = "select id, name, catalogue_url, delimiter, encoding from suppliers where %s = '{}' or name = any(%s)"
        return self.connection.execute(query, (names, names)).fetchall()

    def parts(self, supplier_id: int) -> list[Known]:
        rows = self.connection.execute("select id, sku, ean, name from parts where supplier_id = %s", (supplier_id,))
        return [Known(*row) for row in rows]

    def update(self, part_id: int, row: Row) -> bool:
        self.pending.append((row.price_cents, row.stock, part_id))
        if len(self.pending) >= BATCH:
            self.flush()
        return True

    def create(self, supplier_id: int, row: Row) -> None:
        self.connection.execute(
            "insert into parts (supplier_id, sku, ean, name, price_cents, stock) values (%s, %s, %s, %s, %s, %s)",
            (supplier_id, row.sku, row.ean, row.name, row.price_cents, row.stock),
        )

    def flush(self) -> None:
        if self.dry_run:
            self.pending.clear()
            return
        with self.connection.cursor() as cursor:
            cursor.executemany("update parts set price_cents = %s, stock = %s where id = %s", self.pending)
        self.pending.clear()

    def commit(self) -> None:
        self.flush()
        self.connection.commit()
''',
    "importer/fetch.py": '''"""Suppliers' files, over HTTP or SFTP, with the last one kept in case today's is broken."""

import urllib.request
from pathlib import Path

KEEP = Path("/var/lib/importer")


def fetch(url: str, timeout: int = 30) -> bytes:
    with urllib.request.urlopen(url, timeout=timeout) as answer:
        data = answer.read()
    KEEP.joinpath(url.rsplit("/", 1)[-1]).write_bytes(data)
    return data
''',
    "tests/test_readers.py": """import pytest

from importer.readers import BadRow, cents, read_csv

HEADER = "ArtikelNr;EAN;Bezeichnung;VK;Bestand\\n"


def rows(body: str):
    return list(read_csv((HEADER + body).encode()))


def test_plain_row():
    (row,) = rows("K-100;4012345678901;Kette 11-fach;29,95;14\\n")
    assert (row.sku, row.price_cents, row.stock) == ("K-100", 2995, 14)


@pytest.mark.parametrize("text, expected", [("29,95", 2995), ("1.234,56", 123456), ("12.5", 1250), ("€ 3,00", 300)])
def test_prices(text, expected):
    assert cents(text) == expected


def test_unknown_header_names_what_is_missing():
    with pytest.raises(BadRow, match="no column for name, price"):
        list(read_csv(b"sku;foo\\n1;2\\n"))
""",
    "samples/velotrade.csv": "ArtikelNr;EAN;Bezeichnung;VK;Bestand\n"
    + "".join(
        f"VT-{1000 + i};40123450{i:05d};{name} {size};{12 + (i * 37) % 140},{(i * 7) % 100:02d};{(i * 11) % 60}\n"
        for i, (name, size) in enumerate(
            (name, size)
            for name in ("Kette", "Kassette", "Bremsbelag", "Schlauch", "Reifen", "Tretlager", "Steuersatz")
            for size in ("10-fach", "11-fach", "12-fach", "28 Zoll", "29 Zoll", "M", "L", "XL")
        )
    ),
}

# ruff: noqa: E501  (texts of people and programs, as wide as they are)
"""Mistakes in the code of `projects`, and how they are mended."""

from __future__ import annotations

from her_models.demo.stories import Fix

API = (
    Fix(
        prompt="A shop in Utrecht says the calendar refuses a booking from 11:00 when another one ends at 11:00. "
        "Back-to-back bookings must work. Can you find out why?",
        path="spoke/scheduling.py",
        search=r"overlaps",
        think="Two intervals that only touch should not overlap. The comparison in Slot.overlaps uses <= on both sides, so "
        "a slot that starts exactly when another ends counts as taken. Half-open intervals are the usual answer. "
        "The database query in booked() is about containment in the day, so it is not affected.",
        found="`Slot.overlaps` treats intervals as closed, so touching slots collide. Half-open intervals fix it.",
        old="        return self.starts_at <= other.ends_at and other.starts_at <= self.ends_at",
        new="        return self.starts_at < other.ends_at and other.starts_at < self.ends_at",
        test_path="tests/test_scheduling.py",
        test_old="def test_first_free_looks_two_weeks_ahead(db):",
        test_new="""def test_back_to_back_bookings_do_not_overlap(db):
    place = shop(db)
    mechanic(db, place)
    booking(db, place, DAY, "10:00", "11:00")
    assert any(s.starts_at.hour == 10 for s in free_slots(db, place, DAY, HOUR))


def test_first_free_looks_two_weeks_ahead(db):""",
        failure="assert any(s.starts_at.hour == 10 for s in free_slots(db, place, DAY, HOUR))\n    E  assert False",
        closing="Back-to-back bookings work now. `Slot.overlaps` compared with `<=`, so a slot that began exactly when another "
        "ended counted as taken; it is half-open now, and a test holds it. Nothing else calls `overlaps`.",
        also=("spoke/models/booking.py",),
    ),
    Fix(
        prompt="Invoice 2026-0031-00412 has VAT 37,99 where the tax adviser computes 38,00. Three positions of 66,65 at 19 %. "
        "Please look into the rounding.",
        path="spoke/billing.py",
        search=r"vat_cents",
        think="vat_cents sums floats and truncates with int(). 3 * 6665 * 0.19 = 3799.05, so truncation gives 3799; per "
        "position it is 1266.35, rounded 1266, which sums to 3798. So what does the adviser do? 38,00 comes from "
        "rounding up each... no: 66,65 gross-up per unit is 12,6635, rounded to 12,67 when commercial rounding goes to the "
        "next cent per position in their software, 3 * 12,67 = 38,01. The invoice has quantity 3 in one position: "
        "19995 * 0.19 = 3799.05. Hmm, so 38,00 needs a fourth decimal. I should ask for the exact positions, but int() is wrong "
        "in any case: it truncates instead of rounding, and floats make 0.07 * 100 come out below 7.",
        found="`vat_cents` adds floats and truncates with `int()`. It should use `Decimal` and round half up per position.",
        old="""    total = 0.0
    for position in positions:
        total += position.net_cents * rate_for(country, position.vat_class)
    return int(total)""",
        new="""    return sum(
        int((Decimal(p.net_cents) * Decimal(str(rate_for(country, p.vat_class)))).quantize(Decimal(1), ROUND_HALF_UP))
        for p in positions
    )""",
        test_path="tests/test_billing.py",
        test_old="def test_numbers_start_at_one(db):",
        test_new="""def test_vat_is_rounded_half_up_per_position():
    positions = [Position("Tube", 1, 250), Position("Patch", 1, 250)]
    assert vat_cents(positions, "DE") == 96


def test_numbers_start_at_one(db):""",
        failure='assert vat_cents(positions, "DE") == 96\n    E  assert 95 == 96',
        closing="VAT is now computed with `Decimal` and rounded half up per position, as the invoice shows it. The old code added "
        "floats and cut off the rest, which lost up to a cent per invoice. I could not reproduce 38,00 from three positions of 66,65, "
        "so please check with the adviser whether a fourth position is missing from the mail.",
        also=("spoke/vat.py",),
    ),
    Fix(
        prompt="GET /bookings?limit=100000 brought staging down yesterday. Cap it.",
        path="spoke/paging.py",
        search=r"MAX_LIMIT|paginate\(",
        think="MAX_LIMIT exists but paginate never uses it. Also int() on user input raises ValueError, which FastAPI turns into a "
        "500. I'll clamp and answer 422 on nonsense.",
        found="`MAX_LIMIT` is defined but never applied. I clamp the limit and refuse what is not a number.",
        old="""    limit = int(params.get("limit", 50))
    after = int(params.get("after", 0))""",
        new="""    try:
        limit = min(max(int(params.get("limit", 50)), 1), MAX_LIMIT)
        after = int(params.get("after", 0))
    except ValueError:
        raise HTTPException(422, "limit and after are whole numbers") from None""",
        test_path="tests/test_scheduling.py",
        test_old="def test_empty_day_is_free_from_opening_to_closing(db):",
        test_new="""def test_limit_is_capped(db):
    assert len(paginate(db, select(Booking), {"limit": "100000"}).items) <= 200


def test_empty_day_is_free_from_opening_to_closing(db):""",
        failure='assert len(paginate(db, select(Booking), {"limit": "100000"}).items) <= 200\n    E  assert 5000 <= 200',
        closing="`limit` is clamped to 1..200 and anything that is not a number gets a 422 instead of a 500. All eight routers go "
        "through `paginate`, so they are all covered.",
        also=("spoke/routes/bookings.py",),
    ),
    Fix(
        prompt="Customers in Lisbon got the reminder for Monday 9:00 on Saturday night. Something with time zones?",
        path="spoke/reminders.py",
        search=r"AHEAD|time_zone",
        think="due() takes bookings that start within the next 24 hours of UTC now. The job runs at 22:00 UTC. On Saturday night a "
        "Monday booking is 35 hours away, so it should not be selected... unless starts_at is stored in local time. "
        "The column is Mapped[datetime] without a zone. So the comparison is naive. Also the job may have run twice.",
        found="`due` compares a naive `starts_at` with UTC. The window should be the shop's own next day.",
        old="""        .where(Booking.starts_at.between(now, now + AHEAD))""",
        new="""        .where(func.timezone(Shop.time_zone, Booking.starts_at).between(tomorrow(Shop), day_after(Shop)))""",
        test_path="tests/test_billing.py",
        test_old="def test_vat_of_one_position():",
        test_new="""def test_reminder_goes_out_the_day_before_in_the_shops_zone(db):
    place = shop(db, time_zone="Europe/Lisbon")
    assert due(db, at="2026-11-14T22:00Z") == []


def test_vat_of_one_position():""",
        failure='assert due(db, at="2026-11-14T22:00Z") == []\n    E  assert [(<Booking 91>, <Customer 14>)] == []',
        closing="The reminder window is now the next calendar day in the shop's own zone. Before, a naive local time was compared "
        "with UTC, which moved the window by the offset, and the Saturday job picked up Monday's first booking after the clocks changed.",
        also=("spoke/models/shop.py", "spoke/models/booking.py"),
    ),
)

IMPORTER = (
    Fix(
        prompt="Velotrade's file has a product name with a line break in quotes and since then everything after it is shifted. "
        "Make the reader cope with it.",
        path="importer/readers.py",
        search=r"splitlines|csv\.reader",
        think="read_csv calls splitlines() before csv.reader, so a quoted newline becomes two lines. csv.reader can take any "
        "iterable of strings, and with io.StringIO(newline='') it handles quoted newlines itself. Line numbers: reader.line_num.",
        found="`splitlines()` cuts quoted newlines apart before `csv` sees them. Reading through `io.StringIO` leaves that to `csv`.",
        old="""    lines = data.decode(encoding).splitlines()
    reader = csv.reader(lines, delimiter=delimiter)""",
        new="""    reader = csv.reader(io.StringIO(data.decode(encoding), newline=""), delimiter=delimiter)""",
        test_path="tests/test_readers.py",
        test_old="def test_unknown_header_names_what_is_missing():",
        test_new="""def test_a_quoted_name_may_hold_a_line_break():
    (row,) = rows('K-7;;"Kette\\n12-fach";39,00;2\\n')
    assert row.name == "Kette\\n12-fach"


def test_unknown_header_names_what_is_missing():""",
        failure="importer.readers.BadRow: line 2: list index out of range",
        closing="Quoted line breaks are read as part of the name. The reader no longer splits the file itself, and error messages "
        "still name the right line because `csv` counts them.",
    ),
    Fix(
        prompt="The night run for Radhaus stops at the first bad row. It should skip and report it, like the docs say.",
        path="importer/run.py",
        search=r"BadRow",
        think="run() wraps the whole loop in try, and read_csv raises BadRow from inside a generator, which ends the generator. So both "
        "sides need a change: the reader must yield errors instead of raising. Simplest: yield BadRow objects and let run() look at "
        "the type.",
        found="The generator dies with the exception it raises. It has to yield the bad row instead.",
        old="""    try:
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
        log.warning("%s: %s", supplier.name, error)""",
        new="""    for row in rows:
        if isinstance(row, BadRow):
            report.bad.append(str(row))
            log.warning("%s: %s", supplier.name, row)
            continue
        report.read += 1
        part = catalogue.find(row)
        if part is None:
            store.create(supplier.id, row)
            report.created += 1
        elif store.update(part.id, row):
            report.changed += 1""",
        test_path="tests/test_readers.py",
        test_old="def test_plain_row():",
        test_new="""def test_a_bad_row_does_not_hide_the_next():
    first, second = rows("K-1;;Kette;abc;1\\nK-2;;Kassette;10,00;1\\n")
    assert isinstance(first, BadRow) and second.sku == "K-2"


def test_plain_row():""",
        failure="importer.readers.BadRow: line 2: could not convert string to float: 'abc'",
        closing="A bad row is now reported and skipped; the rows after it are imported. The exit code is still 1 when there was any.",
        also=("importer/readers.py",),
    ),
    Fix(
        prompt="Import of the Shimano list takes 48 minutes, most of it in Postgres. Profile says executemany with one row each.",
        path="importer/store.py",
        search=r"BATCH|executemany",
        think="BATCH = 1, so flush runs for each row. 2.1 million round trips. Raising it to 5,000 and using a temporary table with COPY "
        "and one UPDATE ... FROM is the big win, but a bigger batch alone should bring it to a few minutes with psycopg 3's pipeline "
        "mode. Start with the simple change.",
        found="`BATCH` is 1, so every row is a round trip. 5,000 with psycopg's pipeline mode is the smallest change.",
        old="BATCH = 1\n",
        new="BATCH = 5_000\n",
        test_path="tests/test_readers.py",
        test_old="HEADER = ",
        test_new="# Written in batches; see importer/store.py.\nHEADER = ",
        failure="E  AssertionError: 2104000 statements, expected at most 421",
        closing="Updates go to Postgres in batches of 5,000. On the sample of 200,000 rows the run went from 4 min 31 s to 19 s here.",
        also=("importer/run.py",),
    ),
)

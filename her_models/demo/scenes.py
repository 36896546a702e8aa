# ruff: noqa: E501  (texts of people and programs, as wide as they are)
"""Sessions in which something particular happens: a compaction, a fork, a lunch that outlives the cache.

What belongs here: scenes, each a function that acts on a session that has just begun. `cast` says who is in them.
"""

from __future__ import annotations

import zlib
from dataclasses import replace

from her_models.demo import fixes, operations, tasks, web
from her_models.demo.client import Session, bash, edit, glob, grep, read, task, todo, tool, write
from her_models.demo.prompt_cache import Block
from her_models.demo.stories import (
    ask,
    commit,
    dig,
    explore,
    forgetful,
    format_and_read,
    grant,
    in_parts,
    log_lines,
    look_up,
    mend,
    rewrite_whole,
    stumble,
    wait_for_checks,
)

REMINDER = (
    "The TodoWrite tool hasn't been used recently. If you're working on tasks that would benefit from tracking progress, consider using the TodoWrite "
    "tool. Here are the existing contents of your todo list:\n\n[1. [in_progress] Read the routers\n2. [pending] Move the filters into one place\n"
    "3. [pending] Test every filter]"
)


def marathon(session: Session) -> None:
    """A long day on one question: everything is read, a log is never looked at again, the context overflows."""
    session.prompt(
        "All eight routers build their filters by hand, and two forget to escape. I want one place for that. Read everything first, make a plan, then do it router by router.",
        title="One place for the filters of all routers",
    )
    session.reply(
        glob("spoke/routes/*.py"),
        todo(
            ("Read the routers", "in_progress"),
            ("Move the filters into one place", "pending"),
            ("Test every filter", "pending"),
        ),
        think="Eight routers with the same shape. The filters differ only in the columns. A declarative list per router and one function would do.",
    )
    text, _ = log_lines(session, "spoke-api", 240, "slow query 2140ms on bookings")
    session.reply(
        bash(
            "kubectl logs deploy/spoke-api --since=24h | tail -240",
            text,
            "Look for slow filters",
            label="C13.never",
            note="read once, never used",
        ),
        say="Before I plan, a look at what is slow today.",
    )
    for kind in ("routes", "models"):
        names = sorted(path for path in session.repository.files if path.startswith(f"spoke/{kind}/"))
        for start in range(0, len(names), 2):
            session.reply(*(read(path) for path in names[start : start + 2]))
    session.attach("todo_reminder", REMINDER, content=[], itemCount=3)
    session.reply(
        write("spoke/filters.py", _FILTERS),
        say="The plan: `spoke/filters.py` knows how to turn query parameters into conditions; a router only lists its columns.",
    )
    for start in range(0, 4):
        _convert(session, ("bikes", "bookings", "customers", "invoices")[start])
        if start % 2:
            session.attach("todo_reminder", REMINDER, content=[], itemCount=3)
    dig(
        "spoke-api",
        "ValueError: invalid literal for int() with base 10: 'abc'",
        "The errors come from the routers that are not converted yet: `int()` on a query parameter. The new filters answer 422 instead.",
        count=250,
    )(session)
    dig(
        "spoke-web",
        "TypeError: Cannot read properties of null (reading 'time_zone')",
        "Unrelated to this work: `useShop` returns null for a moment after login. I left it alone.",
        count=250,
    )(session)
    for wish in tasks.WISHES[4:6]:
        grant(wish)(session)
    dig(
        "notify",
        "sms provider said 502 Bad Gateway",
        "The provider had trouble for eleven minutes; everything was sent on the third attempt. Nothing to do for us.",
        count=250,
    )(session)
    for service, fault, cause in _MORE_LOGS:
        dig(service, fault, cause, count=300)(session)
    session.compact(_SUMMARY)
    session.prompt("Go on with the routers that are left: mechanics, parts, shops, suppliers.")
    session.reply(
        read("spoke/filters.py"),
        read("spoke/routes/parts.py"),
        say="I look at the filters again before I go on, they are no longer in front of me.",
    )
    for table in ("parts", "mechanics"):
        _convert(session, table, look=table != "parts")
    forgetful(
        ["spoke/filters.py", "CLAUDE.md"],
        "Are the filters documented somewhere?",
        "Only in the docstring of `spoke/filters.py`, which names every operator. A line in CLAUDE.md under *Layout* would help the next person.",
    )(session)
    commit(
        "Move the filters of all routers into one place\n\nTwo of them compared text with numbers and answered 500."
    )(session)


def _convert(session: Session, table: str, *, look: bool = False) -> None:
    path = f"spoke/routes/{table}.py"
    if look:
        session.reply(read(path))
    first = next(line for line in session.repository.lines(path) if "query = query.where" in line)
    session.reply(
        edit(path, first, first.replace("query.where(", "matching(query, params, ").split(" ==")[0] + ")"),
        say=f"`{table}`: conditions come from `matching` now.",
    )
    session.reply(
        bash(f"pytest tests -q -k {table}", f"{'.' * 6}\n6 passed, 71 deselected in 1.{len(table)}2s", f"Test {table}")
    )


def thrash(session: Session) -> None:
    """Compacted, filled up again with the same files, compacted again at once."""
    session.prompt("Compare our reader with the samples of all suppliers and list every difference in headers.")
    for _ in range(3):
        session.reply(read("samples/velotrade.csv"), read("importer/readers.py")) if not session.seen else None
        text, _useful = log_lines(session, "parts-importer", 230, "BadRow line 812: no column for price")
        session.reply(
            bash(
                "cat /var/log/importer/2026-11-*.log | tail -230",
                text,
                "Read the import log",
                label="C11.oversize",
                useful_tokens=400,
            )
        )
    session.compact(
        "1. Request: compare headers of all suppliers with `importer/readers.py`.\n2. Done: velotrade read; log of November read.\n3. Next: radhaus, shimano."
    )
    session.prompt("Continue.", after=15)
    session.reply(
        read("samples/velotrade.csv"), read("importer/readers.py"), say="I need the sample and the reader again."
    )
    text, _useful = log_lines(session, "parts-importer", 230, "BadRow line 812: no column for price")
    session.reply(
        bash(
            "cat /var/log/importer/2026-11-*.log | tail -230",
            text,
            "Read the import log",
            label="C11.oversize",
            useful_tokens=400,
        )
    )
    session.compact(
        "1. Request: compare headers.\n2. Velotrade uses ArtikelNr, EAN, Bezeichnung, VK, Bestand: all known.\n3. Still open: radhaus, shimano.",
        thrash=True,
    )
    session.prompt("Just give me what you have.", after=30)
    session.reply(
        say="Velotrade's headers are all known to `ALIASES`. I have not got to Radhaus and Shimano: the logs filled the context twice. Reading only their first lines would have been enough."
    )


def between_models(session: Session) -> None:
    """Change the model in the middle and back: nothing cached for one is read by the other."""
    mend(fixes.API[1])(session)
    session.switch("claude-fable-5-2")
    ask(tasks.API_QUESTIONS[1])(session)
    session.switch("claude-opus-5-5")
    ask(tasks.API_QUESTIONS[2])(session)
    commit("Round VAT half up per position\n\nFloats and int() lost up to a cent per invoice.")(session)


def long_lunch(session: Session) -> None:
    """Pauses longer than the cache lives."""
    mend(web.WEB[0])(session)
    session.wait(9 * 60)
    ask(tasks.WEB_QUESTIONS[1])(session)
    session.wait(52 * 60)
    mend(web.WEB[1])(session)
    session.wait(4 * 60)
    commit(
        "Ask for bookings once per week shown\n\nA fresh array in the dependencies made the effect run on each render."
    )(session)


def come_back(session: Session) -> None:
    """Closed and resumed within the hour: the context is taken anew, so the rest is written again."""
    mend(fixes.API[3])(session)
    session.resume(14 * 60)
    ask(tasks.API_QUESTIONS[4])(session)
    session.resume(19 * 3_600)
    session.prompt("Good morning. Where were we, and is it safe to deploy?")
    session.reply(
        bash(
            "git status --short && git log origin/main --oneline -3",
            " M spoke/reminders.py\n M tests/test_billing.py\n4f1c2ab Round VAT per position\n9b07e11 Let a shop close on public holidays\nc55d0f3 Retry the text message provider once",
        )
    )
    session.reply(
        say="The reminder window is mended and tested but not committed. It is safe to deploy once `Shop` is joined in `due`; the test runs against Lisbon and Berlin."
    )


def fork(session: Session) -> Session:
    """Try something else from the same point, in a file of its own."""
    session.prompt(
        "The invoice numbers must not have gaps and must be safe when two people press the button at once. Show me the options.",
        title="Invoice numbers without gaps",
    )
    session.reply(read("spoke/billing.py"), grep("next_number"))
    session.reply(
        say="Three ways: a row per shop and year with a lock (simple, no gaps), an advisory lock in Postgres (no table, no gaps), a sequence (fast, gaps after a rollback). I would take the first."
    )
    other = session.copied_into_new(6 * 60, fork=True)
    other.repository = session.repository.copy()
    session.prompt("Take the first one.")
    session.reply(write("spoke/models/counter.py", _COUNTER))
    session.reply(
        edit(
            "spoke/billing.py",
            "    count = db.scalar(\n",
            "    counter = db.get(Counter, (shop_id, year), with_for_update=True)\n    count = db.scalar(\n",
        )
    )
    session.reply(
        say="A `Counter` row per shop and year is locked while a number is given out. Without contention this costs one more round trip."
    )
    other.prompt("Actually, try the advisory lock instead and compare the code.", after=50)
    other.reply(
        edit(
            "spoke/billing.py",
            "    count = db.scalar(\n",
            '    db.execute(text("select pg_advisory_xact_lock(:shop)"), {"shop": shop_id})\n    count = db.scalar(\n',
        )
    )
    other.reply(
        say="Two lines instead of a table. But the lock is invisible in the schema, and nothing stops another place from counting without it. I still prefer the row."
    )
    return other


def rewind(session: Session) -> None:
    """A way that led nowhere is taken back."""
    session.prompt(
        "The startup of spoke-api takes 20 s, most of it the migration check. Make it faster.",
        title="Start spoke-api in three seconds",
    )
    session.reply(read("modules/service/main.tf"), read("envs/production/main.tf"))
    point = session.checkpoint()
    session.prompt("Try an init container for the migrations.", after=35)
    session.reply(
        edit(
            "modules/service/main.tf",
            "        container {\n          name  = var.name\n",
            '        init_container {\n          name    = "migrate"\n          image   = var.image\n          command = ["alembic", "upgrade", "head"]\n        }\n        container {\n          name  = var.name\n',
        ),
        think="An init container runs before the service starts, so the check can be dropped from the service.",
    )
    session.reply(
        bash(
            "terraform -chdir=envs/production plan -no-color | tail -4",
            "Plan: 0 to add, 4 to change, 0 to destroy.\n\nWarning: init containers run once per replica",
            "Plan",
        )
    )
    session.reply(say="It works, but with four replicas the migration would be started four times.")
    session.rewind(point)
    session.prompt("No, that runs four times. Use a job that runs once per deploy instead.", after=90)
    session.reply(write("modules/migrate/main.tf", _JOB), say="A job per image tag; the deployment waits for it.")
    session.reply(
        bash(
            "terraform -chdir=envs/production plan -no-color | tail -3",
            "Plan: 1 to add, 4 to change, 0 to destroy.",
            "Plan",
        )
    )
    session.reply(
        say="One job per image tag, and the pods wait for it in their startup probe. The service itself starts in 3 s."
    )


def stopped(session: Session) -> None:
    """Interrupted while answering, and a call turned down."""
    session.prompt("Redesign the invoice form.", title="Labels above fields in the invoice form")
    session.reply(read("src/invoices/money.ts"), glob("src/invoices/*"))
    session.interrupt(
        "I'll start by replacing the form library with a new one and restructuring the invoice state into a reducer, then"
    )
    session.prompt("No no, I only want the labels above the fields instead of beside them.", after=20)
    session.reject(
        bash("npm install @formkit/react", "", "Install a form library"),
        say="The form library has this layout built in.",
    )
    session.prompt("No new libraries. CSS only.", after=12)
    session.reply(
        write(
            "src/invoices/form.css",
            ".invoice label {\n  display: block;\n  margin-bottom: 0.25rem;\n}\n\n.invoice input {\n  width: 100%;\n}\n",
        )
    )
    session.reply(say="Eight lines of CSS: labels stand above their fields, and fields take the whole width.")


def broken_stream(session: Session) -> None:
    """An answer that broke off: its count is only a floor; then the API is overloaded for a while."""
    mend(web.WEB[2])(session)
    session.prompt("Now the same for the parts page.")
    session.reply(
        think="The parts page has its own parser.", say="The parts page parses prices in its own way, in", is_floor=True
    )
    session.api_error("API Error: Connection error.")
    session.prompt("continue", after=25)
    session.reply(grep("parseEuros|parseFloat"))
    session.reply(say="Nothing to do: the parts page calls `parseEuros` as well, so it is mended with the rest.")


def forgotten(session: Session) -> None:
    """The server forgets the end of a prefix, then an answer, which is asked for again; a notice wakes it for nothing."""
    for question in tasks.API_QUESTIONS[:2]:
        ask(question)(session)
    session.evict(5)
    ask(tasks.API_QUESTIONS[3])(session)
    mend(fixes.API[2])(session)
    session.prompt("Is there a changelog that has to name it?", after=40)
    session.lose_answer("There is a CHANGELOG.md, which names what")
    session.reply(say="No: what changes for customers is told in the release notes, and this does not.")
    session.wait(75)
    session.wake('Background command "pytest -q" completed (exit code 0)', say="The tests passed.")


def server_connects(session: Session) -> None:
    """A tool server connects while tools stand in the prefix: everything behind them is written again. A file goes."""
    ask(tasks.IMPORTER_QUESTIONS[1])(session)
    truth = session.thread.blocks[0].truth
    tools = Block(
        f"tools/{session.session_id}/postgres",
        replace(truth, tokens=truth.tokens + 2_310, carried_count=0, first_message_id=None),
    )
    session.world.truth.blocks.append(tools.truth)
    session.thread.replace(0, tools)
    session.prompt("I connected the database. How many parts have no EAN?")
    session.reply(
        tool(
            "mcp__postgres__query",
            {"sql": "select count(*) filter (where ean is null), count(*) from parts"},
            [{"type": "text", "text": '[{"count": 214871, "count_1": 2104033}]'}],
        )
    )
    session.reply(say="214,871 of 2,104,033 parts have no EAN, about one in ten.")
    session.prompt("Again for active suppliers only.", after=30)
    session.reply(
        tool(
            "mcp__postgres__query",
            {"sql": "select count(*) from parts where active = 1"},
            'Error: column "active" does not exist',
            fails=True,
        )
    )
    session.reply(
        tool(
            "mcp__postgres__query",
            {
                "sql": "select count(*) from parts p join suppliers s on s.id = p.supplier_id where s.is_active and p.ean is null"
            },
            [{"type": "text", "text": '[{"count": 61204}]'}],
        )
    )
    session.reply(say="61,204 among the suppliers that are active.")
    _remove_sample(session)


def _remove_sample(session: Session) -> None:
    """A file of the project goes, so that somebody can ask who deleted it."""
    session.prompt("Velotrade sends other columns since October. Remove our old sample of theirs if no test reads it.")
    session.reply(grep("velotrade", "tests"))
    session.reply(
        bash(
            "rm -v samples/velotrade.csv",
            "removed 'samples/velotrade.csv'",
            "Remove the old sample",
            effect=lambda repository: repository.remove("samples/velotrade.csv"),
        )
    )
    session.reply(say="No test reads it; `samples/velotrade.csv` is gone. A new one can be cut from tonight's file.")


def screenshots(session: Session) -> None:
    """A picture in a prompt and one from the browser."""
    session.prompt(
        "This is how the week looks in Lisbon. The cards are an hour too low.",
        title="Cards an hour too low in Lisbon",
        images=[picture(960, 600, 1)],
    )
    session.reply(read("src/calendar/Week.tsx"), think="offset() uses the browser's hours.")
    session.reply(
        edit(
            "src/calendar/Week.tsx",
            'function offset(startsAt: string, opensAt: string): number {\n  const [h, m] = opensAt.split(":").map(Number);\n  const start = new Date(startsAt);\n  return (start.getHours() - h) * HOUR + ((start.getMinutes() - m) / 60) * HOUR;\n}',
            'function offset(startsAt: string, opensAt: string, zone: string): number {\n  const [h, m] = opensAt.split(":").map(Number);\n  const [hour, minute] = clock(startsAt, zone).split(":").map(Number);\n  return (hour - h) * HOUR + ((minute - m) / 60) * HOUR;\n}',
        ),
        say="`offset` took the browser's clock; it takes the shop's now.",
    )
    session.reply(
        edit(
            "src/calendar/Week.tsx",
            "offset(booking.starts_at, shop.opens_at)",
            "offset(booking.starts_at, shop.opens_at, shop.time_zone)",
        )
    )
    session.reply(
        tool(
            "mcp__browser__navigate",
            {"url": "http://localhost:5173/calendar?shop=lisbon"},
            [{"type": "text", "text": "Navigated to Spoke: calendar"}],
        )
    )
    shot = {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": _base64(picture(960, 600, 2))},
    }
    session.reply(tool("mcp__browser__take_screenshot", {"fullPage": False}, [shot]))
    session.reply(
        read("src/calendar/Week.tsx", decoy=("C5", "read again after an edit of these lines")),
        say="A last look at the file as it stands.",
    )
    session.reply(
        say="The cards sit at the right hour now, in Lisbon as in Berlin. The screenshot is from the Lisbon shop seen from a browser in Berlin."
    )


def leak(session: Session) -> None:
    """Keys in a file that should not have been read."""
    truth = session.world.truth
    key = "AKIA" + "".join(session.random.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for _ in range(16))
    password = (
        "ghp"
        + "_"
        + "".join(
            session.random.choice("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") for _ in range(36)
        )
    )
    truth.secrets += [key, password]
    session.repository.files[".env"] = (
        f"DATABASE_URL=postgresql://notify@db/notify\nAWS_ACCESS_KEY_ID={key}\nGITHUB_TOKEN={password}\nSMS_URL=https://sms.example.net/v2\n"
    )
    session.prompt("notify cannot fetch its templates from the bucket since this morning. Access denied.")
    session.reply(read(".env"), grep("SMS_URL|Getenv"))
    session.reply(
        bash(
            f"AWS_ACCESS_KEY_ID={key} aws s3 ls s3://larkfield-templates",
            "An error occurred (InvalidAccessKeyId) when calling the ListObjectsV2 operation",
            "Try the key",
            fails=True,
        )
    )
    session.reply(
        say="The key in `.env` is no longer valid; somebody rotated it yesterday evening. Put the new one into the vault and restart. And it should not lie in a file that every tool can read."
    )


def reminded(session: Session) -> None:
    """The same reminder again and again: C9."""
    mend(fixes.API[0])(session)
    session.attach("todo_reminder", REMINDER, content=[], itemCount=3)
    for question in tasks.API_QUESTIONS[2:4]:
        ask(question)(session)
        session.attach("todo_reminder", REMINDER, content=[], itemCount=3)
    ask(tasks.API_QUESTIONS[4])(session)


def in_a_hurry(session: Session) -> None:
    """Fast mode before a release."""
    session.prompt("Release in ten minutes: why does the build fail?", title="Broken build before release 7.4")
    failure = "src/calendar/Week.tsx(17,9): error TS2345: Argument of type 'string[]' is not assignable to parameter of type 'string'."
    session.reply(bash("npm run build", failure, "Build", fails=True, seconds=21), speed="fast")
    session.reply(read("src/calendar/Week.tsx"), speed="fast")
    session.reply(
        edit("src/calendar/Week.tsx", "  const days = weekOf(day);\n", "  const days: string[] = weekOf(day);\n"),
        speed="fast",
    )
    session.reply(
        bash(
            "npm run build",
            "vite v7.1.12 building for production...\n✓ 412 modules transformed.\n✓ built in 3.91s",
            "Build again",
            seconds=18,
        ),
        speed="fast",
    )
    session.reply(
        say="The build is green again. The type was inferred from an older declaration in `dist/`; a clean build would not have failed.",
        speed="fast",
    )


def with_agents(session: Session) -> None:
    """Agents side by side; the parent has read one of the files already: C8."""
    ask(tasks.API_QUESTIONS[0])(session)
    explore(
        "how a booking becomes an invoice",
        (
            (
                "Find where bookings are confirmed",
                r"status",
                ["spoke/models/booking.py", "spoke/scheduling.py"],
                "Bookings are confirmed in `spoke/routes/bookings.py`; `scheduling.booked` leaves out cancelled ones (line 51). Nothing moves a booking to *done*: the app sets the text itself.",
            ),
            (
                "Find how invoices are numbered",
                r"next_number|number",
                ["spoke/billing.py", "spoke/models/invoice.py"],
                "`billing.next_number` counts invoices of the shop and year (lines 39 to 48) and adds one, without a lock. `make_invoice` calls it inside the caller's transaction.",
            ),
            (
                "Find who computes VAT",
                r"rate_for|vat_cents",
                ["spoke/vat.py", "spoke/billing.py"],
                "`billing.vat_cents` multiplies with `vat.rate_for` (line 34). Countries without an entry raise `UnknownCountry`, which the router does not catch.",
            ),
        ),
        "A booking is confirmed by the router, done by the app, and becomes an invoice when somebody presses the button: `make_invoice` takes positions, asks `next_number` for a number and `vat_cents` for the tax. Two weak spots: numbers are given out without a lock, and an unknown country is a 500.",
    )(session)
    mend(fixes.API[1])(session)


def with_small_agents(session: Session) -> None:
    """Agents on a smaller model."""
    explore(
        "the calendar",
        (
            (
                "Find everything that knows about time zones",
                r"time_zone|getHours|timeZone",
                ["src/time.ts", "src/calendar/Week.tsx"],
                "`src/time.ts` converts with Intl; `Week.tsx` uses `getHours` in `offset` (line 52), which is the browser's zone.",
            ),
            (
                "Find who loads bookings",
                r"listBookings",
                ["src/api/bookings.ts", "src/calendar/Week.tsx", "src/hooks/usePaged.ts"],
                "`Week.tsx` loads 200 bookings in an effect that depends on `days`; `BookingTable.tsx` pages through `usePaged`.",
            ),
        ),
        "Time zones are right in `time.ts` and wrong in one place, `offset` in `Week.tsx`. Bookings are loaded twice, by the week and by the table, with different limits.",
        model="claude-haiku-5-5",
    )(session)
    mend(web.WEB[1])(session)
    wait_for_checks(418, 4)(session)


def with_progress(session: Session) -> None:
    """Agents whose lines the parent repeats; of one only these repetitions are left."""
    explore(
        "how the importer fails",
        (
            (
                "Find all places that raise BadRow",
                r"BadRow",
                ["importer/readers.py", "importer/run.py"],
                "`readers.columns` and `read_csv` raise it, `run` catches it around the whole loop, so one bad row ends the import.",
            ),
            (
                "Find what is written before a failure",
                r"commit|flush",
                ["importer/store.py", "importer/run.py"],
                "`create` writes at once, `update` in batches; `commit` is called after the loop even when it was cut short.",
            ),
        ),
        "One bad row ends an import, what came before it is committed. Both are easy to change.",
    )(session)
    explore(
        "the matching",
        (
            (
                "Measure the match by name",
                r"closest|SequenceMatcher",
                ["importer/match.py"],
                "`closest` is linear in the catalogue; 180,000 parts take about 40 s for one row.",
            ),
        ),
        "Names are compared with every part. An index of trigrams would do.",
        keeps_file=False,
    )(session)
    mend(fixes.IMPORTER[1])(session)


def with_old_agents(session: Session) -> None:
    """One agent, as older clients ran them."""
    explore(
        "the queue",
        (
            (
                "Look at the queue and who uses it",
                r"Take|Retry|Done",
                ["queue/queue.go", "cmd/notify/main.go"],
                "`Take` leases the oldest due message, `Done` and `Retry` end the lease. Only `main` uses them, in a loop without a limit.",
            ),
        ),
        "One loop takes, sends, and marks as done or gives back. The lease protects against a worker that dies, not against two workers that ask at once.",
        kind="general-purpose",
    )(session)
    mend(operations.NOTIFY[0])(session)
    forgetful(
        ["queue/queue.go"],
        "Is there anything else in the queue that is not safe?",
        "`Retry` computes the pause with a shift that overflows after 62 attempts. Nothing else.",
    )(session)


def warm_up(session: Session) -> None:
    """What clients of the 2.0 line sent at every start."""
    for agent_type in ("Explore", "Plan"):
        call = task(
            agent_type,
            "Warmup",
            "Warmup",
            lambda agent: "I'm ready to help. What should I look at?",
            model="claude-haiku-4-5-20251001" if agent_type == "Explore" else None,
        )
        call.run(session, f"warmup-{agent_type}")


def odds_and_ends(session: Session) -> None:
    """Edits that miss, a whole file for one line, a formatter between two reads, halves of a file."""
    stumble(
        "spoke/vat.py",
        '    "LU": {"standard": 0.17},\n}',
        '    "BE": {"standard": 0.21, "reduced": 0.06},\n',
        '    "BE": {"standard": 0.21, "reduced": 0.06},\n    "LU": {"standard": 0.17, "reduced": 0.08},\n',
        "Add Luxembourg to the VAT rates: 17 and 8 percent.",
        "Luxembourg is in the list. My first edit assumed a line that is not there.",
    )(session)
    rewrite_whole(
        "spoke/scheduling.py",
        "Make the buffer between two bookings 15 minutes.",
        "BUFFER = timedelta(minutes=10)",
        "BUFFER = timedelta(minutes=15)",
        "`BUFFER` is 15 minutes. Note that `free_slots` does not use it yet.",
    )(session)
    format_and_read("spoke/reminders.py")(session)
    in_parts("spoke/billing.py", 40)(session)
    forgetful(
        ["spoke/vat.py", "spoke/scheduling.py"],
        "Which of these modules have no test?",
        "`vat.py` is only tested through billing; `reminders.py` has no test at all.",
    )(session)


def look_around(session: Session) -> None:
    """Searches of the web."""
    for query, prompt, answer in tasks.SEARCHES[:3]:
        look_up(query, prompt, answer)(session)


def other_model(session: Session) -> None:
    """A model of somebody else's through a gateway: no price is known."""
    for question in tasks.HANDBOOK_QUESTIONS:
        ask(question)(session)


def picture(width: int, height: int, seed: int) -> bytes:
    """Return a PNG of a calendar with cards, stored without compression so that its bytes never depend on a library."""
    rows = bytearray()
    for y in range(height):
        row = bytearray(b"\xff" * (width // 8))
        for column in range(7):
            top = (37 * (column + seed) * 5) % (height - 160) + 40
            if top <= y < top + 60 + 20 * (column % 3):
                start = column * (width // 7) // 8 + 1
                row[start : start + width // 64] = b"\x00" * len(row[start : start + width // 64])
        rows += b"\x00" + bytes(row)
    blocks = b""
    for start in range(0, len(rows), 65_535):
        part = bytes(rows[start : start + 65_535])
        last = b"\x01" if start + 65_535 >= len(rows) else b"\x00"
        blocks += last + len(part).to_bytes(2, "little") + (65_535 - len(part)).to_bytes(2, "little") + part
    data = b"\x78\x01" + blocks + zlib.adler32(bytes(rows)).to_bytes(4, "big")
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x01\x00\x00\x00\x00"
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")


def _base64(data: bytes) -> str:
    import base64

    return base64.b64encode(data).decode()


_MORE_LOGS = (
    (
        "parts-importer",
        "BadRow line 4411: no column for price",
        "Radhaus renamed a column last night. One alias in `readers.py` is enough; it has nothing to do with the filters.",
    ),
    (
        "spoke-api",
        "sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow 10 reached",
        "The pool ran dry while the report for October was made. The report opens a session per shop; it should take one.",
    ),
    (
        "postgres",
        "canceling statement due to statement timeout",
        "The same report from the other side: a sequential scan of `bookings`. An index on `(shop_id, starts_at)` would help.",
    ),
    (
        "ingress",
        "upstream prematurely closed connection while reading response header",
        "These are the restarts of the deploys; they stop two minutes after each.",
    ),
)
_FILTERS = '''"""Conditions from query parameters: a router lists its columns, everything else happens here."""

from collections.abc import Mapping

from fastapi import HTTPException
from sqlalchemy import Select


def matching(query: Select, params: Mapping[str, str], *columns) -> Select:
    """Keep the rows that agree with every parameter that names one of `columns`.

    Text is compared as it stands, numbers are read as numbers; what is not a number is refused with 422.
    """
    for column in columns:
        given = params.get(column.key)
        if given is None:
            continue
        if column.type.python_type is int:
            try:
                given = int(given)
            except ValueError:
                raise HTTPException(422, f"{column.key} is a whole number") from None
        query = query.where(column == given)
    return query
'''
_COUNTER = '''"""The last invoice number given out, per shop and year."""

from sqlalchemy.orm import Mapped, mapped_column

from spoke.db import Base


class Counter(Base):
    __tablename__ = "counters"

    shop_id: Mapped[int] = mapped_column(primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    last: Mapped[int]
'''
_JOB = """variable "image" { type = string }

resource "kubernetes_job" "migrate" {
  metadata { name = "migrate-${substr(sha1(var.image), 0, 8)}" }
  spec {
    backoff_limit = 1
    template {
      spec {
        restart_policy = "Never"
        container {
          name    = "migrate"
          image   = var.image
          command = ["alembic", "upgrade", "head"]
        }
      }
    }
  }
  wait_for_completion = true
}
"""
_SUMMARY = """1. Request: one place for the filters of all eight routers; two of them compare text with numbers.
2. Done: `spoke/filters.py` with `matching(query, params, *columns)`, which answers 422 for what is not a number. Routers converted and tested: bikes, bookings, customers, invoices.
3. Also done on the way: `deposit` fields on bikes with migrations; three looks into logs (spoke-api: the unconverted routers; spoke-web: unrelated; notify: the provider).
4. Left: mechanics, parts, shops, suppliers. Then documentation.
5. Decisions: no escaping by hand anywhere; unknown parameters are ignored as before."""

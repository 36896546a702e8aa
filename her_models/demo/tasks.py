# ruff: noqa: E501  (texts of people and programs, as wide as they are)
"""What the invented company still wants: fields to add, questions to answer, things to rename, pages to write."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Wish:
    """A field that somebody wants on one kind of thing."""

    entity: str
    field: str
    type: str
    default: str
    why: str


WISHES = (
    Wish(
        "Booking",
        "is_express",
        "bool",
        "false",
        "Shops want to mark express repairs so that they show up red in the stand plan.",
    ),
    Wish(
        "Booking",
        "deposit_cents",
        "int",
        "0",
        "Rental bikes need a deposit that is held on the card until the bike is back.",
    ),
    Wish(
        "Booking",
        "cancelled_at",
        "datetime | None",
        "null",
        "Support cannot tell when a booking was cancelled, only that it was.",
    ),
    Wish(
        "Booking",
        "source",
        "str",
        "'counter'",
        "Marketing asks which bookings come from the website widget and which from the counter.",
    ),
    Wish(
        "Bike", "battery_serial", "str | None", "null", "Bosch warranty claims need the serial number of the battery."
    ),
    Wish("Bike", "colour", "str | None", "null", "Two black city bikes of one family got mixed up last week."),
    Wish("Bike", "last_service_on", "date | None", "null", "We want to suggest a yearly service when a bike is due."),
    Wish("Customer", "locale", "str", "'de'", "Reminders go out in German to customers who never chose it."),
    Wish(
        "Customer",
        "blocked_reason",
        "str | None",
        "null",
        "Some customers never show up. A shop wants to note why they cannot book online.",
    ),
    Wish(
        "Invoice",
        "cancels_id",
        "int | None",
        "null",
        "A cancelled invoice needs a counterpart that names it; the auditor insists.",
    ),
    Wish(
        "Invoice",
        "due_on",
        "date",
        "current_date + 14",
        "Business customers pay by transfer within 14 days, the reminder needs a date.",
    ),
    Wish("Invoice", "sent_at", "datetime | None", "null", "Nobody knows whether the PDF has been mailed."),
    Wish("Part", "min_stock", "int", "0", "Tell a shop when brake pads run low instead of when they are gone."),
    Wish("Part", "is_discontinued", "bool", "false", "Suppliers drop articles and we keep offering them."),
    Wish(
        "Mechanic",
        "colour",
        "str",
        "'#4878a8'",
        "The calendar picks colours at random, so a mechanic changes colour every week.",
    ),
    Wish("Mechanic", "leaves_on", "date | None", "null", "A mechanic who has left still gets bookings assigned."),
    Wish(
        "Shop",
        "closed_days",
        "list[date]",
        "'{}'",
        "Public holidays differ by state, shops want to enter them themselves.",
    ),
    Wish(
        "Supplier",
        "min_order_cents",
        "int",
        "0",
        "Orders below the minimum cost 9 euros extra, purchasing wants a warning.",
    ),
)


@dataclass(frozen=True)
class Question:
    """Something a person wants to know about a file."""

    path: str
    text: str
    answer: str
    search: str = ""


API_QUESTIONS = (
    Question(
        "spoke/scheduling.py",
        "How does first_free pick a slot when two mechanics are free at the same time?",
        "`first_free` walks the days from today in the shop's zone and returns the first element of `free_slots`, which is sorted by start and then by mechanic id. "
        "So with two free mechanics it is always the one with the smaller id, which means that people hired early get more work. "
        "If you want it even, sort by the number of bookings on that day first.",
        "first_free",
    ),
    Question(
        "spoke/billing.py",
        "Can two requests at the same moment get the same invoice number?",
        "Yes. `next_number` counts the invoices of the year and adds one, without a lock. Two transactions that run side by side see the same count. "
        "The unique index on `(shop_id, number)` turns that into an error for the second one, so no duplicate is stored, but the customer sees a 500. "
        "A row per shop and year with `select … for update` would make it safe and keep the numbers free of gaps.",
        "next_number",
    ),
    Question(
        "spoke/vat.py",
        "Where would I add Luxembourg, and is anything else needed?",
        'One line in `RATES`: `"LU": {"standard": 0.17, "reduced": 0.08}`. Luxembourg taxes bicycle repairs at the reduced rate, so it also belongs in `REDUCED_REPAIRS`. '
        "Nothing else reads the country list; the shop form takes its choices from `RATES.keys()`.",
    ),
    Question(
        "spoke/paging.py",
        "Why do we page by id and not by offset?",
        "Because rows are added while somebody reads. With an offset a new row at the front moves everything, and the reader sees one twice or misses one. "
        "`after` names the last id seen, so the next page starts exactly behind it, and the database uses the primary key instead of counting rows.",
    ),
    Question(
        "spoke/reminders.py",
        "What happens when notify is down while reminders run?",
        "`send` raises, `run` does not catch it, so the loop stops at that customer. Those before got theirs, those after did not, and the job is not tried again until the next day. "
        "Writing the messages to the queue table in the same transaction would make it survive.",
        "notify_client",
    ),
)

WEB_QUESTIONS = (
    Question(
        "src/api/http.ts",
        "Do we retry anything in the client? A customer saw an error after one lost packet.",
        "No. `request` calls `fetch` once and throws `HttpError` for anything that is not ok; a lost connection surfaces as `TypeError`. "
        "GET is safe to retry, so two attempts with a short pause for network errors and 503 would be reasonable. POST is not, unless we send an idempotency key.",
    ),
    Question(
        "src/hooks/usePaged.ts",
        "If I change the filter while a page is loading, which answer wins?",
        "The one that arrives last, which may be the old one. `running` is counted up but never compared. "
        "Keep its value in a local before `await` and drop the answer if it changed meanwhile.",
        "running",
    ),
    Question(
        "src/calendar/Week.tsx",
        "Why are cards shifted by an hour for our Lisbon shop?",
        "`offset` uses `getHours()`, which is the browser's zone, while the opening time is in the shop's zone. Somebody in Berlin who looks at a Lisbon shop sees every card an hour too low. "
        "`clock` in `src/time.ts` already converts; `offset` should take hour and minute from there.",
        "getHours",
    ),
    Question(
        "src/time.ts",
        "Is Intl.DateTimeFormat expensive enough for that cache?",
        "Yes. Making one costs about 50 µs in Chrome, formatting 1 µs. A week with 60 bookings formats 120 times per render, so without the cache each render would spend 6 ms on it.",
    ),
)

IMPORTER_QUESTIONS = (
    Question(
        "importer/match.py",
        "The match by name takes for ever on the big list. What is its cost?",
        "`closest` compares the name with every part of the supplier, so a row without EAN and SKU costs one `SequenceMatcher` per part: with 180,000 parts about 40 s per row. "
        "An index of trigrams would leave a few dozen candidates; `normalise` is written but never called.",
        "closest|normalise",
    ),
    Question(
        "importer/fetch.py",
        "Do we keep the last good file if today's download is empty?",
        "No. `fetch` overwrites the kept file with whatever comes, also with nothing. It should write to a temporary name and replace the old one only if the new one has rows.",
    ),
    Question(
        "importer/readers.py",
        "What does cents() make of '12.500' from the Dutch supplier?",
        "1,250 cents, that is 12,50. Without a comma the point counts as the decimal separator, so twelve thousand five hundred becomes twelve and a half. "
        "The supplier's locale should decide, not the shape of the number.",
        "cents",
    ),
    Question(
        "importer/store.py",
        "Is an import atomic?",
        "Mostly. Everything runs in one transaction that `commit` ends, so a crash leaves the old prices. But `create` writes at once and `update` in batches, and `dry_run` only stops the batches, so a dry run with new parts does write them.",
        "dry_run",
    ),
)

NOTIFY_QUESTIONS = (
    Question(
        "queue/queue.go",
        "What is the lease for, and how long should it be?",
        "It keeps a second worker from taking a message while the first one sends it. It must be longer than the slowest send, else a slow provider means two messages. "
        "Two minutes is fine: the HTTP client gives up after 30 s.",
        "lease",
    ),
    Question(
        "send/sms.go",
        "Why do Swiss numbers not arrive?",
        "`normalise` puts +49 in front of every number that begins with a single zero, so 079… becomes +4979…, a German number. The shop's country should decide, as it does for VAT.",
        "normalise",
    ),
    Question(
        "cmd/notify/main.go",
        "What happens to a message when a pod is stopped in the middle of sending?",
        "`NotifyContext` ends the loop only between messages, so the current one is finished if Kubernetes waits long enough. If it is killed first, the lease runs out after two minutes and the other replica sends it again, possibly a second time.",
    ),
)

INFRA_QUESTIONS = (
    Question(
        "envs/production/main.tf",
        "Which service takes the most memory, and does it need it?",
        "parts-importer with 2 GiB for one replica. It reads the whole supplier file into memory, the largest is 310 MB as text and about four times that as Python rows. "
        "If the reader streamed, 256 MiB would do.",
        "memory_mb",
    ),
    Question(
        "modules/service/main.tf",
        "What does a pod do between SIGTERM and being removed from the service?",
        "Nothing waits for that today: there is no preStop hook, so requests may reach a pod that is shutting down for a second or two. `sleep 5` in preStop is the usual remedy.",
    ),
)

HANDBOOK_QUESTIONS = (
    Question(
        "docs/invoices.md",
        "Do we say anywhere how to cancel an invoice?",
        "No. `docs/invoices.md` says that numbers have no gaps, which implies that an invoice is never deleted, but it does not say what to do instead. A section *Cancelling* of four lines would help.",
    ),
    Question(
        "docs/parts.md",
        "Is the page about parts still right after the importer change?",
        "Almost. It says that prices changed by hand stay; since October that holds only while the part is marked *own price*. The rest is right.",
        "Prices you changed",
    ),
)

QUESTIONS = {
    "spoke-api": API_QUESTIONS,
    "spoke-web": WEB_QUESTIONS,
    "parts-importer": IMPORTER_QUESTIONS,
    "notify": NOTIFY_QUESTIONS,
    "infra": INFRA_QUESTIONS,
    "handbook": HANDBOOK_QUESTIONS,
}

RENAMES = {
    "spoke-api": (("as_dict", "to_json"), ("utcnow", "now_utc"), ("Principal", "Caller")),
    "spoke-web": (("usePaged", "usePages"), ("HttpError", "ApiError")),
    "parts-importer": (("BadRow", "RowError"), ("Known", "KnownPart")),
    "notify": (("normalise", "e164"),),
    "infra": (("memory_mb", "memory_mib"),),
    "handbook": (("mechanics", "technicians"),),
}

PAGES = (
    (
        "docs/holidays.md",
        "a page on public holidays",
        "# Public holidays\n\nSpoke knows the holidays of your state. Closed days are grey in the calendar and cannot be booked online.\n\n## Add a day of your own\n\n1. Open *Shop → Holidays*.\n2. Choose *Add day*.\n3. Say whether existing bookings should be moved. Spoke shows them first.\n\n## Half days\n\nChoose an earlier closing time for the day instead of closing it.\n",
    ),
    (
        "docs/deposits.md",
        "a page on deposits for rental bikes",
        "# Deposits\n\nFor a rental bike Spoke holds an amount on the customer's card. Nothing is paid until the bike is late or damaged.\n\n## Hold, release, charge\n\n- *Hold* when the bike leaves.\n- *Release* when it is back. This happens by itself at the end of the booking.\n- *Charge* part of it with a reason, which goes on the invoice.\n",
    ),
    (
        "docs/cancelling.md",
        "how an invoice is cancelled",
        "# Cancelling an invoice\n\nAn invoice is never deleted, because numbers must have no gaps.\n\n1. Open the invoice and choose *Cancel*.\n2. Spoke writes a second invoice with the opposite amounts, which names the first.\n3. Both go to the customer.\n\nA cancelled invoice can be copied into a new one.\n",
    ),
    (
        "docs/teams.md",
        "who may do what",
        "# People and what they may do\n\n| | calendar | bikes | invoices | reports |\n|---|---|---|---|---|\n| owner | yes | yes | yes | yes |\n| front desk | yes | yes | yes | no |\n| mechanic | own | yes | no | no |\n\nSomebody who leaves keeps nothing: remove them under *Shop → People* and their bookings go back to the stand.\n",
    ),
)

SEARCHES = (
    (
        "SQLAlchemy 2.1 breaking changes Mapped nullable default",
        "Is there anything in SQLAlchemy 2.1 that breaks our models? Look it up before we bump it.",
        "Three things concern us. `Mapped[str]` without `mapped_column` is now NOT NULL by default in migrations as well; we always spell the type, so nothing changes. "
        "`Query.get` is gone, we use `Session.get`. And the asyncio extra no longer pulls in greenlet, which we do not use. I would bump it.",
    ),
    (
        "Vite 8 rolldown migration guide config changes",
        "What would Vite 8 mean for us?",
        "The bundler behind it is Rolldown now. Our config has two options that were renamed: `build.rollupOptions` and `esbuild`. The plugin for React needs its new major version. Half a day with tests.",
    ),
    (
        "Kubernetes startup probe failureThreshold periodSeconds maximum wait",
        "How long may a startup probe take before Kubernetes gives up, and is there a maximum?",
        "It waits `failureThreshold × periodSeconds`; there is no upper limit. Liveness and readiness probes do not run until it has succeeded once.",
    ),
    (
        "Netherlands VAT rate bicycle repair 2027 change",
        "Does the reduced rate for repairs in the Netherlands stay next year?",
        "Yes, 9 % stays for repairs of bicycles in 2027. The plan to end it was dropped with the budget in October.",
    ),
    (
        "pgx v5 SKIP LOCKED queue best practice lease",
        "Is skip locked still the way to do a queue in Postgres 17, or is there something better?",
        "Still the way. Postgres 17 made it cheaper under contention, nothing replaced it. The advice is to keep the transaction short, which we do by leasing instead of holding the lock.",
    ),
)

TICKETS = {
    "SPK-1482": (
        "Express repairs in the stand plan",
        "Two shops in Cologne ask for it: repairs promised for the same day should be visible at a glance.\n\nAcceptance:\n- a booking can be marked as express\n- express bookings are red in the week view\n- the reminder says that it is express\n\nNot in scope: prices.",
    ),
    "SPK-1497": (
        "Duplicate text messages",
        "Seven customers got their reminder twice in the night to Tuesday. Both replicas of notify logged the same message id within 40 ms.\n\nLogs attached. Customer impact: annoying, 0.07 EUR each.",
    ),
    "SPK-1503": (
        "Importer stops at first bad row",
        "Radhaus sends about 30 broken rows a night. Since the move to the new reader the rest of the file is not imported.",
    ),
    "SPK-1511": (
        "Week view jumps on Sundays",
        "Open the calendar on a Sunday: it shows next week. Reported by Utrecht and Ghent.",
    ),
    "SPK-1520": (
        "VAT off by one cent",
        "Tax adviser of shop 31 complains about invoice 2026-0031-00412. We owe them an answer by Friday.",
    ),
}

# ruff: noqa: E501  (texts of people and programs, as wide as they are)
"""The shop front of the invented company: TypeScript and React, and the mistakes in it."""

from __future__ import annotations

from her_models.demo.projects import CLAUDE_COMMON, ENTITIES, Entity
from her_models.demo.stories import Fix

_TS = {
    "int": "number",
    "str": "string",
    "datetime": "string",
    "bool": "boolean",
    "int | None": "number | null",
    "str | None": "string | null",
    "datetime | None": "string | null",
    "list[str]": "string[]",
    "time": "string",
}


def ts_client(entity: Entity) -> str:
    """Return the typed client of one kind of thing."""
    fields = "\n".join(f"  {name}: {_TS[kind]};" for name, kind in entity.fields)
    low = entity.name[0].lower() + entity.name[1:]
    return f"""import {{ request, type Page }} from "./http";

/** {entity.name}: {entity.note}. */
export interface {entity.name} {{
  id: number;
{fields}
}}

export interface {entity.name}Filter {{
  after?: string;
  limit?: number;
}}

export function list{entity.name}s(filter: {entity.name}Filter = {{}}): Promise<Page<{entity.name}>> {{
  return request("GET", "/{entity.plural}", {{ query: filter }});
}}

export function get{entity.name}(id: number): Promise<{entity.name}> {{
  return request("GET", `/{entity.plural}/${{id}}`);
}}

export function save{entity.name}({low}: Partial<{entity.name}>): Promise<{entity.name}> {{
  return {low}.id
    ? request("PATCH", `/{entity.plural}/${{{low}.id}}`, {{ body: {low} }})
    : request("POST", "/{entity.plural}", {{ body: {low} }});
}}
"""


def ts_table(entity: Entity) -> str:
    """Return the list page of one kind of thing."""
    cells = "\n".join(
        f'            <td>{{row.{name} === null ? "–" : String(row.{name})}}</td>' for name, _ in entity.fields[:5]
    )
    heads = "\n".join(f"          <th>{name.replace('_', ' ')}</th>" for name, _ in entity.fields[:5])
    return f"""import {{ useCallback, useState }} from "react";
import {{ list{entity.name}s, type {entity.name} }} from "../api/{entity.plural}";
import {{ Empty, Spinner }} from "../ui";
import {{ usePaged }} from "../hooks/usePaged";

export function {entity.name}Table({{ onOpen }}: {{ onOpen: (row: {entity.name}) => void }}) {{
  const [limit] = useState(50);
  const load = useCallback((after?: string) => list{entity.name}s({{ after, limit }}), [limit]);
  const {{ rows, loading, more, loadMore }} = usePaged(load);

  if (loading && rows.length === 0) return <Spinner />;
  if (rows.length === 0) return <Empty what="{entity.plural}" />;

  return (
    <table className="table">
      <thead>
        <tr>
{heads}
        </tr>
      </thead>
      <tbody>
        {{rows.map((row) => (
          <tr key={{row.id}} onClick={{() => onOpen(row)}}>
{cells}
          </tr>
        ))}}
      </tbody>
      {{more && (
        <tfoot>
          <tr>
            <td colSpan={{5}}>
              <button onClick={{loadMore}}>More</button>
            </td>
          </tr>
        </tfoot>
      )}}
    </table>
  );
}}
"""


WEB_FILES = {
    "CLAUDE.md": "# spoke-web\n\nReact 19 + Vite front for shops: calendar, stand plan, invoices. No state library; hooks and the URL.\n"
    + CLAUDE_COMMON
    + """
## Layout

- `src/api/` typed client, one file per resource; `src/calendar/` the week view; `src/ui/` small shared pieces
- `npm test` runs vitest, `npm run e2e` Playwright against a mocked API
- Dates: always through `src/time.ts`, never `new Date(string)` in a component
""",
    "src/api/http.ts": """export interface Page<T> {
  items: T[];
  next: string | null;
}

export class HttpError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

interface Options {
  query?: Record<string, string | number | undefined>;
  body?: unknown;
  signal?: AbortSignal;
}

const BASE = import.meta.env.VITE_API ?? "/api";

export async function request<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const url = new URL(BASE + path, location.origin);
  for (const [key, value] of Object.entries(options.query ?? {})) {
    if (value !== undefined) url.searchParams.set(key, String(value));
  }
  const response = await fetch(url, {
    method,
    headers: options.body ? { "content-type": "application/json" } : {},
    body: options.body ? JSON.stringify(options.body) : undefined,
    credentials: "include",
  });
  if (!response.ok) throw new HttpError(response.status, await response.text());
  return response.json();
}
""",
    "src/time.ts": """/** Times of a shop. The API speaks UTC, people speak the shop's zone. */

const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = zone + JSON.stringify(options);
  let found = formats.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...options });
    formats.set(key, found);
  }
  return found;
}

export function clock(utc: string, zone: string): string {
  return format(zone, { hour: "2-digit", minute: "2-digit" }).format(new Date(utc));
}

export function dayOf(utc: string, zone: string): string {
  const parts = format(zone, { year: "numeric", month: "2-digit", day: "2-digit" }).formatToParts(new Date(utc));
  const get = (type: string) => parts.find((p) => p.type === type)!.value;
  return `${get("year")}-${get("month")}-${get("day")}`;
}

export function weekOf(day: string): string[] {
  const first = new Date(day + "T00:00:00");
  first.setDate(first.getDate() - first.getDay() + 1);
  return Array.from({ length: 7 }, (_, i) => {
    const d = new Date(first);
    d.setDate(first.getDate() + i);
    return d.toISOString().slice(0, 10);
  });
}
""",
    "src/calendar/Week.tsx": """import { useEffect, useMemo, useState } from "react";
import { listBookings, type Booking } from "../api/bookings";
import { clock, dayOf, weekOf } from "../time";
import { Card } from "../ui";
import { useShop } from "../hooks/useShop";

const HOUR = 48; // pixels

export function Week({ day, onPick }: { day: string; onPick: (booking: Booking) => void }) {
  const shop = useShop();
  const [bookings, setBookings] = useState<Booking[]>([]);
  const days = weekOf(day);

  useEffect(() => {
    listBookings({ limit: 200 }).then((page) => setBookings(page.items));
  }, [days]);

  const byDay = useMemo(() => {
    const groups = new Map<string, Booking[]>();
    for (const booking of bookings) {
      const key = dayOf(booking.starts_at, shop.time_zone);
      groups.set(key, [...(groups.get(key) ?? []), booking]);
    }
    return groups;
  }, [bookings, shop.time_zone]);

  return (
    <div className="week">
      {days.map((d) => (
        <section key={d} aria-label={d}>
          <h3>{d}</h3>
          {(byDay.get(d) ?? []).map((booking) => (
            <Card
              key={booking.id}
              style={{ top: offset(booking.starts_at, shop.opens_at), height: HOUR * hours(booking) }}
              onClick={() => onPick(booking)}
            >
              {clock(booking.starts_at, shop.time_zone)} {booking.note}
            </Card>
          ))}
        </section>
      ))}
    </div>
  );
}

function hours(booking: Booking): number {
  return (Date.parse(booking.ends_at) - Date.parse(booking.starts_at)) / 3_600_000;
}

function offset(startsAt: string, opensAt: string): number {
  const [h, m] = opensAt.split(":").map(Number);
  const start = new Date(startsAt);
  return (start.getHours() - h) * HOUR + ((start.getMinutes() - m) / 60) * HOUR;
}
""",
    "src/hooks/usePaged.ts": """import { useCallback, useEffect, useRef, useState } from "react";
import type { Page } from "../api/http";

export function usePaged<T extends { id: number }>(load: (after?: string) => Promise<Page<T>>) {
  const [rows, setRows] = useState<T[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const [loading, setLoading] = useState(true);
  const running = useRef(0);

  const fetchPage = useCallback(
    async (after?: string) => {
      setLoading(true);
      const page = await load(after);
      setRows((old) => (after ? [...old, ...page.items] : page.items));
      setNext(page.next);
      setLoading(false);
    },
    [load],
  );

  useEffect(() => {
    running.current += 1;
    void fetchPage();
  }, [fetchPage]);

  return { rows, loading, more: next !== null, loadMore: () => void fetchPage(next ?? undefined) };
}
""",
    "src/invoices/money.ts": """/** Amounts are integer cents. */

export function euros(cents: number, currency = "EUR", locale = "de-DE"): string {
  return new Intl.NumberFormat(locale, { style: "currency", currency }).format(cents / 100);
}

export function parseEuros(text: string): number | null {
  const clean = text.replace(/[^0-9,.-]/g, "").replace(",", ".");
  const value = Number(clean);
  return Number.isFinite(value) ? Math.round(value * 100) : null;
}
""",
    "src/time.test.ts": """import { describe, expect, it } from "vitest";
import { clock, dayOf, weekOf } from "./time";

describe("time", () => {
  it("shows the shop's clock", () => {
    expect(clock("2026-11-04T08:30:00Z", "Europe/Berlin")).toBe("09:30");
  });

  it("knows that late evening in Lisbon is tomorrow in Berlin", () => {
    expect(dayOf("2026-11-04T23:30:00Z", "Europe/Berlin")).toBe("2026-11-05");
  });

  it("gives the week from Monday", () => {
    expect(weekOf("2026-11-04")[0]).toBe("2026-11-02");
  });
});
""",
    "src/invoices/money.test.ts": """import { expect, it } from "vitest";
import { euros, parseEuros } from "./money";

it("formats cents", () => {
  expect(euros(123456)).toBe("1.234,56 €");
});

it("reads what people type", () => {
  expect(parseEuros("12,50 €")).toBe(1250);
});
""",
    "package.json": '{\n  "name": "spoke-web",\n  "version": "7.3.1",\n  "scripts": { "dev": "vite", "test": "vitest run", "build": "tsc -b && vite build", "e2e": "playwright test" },\n'
    '  "dependencies": { "react": "^19.2.0", "react-dom": "^19.2.0", "react-router": "^7.9.4" },\n'
    '  "devDependencies": { "typescript": "^5.9.3", "vite": "^7.1.12", "vitest": "^4.0.4", "@playwright/test": "^1.56.1" }\n}\n',
}
for _entity in ENTITIES:
    WEB_FILES[f"src/api/{_entity.plural}.ts"] = ts_client(_entity)
    WEB_FILES[f"src/tables/{_entity.name}Table.tsx"] = ts_table(_entity)

WEB = (
    Fix(
        prompt="The week view starts on the wrong Monday when somebody opens it on a Sunday. Vitest is green, so there is no test for it.",
        path="src/time.ts",
        search=r"weekOf",
        think="getDay() is 0 on Sundays, so `- 0 + 1` moves to the Monday after. It must go back six days instead. Also toISOString on "
        "a local midnight gives the day before for zones east of Greenwich, so the test on CI in UTC passes and users in Berlin "
        "see Sunday first. Build the date in UTC from the start.",
        found="On Sundays `getDay()` is 0 and the view jumps a week ahead. Working in UTC mends that and the off-by-one east of Greenwich.",
        old="""  const first = new Date(day + "T00:00:00");
  first.setDate(first.getDate() - first.getDay() + 1);
  return Array.from({ length: 7 }, (_, i) => {
    const d = new Date(first);
    d.setDate(first.getDate() + i);
    return d.toISOString().slice(0, 10);
  });""",
        new="""  const first = new Date(day + "T00:00:00Z");
  first.setUTCDate(first.getUTCDate() - ((first.getUTCDay() + 6) % 7));
  return Array.from({ length: 7 }, (_, i) => {
    const d = new Date(first);
    d.setUTCDate(first.getUTCDate() + i);
    return d.toISOString().slice(0, 10);
  });""",
        test_path="src/time.test.ts",
        test_old="""  it("gives the week from Monday", () => {""",
        test_new="""  it("counts Sunday to the week before it", () => {
    expect(weekOf("2026-11-08")[0]).toBe("2026-11-02");
  });

  it("gives the week from Monday", () => {""",
        failure="expected '2026-11-09' to be '2026-11-02'",
        closing="Sunday now belongs to the week it ends, and all days are computed in UTC, so the view no longer depends on the "
        "browser's zone. Two tests hold it.",
        also=("src/calendar/Week.tsx",),
    ),
    Fix(
        prompt="The calendar hammers /bookings: about 30 requests a second in the network tab while nothing happens. Please stop that.",
        path="src/calendar/Week.tsx",
        search=r"weekOf\(|useEffect",
        think="days is a fresh array on each render and is a dependency of useEffect, so each setBookings causes a render, a new array, a "
        "new effect. useMemo on day fixes it. Also abort the request when the effect is replaced.",
        found="`days` is a new array on every render and sits in the effect's dependencies, so each answer asks again. `useMemo` ends the loop.",
        old="""  const days = weekOf(day);

  useEffect(() => {
    listBookings({ limit: 200 }).then((page) => setBookings(page.items));
  }, [days]);""",
        new="""  const days = useMemo(() => weekOf(day), [day]);

  useEffect(() => {
    let current = true;
    void listBookings({ limit: 200 }).then((page) => {
      if (current) setBookings(page.items);
    });
    return () => {
      current = false;
    };
  }, [days]);""",
        test_path="src/time.test.ts",
        test_old="""describe("time", () => {""",
        test_new="""it("asks once per week shown", async () => {
  const calls = renderWeek("2026-11-04");
  await settle();
  expect(calls()).toBe(1);
});

describe("time", () => {""",
        failure="expected 31 to be 1",
        closing="One request per week shown. `days` is memoised on `day`, and an answer that comes after the week changed is dropped.",
        also=("src/hooks/useShop.ts", "src/api/bookings.ts"),
    ),
    Fix(
        prompt="'1.234,50' typed into the price field becomes 1,23 €. Shops in Germany type it like that.",
        path="src/invoices/money.ts",
        search=r"parseEuros",
        think="replace(',', '.') makes 1.234.50, Number gives NaN... they say 1,23, so the input strips something first. With '1.234,50' -> "
        "'1.234.50' -> NaN -> null. The field falls back to parseFloat, which gives 1.234. I'll handle grouping: the last separator is the decimal one when "
        "followed by one or two digits.",
        found="Thousands points are taken for the decimal separator. The last separator decides, if one or two digits follow it.",
        old="""  const clean = text.replace(/[^0-9,.-]/g, "").replace(",", ".");
  const value = Number(clean);""",
        new="""  const clean = text.replace(/[^0-9,.-]/g, "");
  const [, whole, cents = ""] = /^(-?[0-9.,]*?)(?:[.,]([0-9]{1,2}))?$/.exec(clean) ?? [];
  const value = Number(`${(whole ?? "").replace(/[.,]/g, "") || "0"}.${cents || "0"}`);""",
        test_path="src/invoices/money.test.ts",
        test_old="""it("formats cents", () => {""",
        test_new="""it.each([
  ["1.234,50", 123450],
  ["1,234.50", 123450],
  ["1234", 123400],
])("reads %s", (text, cents) => {
  expect(parseEuros(text)).toBe(cents);
});

it("formats cents", () => {""",
        failure="expected null to be 123450",
        closing="Both ways of writing thousands are understood now; the last separator counts as the decimal one only when one or two digits follow.",
    ),
)

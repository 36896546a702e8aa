// A session as the player holds it: clocks, tracks, running sums and marks, decoded once from the compact arrays.
// Nothing here touches a page. Positions are places in the session from 0; money is whole nanodollars.

const WRITTEN = new Set(["text", "thinking", "tool_call"]); // kinds of content that are output when they begin
const ERRED = 1, INHERITED = 2, EDIT = 4, LEFT_BEHIND = 8;
const IDLE_SECONDS = 2; // longest pause of the squeezed clock
const STEP_SECONDS = 0.1; // shortest one, so that no event passes unseen

// What can be jumped to: name, key, and how the place is drawn on the track of marks.
const JUMPS = [
  ["error", "Error", "e"],
  ["edit", "Edit", "d"],
  ["compaction", "Compaction", "x"],
  ["miss", "Cache miss", "m"],
  ["dearest", "Costliest", "u"],
  ["waste", "Waste", "w"],
  ["hit", "Search hit", "n"],
];

class Recording {
  constructor(data) {
    this.data = data;
    this.id = data.id;
    this.count = data.count;
    this.kind = Uint8Array.from(data.kind);
    this.flags = Uint8Array.from(data.flags);
    this.lane = Uint16Array.from(data.lane);
    this.tool = Int16Array.from(data.tool);
    this.pair = Int32Array.from(data.pair);
    this.turn = Int32Array.from(data.turn);
    this.real = this.clock((gap) => gap);
    this.squeezed = this.clock((gap) => Math.min(Math.max(gap, STEP_SECONDS), IDLE_SECONDS));
    this.kindPlace = new Map(data.kinds.map(([kind], place) => [kind, place]));
    this.rows = this.tracks();
    this.row = this.rowsOfEvents();
    this.turnStarts = this.places((i) => i === 0 || this.turn[i] > this.turnBefore(i));
    this.sumUp();
    this.marks = this.findMarks();
  }

  clock(shape) {
    const seconds = new Float64Array(this.count);
    for (let i = 1; i < this.count; i++) seconds[i] = seconds[i - 1] + shape(this.data.gap_ms[i] / 1000);
    return seconds;
  }

  places(holds) {
    const found = [];
    for (let i = 0; i < this.count; i++) if (holds(i)) found.push(i);
    return found;
  }

  turnBefore(i) {
    // Events of subagents may come late: a turn begins where its number is seen for the first time.
    if (!this.highest) {
      this.highest = new Int32Array(this.count);
      for (let k = 0, high = -2; k < this.count; k++) {
        this.highest[k] = high;
        high = Math.max(high, this.turn[k]);
      }
    }
    return this.highest[i];
  }

  kindName(i) {
    return this.flags[i] & ERRED ? this.data.error[0] : this.data.kinds[this.kind[i]][1];
  }

  colour(i) {
    return this.flags[i] & ERRED ? this.data.error[1] : this.data.kinds[this.kind[i]][2];
  }

  toolName(i) {
    return this.tool[i] < 0 ? "" : this.data.tools[this.tool[i]][0];
  }

  // -- tracks: what is drawn on which row ---------------------------------------------------------------------------

  tracks() {
    const present = new Set();
    for (let i = 0; i < this.count; i++) if (this.lane[i] === 0) present.add(this.trackName(i));
    const order = ["Prompts", "Thinking", "Answers", ...this.data.tracks, "Client"];
    const rows = order.filter((name) => present.has(name)).map((name) => ({ name, lane: 0, depth: 0 }));
    const under = (parent, depth) => {
      this.data.lanes.forEach((lane, place) => {
        if (place === 0 || this.laneOfCall(place) !== parent) return;
        rows.push({ name: lane.name, number: lane.number, lane: place, depth, call: lane.call });
        if (depth < 4) under(place, depth + 1);
      });
    };
    under(0, 1);
    return rows;
  }

  laneName(place) {
    const { name, number } = this.data.lanes[place];
    return number ? `${name} ${number}` : name;
  }

  // A subagent lies under the lane of the call that started it; one that nobody is seen to start, under the main one.
  laneOfCall(place) {
    const call = this.data.lanes[place].call;
    const lane = call === null ? 0 : this.data.lane[call];
    return lane === place ? 0 : lane;
  }

  // "Client" holds what nobody said: reminders, memory files, listings, summaries.
  trackName(i) {
    const kind = this.data.kinds[this.kind[i]][0];
    if (kind === "tool_call" || kind === "tool_result") {
      const tool = this.tool[i] >= 0 ? this.tool[i] : this.tool[i + this.pair[i]];
      return tool >= 0 ? this.data.tracks[this.data.tools[tool][1]] : "Other tools";
    }
    if (kind === "prompt" || kind === "command" || kind === "interruption") return "Prompts";
    return { thinking: "Thinking", text: "Answers" }[kind] || "Client";
  }

  rowsOfEvents() {
    const byName = new Map(this.rows.filter((row) => row.lane === 0).map((row) => [row.name, this.rows.indexOf(row)]));
    const byLane = new Map(this.rows.map((row, place) => [row.lane, place]));
    const found = new Int16Array(this.count);
    for (let i = 0; i < this.count; i++) {
      const place = this.lane[i] === 0 ? byName.get(this.trackName(i)) : byLane.get(this.lane[i]);
      found[i] = place === undefined ? 0 : place;
    }
    return found;
  }

  // -- sums: what had been billed, and what was in the context ------------------------------------------------------

  sumUp() {
    const bills = this.data.bills;
    const length = bills.event.length;
    const sum = (values) => {
      const sums = new Float64Array(length + 1);
      for (let k = 0; k < length; k++) sums[k + 1] = sums[k] + (values[k] || 0);
      return sums;
    };
    this.bills = bills;
    this.nanoSoFar = sum(bills.nano);
    this.outputSoFar = sum(bills.output);
    this.readSoFar = sum(bills.read);
    this.sentSoFar = sum(bills.prompt);
    this.unpricedSoFar = sum(bills.nano.map((nano) => (nano === null ? 1 : 0)));
    this.floorSoFar = sum(bills.floor);
    this.billsOfLane = new Map();
    bills.lane.forEach((lane, k) => {
      if (!this.billsOfLane.has(lane)) this.billsOfLane.set(lane, []);
      this.billsOfLane.get(lane).push(k);
    });
    this.billAtEvent = new Map(bills.event.map((event, k) => [event, k]));
    this.peak = bills.prompt.reduce((high, tokens) => Math.max(high, tokens), 1);
    this.sumContexts();
  }

  sumContexts() {
    const [ofBill, ofKind, tokens, nano] = this.data.context.rows;
    const width = this.data.context.kinds.length;
    const length = this.bills.event.length;
    this.contextTokens = new Float64Array(length * width);
    this.contextNano = new Float64Array((length + 1) * width);
    for (let r = 0; r < ofBill.length; r++) {
      this.contextTokens[ofBill[r] * width + ofKind[r]] = tokens[r];
      this.contextNano[(ofBill[r] + 1) * width + ofKind[r]] = nano[r] || 0;
    }
    for (let k = width; k < this.contextNano.length; k++) this.contextNano[k] += this.contextNano[k - width];
  }

  // How many responses had been counted by an event.
  billsBy(position) {
    return after(this.bills.event, position);
  }

  // The last response of the event's thread by then, or of the main thread; -1 before the first.
  billInForce(position) {
    for (const lane of [this.lane[position], 0]) {
      const ofLane = this.billsOfLane.get(lane) || [];
      let low = 0, high = ofLane.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (this.bills.event[ofLane[middle]] <= position) low = middle + 1;
        else high = middle;
      }
      if (low > 0) return ofLane[low - 1];
    }
    return -1;
  }

  // Rows of [name, colour, tokens in the context, nanodollars so far, whether those are a lower bound], in the order of
  // a prompt.
  contextAt(position) {
    const kinds = this.data.context.kinds;
    const bill = this.billInForce(position), bills = this.billsBy(position);
    return kinds.map(([kind, name, colour], place) => [
      name, colour, bill < 0 ? 0 : this.contextTokens[bill * kinds.length + place],
      this.contextNano[bills * kinds.length + place],
      this.unpricedSoFar[bills] > 0 || (WRITTEN.has(kind) && this.floorSoFar[bills] > 0),
    ]);
  }

  // Whether what had been billed by then is a lower bound: an output without an end, or a response without a price.
  isFloor(bills) {
    return this.unpricedSoFar[bills] > 0 || this.floorSoFar[bills] > 0;
  }

  // -- marks --------------------------------------------------------------------------------------------------------

  findMarks() {
    const compactions = [...this.data.cuts.filter(([, cut]) => cut === "Compaction").map(([event]) => event)];
    const summary = this.kindPlace.get("compact_summary");
    if (summary !== undefined) compactions.push(...this.places((i) => this.kind[i] === summary && !this.lane[i]));
    return {
      error: this.places((i) => this.flags[i] & ERRED),
      edit: this.places((i) => this.flags[i] & EDIT),
      compaction: near(sorted(compactions)),
      miss: sorted(this.data.misses.map(([event]) => event)),
      dearest: this.data.dearest,
      waste: sorted(this.data.waste.map(([event]) => event)),
      hit: [],
      turn: this.turnStarts,
    };
  }

  next(mark, position) {
    const places = this.marks[mark];
    const found = after(places, position);
    return found < places.length ? places[found] : null;
  }

  previous(mark, position) {
    const places = this.marks[mark];
    const found = after(places, position - 1);
    return found > 0 ? places[found - 1] : null;
  }

  // What is said of an event beside its text: misses, cuts, findings, branches.
  notes(position) {
    const found = [];
    for (const [event, label, cause, tokens, nano] of this.data.misses)
      if (event === position) found.push(["miss", `${label}: ${cause}, ${count(tokens)} tokens not read from cache, ${money(nano)} on top`]);
    for (const [event, cut] of this.data.cuts)
      if (event === position) found.push(["cut", `${cut}: a new context begins here`]);
    for (const [event, kind, evidence, nano, isHint] of this.data.waste)
      if (event === position) found.push(["waste", `${kind}${isHint ? " (a hint, in no total)" : ""}, ${money(nano)}: ${evidence}`]);
    for (const [fork, prompt] of this.data.branches)
      if (prompt === position) found.push(["branch", `Rewound to event ${fork + 1}; what came after it was left behind`]);
    for (const [session, title, last] of this.data.relatives)
      if (last === position) found.push(["branch", `Went on from here in another session: ${title || session}`]);
    if (this.flags[position] & LEFT_BEHIND) found.push(["branch", "Left behind by a rewind: paid, but no longer in the context"]);
    if (this.flags[position] & INHERITED) found.push(["copied", "Copied from another session: not paid here"]);
    return found;
  }

  // One line about an event, for lists and screen readers.
  line(position) {
    const lane = this.lane[position];
    const parts = [this.toolName(position), this.data.words[position]].filter(Boolean);
    const where = lane ? ` in ${this.laneName(lane)}` : "";
    const copied = this.flags[position] & INHERITED ? ", copied, not paid here" : "";
    const left = this.flags[position] & LEFT_BEHIND ? ", left behind by a rewind" : "";
    return `${this.kindName(position)}${where}${copied}${left}: ${parts.join(" ") || "no text"}`;
  }
}

// -- small functions of numbers and text ------------------------------------------------------------------------------

// How many of an ascending list are at most `value`.
function after(list, value) {
  let low = 0, high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function sorted(places) {
  return [...new Set(places)].sort((a, b) => a - b);
}

// A compaction leaves a summary and, with the next response, a cut: they are one place when they lie close together.
function near(places) {
  return places.filter((place, k) => k === 0 || place - places[k - 1] > 8);
}

function count(number) {
  return number === null || number === undefined ? "–" : number.toLocaleString("en-US");
}

function short(number, isFloor = false) {
  const mark = isFloor ? "≥ " : "";
  for (const [limit, unit] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]])
    if (number >= limit) return `${mark}${(number / limit).toFixed(1)} ${unit}`;
  return `${mark}${number}`;
}

function money(nano, isFloor = false) {
  if (nano === null || nano === undefined) return "no price";
  const usd = nano / 1e9, mark = isFloor ? "≥ " : "";
  if (usd === 0) return `${mark}$0.00`;
  if (usd < 0.0001) return `${mark}< $0.0001`;
  const digits = usd < 0.1 ? 4 : 2;
  return `${mark}$${usd.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
}

function span(seconds) {
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

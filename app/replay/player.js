// The player: controls, keyboard, and one clock that moves everything. A host gives it texts and keeps its place.
//
// A host is an object with
//   texts(id, stretch)        promise of the rendered texts of a stretch of events
//   find(id, words)           promise of {positions, note}
//   flow(id, event, value)    promise of {edges, note}; value null asks why an edit was made
//   all(id, event)            promise of a long rendered text, with all of it that a page can bear; absent likewise
//   whole(id, event)          promise of a text uncut; absent where the whole is not at hand
//   address(source, session)  where another session is replayed; absent likewise
//   place(key), keep(key, n)  the event named in the address, from 1
//   clock(), keepClock(by)    for two: what they run by, as the address says

const STRETCH = 32; // events whose texts are fetched together
const SPEEDS = [0.5, 1, 2, 4, 8, 16, 32, 64];
const KEYS = [
  ["Space or K", "play, pause"], ["← →  or J L", "event before, after"], ["[ ]", "turn before, after"],
  ["Home End", "first, last event"], ["< >", "slower, faster"], ["G", "squeeze idle gaps, or not"],
  ["/", "search in this session"], ["N, Shift N", "hit after, before"], ["E, Shift E", "error after, before"],
  ["D, Shift D", "edit after, before"], ["X, Shift X", "compaction after, before"], ["M, Shift M", "cache miss after, before"],
  ["U, Shift U", "costliest response after, before"], ["W, Shift W", "waste after, before"],
  ["+ −", "zoom in, out at the playhead"], ["0", "show the whole session"], ["Drag over tracks", "zoom to that stretch"],
  ["Ctrl or Shift wheel", "zoom, move along"],
  ["?", "this list"], ["Esc", "close, leave a field"],
];

// Icons as paths in a box of 16: no font is sure to have them.
const ICONS = {
  play: "M4 2.5v11l9-5.5z", pause: "M4 2.5h3v11H4zM9 2.5h3v11H9z", back: "M11.5 3v10L5 8zM3.5 3H5v10H3.5z",
  on: "M4.5 3v10L11 8zM11 3h1.5v10H11z", turnBack: "M8 3v10L2 8zM14 3v10L8 8z", turnOn: "M2 3v10l6-5zM8 3v10l6-5z",
};

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [attribute, value] of [["viewBox", "0 0 16 16"], ["width", 15], ["height", 15], ["aria-hidden", "true"]]) svg.setAttribute(attribute, value);
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  path.setAttribute("fill", "currentColor");
  svg.append(path);
  return svg;
}

// One clock for one player or for two. It runs in seconds, or in shares of the whole when two run by progress.
class Transport {
  constructor() {
    this.players = [];
    this.clock = 0;
    this.speed = 4;
    this.isPlaying = false;
    this.isSqueezed = true;
    this.by = "time";
  }

  get end() {
    return Math.max(...this.players.map((player) => player.end), 0);
  }

  // Where a player stands when the common clock shows `clock`.
  local(player, clock) {
    return this.by === "progress" ? (clock / (this.end || 1)) * player.end : clock;
  }

  common(player, local) {
    return this.by === "progress" ? (local / (player.end || 1)) * this.end : local;
  }

  toggle() {
    this.isPlaying ? this.pause() : this.play();
  }

  play() {
    if (this.clock >= this.end) this.move(0);
    this.isPlaying = true;
    this.ticked = performance.now();
    this.players.forEach((player) => player.showPlaying());
    this.frame = requestAnimationFrame(() => this.tick());
  }

  pause() {
    this.isPlaying = false;
    cancelAnimationFrame(this.frame);
    this.players.forEach((player) => player.showPlaying());
  }

  tick() {
    if (!this.isPlaying) return;
    const now = performance.now();
    const passed = Math.min((now - this.ticked) / 1000, 0.25); // a page that was asleep does not leap
    this.ticked = now;
    this.move(Math.min(this.clock + passed * this.speed, this.end));
    if (this.clock >= this.end) this.pause();
    else this.frame = requestAnimationFrame(() => this.tick());
  }

  move(clock) {
    this.clock = Math.min(Math.max(clock, 0), this.end);
    for (const player of this.players) player.moveTo(this.local(player, this.clock));
  }

  setSpeed(speed) {
    this.speed = speed;
    this.players.forEach((player) => player.showPlaying());
  }

  setBy(by) {
    const [leader] = this.players;
    const local = leader.local;
    this.by = by;
    this.move(this.common(leader, local));
  }

  squeeze(isSqueezed) {
    const positions = this.players.map((player) => player.position);
    this.isSqueezed = isSqueezed;
    this.players.forEach((player) => {
      player.useClock();
      player.showPlaying();
    });
    this.players[0].seek(positions[0]);
  }
}

class Player {
  // `options`: host, transport, name (unique on the page), placeKey, isSmall (one of two), words to search for.
  constructor(parent, data, options) {
    Object.assign(this, options);
    this.recording = new Recording(data);
    this.parent = parent;
    this.position = 0;
    this.local = 0;
    this.texts = new Map();
    this.transport.players.push(this);
    this.theme = {};
    this.tracks = new Tracks(this.recording, this.theme);
    this.build();
    this.useClock();
    this.readTheme();
    this.watchSize();
    this.position = this.placed();
    this.local = this.tracks.clock[this.position] || 0;
    if (this.transport.players[0] === this) this.transport.clock = this.transport.common(this, this.local);
    this.resize();
    this.showPlaying();
    this.update(true);
  }

  get end() {
    return this.tracks.clock.length ? this.tracks.clock[this.tracks.clock.length - 1] : 0;
  }

  // -- what the page holds ------------------------------------------------------------------------------------------

  build() {
    const { recording } = this;
    this.overview = new Canvas(h("canvas", { "aria-hidden": "true" }));
    this.canvas = new Canvas(h("canvas", { "aria-hidden": "true" }));
    this.overviewHead = h("div", { class: "head" });
    this.overviewView = h("div", { class: "view" });
    this.tracksHead = h("div", { class: "head" });
    this.future = h("div", { class: "future" });
    this.band = h("div", { class: "band", hidden: true });
    this.arcs = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    this.arcs.setAttribute("class", "arcs");
    this.arcs.setAttribute("aria-hidden", "true");
    this.scrub = h("div", {
      class: "overview", role: "slider", tabindex: "0", "aria-label": "Position in the session", "aria-valuemin": "1",
      "aria-valuemax": String(recording.count),
    }, this.overview.element, this.overviewView, this.overviewHead);
    this.scroller = h("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": "Tracks; the list of events says the same" },
      h("div", { class: "space", style: `height:${this.tracks.bottom}px` },
        h("div", { class: "sticky" }, this.canvas.element, this.future, this.arcs, this.band, this.tracksHead)));
    this.event = new EventPanel(this);
    this.context = new ContextPanel(this);
    this.list = new EventList(this);
    this.flow = new FlowPanel(this);
    this.keys = this.buildKeys();
    this.said = h("span", { class: "said", "aria-live": "polite" });
    this.element = h("div", { class: `replay${this.isSmall ? " small" : ""}`, role: "region", "aria-label": `Replay of ${recording.data.title}` },
      this.buildTitle(), this.buildControls(), this.buildJumps(), this.buildFigures(),
      h("div", { class: "timeline" }, this.scrub, this.scroller), this.buildLegend(),
      h("div", { class: "below" }, this.event.element, h("div", { class: "side" }, this.context.element, this.flow.element, this.list.element)),
      this.keys);
    this.parent.append(this.element);
    this.listen();
  }

  buildTitle() {
    if (!this.isSmall) return null;
    const { data } = this.recording;
    return h("h3", { class: "title" }, data.title, h("span", {}, [data.facts.project, ...data.facts.models].filter(Boolean).join(" · ")));
  }

  button(label, text, action, more = {}) {
    return h("button", { type: "button", "aria-label": label, title: label, onclick: action, ...more }, text);
  }

  buildControls() {
    this.playButton = this.button("Play (space)", icon("play"), () => this.transport.toggle(), { class: "play" });
    this.speed = h("select", { "aria-label": "Speed", onchange: () => this.transport.setSpeed(Number(this.speed.value)) },
      ...SPEEDS.map((speed) => h("option", { value: speed }, speed === 0.5 ? "½×" : `${speed}×`)));
    this.squeezing = h("input", { type: "checkbox", onchange: () => this.transport.squeeze(this.squeezing.checked) });
    this.search = h("input", { type: "search", placeholder: "Search this session  /", "aria-label": "Search this session", oninput: () => this.typed() });
    this.found = h("span", { class: "found", role: "status" });
    this.where = h("output", { class: "where" });
    const only = this.isSmall ? [] : [
      h("span", { class: "searching" }, this.search, this.found),
      this.button("Keyboard (?)", "?", () => this.showKeys()),
    ];
    return h("div", { class: "controls", role: "toolbar", "aria-label": "Playback" },
      this.button("Turn before ([)", icon("turnBack"), () => this.jump("turn", -1)),
      this.button("Event before (←)", icon("back"), () => this.seek(this.position - 1)),
      this.playButton,
      this.button("Event after (→)", icon("on"), () => this.seek(this.position + 1)),
      this.button("Turn after (])", icon("turnOn"), () => this.jump("turn", 1)),
      h("label", { class: "speed" }, this.speed),
      h("label", { class: "squeeze", title: "Pauses longer than two seconds are cut to two (G)" }, this.squeezing, "squeeze gaps"),
      this.where, this.said, ...only);
  }

  buildJumps() {
    this.jumps = new Map();
    const chips = JUMPS.map(([mark, name, key]) => {
      const number = h("span", { class: "number" });
      const back = this.button(`${name} before (Shift ${key.toUpperCase()})`, "‹", () => this.jump(mark, -1));
      const on = this.button(`${name} after (${key.toUpperCase()})`, "›", () => this.jump(mark, 1));
      const chip = h("span", { class: `chip ${mark}`, role: "group", "aria-label": name }, back, h("span", { class: "label" }, name, number), on);
      this.jumps.set(mark, { chip, number, back, on });
      return chip;
    });
    return h("div", { class: "jumps" }, ...chips);
  }

  buildFigures() {
    const figure = (name, title) => {
      const value = h("dd");
      return [value, h("div", { title }, h("dt", {}, name), value)];
    };
    const made = [
      figure("Cost so far", "Responses begun by then, at list price"), figure("Tokens sent", "Prompts of all responses so far"),
      figure("From cache", "Share of the tokens sent"), figure("Output", "Tokens so far, as logged"),
      figure("Context", "Prompt last sent on this thread"), figure("Turn", "As counted in turns"), figure("Time", "When the event was logged"),
    ];
    this.figures = made.map(([value]) => value);
    return h("dl", { class: "figures" }, ...made.map(([, element]) => element));
  }

  buildLegend() {
    const { data } = this.recording;
    const kinds = data.kinds.map(([, name, colour]) => h("span", {}, h("i", { style: `background:${colour}` }), name));
    const marks = [["error", "error"], ["miss", "cache miss"], ["compaction", "compaction"], ["dearest", "costliest"], ["waste", "waste"], ["hit", "hit"]]
      .filter(([mark]) => mark === "hit" || this.recording.marks[mark].length)
      .map(([mark, name]) => {
        const drawn = new Canvas(h("canvas", { "aria-hidden": "true" }));
        drawn.fit(12, 12);
        drawn.pen.fillStyle = drawn.pen.strokeStyle = GLYPHS[mark];
        drawn.pen.lineWidth = 1.6;
        glyph(drawn.pen, mark, 6, 6, 4.2);
        return h("span", {}, drawn.element, name);
      });
    const copied = data.flags.some((flags) => flags & INHERITED) ? [h("span", {}, h("i", { class: "copied" }), "copied, not paid here")] : [];
    if (data.branches.length) copied.push(h("span", {}, h("i", { class: "left" }), "left behind by a rewind"));
    const { address } = this.host;
    const link = (words, session) => address ? h("a", { class: "branch", href: address(data.source_id, session) }, words) : h("span", { class: "branch" }, words);
    const { forked_from: origin } = data.facts;
    const links = origin ? [link(`↘ Continues session ${origin.slice(0, 8)}`, origin)] : [];
    for (const [session, title, last] of data.relatives)
      links.push(link(`↗ Continued in ${title || session.slice(0, 8)}${last === null ? "" : ` after event ${last + 1}`}`, session));
    return h("div", { class: "legend" }, ...kinds, ...copied, ...marks, ...links);
  }

  buildKeys() {
    return h("dialog", { class: "keys", "aria-label": "Keyboard" },
      h("h3", {}, "Keyboard"),
      h("dl", {}, ...KEYS.flatMap(([key, does]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, does)])),
      h("button", { type: "button", onclick: () => this.keys.close() }, "Close"));
  }

  showKeys() {
    this.keys.open ? this.keys.close() : this.keys.showModal();
  }

  // -- what the reader does -----------------------------------------------------------------------------------------

  listen() {
    this.drag(this.scrub, (x) => this.scrubTo(this.tracks.overviewSeconds(x)));
    this.dragTracks();
    this.scrub.addEventListener("keydown", (event) => {
      const step = { ArrowUp: 1, ArrowDown: -1, PageUp: 20, PageDown: -20 }[event.key];
      if (step) this.take(event, () => this.seek(this.position + step));
    });
    this.scroller.addEventListener("scroll", () => this.drawTracks(), { passive: true });
    this.scroller.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey && !event.shiftKey) return;
      event.preventDefault();
      const { tracks } = this, length = tracks.to - tracks.from;
      if (event.shiftKey) tracks.zoomTo(tracks.from + (event.deltaY / 600) * length, tracks.to + (event.deltaY / 600) * length);
      else this.zoom(event.deltaY < 0 ? 0.8 : 1.25, tracks.seconds(event.clientX - this.scroller.getBoundingClientRect().left));
      this.redraw();
    }, { passive: false });
    this.onKey = (event) => this.key(event);
    this.element.addEventListener("keydown", this.onKey);
    // With nothing else in focus, the page's keys are the first player's.
    this.onPageKey = (event) => {
      if (event.target === document.body && this.transport.players[0] === this) this.key(event);
    };
    document.addEventListener("keydown", this.onPageKey);
    this.onVisit = setInterval(() => this.followAddress(), 500);
  }

  drag(element, action) {
    let isDragging = false;
    const at = (event) => event.clientX - element.getBoundingClientRect().left;
    element.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      isDragging = true;
      element.setPointerCapture(event.pointerId);
      this.isScrubbing = true;
      action(at(event));
    });
    element.addEventListener("pointermove", (event) => isDragging && action(at(event)));
    const finish = () => {
      if (!isDragging) return;
      isDragging = this.isScrubbing = false;
      this.update();
      this.keepPlaceSoon(); // it may have shown the event, and let its time to keep it pass, while it was held there
    };
    element.addEventListener("pointerup", finish);
    element.addEventListener("pointercancel", finish);
  }

  // On the tracks a click goes to an event, a drag zooms; on the ruler a drag scrubs.
  dragTracks() {
    let start = null;
    const element = this.scroller;
    const at = (event) => {
      const box = element.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    element.addEventListener("pointerdown", (event) => {
      if (event.button || event.offsetX > element.clientWidth) return;
      const [x, y] = at(event);
      if (x < this.tracks.labels) return;
      start = { x, y, isRuler: y < RULER };
      element.setPointerCapture(event.pointerId);
      if (start.isRuler) this.scrubTo(this.tracks.seconds(x));
    });
    element.addEventListener("pointermove", (event) => {
      if (!start) return;
      const [x] = at(event);
      if (start.isRuler) this.scrubTo(this.tracks.seconds(x));
      else this.showBand(Math.abs(x - start.x) > 4 ? [start.x, x] : null);
    });
    element.addEventListener("pointerup", (event) => {
      if (!start) return;
      const [x, y] = at(event);
      this.showBand(null);
      if (!start.isRuler && Math.abs(x - start.x) > 4) {
        const [from, to] = [start.x, x].map((edge) => this.tracks.seconds(edge)).sort((a, b) => a - b);
        this.tracks.zoomTo(from, to);
        this.redraw();
      } else if (!start.isRuler) {
        const found = this.tracks.eventAt(x, y + this.scroller.scrollTop * (y > RULER + MARKS));
        if (found !== null) this.seek(found);
      }
      start = null;
    });
    element.addEventListener("pointercancel", () => {
      start = null;
      this.showBand(null);
    });
    element.addEventListener("dblclick", () => this.showAll());
  }

  showBand(edges) {
    this.band.hidden = !edges;
    if (!edges) return;
    const [from, to] = edges[0] < edges[1] ? edges : [edges[1], edges[0]];
    this.band.style.transform = `translateX(${Math.max(from, this.tracks.labels)}px)`;
    this.band.style.width = `${to - Math.max(from, this.tracks.labels)}px`;
  }

  take(event, action) {
    event.preventDefault();
    event.stopPropagation();
    action();
  }

  key(event) {
    // On many keyboards brackets are typed with AltGr, which some systems report as Ctrl and Alt.
    if ((event.ctrlKey || event.metaKey || event.altKey) && !event.getModifierState("AltGraph")) return;
    const target = event.composedPath()[0];
    const isField = target.tagName === "INPUT" && target.type !== "checkbox";
    if (event.key === "Escape" && isField) return this.take(event, () => target.blur());
    if (isField && event.key === "Enter") return this.take(event, () => this.jump("hit", event.shiftKey ? -1 : 1));
    if (this.keys.open) return event.key === "?" ? this.take(event, () => this.keys.close()) : undefined;
    if (isField || target.tagName === "SELECT") return;
    if (event.key === " " && (target.tagName === "BUTTON" || target.tagName === "SUMMARY" || target.type === "checkbox")) return;
    const action = this.action(event);
    if (action) this.take(event, action);
  }

  action(event) {
    const { transport, tracks } = this;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const mark = JUMPS.find(([, , letter]) => letter === key);
    if (mark) return () => this.jump(mark[0], event.shiftKey ? -1 : 1);
    const pace = SPEEDS.indexOf(transport.speed);
    return {
      " ": () => transport.toggle(), k: () => transport.toggle(),
      ArrowLeft: () => this.seek(this.position - 1), j: () => this.seek(this.position - 1),
      ArrowRight: () => this.seek(this.position + 1), l: () => this.seek(this.position + 1),
      "[": () => this.jump("turn", -1), "]": () => this.jump("turn", 1),
      Home: () => this.seek(0), End: () => this.seek(this.recording.count - 1),
      "<": () => transport.setSpeed(SPEEDS[Math.max(pace - 1, 0)]),
      ">": () => transport.setSpeed(SPEEDS[Math.min(pace + 1, SPEEDS.length - 1)]),
      g: () => transport.squeeze(!transport.isSqueezed),
      "/": () => this.search.isConnected && this.search.focus(), "?": () => this.showKeys(),
      "+": () => this.zoom(0.5, tracks.clock[this.position]), "=": () => this.zoom(0.5, tracks.clock[this.position]),
      "-": () => this.zoom(2, tracks.clock[this.position]), 0: () => this.showAll(),
    }[key];
  }

  zoom(factor, around) {
    const { tracks } = this, share = (around - tracks.from) / (tracks.to - tracks.from);
    const length = (tracks.to - tracks.from) * factor, held = Math.min(Math.max(share, 0), 1);
    tracks.zoomTo(around - length * held, around + length * (1 - held));
    this.redraw();
  }

  showAll() {
    this.tracks.zoomTo(0, this.tracks.end);
    this.redraw();
  }

  seek(position) {
    if (!this.recording.count) return;
    const wanted = Math.min(Math.max(position, 0), this.recording.count - 1);
    this.wanted = wanted;
    this.transport.move(this.transport.common(this, this.tracks.clock[wanted]));
  }

  scrubTo(seconds) {
    this.wanted = null;
    this.transport.move(this.transport.common(this, Math.min(Math.max(seconds, 0), this.end)));
  }

  jump(mark, direction) {
    const found = direction > 0 ? this.recording.next(mark, this.position) : this.recording.previous(mark, this.position);
    const [, name = mark] = JUMPS.find(([jump]) => jump === mark) || [];
    if (found === null) this.say(`No ${mark === "dearest" ? "costliest response" : name.toLowerCase()} ${direction > 0 ? "after" : "before"} this event`);
    else this.seek(found);
  }

  // -- moving -------------------------------------------------------------------------------------------------------

  useClock() {
    const { tracks, recording, transport } = this;
    tracks.setClock(transport.isSqueezed ? recording.squeezed : recording.real);
    if (this.canvas.width) this.redraw();
  }

  // The transport says where this player's clock stands; what is drawn follows with the next frame.
  moveTo(local) {
    this.local = local;
    const { clock } = this.tracks;
    // Several events may stand at one instant: the one that was asked for is meant.
    const isMeant = this.wanted !== null && this.wanted !== undefined && Math.abs(clock[this.wanted] - local) < 1e-6;
    this.position = isMeant ? this.wanted : Math.max(0, after(clock, local + 1e-9) - 1);
    if (!isMeant) this.wanted = null;
    if (this.pending) return;
    this.pending = requestAnimationFrame(() => {
      this.pending = null;
      this.update();
    });
  }

  update(isFirst = false) {
    const { recording, position } = this;
    if (!recording.count) return;
    this.drawHeads();
    if (this.shown !== position || isFirst) {
      this.shown = position;
      this.say("");
      this.list.show(position);
      this.showFigures();
      this.showJumps();
      this.event.show(position);
      this.context.show(position);
      this.scrub.setAttribute("aria-valuenow", String(position + 1));
      this.scrub.setAttribute("aria-valuetext", `Event ${position + 1} of ${recording.count}, ${recording.line(position)}`);
      this.isTextDue = true;
      this.keepPlaceSoon();
    }
    if (this.isTextDue) this.showTextSoon();
  }

  drawHeads() {
    const { tracks } = this;
    const inView = this.local >= tracks.from - 1e-9 && this.local <= tracks.to + 1e-9;
    if (!inView && (tracks.from > 0 || tracks.to < tracks.end)) {
      const length = tracks.to - tracks.from;
      tracks.zoomTo(this.local - length * 0.15, this.local + length * 0.85);
      this.redraw();
      return;
    }
    const x = tracks.x(this.local);
    this.tracksHead.style.transform = `translateX(${x}px)`;
    this.future.style.transform = `translateX(${x}px)`;
    this.overviewHead.style.transform = `translateX(${tracks.overviewX(this.local)}px)`;
  }

  redraw() {
    this.drawTracks();
    const { tracks } = this;
    const from = tracks.overviewX(tracks.from), to = tracks.overviewX(tracks.to);
    this.overviewView.style.transform = `translateX(${from}px)`;
    this.overviewView.style.width = `${Math.max(to - from, 3)}px`;
    this.overviewView.hidden = tracks.from <= 0 && tracks.to >= tracks.end;
    this.drawHeads();
    this.drawArcs();
  }

  drawTracks() {
    this.tracks.draw(this.canvas, this.scroller.clientWidth, this.scroller.clientHeight, this.scroller.scrollTop);
    this.drawArcs();
  }

  watchSize() {
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.element);
    this.observer.observe(this.list.element);
  }

  resize() {
    const width = this.scrub.clientWidth;
    if (!width) return;
    this.element.classList.toggle("narrow", this.element.clientWidth < 720);
    this.scroller.style.height = `${Math.min(this.tracks.bottom, this.isSmall ? 190 : 330)}px`;
    this.tracks.drawOverview(this.overview, width);
    this.redraw();
    this.list.measure();
  }

  // Colours come from the theme around the player; canvases have to be told when it changes.
  readTheme() {
    const style = getComputedStyle(this.element);
    const value = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
    const page = value("--st-background-color", "#ffffff");
    const isDark = luminance(page) < 0.35;
    this.element.dataset.scheme = isDark ? "dark" : "light";
    Object.assign(this.theme, {
      page, stripe: value("--st-secondary-background-color", "#f2f2f2"), text: value("--st-text-color", "#222222"),
      line: value("--st-border-color", "#cccccc"), accent: value("--st-primary-color", "#0a629b"),
      faint: isDark ? "#A9AFBB" : "#5B6270", copied: isDark ? "rgba(160,160,160,.14)" : "rgba(120,120,120,.13)",
      copiedInk: isDark ? "#70757F" : "#B3B0AA", small: `11px ${value("--st-font", "sans-serif")}`,
    });
    if (this.canvas.width) this.resize();
  }

  showPlaying() {
    const { isPlaying, speed, isSqueezed } = this.transport;
    this.playButton.replaceChildren(icon(isPlaying ? "pause" : "play"));
    this.playButton.setAttribute("aria-label", isPlaying ? "Pause (space)" : "Play (space)");
    this.playButton.title = isPlaying ? "Pause (space)" : "Play (space)";
    this.speed.value = String(speed);
    this.squeezing.checked = isSqueezed;
    if (!isPlaying) this.keepPlaceSoon();
  }

  showFigures() {
    const { recording, position } = this;
    const by = recording.billsBy(position), bill = recording.billInForce(position);
    const sent = recording.sentSoFar[by];
    const hasPrice = by === 0 || recording.unpricedSoFar[by] < by;
    const moment = recording.data.started_ms === null ? null : recording.data.started_ms + recording.real[position] * 1000;
    const told = [
      `${hasPrice ? money(recording.nanoSoFar[by], recording.isFloor(by)) : "no price"}`, short(sent),
      sent ? `${((recording.readSoFar[by] / sent) * 100).toFixed(1)} %` : "–", short(recording.outputSoFar[by], recording.floorSoFar[by] > 0),
      bill < 0 ? "–" : short(recording.bills.prompt[bill]), recording.turn[position] < 0 ? "before the first" : count(recording.turn[position] + 1),
      moment === null ? "–" : this.clockTime(moment),
    ];
    told.forEach((text, place) => {
      if (this.figures[place].textContent !== text) this.figures[place].textContent = text;
    });
    this.where.textContent = `${count(position + 1)} / ${count(recording.count)}`;
  }

  clockTime(moment) {
    this.clockFormat ||= new Intl.DateTimeFormat("en-GB", {
      timeZone: this.recording.data.zone, month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit",
    });
    return this.clockFormat.format(moment);
  }

  showJumps() {
    const { recording, position } = this;
    for (const [mark, { chip, number, back, on }] of this.jumps) {
      const places = recording.marks[mark];
      number.textContent = places.length ? `${count(after(places, position))}/${count(places.length)}` : "0";
      chip.classList.toggle("none", !places.length);
      back.disabled = recording.previous(mark, position) === null;
      on.disabled = recording.next(mark, position) === null;
    }
  }

  say(text) {
    if (this.said.textContent !== text) this.said.textContent = text;
  }

  // -- texts --------------------------------------------------------------------------------------------------------

  // While the playhead runs or is dragged fast, texts wait until it rests on an event for a moment.
  showTextSoon() {
    this.isTextDue = false;
    const stretch = Math.floor(this.position / STRETCH), known = this.texts.get(stretch);
    if (Array.isArray(known) && !this.isScrubbing && !(this.transport.isPlaying && this.transport.speed > 16)) {
      this.showText();
      return;
    }
    this.event.showWaiting();
    clearTimeout(this.textTimer);
    this.textTimer = setTimeout(() => this.showText(), this.isScrubbing || this.transport.isPlaying ? 90 : 25);
  }

  async showText() {
    const position = this.position, stretch = Math.floor(position / STRETCH);
    try {
      const texts = await this.stretch(stretch);
      if (position === this.position) this.event.showText(texts[position % STRETCH] || "");
      if (this.transport.isPlaying && (stretch + 1) * STRETCH < this.recording.count) this.stretch(stretch + 1).catch(() => {});
    } catch (error) {
      if (position === this.position) this.event.showFailure(String(error.message || error));
    }
  }

  stretch(number) {
    const known = this.texts.get(number);
    if (known) return Promise.resolve(known);
    const asked = this.host.texts(this.recording.id, number).then(
      (texts) => {
        this.texts.set(number, texts);
        if (this.texts.size > 60) this.texts.delete(this.texts.keys().next().value);
        return texts;
      },
      (error) => {
        this.texts.delete(number);
        throw error;
      });
    this.texts.set(number, asked);
    return asked;
  }

  async showWholeText() {
    const position = this.position;
    this.event.all.disabled = true;
    try {
      const text = await this.host.all(this.recording.id, position);
      if (position === this.position) this.event.showText(text, true);
    } catch (error) {
      if (position === this.position) this.say(String(error.message || error));
    }
    this.event.all.disabled = false;
  }

  async saveWhole() {
    const position = this.position;
    const text = await this.host.whole(this.recording.id, position);
    const address = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
    h("a", { href: address, download: `event-${position + 1}.txt` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  }

  // -- search and value flow ----------------------------------------------------------------------------------------

  typed() {
    clearTimeout(this.searchTimer);
    this.searchTimer = setTimeout(() => this.find(this.search.value.trim(), true), 250);
  }

  async find(words, isJumping) {
    let positions = [], note = "";
    if (words) {
      this.found.textContent = "…";
      try {
        ({ positions, note = "" } = await this.host.find(this.recording.id, words));
      } catch (error) {
        note = String(error.message || error);
      }
      if (this.search.value.trim() !== words) return;
    }
    this.recording.marks.hit = positions;
    this.found.textContent = !words ? "" : note || `${count(positions.length)} hit${positions.length === 1 ? "" : "s"}`;
    this.tracks.drawOverview(this.overview, this.scrub.clientWidth);
    this.drawTracks();
    this.showJumps();
    if (isJumping && positions.length && !positions.includes(this.position)) {
      const next = this.recording.next("hit", this.position);
      this.seek(next === null ? positions[0] : next);
    }
  }

  traceSelection() {
    const value = this.event.chosen;
    if (value.length > 1) this.trace(`Where “${value.length > 40 ? `${value.slice(0, 40)}…` : value}” came from`, value);
  }

  traceEdit() {
    this.trace("Why this event changed the code", null);
  }

  async trace(title, value) {
    const position = this.position;
    this.transport.pause();
    this.flow.ask(title, position);
    try {
      const answer = await this.host.flow(this.recording.id, position, value);
      this.edges = answer.edges.map((edge) => ({ ...edge, to: position }));
      this.flow.show(answer);
    } catch (error) {
      this.edges = [];
      this.flow.show({ edges: [], note: String(error.message || error) });
    }
    this.drawArcs();
  }

  closeFlow() {
    this.edges = [];
    this.flow.element.hidden = true;
    this.drawArcs();
  }

  // Edges of the value flow over the tracks: proven ones whole, transformed ones dashed, likely ones dotted.
  drawArcs() {
    const { tracks, recording, scroller } = this;
    const width = scroller.clientWidth, height = scroller.clientHeight, scroll = scroller.scrollTop;
    this.arcs.setAttribute("width", width);
    this.arcs.setAttribute("height", height);
    this.arcs.replaceChildren(...(this.edges || []).map(({ event, to, proof }) => {
      const at = (i) => [Math.min(Math.max(tracks.x(tracks.clock[i]), tracks.labels), width), tracks.tops[recording.row[i]] + 10 - scroll];
      const [x1, y1] = at(event), [x2, y2] = at(to);
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      const lift = Math.min(60, 12 + Math.abs(x2 - x1) / 6);
      path.setAttribute("d", `M${x1},${y1} C${x1},${y1 - lift} ${x2},${y2 - lift} ${x2},${y2}`);
      path.setAttribute("class", proof);
      return path;
    }));
  }

  // -- the address --------------------------------------------------------------------------------------------------

  placed() {
    const found = this.host.place(this.placeKey);
    this.written = found;
    return Math.min(Math.max((found || 1) - 1, 0), Math.max(this.recording.count - 1, 0));
  }

  keepPlaceSoon() {
    if (this.placeTimer) return;
    this.placeTimer = setTimeout(() => {
      this.placeTimer = null;
      if (this.isGone || this.transport.isPlaying || this.isScrubbing || this.written === this.position + 1) return;
      if (this.written === null && this.position === 0) return;
      this.written = this.position + 1;
      this.host.keep(this.placeKey, this.written);
    }, 300);
  }

  // A link, or the browser's way back, may name another event.
  followAddress() {
    const found = this.host.place(this.placeKey);
    if (found === null || found === this.written || this.transport.isPlaying || this.isScrubbing) return;
    this.written = found;
    this.seek(found - 1);
  }

  destroy() {
    this.isGone = true;
    this.transport.pause();
    this.transport.players = this.transport.players.filter((player) => player !== this);
    this.observer.disconnect();
    document.removeEventListener("keydown", this.onPageKey);
    clearInterval(this.onVisit);
    for (const timer of [this.placeTimer, this.textTimer, this.searchTimer]) clearTimeout(timer);
    cancelAnimationFrame(this.pending);
    this.element.remove();
  }
}

// Two sessions, one above the other, on one clock.
class Pair {
  constructor(parent, recordings, options) {
    const transport = new Transport();
    const { host } = options;
    const choose = () => {
      transport.setBy(this.by.value);
      host.keepClock(this.by.value);
    };
    this.by = h("select", { "aria-label": "Run both by", onchange: choose },
      h("option", { value: "time" }, "by time"), h("option", { value: "progress" }, "by progress"));
    this.element = h("div", { class: "pair" }, h("label", { class: "by" }, "Run both ", this.by));
    parent.append(this.element);
    this.players = recordings.map((data, place) =>
      new Player(this.element, data, { ...options, transport, isSmall: true, name: `${options.name}-${place}`, placeKey: place ? "event2" : "event" }));
    this.by.value = transport.by = host.clock();
    const [leader, other] = this.players;
    leader.wanted = leader.position;
    transport.clock = transport.common(leader, leader.local);
    // An address that names both events means both, in step or not; with the next move they are in step again.
    if (other.written === null) transport.move(transport.clock);
  }

  readTheme() {
    this.players.forEach((player) => player.readTheme());
  }

  destroy() {
    [...this.players].forEach((player) => player.destroy());
    this.element.remove();
  }
}

function luminance(colour) {
  const pen = document.createElement("canvas").getContext("2d");
  pen.fillStyle = colour;
  const [r, g, b] = pen.fillStyle.startsWith("#")
    ? [1, 3, 5].map((at) => parseInt(pen.fillStyle.slice(at, at + 2), 16))
    : pen.fillStyle.match(/[\d.]+/g).slice(0, 3).map(Number);
  return (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
}

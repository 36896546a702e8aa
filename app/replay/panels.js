// What stands below the tracks: the event itself, what was in the context, the list of events, where values came from.

const LIST_ROW = 28, LIST_BEYOND = 6;
const SAFE_TAGS = new Set(
  "P DIV SPAN PRE CODE UL OL LI DL DT DD EM STRONG S DETAILS SUMMARY TABLE THEAD TBODY TR TH TD BLOCKQUOTE HR BR IMG".split(" "));
const SAFE_ATTRIBUTES = new Set(["class", "title", "alt", "data-chars", "start"]);
const PICTURE = /^data:image\/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+$/;

// Make an element: h("button", {class: "x", onclick: f}, "text", child).
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && typeof value === "boolean") element[name] = value;
    else if (name === "style") element.style.cssText = value; // as an attribute, a page's policy may forbid it
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

// Rendered HTML as nodes. The server has made it safe; here it is held to a list again, so that no mistake there can
// run or fetch anything: what is parsed by DOMParser is inert until it is adopted.
function inert(html) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  for (const element of [...parsed.body.querySelectorAll("*")]) {
    if (!SAFE_TAGS.has(element.tagName)) {
      element.replaceWith(document.createTextNode(element.textContent));
      continue;
    }
    for (const { name, value } of [...element.attributes]) {
      const isPicture = element.tagName === "IMG" && name === "src" && PICTURE.test(value);
      if (!SAFE_ATTRIBUTES.has(name) && !isPicture) element.removeAttribute(name);
    }
  }
  const fragment = document.createDocumentFragment();
  fragment.append(...parsed.body.childNodes);
  return document.adoptNode(fragment);
}

class EventPanel {
  constructor(player) {
    this.player = player;
    this.badge = h("span", { class: "badge" });
    this.name = h("strong", { class: "name" });
    this.place = h("span", { class: "place" });
    this.notes = h("ul", { class: "notes" });
    this.body = h("div", { class: "body", tabindex: "0", role: "region", "aria-label": "Text of the event" });
    this.bill = h("p", { class: "bill" });
    this.partner = h("button", { class: "plain partner", type: "button", onclick: () => player.seek(this.other) }, "");
    this.all = h("button", { class: "plain", type: "button", hidden: true, onclick: () => player.showWholeText() }, "Show all");
    this.whole = h("button", { class: "plain", type: "button", hidden: true, onclick: () => player.saveWhole() }, "Save whole text");
    this.origin = h("button", { class: "plain", type: "button", onclick: () => player.traceSelection() }, "Where did it come from?");
    this.why = h("button", { class: "plain", type: "button", onclick: () => player.traceEdit() }, "Why did this code change?");
    this.element = h("section", { class: "event", "aria-label": "Event" },
      h("header", {}, this.badge, this.name, this.place),
      this.notes, this.body,
      h("footer", {}, this.bill, h("span", { class: "actions" }, this.partner, this.all, this.whole, this.why, this.origin)));
    this.body.addEventListener("mouseup", () => this.noticeSelection());
    this.body.addEventListener("keyup", () => this.noticeSelection());
    this.noticeSelection();
  }

  // What the reader has selected in the text; inside a shadow root only some browsers say it on the root.
  selection() {
    const root = this.body.getRootNode();
    const chosen = (root.getSelection ? root.getSelection() : document.getSelection()) || document.getSelection();
    return chosen ? String(chosen).trim() : "";
  }

  noticeSelection() {
    this.chosen = this.selection().slice(0, 2000);
    this.origin.disabled = this.chosen.length < 2;
    this.origin.title = this.origin.disabled ? "Select a value in the text first" : "Find where the selected value first appeared";
  }

  // The head of an event stands at once; its text when it is there.
  show(position) {
    const { recording } = this.player;
    const colour = recording.colour(position);
    this.badge.textContent = recording.kindName(position);
    this.badge.style.setProperty("--kind", colour);
    this.name.textContent = recording.toolName(position);
    const lane = recording.lane[position];
    const words = recording.toolName(position) ? recording.data.words[position] : "";
    this.place.textContent = [words, lane ? `subagent ${recording.laneName(lane)}` : "", lane ? recording.data.lanes[lane].what : ""].filter(Boolean).join(" · ");
    this.element.classList.toggle("copied", Boolean(recording.flags[position] & INHERITED));
    this.notes.replaceChildren(...recording.notes(position).map(([mark, text]) => h("li", { class: mark }, text)));
    this.showBill(position);
    this.other = position + recording.pair[position];
    this.partner.hidden = !recording.pair[position];
    this.partner.textContent = recording.pair[position] > 0 ? `Its result, event ${this.other + 1}` : `Its call, event ${this.other + 1}`;
    this.why.hidden = !(recording.flags[position] & EDIT);
    this.all.hidden = this.whole.hidden = true;
    this.origin.disabled = true;
    this.chosen = "";
  }

  showBill(position) {
    const { recording } = this.player;
    const place = recording.billAtEvent.get(position), { bills } = recording;
    if (place === undefined) {
      this.bill.textContent = "No response is billed at this event";
      return;
    }
    this.bill.textContent =
      `${bills.models[bills.model[place]]} · ${money(bills.nano[place], bills.floor[place])} · ${short(bills.read[place])} from cache, ` +
      `${short(bills.write[place])} written, ${short(bills.uncached[place])} not cached, ${short(bills.output[place], bills.floor[place])} output`;
  }

  // A text that was asked for whole stays where it was scrolled to: it only goes on.
  showText(html, isWhole = false) {
    const top = isWhole ? this.body.scrollTop : 0;
    this.body.replaceChildren(inert(html));
    this.body.scrollTop = top;
    this.body.classList.remove("waiting");
    const cut = this.body.querySelector(".cut");
    this.all.hidden = !cut || isWhole || !this.player.host.all;
    this.whole.hidden = !cut || !this.player.host.whole;
    if (cut && this.player.host.wholeNote) cut.append(` ${this.player.host.wholeNote}`);
    this.noticeSelection();
  }

  showWaiting() {
    this.body.classList.add("waiting");
    this.body.replaceChildren(h("p", { class: "nothing" }, this.player.recording.data.words[this.player.position] || "…"));
  }

  showFailure(reason) {
    this.body.classList.remove("waiting");
    this.body.replaceChildren(h("p", { class: "nothing" }, reason));
  }
}

class ContextPanel {
  constructor(player) {
    this.player = player;
    this.kinds = player.recording.data.context.kinds;
    this.parts = this.kinds.map(([, name, colour]) => h("span", { class: "part", style: `background:${colour}`, title: name }));
    this.cells = this.kinds.map(([, name, colour]) => {
      const tokens = h("td"), cost = h("td");
      const row = h("tr", {}, h("th", { scope: "row" }, h("i", { style: `background:${colour}` }), name), tokens, cost);
      return { tokens, cost, row };
    });
    this.total = h("td");
    this.cost = h("td");
    this.title = h("h3", {}, "In the context");
    this.bar = h("div", { class: "stack", role: "img" }, ...this.parts);
    this.element = h("section", { class: "context", "aria-label": "Context at the playhead" }, this.title, this.bar,
      h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Kind"), h("th", { scope: "col" }, "Tokens"), h("th", { scope: "col" }, "Cost so far"))),
        h("tbody", {}, ...this.cells.map(({ row }) => row)),
        h("tfoot", {}, h("tr", {}, h("th", { scope: "row" }, "All"), this.total, this.cost))));
  }

  show(position) {
    const { recording } = this.player;
    const bill = recording.billInForce(position);
    if (this.bill === bill && this.by === recording.billsBy(position)) return;
    this.bill = bill;
    this.by = recording.billsBy(position);
    const prompt = bill < 0 ? 0 : recording.bills.prompt[bill];
    const rows = recording.contextAt(position);
    let known = 0, told = [];
    rows.forEach(([name, , tokens, nano, isFloor], place) => {
      const { tokens: cell, cost, row } = this.cells[place];
      this.parts[place].style.width = `${(tokens / recording.peak) * 100}%`;
      cell.textContent = tokens ? short(tokens) : "–";
      cost.textContent = nano ? money(nano, isFloor) : "–";
      row.classList.toggle("none", !tokens && !nano);
      known += nano;
      if (tokens) told.push(`${name} ${short(tokens)}`);
    });
    this.total.textContent = bill < 0 ? "–" : count(prompt);
    this.cost.textContent = known ? money(known, recording.isFloor(this.by)) : "–";
    this.bar.setAttribute("aria-label", bill < 0 ? "No prompt was sent yet" : `${count(prompt)} tokens: ${told.join(", ")}`);
  }
}

// Events as a list, of which only the rows in sight exist. It says in words what the canvas draws.
class EventList {
  constructor(player) {
    this.player = player;
    this.space = h("div", { class: "space" });
    this.element = h("div", { class: "list", role: "listbox", tabindex: "0", "aria-label": "Events" }, this.space);
    this.rows = new Map();
    this.space.style.height = `${player.recording.count * LIST_ROW}px`;
    this.top = 0; // asked of the element only when it scrolls: in every frame it would lay out the page once more
    this.element.addEventListener("scroll", () => {
      this.top = this.element.scrollTop;
      this.draw();
    }, { passive: true });
    this.element.addEventListener("click", (event) => {
      const row = event.target.closest("[data-position]");
      if (row) player.seek(Number(row.dataset.position));
    });
    this.element.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 12, PageUp: -12 }[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      player.seek(player.position + step);
    });
  }

  // Heights, too, are read only when sizes change. An event that was in sight stays there.
  measure() {
    const top = this.player.position * LIST_ROW;
    const wasInSight = top >= this.top && top < this.top + (this.height || 0);
    this.height = this.element.clientHeight;
    if (wasInSight) this.show(this.player.position);
    else this.draw();
  }

  show(position) {
    const top = position * LIST_ROW, height = this.height || 300;
    if (top < this.top + LIST_ROW || top > this.top + height - 2 * LIST_ROW) {
      const most = Math.max(this.player.recording.count * LIST_ROW - height, 0);
      this.top = Math.min(Math.max(top - height / 2 + LIST_ROW / 2, 0), most);
      this.element.scrollTop = this.top;
    }
    this.draw();
  }

  // Rows are used again for other events: while scrubbing, new ones in every frame would cost more than all else.
  draw() {
    const { recording, position } = this.player;
    const first = Math.max(0, Math.floor(this.top / LIST_ROW) - LIST_BEYOND);
    const last = Math.min(recording.count, first + Math.ceil((this.height || 300) / LIST_ROW) + 2 * LIST_BEYOND);
    const free = [];
    for (const [place, row] of this.rows) {
      if (place < first || place >= last) {
        free.push(row);
        this.rows.delete(place);
      }
    }
    for (let place = first; place < last; place++) {
      let row = this.rows.get(place);
      if (!row) {
        row = free.pop() || this.newRow();
        this.fill(row, place);
        this.rows.set(place, row);
      }
      const isHere = place === position;
      if (row.isHere !== isHere) {
        row.isHere = isHere;
        row.element.classList.toggle("here", isHere);
        row.element.setAttribute("aria-selected", String(isHere));
      }
    }
    for (const row of free) row.element.remove();
    this.element.setAttribute("aria-activedescendant", this.id(position));
  }

  id(place) {
    return `${this.player.name}-event-${place}`;
  }

  newRow() {
    const row = { number: h("span", { class: "number" }), mark: h("i"), kind: h("span", { class: "kind" }), what: h("span", { class: "what" }) };
    row.element = h("div", { role: "option", "aria-setsize": this.player.recording.count }, row.number, row.mark, row.kind, row.what);
    this.space.append(row.element);
    return row;
  }

  fill(row, place) {
    const { recording } = this.player, { element } = row;
    const flags = recording.flags[place], isUnder = recording.lane[place] > 0;
    element.className = `row${flags & (INHERITED | LEFT_BEHIND) ? " copied" : ""}`;
    row.isHere = null;
    element.id = this.id(place);
    element.dataset.position = place;
    element.setAttribute("aria-posinset", place + 1);
    element.setAttribute("aria-label", `Event ${place + 1}, ${recording.line(place)}`);
    element.style.transform = `translateY(${place * LIST_ROW}px)`;
    row.number.textContent = count(place + 1);
    row.mark.style.background = recording.colour(place);
    row.kind.textContent = `${isUnder ? "↳ " : ""}${recording.kindName(place)}`;
    row.what.textContent = [recording.toolName(place), recording.data.words[place]].filter(Boolean).join("  ");
  }
}

class FlowPanel {
  constructor(player) {
    this.player = player;
    this.title = h("h3", {}, "Where values came from");
    this.back = h("button", { class: "plain back", type: "button", onclick: () => player.seek(this.asked) });
    this.answer = h("div", { class: "answer", role: "status" });
    this.element = h("section", { class: "flow", "aria-label": "Where values came from", hidden: true },
      h("header", {}, this.title, this.back, h("button", { class: "plain", type: "button", onclick: () => player.closeFlow() }, "Close")), this.answer);
  }

  // An edge leads away from the event that was asked about; the button leads back to it.
  ask(title, position) {
    this.title.textContent = title;
    this.asked = position;
    this.back.textContent = `Event ${count(position + 1)}`;
    this.back.title = "Go to the event that was asked about";
    this.answer.replaceChildren(h("p", { class: "nothing" }, "Looking …"));
    this.element.hidden = false;
  }

  show({ edges, note }) {
    const { player } = this;
    this.answer.replaceChildren(
      ...(note ? [h("p", { class: "note" }, note)] : []),
      h("ol", {}, ...edges.map((edge) =>
        h("li", { class: edge.proof },
          h("button", { class: "edge", type: "button", onclick: () => player.seek(edge.event) },
            h("span", { class: "proof" }, edge.proof),
            h("span", {}, `Event ${edge.event + 1}, ${player.recording.line(edge.event)}`)),
          h("p", {}, edge.rule), edge.value ? h("code", {}, edge.value) : null))));
  }
}

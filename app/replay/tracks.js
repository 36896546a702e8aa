// The canvases: an overview of the whole session to scrub on, and the tracks of the stretch in view.
// Drawn only when the stretch, the size or the theme changes; the playhead is an element of its own that moves over them.

const ROW = 22, LANE = 20, RULER = 18, MARKS = 18, OVERVIEW = 62;
const LABELS = 104, NARROW_LABELS = 62;
const GLYPHS = { error: "#D55E00", miss: "#D55E00", compaction: "#8A7A00", waste: "#AA4499", hit: "#0072B2", dearest: "#B8860B" };

class Canvas {
  constructor(element) {
    this.element = element;
    this.pen = element.getContext("2d");
  }

  // Fit to a size in CSS pixels; sharp on dense screens.
  fit(width, height) {
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    if (this.width !== width || this.height !== height || this.ratio !== ratio) {
      Object.assign(this, { width, height, ratio });
      this.element.width = Math.max(1, Math.round(width * ratio));
      this.element.height = Math.max(1, Math.round(height * ratio));
      this.element.style.width = `${width}px`;
      this.element.style.height = `${height}px`;
    }
    this.pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.pen.clearRect(0, 0, width, height);
  }
}

class Tracks {
  constructor(recording, theme) {
    this.recording = recording;
    this.theme = theme;
    this.from = 0; // the stretch in view, in seconds of the clock in force
    this.to = 1;
    this.heights = recording.rows.map((row) => (row.lane ? LANE : ROW));
    this.tops = [];
    let top = RULER + MARKS;
    for (const height of this.heights) {
      this.tops.push(top);
      top += height;
    }
    this.bottom = top + 4;
  }

  setClock(clock) {
    this.clock = clock;
    const end = clock.length ? clock[clock.length - 1] : 0;
    this.end = Math.max(end, 1);
    this.from = 0;
    this.to = this.end;
  }

  get labels() {
    return this.width < 560 ? NARROW_LABELS : LABELS;
  }

  x(seconds) {
    return this.labels + ((seconds - this.from) / (this.to - this.from)) * (this.width - this.labels - 8);
  }

  seconds(x) {
    return this.from + ((x - this.labels) / (this.width - this.labels - 8)) * (this.to - this.from);
  }

  overviewX(seconds) {
    return this.labels + (seconds / this.end) * (this.width - this.labels - 8);
  }

  overviewSeconds(x) {
    return ((x - this.labels) / (this.width - this.labels - 8)) * this.end;
  }

  zoomTo(from, to) {
    const least = Math.min(this.end, 0.5);
    const length = Math.min(Math.max(to - from, least), this.end);
    this.from = Math.min(Math.max(from, 0), this.end - length);
    this.to = this.from + length;
  }

  // Events in view, with one more on either side, whose bars may reach in.
  visible() {
    return [Math.max(0, after(this.clock, this.from) - 1), Math.min(this.recording.count, after(this.clock, this.to) + 1)];
  }

  // The event nearest to a point, on the row under it if that has one close by.
  eventAt(x, y) {
    const row = this.tops.findIndex((top, place) => y >= top && y < top + this.heights[place]);
    const seconds = this.seconds(x);
    const middle = after(this.clock, seconds);
    const near = ((this.to - this.from) / Math.max(this.width - this.labels, 1)) * 14;
    let best = null, distance = Infinity;
    for (let i = Math.max(0, middle - 400); i < Math.min(this.recording.count, middle + 400); i++) {
      const away = Math.abs(this.clock[i] - seconds) * (row < 0 || this.recording.row[i] === row ? 1 : 6);
      if (away < distance) [best, distance] = [i, away];
    }
    if (row >= 0 && best !== null && this.recording.row[best] !== row && distance > near * 6)
      return Math.max(0, middle - 1);
    return best;
  }

  drawOverview(canvas, width) {
    this.width = width;
    canvas.fit(width, OVERVIEW);
    const { pen } = canvas, { recording, theme } = this;
    const left = this.labels, floor = OVERVIEW - 8, high = OVERVIEW - 16;
    pen.font = theme.small;
    pen.fillStyle = theme.faint;
    pen.textBaseline = "middle";
    pen.fillText("Context", 4, 18);
    pen.fillText("Cost", 4, 34);
    this.drawInherited(pen, (i) => this.overviewX(this.clock[i]), 4, floor - 4);
    const main = recording.billsOfLane.get(0) || [];
    const kinds = recording.data.context.kinds, wide = kinds.length;
    // One column per pixel: the longest prompt of those that fall on it.
    const columns = new Map();
    for (const bill of main) {
      const x = Math.round(this.overviewX(this.clock[recording.bills.event[bill]]));
      if (!columns.has(x) || recording.bills.prompt[columns.get(x)] < recording.bills.prompt[bill]) columns.set(x, bill);
    }
    const xs = [...columns.keys()].sort((a, b) => a - b);
    xs.forEach((x, k) => {
      const bill = columns.get(x), until = k + 1 < xs.length ? xs[k + 1] : width - 8;
      let y = floor;
      const total = recording.bills.prompt[bill] || 1;
      for (let kind = 0; kind < wide; kind++) {
        const part = (recording.contextTokens[bill * wide + kind] / recording.peak) * high;
        if (part <= 0) continue;
        pen.fillStyle = kinds[kind][2];
        pen.fillRect(x, y - part, Math.max(until - x, 1), part);
        y -= part;
      }
      if (y === floor) {
        pen.fillStyle = theme.line;
        pen.fillRect(x, floor - (total / recording.peak) * high, Math.max(until - x, 1), (total / recording.peak) * high);
      }
    });
    this.drawCost(pen, left, floor, high);
    this.drawMarksOn(pen, (seconds) => this.overviewX(seconds), OVERVIEW - 4, 2.5);
  }

  drawCost(pen, left, floor, high) {
    const { recording, theme } = this;
    const all = recording.nanoSoFar[recording.nanoSoFar.length - 1];
    if (!all) return;
    pen.strokeStyle = theme.text;
    pen.lineWidth = 1.5;
    pen.beginPath();
    pen.moveTo(left, floor);
    let drawn = left, height = floor;
    recording.bills.event.forEach((event, k) => {
      const x = this.overviewX(this.clock[event]);
      const y = floor - (recording.nanoSoFar[k + 1] / all) * high;
      if (x - drawn < 0.5 && k + 1 < recording.bills.event.length) return;
      pen.lineTo(x, height);
      pen.lineTo(x, y);
      [drawn, height] = [x, y];
    });
    pen.lineTo(this.width - 8, height);
    pen.stroke();
  }

  drawInherited(pen, x, top, height) {
    const { recording, theme } = this;
    let begin = -1;
    for (let i = 0; i <= recording.count; i++) {
      const copied = i < recording.count && recording.flags[i] & INHERITED;
      if (copied && begin < 0) begin = i;
      if (!copied && begin >= 0) {
        pen.fillStyle = theme.copied;
        const from = Math.max(x(begin), this.labels), until = Math.min(x(Math.min(i, recording.count - 1)), this.width - 8);
        if (until > from) pen.fillRect(from, top, until - from, height);
        begin = -1;
      }
    }
  }

  // Draw the part of the tracks that is scrolled into view.
  draw(canvas, width, height, scroll) {
    this.width = width;
    canvas.fit(width, height);
    const { pen } = canvas;
    pen.save();
    pen.translate(0, -scroll);
    this.drawRows(pen);
    pen.save();
    pen.beginPath();
    pen.rect(this.labels, 0, width - this.labels, this.bottom);
    pen.clip();
    this.drawInherited(pen, (i) => this.x(this.clock[i]), RULER + MARKS, this.bottom - RULER - MARKS);
    this.drawTurns(pen);
    this.drawEvents(pen);
    this.drawConnections(pen);
    pen.restore();
    pen.restore();
    this.drawHead(pen);
  }

  drawRows(pen) {
    const { theme } = this;
    pen.font = theme.small;
    pen.textBaseline = "middle";
    this.recording.rows.forEach((row, place) => {
      const top = this.tops[place], height = this.heights[place];
      pen.fillStyle = place % 2 ? theme.stripe : theme.page;
      pen.fillRect(0, top, this.width, height);
      pen.fillStyle = row.lane ? theme.faint : theme.text;
      const indent = 4 + (row.depth > 0 ? (row.depth - 1) * 8 : 0);
      const number = row.number ? ` ${row.number}` : "", room = this.labels - indent - 6 - pen.measureText(number).width;
      pen.fillText(`${fitting(pen, `${row.lane ? "↳ " : ""}${row.name}`, room)}${number}`, indent, top + height / 2);
    });
  }

  drawTurns(pen) {
    const { recording, theme } = this;
    pen.fillStyle = theme.line;
    let last = -9;
    for (const event of recording.turnStarts) {
      const x = Math.round(this.x(this.clock[event]));
      if (x < this.labels || x > this.width || x - last < 3) continue;
      pen.fillRect(x, RULER, 1, this.bottom - RULER);
      last = x;
    }
  }

  drawEvents(pen) {
    const { recording, clock, theme } = this;
    const [first, end] = this.visible();
    const result = recording.kindPlace.get("tool_result");
    const call = recording.kindPlace.get("tool_call");
    const last = new Float64Array(recording.rows.length).fill(-10);
    const lastColour = new Array(recording.rows.length);
    for (let i = first; i < end; i++) {
      const row = recording.row[i], flags = recording.flags[i];
      const x = this.x(clock[i]);
      const failed = flags & ERRED;
      if (recording.kind[i] === result && recording.pair[i] && !failed) {
        if (recording.lane[i] === 0) continue; // it is the end of its call's bar
      }
      const colour = flags & (INHERITED | LEFT_BEHIND) ? theme.copiedInk : recording.colour(i);
      let width = 3;
      if (recording.kind[i] === call && recording.pair[i] > 0) width = Math.max(3, this.x(clock[i + recording.pair[i]]) - x);
      // Strokes of one colour that fall on one pixel are one stroke.
      if (!failed && width <= 3 && x - last[row] < 1 && lastColour[row] === colour) continue;
      last[row] = x;
      lastColour[row] = colour;
      const top = this.tops[row] + 4, height = this.heights[row] - 8;
      pen.globalAlpha = width > 3 ? 0.55 : 1;
      pen.fillStyle = colour;
      pen.fillRect(x, top, width, height);
      pen.globalAlpha = 1;
      if (width > 3) pen.fillRect(x, top, 3, height);
      if (failed) {
        pen.fillRect(x - 1, top - 3, 5, height + 6);
      }
      if (flags & LEFT_BEHIND) {
        pen.fillStyle = theme.page;
        pen.fillRect(x, top + height / 2 - 1, width, 2);
      }
    }
  }

  // From each call that started a subagent, a line down to its lane.
  drawConnections(pen) {
    const { recording, theme } = this;
    pen.strokeStyle = theme.faint;
    pen.lineWidth = 1;
    recording.rows.forEach((row, place) => {
      if (!row.lane || row.call === null || row.call === undefined) return;
      const from = recording.row[row.call], x = this.x(this.clock[row.call]);
      const finish = recording.pair[row.call] > 0 ? this.x(this.clock[row.call + recording.pair[row.call]]) : x;
      const y = this.tops[place] + this.heights[place] / 2;
      pen.globalAlpha = 0.7;
      pen.beginPath();
      pen.moveTo(x + 0.5, this.tops[from] + this.heights[from] - 4);
      pen.lineTo(x + 0.5, y);
      pen.lineTo(Math.max(finish, x + 4), y);
      pen.stroke();
      pen.globalAlpha = 1;
    });
  }

  // A rewind: from the prompt that began anew, a line back to the event it went back to, above what was left behind.
  drawBranches(pen) {
    const { recording, theme } = this;
    const y = RULER + 2.5;
    pen.strokeStyle = pen.fillStyle = theme.accent;
    pen.lineWidth = 1.5;
    for (const [fork, prompt] of recording.data.branches) {
      const from = this.x(this.clock[fork]), to = this.x(this.clock[prompt]);
      pen.beginPath();
      pen.moveTo(to, RULER + MARKS - 1);
      pen.lineTo(to, y);
      pen.lineTo(from, y);
      pen.lineTo(from, RULER + MARKS - 5);
      pen.stroke();
      pen.beginPath();
      pen.moveTo(from - 3.5, RULER + MARKS - 6);
      pen.lineTo(from + 3.5, RULER + MARKS - 6);
      pen.lineTo(from, RULER + MARKS - 1);
      pen.fill();
    }
    for (const [, , last] of recording.data.relatives) if (last !== null) this.drawFork(pen, this.x(this.clock[last]), 1);
    const own = recording.flags.findIndex((flags) => !(flags & INHERITED));
    if (own > 0) this.drawFork(pen, this.x(this.clock[own]), -1);
  }

  // Where another session went on from this one, an arrow that leaves to the right; where this one left another, one
  // that comes in from the left.
  drawFork(pen, x, direction) {
    const low = RULER + MARKS - 2, high = RULER + 4, far = x + direction * 11;
    const [tip, y] = direction > 0 ? [far, high] : [x, low];
    pen.beginPath();
    pen.moveTo(x, low);
    pen.lineTo(far, high);
    pen.stroke();
    pen.beginPath();
    pen.moveTo(tip, y);
    pen.lineTo(tip - 6, y);
    pen.lineTo(tip, y + direction * 6);
    pen.fill();
  }

  // Ruler and marks stay in sight while the lanes scroll beneath them.
  drawHead(pen) {
    const { theme } = this;
    pen.fillStyle = theme.page;
    pen.fillRect(0, 0, this.width, RULER + MARKS);
    pen.fillStyle = theme.line;
    pen.fillRect(0, RULER + MARKS - 1, this.width, 1);
    pen.font = theme.small;
    pen.textBaseline = "middle";
    pen.fillStyle = theme.faint;
    const step = niceStep((this.to - this.from) / Math.max(2, (this.width - this.labels) / 110));
    for (let tick = Math.ceil(this.from / step) * step; tick <= this.to; tick += step) {
      const x = this.x(tick);
      if (x > this.width - 40) break;
      pen.fillRect(x, RULER - 4, 1, 4);
      pen.fillText(tick === 0 ? "0" : span(tick), x + 3, RULER / 2);
    }
    pen.fillText("Marks", 4, RULER + MARKS / 2);
    pen.save();
    pen.beginPath();
    pen.rect(this.labels - 6, 0, this.width, RULER + MARKS);
    pen.clip();
    this.drawBranches(pen);
    this.drawMarksOn(pen, (seconds) => this.x(seconds), RULER + MARKS / 2 + 1, 4.5);
    pen.restore();
  }

  // Each kind of mark has a shape of its own, since not everybody tells colours apart.
  drawMarksOn(pen, x, y, size) {
    const { recording, clock } = this;
    for (const [mark, colour] of Object.entries(GLYPHS)) {
      pen.fillStyle = pen.strokeStyle = colour;
      pen.lineWidth = 1.6;
      let last = -9;
      for (const event of recording.marks[mark]) {
        const at = x(clock[event]);
        if (at - last < 2 || at < this.labels - 5 || at > this.width + 5) continue;
        last = at;
        glyph(pen, mark, at, y, size);
      }
    }
  }
}

function glyph(pen, mark, x, y, size) {
  pen.beginPath();
  if (mark === "miss") {
    pen.moveTo(x - size, y - size);
    pen.lineTo(x + size, y - size);
    pen.lineTo(x, y + size);
    pen.fill();
  } else if (mark === "compaction") {
    pen.fillRect(x - 1, y - size * 1.6, 2.5, size * 3.2);
  } else if (mark === "error") {
    pen.moveTo(x - size * 0.7, y - size * 0.7);
    pen.lineTo(x + size * 0.7, y + size * 0.7);
    pen.moveTo(x + size * 0.7, y - size * 0.7);
    pen.lineTo(x - size * 0.7, y + size * 0.7);
    pen.stroke();
  } else if (mark === "waste") {
    pen.moveTo(x, y - size);
    pen.lineTo(x + size, y);
    pen.lineTo(x, y + size);
    pen.lineTo(x - size, y);
    pen.fill();
  } else if (mark === "hit") {
    pen.arc(x, y, size * 0.8, 0, 7);
    pen.fill();
  } else {
    pen.fillRect(x - size * 0.6, y - size * 0.6, size * 1.2, size * 1.2);
  }
}

function niceStep(least) {
  for (const step of [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200, 86400])
    if (step >= least) return step;
  return Math.ceil(least / 86400) * 86400;
}

function fitting(pen, text, width) {
  if (pen.measureText(text).width <= width) return text;
  let length = text.length;
  while (length > 1 && pen.measureText(`${text.slice(0, length)}…`).width > width) length--;
  return `${text.slice(0, length)}…`;
}

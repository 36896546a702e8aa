// The player in the app: Streamlit mounts it twice from this one module. One mount is the player, whose data never
// changes while a session is shown; the other is a channel through which texts and answers come, in a fragment of its
// own, so that fetching a text neither runs the page again nor sends the session again.

const desk = { players: new Map(), channels: new Map() };
const PATIENCE_MS = 20_000;

// One question after another: what is asked while one is out waits and goes together with others.
class Channel {
  constructor() {
    this.known = new Map(); // texts that came without being asked for
    this.waiting = [];
    this.out = null;
    this.number = 0;
  }

  ask(question) {
    return new Promise((resolve, reject) => {
      this.waiting.push({ question, resolve, reject });
      this.send();
    });
  }

  attach(send) {
    this.transmit = send;
    this.send();
  }

  send() {
    if (this.out || !this.waiting.length || !this.transmit) return;
    for (const { question, resolve } of this.waiting) {
      const found = question.kind === "texts" && this.known.get(`${question.id} ${question.stretch}`);
      if (found) resolve(found);
    }
    this.waiting = this.waiting.filter(({ question }) => question.kind !== "texts" || !this.known.has(`${question.id} ${question.stretch}`));
    if (!this.waiting.length) return;
    const asked = this.waiting.splice(0, 8);
    const number = `${Date.now()}-${++this.number}`;
    this.out = { number, asked };
    this.timer = setTimeout(() => {
      this.out = null;
      asked.forEach(({ reject }) => reject(new Error("The server did not answer. Move on and come back to try again.")));
      this.send();
    }, PATIENCE_MS);
    this.transmit({ number, questions: asked.map(({ question }) => question) });
  }

  receive({ number, answers, texts = [] }) {
    for (const [id, stretch, found] of texts) this.known.set(`${id} ${stretch}`, found);
    if (!this.out || number !== this.out.number) return;
    clearTimeout(this.timer);
    const { asked } = this.out;
    this.out = null;
    asked.forEach(({ resolve, reject }, place) => {
      const answer = answers[place];
      if (answer && answer.error) reject(new Error(answer.error));
      else resolve(answer && answer.value);
    });
    this.send();
  }
}

function channelOf(name) {
  if (!desk.channels.has(name)) desk.channels.set(name, new Channel());
  return desk.channels.get(name);
}

function hostOf(name) {
  const channel = channelOf(name);
  return {
    texts: (id, stretch) => channel.ask({ kind: "texts", id, stretch }),
    find: (id, words) => channel.ask({ kind: "find", id, words }),
    flow: (id, event, value) => channel.ask({ kind: "flow", id, event, value }),
    all: (id, event) => channel.ask({ kind: "all", id, event }),
    whole: (id, event) => channel.ask({ kind: "whole", id, event }),
    address: (source, session) => `?${new URLSearchParams({ session, source })}`,
    place: (key) => {
      const found = new URL(window.location.href).searchParams.get(key);
      return found !== null && /^\d{1,9}$/.test(found) ? Number(found) : null;
    },
    keep: (key, number) => {
      const address = new URL(window.location.href);
      address.searchParams.set(key, String(number));
      window.history.replaceState(window.history.state, "", address);
    },
    clock: () => (new URL(window.location.href).searchParams.get("clock") === "progress" ? "progress" : "time"),
    keepClock: (by) => {
      const address = new URL(window.location.href);
      if (by === "time") address.searchParams.delete("clock");
      else address.searchParams.set("clock", by);
      window.history.replaceState(window.history.state, "", address);
    },
  };
}

export default function replay({ parentElement, data, setTriggerValue }) {
  if (data.role === "channel") {
    const channel = channelOf(data.name);
    if (data.answer) channel.receive(data.answer);
    channel.attach((question) => setTriggerValue("question", question));
    return undefined;
  }
  const ids = data.recordings.map(({ id, version }) => `${id} ${version}`).join();
  const known = desk.players.get(data.name);
  if (known && known.parent === parentElement && known.ids === ids) {
    known.player.readTheme(); // the same sessions again: only the theme can have changed
    return known.clean;
  }
  if (known) known.player.destroy();
  const options = { host: hostOf(data.name), name: data.name };
  const player = data.recordings.length > 1
    ? new Pair(parentElement, data.recordings, options)
    : new Player(parentElement, data.recordings[0], { ...options, transport: new Transport(), placeKey: "event" });
  const clean = () => {
    player.destroy();
    if (desk.players.get(data.name)?.player === player) desk.players.delete(data.name);
  };
  desk.players.set(data.name, { parent: parentElement, ids, player, clean });
  if (data.words && player.search) {
    player.search.value = data.words;
    player.find(data.words, player.written === null);
  }
  return clean;
}

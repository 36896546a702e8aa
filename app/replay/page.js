// The player in a file of its own: what the app would be asked for stands in the page, and nothing else is at hand.

const given = (id) => JSON.parse(document.getElementById(id).textContent);
const texts = new Map();

function stretchTexts(stretch) {
  if (!texts.has(stretch)) {
    const element = document.getElementById(`texts-${stretch}`);
    texts.set(stretch, element ? JSON.parse(element.textContent) : []);
  }
  return texts.get(stretch);
}

// The words of a rendered text, without its marks; entities are few, since the server escapes with five of them.
function wordsOf(html) {
  return html.replace(/<[^>]*>/g, "").replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&quot;/g, '"').replace(/&#x27;/g, "'").replace(/&amp;/g, "&");
}

function eventsWith(recording, words, until) {
  const wanted = words.toLowerCase(), found = [];
  for (let event = 0; event < until; event++) {
    const tool = recording.tool[event] < 0 ? "" : recording.tools[recording.tool[event]][0];
    const text = `${tool} ${recording.words[event]} ${wordsOf(stretchTexts(Math.floor(event / STRETCH))[event % STRETCH] || "")}`;
    if (text.toLowerCase().includes(wanted)) found.push(event);
  }
  return found;
}

function pageHost(recording, flows) {
  return {
    wholeNote: `The whole is in the lake: her export ${recording.session_id} --format jsonl`,
    texts: async (id, stretch) => stretchTexts(stretch),
    find: async (id, words) => ({ positions: eventsWith(recording, words, recording.count) }),
    flow: async (id, event, value) => {
      if (value === null) return flows[event] || { edges: [], note: "Nothing before this edit says why it was made." };
      const [first] = eventsWith(recording, value, event);
      const note = "In a file, a value is only searched for word by word; the app also knows rules and how rare it is.";
      const rule = "First text of this file that holds it";
      return { edges: first === undefined ? [] : [{ event: first, proof: "likely", rule, value: value.slice(0, 120) }], note };
    },
    place: () => {
      const found = /^#event=(\d{1,9})$/.exec(window.location.hash);
      return found ? Number(found[1]) : null;
    },
    keep: (key, number) => window.history.replaceState(null, "", `#event=${number}`),
  };
}

const record = given("recording");
const alone = new Player(document.getElementById("replay"), record, {
  host: pageHost(record, given("flows")), transport: new Transport(), name: "replay", placeKey: "event",
});
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => alone.readTheme());

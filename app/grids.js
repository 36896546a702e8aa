// What Streamlit's grid leaves out for people without a mouse.
//
// Tab leaves a grid, as it leaves any other control, and the arrow keys go from cell to cell: the grid itself would take
// Tab for a step to the right, and nobody came out of it again.
//
// A table that leads away is told from which hand a choice comes. To the server a click and an arrow key, or only the
// focus, are the same selection, but who has no mouse passes over rows. `hand.js` names the tables; what is told reaches
// the server first, since the grid waits a moment before it sends a selection.
if (!window.herTables) {
  window.herTables = new Map();
  const JUST_NOW_MS = 500;
  let pointedAt = -JUST_NOW_MS;
  const tableOf = (target) => {
    const keyed = target?.closest?.("[data-testid=stDataFrame]")?.closest('[class*="st-key-"]');
    return keyed && /(?:^|\s)st-key-(\S+)/.exec(keyed.className)[1];
  };
  const onPointer = (event) => {
    pointedAt = performance.now();
    window.herTables.get(tableOf(event.target))?.("pointer");
  };
  const onKeyboard = (event) => {
    if (event.type === "focusin" && performance.now() - pointedAt < JUST_NOW_MS) return; // a click brings the focus, too
    if (!event.target?.closest?.("canvas")) return;
    const table = tableOf(event.target);
    if (event.key === "Tab") event.stopImmediatePropagation();
    else if (window.herTables.has(table)) window.herTables.get(table)("keyboard");
    else if (table && document.querySelector(`.st-key-hand_${table}`)) event.stopImmediatePropagation(); // not named yet
  };
  document.addEventListener("pointerdown", onPointer, true);
  document.addEventListener("keydown", onKeyboard, true);
  document.addEventListener("focusin", onKeyboard, true);
}

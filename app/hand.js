// Names a table that leads away to `grids.js`, which says by which hand its rows are chosen; what the server knows
// already is not told again. Called anew whenever the server answers.
export default function ({ data: { table, by }, setStateValue }) {
  let known = by;
  const tell = (hand) => {
    if (hand !== known) setStateValue("by", (known = hand));
  };
  window.herTables?.set(table, tell);
  return () => {
    if (window.herTables?.get(table) === tell) window.herTables.delete(table);
  };
}

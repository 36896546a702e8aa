// One act, one entry of the history. Streamlit leaves a page in two steps: it first writes the next page's query onto
// the page that is left, then pushes the next page; and a click that sets several widgets pushes each one's address.
// "Back" would lead to those half steps, so what follows without another act of the reader's takes the entry's place.
if (!window.herHistory) {
  const SOON_MS = 2_000;
  const push = window.history.pushState.bind(window.history);
  let halfStepAt = -SOON_MS;
  let hasActed = true;
  window.herHistory = true;
  for (const act of ["pointerdown", "click", "keydown"]) {
    document.addEventListener(act, () => { hasActed = true; }, { capture: true, passive: true });
  }
  window.history.pushState = (state, title, address) => {
    const isHalfStep = new URL(address, window.location.href).pathname === window.location.pathname;
    const follows = performance.now() - halfStepAt < SOON_MS && (!isHalfStep || !hasActed);
    if (follows) window.history.replaceState(state, title, address);
    else push(state, title, address);
    halfStepAt = isHalfStep ? performance.now() : -SOON_MS;
    hasActed = false;
  };
}

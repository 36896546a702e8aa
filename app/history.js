// Streamlit leaves a page in two steps: it first writes the next page's query onto the page that is left, then pushes
// the next page. "Back" would lead to that half step, where what was asked is gone; so the second step takes its place.
if (!window.herHistory) {
  const SOON_MS = 2_000;
  const push = window.history.pushState.bind(window.history);
  let halfStepAt = -SOON_MS;
  window.herHistory = true;
  window.history.pushState = (state, title, address) => {
    const isHalfStep = new URL(address, window.location.href).pathname === window.location.pathname;
    if (!isHalfStep && performance.now() - halfStepAt < SOON_MS) window.history.replaceState(state, title, address);
    else push(state, title, address);
    halfStepAt = isHalfStep ? performance.now() : -SOON_MS;
  };
}

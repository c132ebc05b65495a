// Shortcuts without knowing the pages: an element says which key presses it (data-shortcut="n", "/", "mod+k").
const typing = (element) =>
  element instanceof HTMLElement &&
  (element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName));

const visible = (element) => element.getClientRects().length > 0;

function target(name) {
  const dialogs = document.querySelectorAll('[role="dialog"][data-state="open"]');
  const root = dialogs.length ? dialogs[dialogs.length - 1] : document;
  return [...root.querySelectorAll(`[data-shortcut="${name}"]`)].find(visible);
}

function onKeyDown(event) {
  if (event.defaultPrevented || event.isComposing || event.altKey) return;
  const modified = event.metaKey || event.ctrlKey;
  if (!modified && typing(event.target)) return;
  const element = target(modified ? `mod+${event.key.toLowerCase()}` : event.key);
  if (!element) return;
  event.preventDefault();
  if (typing(element)) {
    element.focus();
    element.select?.();
  } else {
    element.click();
  }
}

export function listenForShortcuts() {
  document.addEventListener("keydown", onKeyDown);
}

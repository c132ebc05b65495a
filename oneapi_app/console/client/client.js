// The console's entry for generated pages ("$/console/client") and for server events (window.oneapi).
import "@fontsource-variable/inter/index.css";
import "@fontsource-variable/jetbrains-mono/index.css";
import { toast } from "sonner";
import { listenForShortcuts } from "./keyboard";
import { openPalette } from "./navigation";
import { getLocale, getSite, setLocale, setSite, setViewer, translate } from "./store";

export * from "./store";
export * from "./format";
export * from "./navigation";
export * from "./forms";
export * from "./widgets";

async function signOut() {
  try {
    await fetch("/api/user/logout", { credentials: "same-origin" });
  } finally {
    setViewer(null);
    sessionStorage.clear();
    window.location.assign("/login");
  }
}

/** The session has ended: forget who was here and come back to this address after signing in. */
function expire() {
  setViewer(null);
  const here = window.location.pathname + window.location.search;
  window.location.assign(`/login?expired=true&next=${encodeURIComponent(here)}`);
}

/** The address bar follows the filters, so that a link reproduces the view. `query` has no leading "?". */
function setQuery(query) {
  const address = window.location.pathname + (query ? `?${query}` : "") + window.location.hash;
  window.history.replaceState(window.history.state, "", address);
}

/** A quiet word at the edge: `text` is a catalog key, or `{zh, en}` from the server. */
function notify(level, text, values) {
  const said = typeof text === "string" ? translate(text, values) : (text[getLocale()] ?? text.zh);
  toast[level](said, { duration: level === "error" ? 8000 : 3000, closeButton: level === "error" });
}

/** Where clients should point: the operator's address, unless it is unset or still the default. */
function baseAddress() {
  const configured = (getSite().server_address ?? "").replace(/\/+$/, "");
  return configured && configured !== "http://localhost:3000" ? configured : window.location.origin;
}

export { baseAddress };

/** Wraps the app, so that window.oneapi is there before the first event of any page arrives. */
export const ClientRoot = ({ children }) => children;

if (typeof window !== "undefined" && !window.oneapi) {
  window.oneapi = { setLocale, setSite, setViewer, signOut, expire, setQuery, openPalette, notify, translate, baseAddress };
  listenForShortcuts();
}

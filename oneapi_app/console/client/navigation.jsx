// Links that know where we are, and the palette.
import { useEffect, useMemo, useRef, useState } from "react";
import { Link, useLocation, useNavigate } from "react-router";
import { useTranslate, useViewer } from "./store";

export function NavLink({ to, label, children }) {
  const { pathname } = useLocation();
  const current = pathname === to || pathname.startsWith(`${to}/`);
  return (
    <Link to={to} className="nav-link" aria-current={current ? "page" : undefined} title={label}>
      {children}
    </Link>
  );
}

const OPEN = "oneapi:palette";

export const openPalette = () => window.dispatchEvent(new Event(OPEN));

/** A native dialog: the browser keeps the focus inside and closes it on Esc. */
export function Palette({ entries = [], placeholder }) {
  const dialog = useRef(null);
  const [query, setQuery] = useState("");
  const [at, setAt] = useState(0);
  const { role } = useViewer();
  const navigate = useNavigate();
  const translate = useTranslate();
  useEffect(() => {
    const open = () => {
      setQuery("");
      setAt(0);
      if (!dialog.current?.open) dialog.current?.showModal();
    };
    window.addEventListener(OPEN, open);
    return () => window.removeEventListener(OPEN, open);
  }, []);
  const found = useMemo(() => {
    const wanted = query.trim().toLowerCase();
    return entries.filter(
      (entry) =>
        entry.guard <= role &&
        (entry.label.toLowerCase().includes(wanted) || entry.href.slice(1).startsWith(wanted)),
    );
  }, [entries, query, role]);
  const go = (entry) => {
    dialog.current?.close();
    if (entry) navigate(entry.href);
  };
  const onKeyDown = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      setAt((before) => (before + step + found.length) % Math.max(found.length, 1));
    } else if (event.key === "Enter") {
      event.preventDefault();
      go(found[at]);
    }
  };
  return (
    <dialog
      ref={dialog}
      className="palette"
      aria-label={placeholder}
      onClick={(event) => event.target === dialog.current && dialog.current.close()}
    >
      <input
        type="text"
        value={query}
        placeholder={placeholder}
        aria-label={placeholder}
        autoFocus
        onChange={(event) => {
          setQuery(event.target.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
      />
      <ul role="listbox">
        {found.map((entry, index) => (
          <li key={entry.href} role="option" aria-selected={index === at}>
            <button type="button" onClick={() => go(entry)} onMouseMove={() => setAt(index)}>
              <span>{entry.label}</span>
              <kbd>{entry.href}</kbd>
            </button>
          </li>
        ))}
        {!found.length && <li className="palette-empty">{translate("shell.palette_empty")}</li>}
      </ul>
    </dialog>
  );
}

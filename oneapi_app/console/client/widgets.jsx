// The few pieces that live in the browser alone: they tick or copy.
import { Suspense, lazy, useEffect, useRef, useState } from "react";
import { useLocale, useSite, useTranslate } from "./store";
import { dateTime, duration, exactNumber, money, relativeTime, shortNumber } from "./format";

const listeners = new Set();
let clock = null;

function useNow() {
  const [now, setNow] = useState(() => Date.now() / 1000);
  useEffect(() => {
    const tick = () => setNow(Date.now() / 1000);
    listeners.add(tick);
    clock ??= setInterval(() => listeners.forEach((listener) => listener()), 15000);
    return () => {
      listeners.delete(tick);
      if (!listeners.size) {
        clearInterval(clock);
        clock = null;
      }
    };
  }, []);
  return now;
}

/** A moment: relative with the absolute time on hover, or the other way round. `empty` stands for 0. */
export function Moment({ at, relative = true, empty = "–", className }) {
  const locale = useLocale();
  useNow(); // draws anew now and then; what came in between is newer than the last tick
  if (!at || at < 0) return <span className={className}>{empty}</span>;
  const absolute = dateTime(at, locale);
  const near = relativeTime(at, locale, Date.now() / 1000);
  return (
    <time className={className} dateTime={new Date(at * 1000).toISOString()} title={relative ? absolute : near}>
      {relative ? near : absolute}
    </time>
  );
}

/** Quota as money (or a short number where the operator shows none); the raw units on hover. */
export function Quota({ units, digits, className }) {
  const site = useSite();
  const translate = useTranslate();
  const title = translate("shell.raw_quota", { units: exactNumber(units) });
  return (
    <span className={`num ${className ?? ""}`} title={title}>
      {money(units, site, digits)}
    </span>
  );
}

export function Count({ value, className }) {
  return (
    <span className={`num ${className ?? ""}`} title={exactNumber(value)}>
      {shortNumber(value)}
    </span>
  );
}

export function Duration({ ms, className }) {
  return (
    <span className={`num ${className ?? ""}`} title={`${exactNumber(ms)} ms`}>
      {duration(ms)}
    </span>
  );
}

async function copyText(text) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  // Plain http on another machine has no clipboard API; the old way still works there.
  const area = document.createElement("textarea");
  area.value = text;
  area.style.position = "fixed";
  area.style.opacity = "0";
  (document.querySelector('[role="dialog"]') ?? document.body).appendChild(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  if (!copied) throw new Error("copying is not possible here");
}

/** Copies `text`, says so on itself for a moment. Children are what it shows beside its icon. */
export function CopyButton({ text, label, className, children }) {
  const [state, setState] = useState("idle");
  const translate = useTranslate();
  const timer = useRef();
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = async (event) => {
    event.stopPropagation();
    try {
      await copyText(text);
      setState("done");
    } catch {
      setState("failed");
    }
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setState("idle"), 1600);
  };
  const title = { idle: label ?? translate("shell.copy"), done: translate("shell.copied") }[state];
  return (
    <button
      type="button"
      className={`copy ${className ?? ""}`}
      data-state={state}
      title={title ?? translate("shell.copy_failed")}
      aria-label={label ?? translate("shell.copy")}
      onClick={copy}
    >
      <svg viewBox="0 0 24 24" width="14" height="14" fill="none" stroke="currentColor" strokeWidth="2" aria-hidden>
        {state === "done" ? (
          <path d="M20 6 9 17l-5-5" strokeLinecap="round" strokeLinejoin="round" />
        ) : (
          <>
            <rect x="8" y="8" width="13" height="13" rx="2" />
            <path d="M16 8V5a2 2 0 0 0-2-2H5a2 2 0 0 0-2 2v9a2 2 0 0 0 2 2h3" />
          </>
        )}
      </svg>
      {children}
      <span className="sr-only" aria-live="polite">
        {state === "done" ? translate("shell.copied") : ""}
      </span>
    </button>
  );
}

/** The browser tab's name: the page, then the site. */
export function PageTitle({ title }) {
  const { name } = useSite();
  useEffect(() => {
    document.title = title ? `${title} · ${name}` : name;
  }, [title, name]);
  return null;
}

const Markdown = lazy(() => import("./markdown"));

/** Operator's text: a framed site when it is a web address, else Markdown that may hold HTML. */
export function OperatorContent({ content, title, className }) {
  const text = content ?? "";
  if (/^https?:\/\/\S+$/.test(text.trim())) {
    return <iframe src={text.trim()} title={title} className={`operator-frame ${className ?? ""}`} />;
  }
  return (
    <div className={`prose ${className ?? ""}`}>
      <Suspense fallback={null}>
        <Markdown text={text} />
      </Suspense>
    </div>
  );
}

const COLUMNS = "oneapi.columns";

function hiddenColumns(table) {
  try {
    return JSON.parse(localStorage.getItem(COLUMNS))?.[table] ?? [];
  } catch {
    return [];
  }
}

/** Which columns of a table are shown, remembered per table. `columns` are `{at, label}`, counted from 1. */
export function ColumnChooser({ table, columns = [], label }) {
  const [hidden, setHidden] = useState(() => hiddenColumns(table));
  const details = useRef(null);
  useEffect(() => {
    const close = (event) => {
      if (!details.current?.contains(event.target)) details.current?.removeAttribute("open");
    };
    document.addEventListener("pointerdown", close);
    return () => document.removeEventListener("pointerdown", close);
  }, []);
  const toggle = (at) => {
    const next = hidden.includes(at) ? hidden.filter((other) => other !== at) : [...hidden, at];
    setHidden(next);
    const all = JSON.parse(localStorage.getItem(COLUMNS) ?? "{}");
    localStorage.setItem(COLUMNS, JSON.stringify({ ...all, [table]: next }));
  };
  const rule = hidden.map((at) => `[data-table="${table}"] tr > :nth-child(${at}) { display: none !important; }`);
  return (
    <details className="chooser" ref={details} onKeyDown={(event) => event.key === "Escape" && details.current.removeAttribute("open")}>
      <summary className="button square plain" title={label} aria-label={label}>
        <svg viewBox="0 0 24 24" width="15" height="15" fill="none" stroke="currentColor" strokeWidth="2" aria-hidden>
          <rect x="3" y="3" width="18" height="18" rx="2" />
          <path d="M9 3v18M15 3v18" />
        </svg>
      </summary>
      <div className="chooser-list" role="group" aria-label={label}>
        {columns.map(({ at, label: title }) => (
          <label key={at}>
            <input type="checkbox" checked={!hidden.includes(at)} onChange={() => toggle(at)} />
            {title}
          </label>
        ))}
      </div>
      <style>{rule.join("\n")}</style>
    </details>
  );
}

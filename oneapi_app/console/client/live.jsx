// What asks the server again by itself, and moments people choose: both know the browser's clock and zone.
import { useEffect, useRef, useState } from "react";

/** Calls `onTick` every `ms` milliseconds while the tab is seen; 0 rests. */
export function Every({ ms = 0, onTick }) {
  const latest = useRef(onTick);
  latest.current = onTick;
  useEffect(() => {
    if (!ms) return undefined;
    const timer = setInterval(() => document.hidden || latest.current?.(), ms);
    return () => clearInterval(timer);
  }, [ms]);
  return null;
}

const pad = (number) => String(number).padStart(2, "0");

function toLocal(epoch) {
  if (!epoch || epoch < 0) return "";
  const date = new Date(epoch * 1000);
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  return `${day}T${pad(date.getHours())}:${pad(date.getMinutes())}`;
}

const toEpoch = (text) => (text ? Math.floor(new Date(text).getTime() / 1000) || 0 : 0);

/** A date and time in the viewer's zone; what travels is seconds since 1970, under `name` and through `onPick`. */
export function MomentInput({ value = 0, name, label, onPick, className }) {
  const [text, setText] = useState(toLocal(value));
  useEffect(() => setText(toLocal(value)), [value]);
  const commit = () => toEpoch(text) !== value && onPick?.(toEpoch(text));
  return (
    <>
      <input
        type="datetime-local"
        className={`input ${className ?? ""}`}
        aria-label={label}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onBlur={commit}
        onKeyDown={(event) => event.key === "Enter" && !name && commit()}
      />
      {name && <input type="hidden" name={name} value={toEpoch(text)} />}
    </>
  );
}

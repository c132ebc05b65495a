// Values edited where they stand: Enter or leaving the field keeps them, Esc takes them back.
import { useEffect, useState } from "react";

/** A number in a table's cell, whole unless `decimals`. `onCommit` gets the new one, and only when it is another. */
export function NumberCell({ value = 0, min, decimals = false, label, onCommit }) {
  const [text, setText] = useState(String(value));
  useEffect(() => setText(String(value)), [value]);
  const fits = decimals ? Number.isFinite : Number.isInteger;
  const commit = () => {
    const number = Number(text);
    if (text.trim() === "" || !fits(number) || (min !== undefined && number < min)) {
      setText(String(value));
    } else if (number !== value) {
      onCommit?.(number);
    }
  };
  return (
    <input
      className="cell-input num"
      inputMode={decimals ? "decimal" : "numeric"}
      aria-label={label}
      value={text}
      onChange={(event) => setText(event.target.value)}
      onFocus={(event) => event.target.select()}
      onBlur={commit}
      onClick={(event) => event.stopPropagation()}
      onKeyDown={(event) => {
        if (event.key === "Enter") event.target.blur();
        if (event.key === "Escape") {
          setText(String(value));
          setTimeout(() => event.target.blur());
          event.stopPropagation();
        }
      }}
    />
  );
}

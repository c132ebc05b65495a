// Numbers, money and times as people read them. Pure: everything needed comes in.
const GROUPED = new Intl.NumberFormat("en-US", { maximumFractionDigits: 6 });
const SUFFIXES = [
  [1e12, "T"],
  [1e9, "B"],
  [1e6, "M"],
  [1e3, "k"],
];
const STEPS = [
  ["year", 31536000],
  ["month", 2592000],
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
];

export const exactNumber = (value) => GROUPED.format(Number(value ?? 0));

export function shortNumber(value) {
  const number = Number(value ?? 0);
  for (const [size, suffix] of SUFFIXES) {
    if (Math.abs(number) >= size * 0.9995) {
      const scaled = number / size;
      return `${scaled.toFixed(Math.abs(scaled) < 100 ? 1 : 0).replace(/\.0$/, "")}${suffix}`;
    }
  }
  return exactNumber(Math.round(number * 100) / 100);
}

export function money(quota, site, digits) {
  const amount = Number(quota ?? 0) / (site.quota_per_unit || 500000);
  if (!site.display_in_currency) return shortNumber(quota);
  if (Math.abs(amount) >= 1e6 && digits === undefined) return `${amount < 0 ? "-" : ""}$${shortNumber(Math.abs(amount))}`;
  let places = digits;
  if (places === undefined) {
    const size = Math.abs(amount);
    places = size === 0 || size >= 1 ? 2 : size >= 0.01 ? 3 : 6;
  }
  const text = Math.abs(amount).toLocaleString("en-US", {
    minimumFractionDigits: Math.min(places, 2),
    maximumFractionDigits: places,
  });
  return `${amount < 0 ? "-" : ""}$${text}`;
}

export function dateTime(epoch, locale) {
  if (!epoch) return "";
  const date = new Date(epoch * 1000);
  const pad = (number) => String(number).padStart(2, "0");
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  return `${day} ${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
}

export function relativeTime(epoch, locale, now) {
  const seconds = epoch - now;
  const relative = new Intl.RelativeTimeFormat(locale === "zh" ? "zh-CN" : "en", { numeric: "auto" });
  for (const [unit, size] of STEPS) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
  }
  return relative.format(Math.abs(seconds) < 5 ? 0 : Math.trunc(seconds), "second");
}

export function duration(milliseconds) {
  const value = Number(milliseconds ?? 0);
  if (value < 1000) return `${Math.round(value)} ms`;
  if (value < 60000) return `${(value / 1000).toFixed(value < 10000 ? 2 : 1)} s`;
  return `${Math.floor(value / 60000)} min ${Math.round((value % 60000) / 1000)} s`;
}

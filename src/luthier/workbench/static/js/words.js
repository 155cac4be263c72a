/** The page's language: its texts come from words/<language>.json, its numbers and dates from the browser. */

const LANGUAGES = ["en", "zh"];
const KEPT = "luthier-language";
let table = {};
let spoken = "en";

export const language = () => spoken;

/** What was chosen here before, else what the browser prefers. */
function preferred() {
  const kept = localStorage.getItem(KEPT);
  return LANGUAGES.includes(kept) ? kept : navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

export async function speak(name = preferred()) {
  const reply = await fetch(`/static/words/${name}.json`);
  table = await reply.json();
  spoken = name;
  document.documentElement.lang = name === "zh" ? "zh-CN" : "en";
}

export function keep(name) {
  localStorage.setItem(KEPT, name);
}

/** The text of a key, its {places} filled in. A key without a text shows itself: a test finds it. */
export function t(key, values = {}) {
  return (table[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

export const has = (key) => key in table;

export const number = (value, digits = 0) =>
  new Intl.NumberFormat(document.documentElement.lang, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);

export const share = (value, digits = 0) =>
  new Intl.NumberFormat(document.documentElement.lang, { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);

export function bytes(value) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) { value /= 1024; unit += 1; }
  return `${number(value, unit ? 1 : 0)} ${units[unit]}`;
}

export function duration(seconds) {
  if (seconds < 90) return t("seconds", { n: number(seconds, seconds < 10 ? 1 : 0) });
  if (seconds < 5400) return t("minutes", { n: number(seconds / 60, 0) });
  return t("hours", { n: number(seconds / 3600, 1) });
}

export const date = (seconds) =>
  new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" }).format(new Date(seconds * 1000));

/** A score with its interval. */
export function score(one) {
  const value = number(one.value, 3);
  return one.low === null || one.low === undefined ? value : `${value} [${number(one.low, 3)}, ${number(one.high, 3)}]`;
}

export const scoreName = (name) => (has(`score.${name}`) ? t(`score.${name}`) : name);

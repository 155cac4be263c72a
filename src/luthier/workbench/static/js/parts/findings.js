/** What the doctor found in the data. */

import { h } from "../dom.js";
import { number, t } from "../words.js";

const MOST = 12;

export function findings(result) {
  const rows = t("findings.rows", { rows: number(result.rows), format: t(`format.${result.format}`) });
  const columns = Object.entries(result.columns).map(([ours, theirs]) => (ours === theirs ? ours : `${ours} = ${theirs}`)).join(", ");
  const list = result.findings;
  return [
    h("p", {}, rows, columns && ` · ${t("findings.columns", { columns })}`),
    result.notes.length > 0 && h("ul.soft", {}, result.notes.map((note) => h("li", {}, note))),
    list.length === 0 ? h("p.note.good", {}, t("findings.none"))
      : h("ul.findings", { "aria-label": t("findings") }, list.map(finding)),
  ];
}

function finding(one) {
  const places = one.rows.slice(0, MOST).map((row, i) => place(row, one.suggested?.[i], one.other?.[i]));
  const more = one.count > MOST ? t("findings.more", { count: number(one.count - MOST) }) : "";
  return h("li", {},
    h("div.row", {}, h("span.badge", { class: one.severity === "error" ? "bad" : "mid" }, t(`severity.${one.severity}`)),
      h("span.message", {}, one.message), h("small.code.push", {}, one.code)),
    h("p.soft", {}, t("fix", { fix: one.fix })),
    one.rows.length > 0 && h("details", {}, h("summary", {}, t("findings.where", { count: number(one.count) })),
      h("p.places", {}, [...places, more].filter(Boolean).join(" · "))));
}

function place(row, suggested, other) {
  const here = row.line === null ? row.file : t("line", { line: row.line });
  const pair = other?.line ? ` ↔ ${other.line}` : "";
  return `${here}${pair}${suggested ? ` → ${suggested}` : ""}`;
}

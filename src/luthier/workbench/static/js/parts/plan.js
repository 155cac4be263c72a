/** Will it fit, how long will it take? And which model: as `luthier plan` and `luthier models` say it. */

import { h, table } from "../dom.js";
import { bytes, duration, score, scoreName, t } from "../words.js";

/** apply: takes over the words of a change that would make it fit. */
export function plan(result, apply) {
  const free = result.limits.memory_bytes;
  const facts = [
    [t("plan.memory"), bytes(result.peak_memory_bytes), free ? t("plan.of", { memory: bytes(free) }) : ""],
    [t("plan.time"), duration(result.total_seconds), t("plan.training", { time: duration(result.train_seconds) })],
    [t("plan.steps"), String(result.steps), t("plan.epochs", { epochs: result.epochs, device: result.device, precision: result.precision })],
    [t("plan.disk"), bytes(result.disk_bytes), ""],
  ];
  return [
    h("div.note", { class: result.fits ? "good" : "bad" },
      h("p", {}, h("strong", {}, t(result.fits ? "plan.fits" : "plan.over"))),
      result.failed && h("p", {}, result.failed),
      h("p", {}, t(result.confirmed ? "plan.confirmed" : "plan.reckoned"))),
    h("dl.facts.big", {}, facts.map(([name, value, more]) => h("div", {}, h("dt", {}, name), h("dd", {}, value), more && h("small", {}, more)))),
    result.changes.length > 0 && changes(result, apply),
  ];
}

function changes(result, apply) {
  const rows = result.changes.map((one) => [
    { cell: h("span.code", {}, one.words.join(" ")), head: true }, one.why,
    { cell: bytes(one.peak_memory_bytes), class: "n" }, { cell: duration(one.total_seconds), class: "n" }, t(one.fits ? "yes" : "no"),
    h("button.quiet", { type: "button", onclick: () => apply(one.words), "aria-label": `${t("plan.take")}: ${one.words.join(" ")}` }, t("plan.take")),
  ]);
  const headers = [t("plan.change"), t("plan.why"), { text: t("plan.memory"), class: "n" }, { text: t("plan.time"), class: "n" }, t("plan.fit"), ""];
  return h("div.stack", {}, h("h3", {}, t("plan.changes")), table(headers, rows, { caption: t("plan.changes") }));
}

/** Models ranked on the data. use: takes one. */
export function ranking(result, use) {
  const metric = result.models.find((one) => one.score)?.score.name;
  const rows = result.models.map((one) => [
    { cell: one.name, head: true }, { cell: one.score ? score(one.score) : "–", class: "n" },
    { cell: duration(one.seconds_to_tune), class: "n" }, { cell: bytes(one.bytes), class: "n" },
    h("button.quiet", { type: "button", onclick: () => use(one.name), "aria-label": `${t("rank.use")}: ${one.name}` }, t("rank.use")),
  ]);
  const headers = [t("choose.model"), { text: metric ? scoreName(metric) : t("rank.score"), class: "n" }, { text: t("rank.time"), class: "n" },
    { text: t("plan.disk"), class: "n" }, ""];
  return [h("p.note", {}, result.recommendation.sentence), table(headers, rows, { caption: t("rank") })];
}

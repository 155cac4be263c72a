/** What came of a run: the verdict, the scores beside those of the cheap baselines, and the whole report. */

import { h, table } from "../dom.js";
import { bytes, duration, has, number, score, scoreName, share, t } from "../words.js";

const MOST_SCORES = 4;

export function result(run) {
  const report = run.report;
  const address = `/report?${new URLSearchParams({ run: run.name })}`;
  return h("div.stack", {},
    report.verdict && verdict(report.verdict), report.scores && scores(report), report.throughput && facts(report),
    run.has_report ? h("section.stack", {}, h("div.head", {}, h("h2", {}, t("report")), h("a", { href: address, target: "_blank", rel: "noopener" }, t("report.alone"))),
      h("iframe.paper", { src: address, title: t("report.of", { run: run.name }), loading: "lazy" })) : h("p.soft", {}, t("report.none")));
}

function verdict(told) {
  const kind = { yes: "good", no: "bad", unclear: "mid" }[told.worth_it];
  return h("div.note.verdict", { class: kind }, h("p", {}, h("strong", {}, t(`verdict.${told.worth_it}`))), h("p", {}, told.sentence));
}

function scores(report) {
  const names = report.scores.slice(0, MOST_SCORES).map((one) => one.name);
  const row = (title, told, own) => ({ class: own ? "own" : null, cells: [{ cell: title, head: true },
    ...names.map((name) => {
      const found = told.find((one) => one.name === name);
      return { cell: found ? score(found) : "–", class: "n" };
    })] });
  const rows = [row(t("scores.tuned"), report.scores, true),
    ...Object.entries(report.baselines ?? {}).map(([name, told]) => row(has(`baseline.${name}`) ? t(`baseline.${name}`) : name, told, false))];
  return h("section.stack", {}, h("h2", {}, t("scores", { n: number(report.scores[0].n) })),
    table([t("scores.way"), ...names.map((name) => ({ text: scoreName(name), class: "n" }))], rows, { caption: t("scores", { n: number(report.scores[0].n) }) }),
    h("small", {}, t("scores.hint")));
}

function facts(report) {
  const work = report.throughput;
  const told = [[t("fact.time"), duration(report.seconds)], [t("fact.memory"), bytes(report.peak_memory_bytes)],
    [t("fact.speed"), t("fact.tokens", { n: number(work.tokens_per_second) })], [t("fact.real"), share(work.real_to_padded)],
    [t("fact.rows"), [report.split.train, report.split.validation, report.split.test].map((n) => number(n)).join(" / ")],
    [t("fact.parameters"), t("live.of", { a: number(report.trained_parameters), b: number(report.parameters) })]];
  return h("dl.facts", {}, told.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

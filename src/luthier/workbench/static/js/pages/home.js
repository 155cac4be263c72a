/** Which runs are there? And the way to a new one. */

import { fill, h, table, announce, confirmed } from "../dom.js";
import { every, get, post } from "../ask.js";
import { drop } from "../parts/drop.js";
import { problems, state } from "../parts/told.js";
import { servers } from "../parts/serving.js";
import { date, number, scoreName, t } from "../words.js";

const EVERY = 3000;

export function home({ main, signal }) {
  const list = h("div.stack", { id: "runs" }), trouble = h("div.stack");
  const chosen = new Set();
  let before = "";
  const draw = (runs) => {
    const now = JSON.stringify(runs);
    if (now === before) return;  // what did not change keeps the focus
    before = now;
    fill(list, runs.length ? runsTable(runs, chosen, refresh) : h("p.soft", {}, t("runs.none")));
  };
  const refresh = async () => draw(await get("/api/runs", undefined, signal));
  main.append(
    h("h1", {}, t("home.title")),
    h("section.card", { "aria-labelledby": "begin" }, h("h2", { id: "begin" }, t("home.begin")), drop()),
    h("section.card", { "aria-labelledby": "there" }, h("h2", { id: "there" }, t("runs.title")), trouble, list),
    servers(signal));
  every(EVERY, refresh, signal, (error) => fill(trouble, error && problems(error)));
  return t("nav.home");
}

function runsTable(runs, chosen, refresh) {
  const compare = h("button", { type: "button", onclick: () => {
    const names = runs.map((run) => run.name).filter((name) => chosen.has(name));
    if (names.length > 1) location.hash = `#/compare?${new URLSearchParams(names.map((name) => ["run", name]))}`;
  } });
  const count = () => {
    compare.textContent = t("runs.compare", { count: chosen.size });
    compare.setAttribute("aria-disabled", String(chosen.size < 2));
  };
  count();
  const rows = runs.map((run) => [
    { cell: tick(run, chosen, count), class: "tight" },
    { cell: h("a", { href: `#/run/${encodeURIComponent(run.name)}` }, run.name), head: true },
    { cell: state(run.state), class: "tight" }, run.task ? t(`task.${run.task}`) : "",
    [run.model?.split("/").at(-1), run.method].filter(Boolean).join(" · "),
    { cell: run.score === null || run.score === undefined ? "" : [`${scoreName(run.metric)} `, h("strong", {}, number(run.score, 3)),
      run.low === null ? "" : h("small", {}, ` [${number(run.low, 3)}, ${number(run.high, 3)}]`)] },
    { cell: run.verdict ? h("span.badge", { class: { yes: "good", no: "bad", unclear: "mid" }[run.verdict] }, t(`worth.${run.verdict}`)) : "", class: "tight" },
    { cell: run.started ? h("small", {}, date(run.started)) : "", class: "tight" },
    { cell: run.state === "running" || run.state === "starting" ? "" : remove(run, chosen, refresh), class: "tight" },
  ]);
  const headers = [{ text: h("span.unseen", {}, t("runs.choose")) }, t("runs.name"), t("runs.state"), t("runs.task"), t("runs.model"), t("runs.score"), t("runs.worth"),
    t("runs.date"), { text: h("span.unseen", {}, t("runs.delete")) }];
  return [table(headers, rows, { caption: t("runs.title"), stacked: true }), h("div.row", {}, compare, h("small", {}, t("runs.compare.hint")))];
}

function tick(run, chosen, count) {
  if (run.state !== "finished") return "";
  return h("input", { type: "checkbox", checked: chosen.has(run.name), "aria-label": t("runs.choose.one", { run: run.name }), onchange: (event) => {
    if (event.target.checked) chosen.add(run.name); else chosen.delete(run.name);
    count();
  } });
}

function remove(run, chosen, refresh) {
  return h("button.quiet", { type: "button", "aria-label": t("runs.delete.one", { run: run.name }), onclick: async (event) => {
    const row = event.target.closest("tr");
    if (!(await confirmed(t("runs.delete.sure", { run: run.name }), t("runs.delete"), t("cancel")))) return;
    try {
      await post("/api/delete", { run: run.name });
      chosen.delete(run.name);
      announce(t("runs.deleted", { run: run.name }));
      await refresh();
    } catch (error) {
      row.after(h("tr", {}, h("td", { colspan: "9" }, problems(error))));
    }
  } }, t("runs.delete"));
}

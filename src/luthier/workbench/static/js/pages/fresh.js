/** A new run: the data and what is wrong with them, the settings and what they will take, and the start. */

import { announce, fill, h, table } from "../dom.js";
import { begin, follow, get, post } from "../ask.js";
import { columnChoices, furtherChoices, keptInAddress, modelChoice, settingsIn, strategyChoice, taskChoice } from "../parts/choose.js";
import { drop, newRun } from "../parts/drop.js";
import { findings } from "../parts/findings.js";
import { plan, ranking } from "../parts/plan.js";
import { busy, command, problems, slot } from "../parts/told.js";
import { bytes, t } from "../words.js";

const section = (number, key, ...children) => h("section.card", { "aria-labelledby": `part-${number}` },
  h("h2.head", { id: `part-${number}` }, h("span", {}, h("span.number", { "aria-hidden": "true" }, number), t(key))), children);

export function fresh({ main, query, signal }) {
  let asked = settingsIn(query);
  if (!asked.data) {
    main.append(h("h1", {}, t("new.title")), h("section.card", {}, drop()));
    return t("nav.new");
  }
  const name = asked.data.split("/").at(-1);
  const parts = { data: slot(), settings: slot(), check: slot({ id: "findings" }), rank: slot(), plan: slot({ id: "plan" }), start: slot(), command: h("div") };
  const page = { asked: () => asked, signal, parts, looked: null, choices: null, found: {} };
  page.changed = (next) => {
    const rows = JSON.stringify([asked.task, asked.columns, asked.model]) !== JSON.stringify([next.task, next.columns, next.model]);
    asked = next;
    keptInAddress(asked);
    parts.plan.show(planButtons(page));
    tellCommand(page);
    if (rows) check(page);
  };
  main.append(h("h1", {}, name),
    section(1, "new.data", parts.data.element, parts.check.element),
    section(2, "new.settings", parts.settings.element, parts.rank.element),
    section(3, "new.plan", h("p.soft", {}, t("new.plan.hint")), parts.plan.element),
    section(4, "new.start", parts.command, parts.start.element));
  begin(open(page), (error) => parts.data.show(problems(error)));
  return t("new.title.of", { name });
}

async function open(page) {
  const { parts, signal } = page;
  parts.data.show(busy(t("working")));
  page.choices = await get("/api/choices", undefined, signal);
  parts.plan.show(planButtons(page));
  parts.start.show(startButton(page));
  tellCommand(page);
  page.looked = await get("/api/data", { data: page.asked().data }, signal);
  drawData(page);
  drawSettings(page);
  check(page);
}

function drawData(page) {
  const { looked, parts } = page;
  const rows = looked.rows.map((row) => looked.columns.map((name) => h("span", {}, row[name])));
  const columns = h("div.columns.filled", { id: "columns" });
  page.columns = columns;
  parts.data.show(
    h("p.soft", {}, [looked.data, looked.bytes !== null && bytes(looked.bytes)].filter(Boolean).join(" · ")),
    h("details", { open: true }, h("summary", {}, t("new.preview", { rows: rows.length })),
      table(looked.columns, rows, { caption: t("new.preview", { rows: rows.length }), classes: "preview" })),
    columns);
  drawColumns(page);
}

/** Which columns are asked for: those of the task, or those that were recognised. */
function drawColumns(page) {
  const { asked, choices, found, looked } = page;
  const ofTask = choices.tasks.find((one) => one.name === asked().task)?.columns.map((column) => column.name);
  const recognised = Object.keys(found).length ? Object.keys(found) : ["text", "label"];
  const roles = [...new Set([...(ofTask ?? recognised), ...Object.keys(asked().columns)])];
  const before = document.activeElement?.closest("#columns") ? document.activeElement.id : null;
  fill(page.columns, taskChoice(choices, asked, page.changed), columnChoices(roles, looked.columns, found, asked, page.changed));
  if (before) document.getElementById(before)?.focus();
}

function check(page, again = false) {
  const { asked, parts, signal } = page;
  parts.check.run(async (tell) => {
    const job = await follow(await post("/api/check", { asked: asked(), fresh: again }, signal), (job) => tell(busy(t("check.running"), job)), signal);
    page.found = job.result.columns ?? {};
    drawColumns(page);
    announce(job.result.findings?.length ? t("check.found", { count: job.result.findings.length }) : t("findings.none"));
    const mend = h("button", { type: "button", onclick: () => fix(page) }, t("check.fix"));
    const results = job.result.findings ? [job.result] : Object.values(job.result);
    const many = results.some((one) => one.findings.length);
    return [h("h3", {}, t("findings")), ...results.flatMap(findings),
      h("div.row", {}, h("button", { type: "button", onclick: () => check(page, true) }, t("check.again")), many && mend,
        many && h("small", {}, t("check.fix.hint")))];
  }, t("check.running"));
}

function fix(page) {
  const { asked, parts, signal } = page;
  parts.check.run(async (tell) => {
    const job = await follow(await post("/api/fix", { asked: asked() }, signal), (job) => tell(busy(t("check.fixing"), job)), signal);
    newRun(job.result.fixed.out);
    return null;
  }, t("check.fixing"));
}

function drawSettings(page) {
  const { asked, changed, choices, parts, signal } = page;
  const rank = h("button", { type: "button", onclick: () => parts.rank.run(async (tell) => {
    const job = await follow(await post("/api/models", { asked: asked() }, signal), (job) => tell(busy(t("rank.running"), job)), signal);
    return ranking(job.result, (name) => { changed({ ...asked(), model: name }); drawSettings(page); });
  }, t("rank.running")) }, t("rank.start"));
  parts.settings.show(h("div.columns", {}, modelChoice(choices, asked, changed), h("div.stack", {}, h("span.label", {}, t("rank")), h("div", {}, rank),
    h("p.hint", {}, t("rank.hint")))), strategyChoice(choices, asked, changed), furtherChoices(asked, changed));
}

function planButtons(page) {
  const { asked, parts, signal } = page;
  const reckon = (probe) => parts.plan.run(async (tell) => {
    const job = await follow(await post("/api/plan", { asked: asked(), probe }, signal), (job) => tell(busy(t("plan.running"), job)), signal);
    announce(t(job.result.fits ? "plan.fits" : "plan.over"));
    return [...plan(job.result, (words) => take(page, words)), planButtons(page)];
  }, t("plan.running"));
  return h("div.row", {}, h("button", { type: "button", id: "reckon", onclick: () => reckon(false) }, t("plan.start")),
    h("button", { type: "button", onclick: () => reckon(true) }, t("plan.probe")), h("small", {}, t("plan.probe.hint")));
}

/** The words of a change, where the page has them. */
function take(page, words) {
  const next = { ...page.asked(), more: [...page.asked().more] };
  for (const word of words) {
    const [key, value] = [word.slice(0, word.indexOf("=")), word.slice(word.indexOf("=") + 1)];
    if (key === "model") next.model = value;
    else if (key === "tuning.method") next.strategies = [value];
    else next.more = [...next.more.filter((one) => !one.startsWith(`${key}=`)), word];
  }
  page.changed(next);
  drawSettings(page);
}

function tellCommand(page) {
  const { asked, parts, signal } = page;
  begin(post("/api/command", { asked: asked() }, signal).then(({ command: text }) => fill(parts.command, h("p.hint", {}, t("new.command")), command(text))),
    (error) => fill(parts.command, problems(error)));
}

function startButton(page) {
  const { asked, parts, signal } = page;
  const start = h("button.primary.large", { type: "button", id: "start", onclick: () => parts.start.run(async () => {
    try {
      const { run } = await post("/api/train", { asked: asked() }, signal);
      location.hash = `#/run/${encodeURIComponent(run)}`;
      return null;
    } catch (error) {
      if (error.name === "AbortError") throw error;
      return [problems(error), startButton(page)];
    }
  }, t("working")) }, t("new.start.button"));
  return h("div.row", {}, start, h("small", {}, t("new.start.hint")));
}

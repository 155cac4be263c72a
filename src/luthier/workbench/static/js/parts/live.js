/** A run as it goes: how far it is, its curves, what it says. It is read from its folder, from where it was read to. */

import { announce, fill, h } from "../dom.js";
import { Mistake, every, get } from "../ask.js";
import { curves } from "./curves.js";
import { problems } from "./told.js";
import { number, scoreName, t } from "../words.js";

const EVERY = 1000;
const MOST_SAID = 400_000;

/** changed: hears of each reply, of the run's state first of all. */
export function live(run, signal, changed) {
  const way = h("div.stack"), charts = h("div.charts"), trouble = h("div.stack"), lost = h("div.stack");
  const log = h("pre.log", { tabindex: "0", role: "log", "aria-live": "off", "aria-label": t("live.log") });
  const quiet = h("p.soft", {}, t("live.elsewhere"));
  const heard = { begun: "", at: 0, said: 0, entries: [], text: "" };
  const refresh = async () => {
    const told = await get("/api/live", { run, begun: heard.begun, at: heard.at, said: heard.said }, signal);
    if (told.begun !== heard.begun || told.at < heard.at) heard.entries = [];
    const fresh = told.entries.length > 0 || told.begun !== heard.begun;
    heard.entries.push(...told.entries);
    Object.assign(heard, { begun: told.begun, at: told.at, said: told.said });
    fill(way, progress(told, heard.entries));
    fill(trouble, told.problems.length ? problems(new Mistake(told.problems)) : told.crash ? h("p.note.bad", { role: "alert" }, t("live.crash")) : null);
    if (fresh) draw(charts, heard.entries, told.way.steps ?? 0);
    if (told.log) append(log, heard, told.log);
    log.hidden = !heard.text;
    quiet.hidden = !log.hidden;
    tellEvaluations(told.entries);
    await changed(told);
  };
  every(EVERY, refresh, signal, (error) => fill(lost, error && problems(error)));
  return h("div.stack", {}, lost, trouble, way, charts,
    h("details", { open: true }, h("summary", {}, t("live.log")), quiet, log));
}

/** What was opened stays open while the curves are drawn anew. */
function draw(charts, entries, steps) {
  const open = new Set([...charts.querySelectorAll("details[open]")].map((one) => one.dataset.kept));
  if (charts.contains(document.activeElement)) return;
  fill(charts, entries.length ? curves(entries, wayOf(entries, steps)) : null);
  for (const one of charts.querySelectorAll("details")) one.open = open.has(one.dataset.kept);
}

/** The steps in all: exact once an epoch is over, before that reckoned. */
function wayOf(entries, reckoned) {
  return reckoned ? Math.max(reckoned, entries.at(-1).step) : 0;
}

function progress(told, entries) {
  const step = entries.findLast((one) => "loss" in one);
  const look = entries.findLast((one) => "validation" in one);
  const first = entries.find((one) => "epoch" in one);
  const { epochs = 0, steps = 0 } = told.way;
  const total = first && epochs ? Math.round((first.step / first.epoch) * epochs) : steps;
  if (!step) return h("p.soft", {}, t(told.state === "starting" || told.state === "running" ? "live.beginning" : "live.nothing"));
  const epoch = total && epochs ? Math.min(epochs, Math.floor(((step.step - 1) / total) * epochs) + 1) : 0;
  const facts = [[t("live.step"), total ? t("live.of", { a: number(step.step), b: number(total) }) : number(step.step)],
    epochs && [t("live.epoch"), t("live.of", { a: epoch, b: epochs })], [t("curve.loss"), number(step.loss, 4)],
    [t("live.rate"), step.learning_rate.toExponential(2)], told.inside && [t("live.inside"), told.inside]];
  if (look) {
    const [name, value] = Object.entries(look.validation)[0];
    facts.push([t("live.validation", { score: scoreName(name) }), number(value, 3)]);
  }
  return [told.state === "running" && h("progress", { max: total || 1, value: Math.min(step.step, total || 1), "aria-label": t("live.progress") }),
    h("dl.facts", {}, facts.filter(Boolean).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))))];
}

function append(log, heard, text) {
  const below = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  heard.text = (heard.text + text).slice(-MOST_SAID);
  log.textContent = heard.text;
  if (below) log.scrollTop = log.scrollHeight;
}

function tellEvaluations(entries) {
  const look = entries.findLast((one) => "validation" in one);
  if (!look) return;
  const [name, value] = Object.entries(look.validation)[0];
  announce(t("live.look", { epoch: number(look.epoch), score: scoreName(name), value: number(value, 3) }));
}

/** A run: how it goes, what came of it, the model asked, and handed over. */

import { announce, fill, h } from "../dom.js";
import { begin, get, post } from "../ask.js";
import { handover } from "../parts/handover.js";
import { live } from "../parts/live.js";
import { result } from "../parts/result.js";
import { problems, slot, state } from "../parts/told.js";
import { trial } from "../parts/trial.js";
import { date, t } from "../words.js";

const TABS = ["progress", "result", "try", "handover"];
const AFTER = new Set(["result", "try", "handover"]);

export function run({ main, rest, signal }) {
  const [name, tab = ""] = rest;
  const page = { name, signal, head: h("div.stack"), tabs: h("nav.tabs", { "aria-label": t("run.parts") }), body: slot({ id: "part" }), trouble: slot(), state: "" };
  main.append(page.head, page.trouble.element, page.tabs, h("section.card", { "aria-label": t("run.part") }, page.body.element));
  begin(open(page, tab), (error) => page.trouble.show(problems(error)));
  return name;
}

async function open(page, tab) {
  const found = await get("/api/run", { run: page.name }, page.signal);
  const current = TABS.includes(tab) ? tab : found.state === "finished" ? "result" : "progress";
  tell(page, found, current);
  if (current === "progress") page.body.show(live(page.name, page.signal, (told) => follow(page, told)));
  else if (found.state !== "finished") page.body.show(h("p.soft", {}, t("run.later")));
  else page.body.show(await after(page, found, current));
}

async function after(page, found, current) {
  if (current === "result") return result(found);
  if (current === "try") return trial(page.name, page.signal);
  return handover(found, (await get("/api/choices", undefined, page.signal)).forms, page.signal);
}

/** The state as the folder has it now; at the end of the training the result is shown, where the page was watching. */
async function follow(page, told) {
  if (told.state === page.state) return;
  const before = page.state;
  page.state = told.state;
  const found = await get("/api/run", { run: page.name }, page.signal);
  tell(page, { ...found, state: told.state }, "progress");
  if (before) announce(t("run.now", { state: t(`state.${told.state}`) }));
  if (told.state === "finished" && ["running", "starting"].includes(before)) location.hash = `#/run/${encodeURIComponent(page.name)}/result`;
}

function tell(page, found, current) {
  page.state ||= found.state;
  const facts = [found.task && t(`task.${found.task}`), found.model, found.method, found.started && date(found.started)].filter(Boolean).join(" · ");
  fill(page.head, h("div.head", {}, h("h1", {}, page.name, " ", state(found.state)), h("div.row", {}, actions(page, found))),
    h("p.soft", {}, facts));
  const target = (tab) => `#/run/${encodeURIComponent(page.name)}/${tab}`;
  fill(page.tabs, TABS.filter((tab) => found.state === "finished" || !AFTER.has(tab)).map((tab) =>
    h("a", { href: target(tab), "aria-current": tab === current ? "page" : null }, t(`run.${tab}`))));
}

function actions(page, found) {
  const act = (path, key, said) => h("button", { type: "button", id: key, class: key === "resume" ? "primary" : "danger", onclick: async (event) => {
    event.target.disabled = true;
    try {
      await post(path, { run: page.name }, page.signal);
      page.trouble.show();
      announce(t(said));
    } catch (error) {
      event.target.disabled = false;
      page.trouble.show(problems(error));
    }
  } }, t(`run.${key}`));
  if (found.state === "running" || found.state === "starting") return act("/api/stop", "stop", "run.stopping");
  if (found.state === "unfinished") return act("/api/resume", "resume", "run.resuming");
  return null;
}

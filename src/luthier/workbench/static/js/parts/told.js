/** What is told in the same way everywhere: mistakes with their remedy, work that goes on, a command for the terminal. */

import { announce, fill, h, inline } from "../dom.js";
import { Mistake } from "../ask.js";
import { duration, t } from "../words.js";

/** A mistake: where, what, remedy. Anything else is a fault of the page's own. */
export function problems(error) {
  const told = error instanceof Mistake ? error.problems
    : [{ file: "", message: `${t("bug")} ${error}`, fix: t("failed.fix"), line: null, column: null }];
  if (!(error instanceof Mistake)) console.error(error);
  const stopped = told.every((one) => one.code === "interrupted");
  return h("div.note", { role: stopped ? "status" : "alert", class: stopped ? "mid" : "bad" }, told.map((one) => h("div", {},
    one.file && h("p.where", {}, [one.file, one.line, one.column].filter((part) => part !== null && part !== undefined).join(":")),
    h("p", {}, h("strong", {}, inline(one.message))),
    one.fix && h("p", {}, inline(t("fix", { fix: one.fix }))))));
}

/** Work that goes on, with the last that was said of it. */
export function busy(text, job = null, stop = null) {
  const last = job?.said?.trim().split("\n").at(-1) ?? "";
  return h("div.row", {},
    h("p.busyline", {}, text, job && job.seconds > 3 ? h("small", {}, duration(job.seconds)) : null),
    last && job.seconds > 3 && h("small.code", {}, last.slice(0, 100)),
    stop && h("button.quiet", { type: "button", onclick: stop }, t("stop")));
}

/** The same in a terminal, to be copied. */
export function command(text) {
  const copy = h("button.quiet", { type: "button", onclick: async () => {
    await navigator.clipboard.writeText(text);
    copy.textContent = t("copied");
    announce(t("copied"));
    setTimeout(() => { copy.textContent = t("copy"); }, 1500);
  } }, t("copy"));
  return h("div.command", {}, h("code", { tabindex: "0", role: "group", "aria-label": t("command") }, text), copy);
}

export const STATES = { running: "busy", starting: "busy", finished: "good", unfinished: "mid", failed: "bad" };

export const state = (name) => h("span.badge", { class: STATES[name] }, t(`state.${name}`));

/** A place that shows work while it goes and then what came of it. Work that was begun later wins. */
export function slot(attributes = {}) {
  const element = h("div.stack", attributes);
  let turn = 0;
  return {
    element,
    show: (...children) => { turn += 1; fill(element, ...children); },
    async run(work, waiting) {
      const mine = ++turn;
      const tell = (child) => { if (mine === turn) fill(element, child); };
      tell(busy(waiting));
      try {
        const done = await work(tell);
        if (mine === turn) fill(element, done);
      } catch (error) {
        if (error.name !== "AbortError" && mine === turn) fill(element, problems(error));
      }
    },
  };
}

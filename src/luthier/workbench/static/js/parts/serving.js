/** Where models answer: the servers that were started from the page. */

import { announce, fill, h } from "../dom.js";
import { Mistake, every, get, post } from "../ask.js";
import { busy, command, problems } from "./told.js";
import { t } from "../words.js";

const EVERY = 2000;

/** All servers, or those of a run; the section is there only while there are any. */
export function servers(signal, run = null) {
  const list = h("div.stack");
  const section = h(run === null ? "section.card" : "div.stack", { hidden: true, "aria-labelledby": "servers" },
    h("h2", { id: "servers" }, t("serve.title")), list);
  let before = "";
  const refresh = async () => {
    const all = await get("/api/servers", undefined, signal);
    const shown = all.filter((one) => run === null || one.run === run).filter((one) => one.state === "running" || one.state === "failed");
    const now = JSON.stringify(shown.map(({ id, state, ready, address }) => [id, state, ready, address]));
    section.hidden = shown.length === 0;
    if (now === before) return;
    before = now;
    fill(list, shown.map((one) => server(one, refresh)));
    if (shown.some((one) => one.ready)) announce(t("serve.ready"));
  };
  section.refresh = refresh;
  every(EVERY, refresh, signal, (error) => { if (!error) before = ""; });  // the page around it says what fails
  return section;
}

function server(one, refresh) {
  if (one.state === "failed") return problems(new Mistake(one.problems));
  const stop = h("button.danger", { type: "button", "aria-label": `${t("serve.stop")}: ${one.run}`, onclick: async () => {
    await post(`/api/jobs/${one.id}/stop`, {});
    announce(t("serve.stopped"));
    await refresh();
  } }, t("serve.stop"));
  if (!one.ready) return h("div.row", {}, busy(t("serve.starting", { run: one.run })), stop);
  return h("div.stack", { class: "server" },
    h("div.row", {}, h("span.badge.good", {}, t("serve.answers")), h("strong", {}, one.run), h("span.code.address", {}, one.address), h("span.push", {}, stop)),
    command(`curl -s ${one.address}/predict -H 'content-type: application/json' -d '{"inputs": ["…"]}'`));
}

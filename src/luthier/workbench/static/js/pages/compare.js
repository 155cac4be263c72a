/** Which run is better, and is the difference real? */

import { announce, h } from "../dom.js";
import { follow, post } from "../ask.js";
import { busy, slot } from "../parts/told.js";
import { t } from "../words.js";

export function compare({ main, query, signal }) {
  const runs = query.getAll("run");
  const told = slot();
  main.append(h("h1", {}, t("compare.title")), h("p", {}, runs.map((run, i) => [i ? " · " : "", h("a", { href: `#/run/${encodeURIComponent(run)}` }, run)])),
    h("section.card", {}, told.element));
  told.run(async (tell) => {
    const job = await follow(await post("/api/compare", { runs }, signal), (job) => tell(busy(t("compare.running"), job)), signal);
    const verdict = job.result.verdict;
    const address = `/comparison?id=${job.id}`;
    announce(verdict.sentence);
    return [h("p.note.verdict", { class: verdict.sure ? "good" : "mid" }, verdict.sentence),
      h("iframe.paper", { src: address, title: t("compare.page") }),
      h("p", {}, h("a", { href: address, target: "_blank", rel: "noopener" }, t("report.alone")))];
  }, t("compare.running"));
  return t("compare.title");
}

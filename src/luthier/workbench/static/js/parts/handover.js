/** A finished run in another form, held against itself, and as a server. */

import { announce, field, fill, h, inline, table } from "../dom.js";
import { begin, follow, get, post } from "../ask.js";
import { servers } from "./serving.js";
import { busy, command, problems, slot } from "./told.js";
import { bytes, has, number, t } from "../words.js";

export function handover(run, forms, signal) {
  const told = slot({ id: "exported" }), made = h("div.stack"), running = servers(signal, run.name), failed = slot();
  const serve = async (form) => {
    try {
      await post("/api/serve", { run: run.name, form }, signal);
      announce(t("serve.starting", { run: run.name }));
      failed.show();
      await running.refresh();
    } catch (error) { if (error.name !== "AbortError") failed.show(problems(error)); }
  };
  const refresh = async () => {
    const exports = await get("/api/exports", { run: run.name }, signal);
    const going = exports.jobs.find((job) => job.state === "running");
    fill(made, exports.made.map((one) => exported(one, () => serve(one.format))));
    if (going) watch(going);
  };
  const watch = (job) => told.run(async (tell) => {
    const done = await follow(job, (now) => tell(busy(t("export.running"), now)), signal);
    await refresh();
    announce(done.result.gate.sentence);
    return done.result.passed ? null : h("p.note.bad", { role: "alert" }, done.result.gate.sentence);
  }, t("export.running"));
  begin(refresh(), (error) => fill(made, problems(error)));
  return h("div.stack", {},
    h("h2", {}, t("export.title")), h("p.soft", {}, t("export.hint")), chooser(run, forms, watch, told), told.element, made,
    h("h2", {}, t("serve.do")), h("p.soft", {}, inline(t("serve.hint"))),
    h("div.row", {}, h("button.primary", { type: "button", id: "serve", onclick: () => serve("") }, t("serve.start"))), failed.element, running,
    h("details", {}, h("summary", {}, t("handover.terminal")), h("div.stack", {}, command(`luthier predict ${run.run} FILE -o answers.csv`), command(`luthier serve ${run.run}`))));
}

function chooser(run, forms, watch, told) {
  const select = h("select", { id: "form" }, forms.map((name) => h("option", { value: name }, has(`form.${name}`) ? t(`form.${name}`) : name)));
  const start = async (event) => {
    event.preventDefault();
    try { watch(await post("/api/export", { run: run.name, form: select.value })); } catch (error) { told.show(problems(error)); }
  };
  return h("form.path", { onsubmit: start }, field(t("export.form"), select), h("button.primary", { type: "submit", id: "export" }, t("export.start")));
}

function exported(one, serve) {
  const time = (seconds) => t("milliseconds", { n: number(1000 * seconds, 1) });
  const row = (title, name, to) => [{ cell: title, head: true }, { cell: to(one[name].original), class: "n" }, { cell: to(one[name].exported), class: "n" }];
  return h("div.stack.note.good", { class: "export" },
    h("div.row", {}, h("strong", {}, has(`form.${one.format}`) ? t(`form.${one.format}`) : one.format), h("span.code", {}, one.folder)),
    h("p", {}, one.gate.sentence),
    table(["", { text: t("export.original"), class: "n" }, { text: t("export.exported"), class: "n" }],
      [row(t("export.time"), "seconds_one_text", time), row(t("export.size"), "bytes", bytes)], { caption: one.format }),
    h("div", {}, h("button", { type: "button", onclick: serve }, t("serve.this"))));
}

/** The model asked from the page: a question, its answer, and why. */

import { announce, field, fill, h, inline } from "../dom.js";
import { begin, get, post } from "../ask.js";
import { answered, inWords, reasons } from "./answers.js";
import { problems, slot } from "./told.js";
import { has, t } from "../words.js";

export function trial(run, signal) {
  const place = h("div.stack"), told = slot({ id: "answer" });
  begin(get("/api/fields", { run }, signal).then((asked) => fill(place, form(run, asked, told, signal))), (error) => fill(place, problems(error)));
  return h("div.stack", {}, h("p.soft", {}, inline(t("try.hint"))), place, told.element);
}

function form(run, { fields, explains }, told, signal) {
  const why = h("input", { type: "checkbox", id: "why", checked: explains });
  const controls = fields.map(({ name, required }) => [name, h("textarea", { rows: fields.length > 1 ? "2" : "4", name, required, "aria-required": required ? "true" : null,
    onkeydown: (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.target.form.requestSubmit(); } })]);
  const ask = (event) => {
    event.preventDefault();
    const given = Object.fromEntries(controls.map(([name, control]) => [name, control.value]));
    told.run(async () => {
      const reply = await post("/api/predict", { run, given, why: explains && why.checked }, signal);
      announce(inWords(reply.answer));
      return h("div.stack", {}, answered(reply, Object.values(given)[0]), reply.why && reasons(reply.why));
    }, t("try.asking"));
  };
  const title = (name) => (has(`role.${name}`) ? t(`role.${name}`) : name);
  return h("form.stack", { onsubmit: ask }, controls.map(([name, control]) => field(title(name), control)),
    h("div.row", {}, h("button.primary", { type: "submit", id: "ask" }, t("try.ask")), h("small", {}, t("try.keys")),
      explains && h("label.row", { class: "push" }, why, t("try.why"))));
}

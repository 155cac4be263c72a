/** The settings of a run as the page has them: read from the address, written back to it, shown as controls. */

import { field, h } from "../dom.js";
import { has, t } from "../words.js";

/** From the part of the address behind ?; c.label=intent is the column of the label. */
export function settingsIn(query) {
  const columns = {};
  for (const [key, value] of query) if (key.startsWith("c.")) columns[key.slice(2)] = value;
  return {
    data: query.get("data") ?? "", task: query.get("task") ?? "", model: query.get("model") ?? "", columns,
    strategies: (query.get("strategies") ?? "").split(",").filter(Boolean),
    epochs: query.get("epochs") ? Number(query.get("epochs")) : null,
    more: (query.get("more") ?? "").split("\n").map((line) => line.trim()).filter(Boolean),
  };
}

export function keptInAddress(asked) {
  const query = new URLSearchParams({ data: asked.data });
  const put = (key, value) => { if (value) query.set(key, value); };
  put("task", asked.task);
  put("model", asked.model);
  for (const [ours, theirs] of Object.entries(asked.columns)) put(`c.${ours}`, theirs);
  put("strategies", asked.strategies.join(","));
  put("epochs", asked.epochs);
  put("more", asked.more.join("\n"));
  history.replaceState(null, "", `#/new?${query}`);
}

const option = (value, text, chosen) => h("option", { value, selected: value === chosen }, text);
const title = (kind, name) => (has(`${kind}.${name}`) ? t(`${kind}.${name}`) : name);

export function taskChoice(choices, asked, changed) {
  const select = h("select", { id: "task", onchange: () => changed({ ...asked(), task: select.value, columns: {} }) },
    option("", t("auto.task"), asked().task), choices.tasks.map((one) => option(one.name, title("task", one.name), asked().task)));
  return field(t("choose.task"), select);
}

/** Which of the file's columns is what. roles: of the task, or as they were recognised. */
export function columnChoices(roles, columns, found, asked, changed) {
  return roles.map((role) => {
    const guessed = found[role] ? t("auto.column", { column: found[role] }) : t("auto");
    const select = h("select", { id: `column-${role}`, onchange: () => changed({ ...asked(), columns: { ...asked().columns, [role]: select.value } }) },
      option("", guessed, asked().columns[role] ?? ""), columns.map((name) => option(name, name, asked().columns[role])));
    return field(t("choose.column", { role: title("role", role) }), select);
  });
}

export function modelChoice(choices, asked, changed) {
  const here = h("datalist", { id: "models" }, choices.models.map((name) => h("option", { value: name })));
  const input = h("input", { type: "text", list: "models", autocomplete: "off", spellcheck: "false", value: asked().model,
    placeholder: t("auto.model"), onchange: () => changed({ ...asked(), model: input.value.trim() }) });
  return h("div", {}, field(t("choose.model"), input, t("choose.model.hint", { count: choices.models.length })), here);
}

/** One way of tuning, or several that are compared on the same rows. */
export function strategyChoice(choices, asked, changed) {
  const several = asked().strategies.length > 1;
  const group = h("fieldset", { id: "strategy" });
  const draw = (many) => {
    const boxes = choices.strategies.map((name) => {
      const on = asked().strategies.includes(name) || (!asked().strategies.length && !many && name === "full");
      const input = h("input", { type: many ? "checkbox" : "radio", name: "strategy", value: name, checked: on, onchange: () => read(many) });
      return h("label.choice", {}, input, h("span", {}, h("strong", {}, title("strategy", name)),
        has(`strategy.${name}.why`) && h("span", {}, t(`strategy.${name}.why`))));
    });
    const usual = boxes.slice(0, choices.usual);
    const chosen = boxes.slice(choices.usual).some((box) => box.querySelector("input").checked);
    group.replaceChildren(h("legend", {}, t("choose.strategy")), h("div.choices", {}, usual),
      h("details", { open: chosen }, h("summary", {}, t("choose.strategy.more")), h("div.choices", {}, boxes.slice(choices.usual))));
  };
  const read = (many) => {
    const strategies = [...group.querySelectorAll("input:checked")].map((input) => input.value);
    changed({ ...asked(), strategies: !many && strategies[0] === "full" ? [] : strategies });
  };
  const many = h("input", { type: "checkbox", checked: several, onchange: () => { draw(many.checked); read(many.checked); } });
  draw(several);
  return h("div.stack", {}, group, h("label.row", {}, many, t("choose.several")));
}

export function furtherChoices(asked, changed) {
  const epochs = h("input", { type: "number", min: "1", step: "1", value: asked().epochs ?? "", placeholder: t("auto"),
    onchange: () => changed({ ...asked(), epochs: epochs.value ? Math.max(1, Math.round(Number(epochs.value))) : null }) });
  const more = h("textarea.code", { rows: "3", spellcheck: "false", placeholder: "train.batch_size=16\nbalance=weighted_loss",
    onchange: () => changed({ ...asked(), more: more.value.split("\n").map((line) => line.trim()).filter(Boolean) }) });
  more.value = asked().more.join("\n");
  return h("div.columns", {}, field(t("choose.epochs"), epochs, t("choose.epochs.hint")),
    h("details", { open: asked().more.length > 0 }, h("summary", {}, t("choose.more")), field(t("choose.more.label"), more, t("choose.more.hint"))));
}

/** Where a file comes in: dropped, chosen, named by its path, or one of those that Luthier brings along. */

import { announce, h, svg } from "../dom.js";
import { post, upload } from "../ask.js";
import { slot } from "./told.js";
import { t } from "../words.js";

export const newRun = (data, settings = {}) => { location.hash = `#/new?${new URLSearchParams({ data, ...settings })}`; };

export function drop() {
  const told = slot();
  const take = (file) => told.run(async () => {
    announce(t("drop.reading", { name: file.name }));
    newRun((await upload(file)).data);
    return null;
  }, t("drop.reading", { name: file.name }));
  const chooser = h("input.unseen", { type: "file", id: "file", tabindex: "-1", "aria-label": t("drop.choose"),
    onchange: () => chooser.files.length && take(chooser.files[0]) });
  const path = h("input", { type: "text", id: "path", autocomplete: "off", spellcheck: "false", placeholder: "data/tickets.csv" });
  const area = h("div.drop", {
    ondragover: (event) => { event.preventDefault(); area.classList.add("over"); },
    ondragleave: () => area.classList.remove("over"),
    ondrop: (event) => {
      event.preventDefault();
      area.classList.remove("over");
      if (event.dataTransfer.files.length) take(event.dataTransfer.files[0]);
    },
  },
  svg("svg", { viewBox: "0 0 24 24", width: 36, height: 36, "aria-hidden": "true" },
    svg("path", { d: "M12 15V4M7.5 8.5 12 4l4.5 4.5M4 15v3.5A1.5 1.5 0 0 0 5.5 20h13a1.5 1.5 0 0 0 1.5-1.5V15",
      fill: "none", stroke: "currentColor", "stroke-width": 1.6, "stroke-linecap": "round", "stroke-linejoin": "round" })),
  h("strong", {}, t("drop.here")),
  h("p.hint", {}, t("drop.kinds")),
  h("button.primary", { type: "button", onclick: () => chooser.click() }, t("drop.choose")), chooser);
  const named = h("form.path", { onsubmit: (event) => { event.preventDefault(); if (path.value.trim()) newRun(path.value.trim()); } },
    h("div", {}, h("label", { for: "path" }, t("drop.path")), path), h("button", { type: "submit" }, t("drop.open")));
  const sample = (index) => told.run(async () => {
    const { data, label } = (await post("/api/samples", {}))[index];
    newRun(data, { "c.label": label });
    return null;
  }, t("working"));
  return h("div.stack", {}, area, told.element, h("div.columns", {}, named,
    h("div", {}, h("p.label", {}, t("drop.samples")), h("div.row", {},
      h("button", { type: "button", onclick: () => sample(0) }, t("drop.sample.en")),
      h("button", { type: "button", onclick: () => sample(1) }, t("drop.sample.zh"))))));
}

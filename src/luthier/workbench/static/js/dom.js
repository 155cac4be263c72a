/** Elements without a framework, and without text ever becoming markup. */

/** h("button.primary", {onclick, "aria-label": …}, "text", child): an element. Attributes that are null or false are
    left out; on… are listeners; children that are null are too. */
export function h(what, attributes = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = [element.className, value].filter(Boolean).join(" ");
    else if (["value", "checked", "disabled", "selected", "indeterminate", "open"].includes(name)) element[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

export function svg(what, attributes = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const element = document.createElementNS(SVG, tag);
  if (classes.length) element.setAttribute("class", classes.join(" "));
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children.filter((child) => child !== null));
  return element;
}

export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** A text in which `backticks` stand around code. */
export function inline(text) {
  return text.split("`").map((part, i) => (i % 2 ? h("code", {}, part) : part));
}

let last = "";

/** Says something to who cannot see the page; the same twice in a row is said once. */
export function announce(text) {
  if (text === last) return;
  last = text;
  document.getElementById("status").textContent = text;
}

let ids = 0;

/** A control with its visible label and, if given, a hint that belongs to it. */
export function field(label, control, hint = null) {
  const id = control.id || `field-${++ids}`;
  control.id = id;
  if (hint) control.setAttribute("aria-describedby", `${id}-hint`);
  return h("div", {}, h("label", { for: id }, label), control, hint && h("p.hint", { id: `${id}-hint` }, inline(hint)));
}

/** headers: texts, or {text, class}. rows: lists of cells, each a text, an element or {cell, class, head}. */
export function table(headers, rows, { caption, stacked = false, classes = "" } = {}) {
  const cell = (one, scope) => {
    const told = one !== null && typeof one === "object" && !(one instanceof Node) ? one : { cell: one };
    const head = told.head || scope === "col";
    return h(head ? "th" : "td", { class: told.class, scope: head ? scope : null }, told.cell ?? told.text ?? "");
  };
  return h("div.wide", { tabindex: "0", role: "region", "aria-label": caption },
    h("table", { class: [stacked ? "stacked" : "", classes].filter(Boolean).join(" ") || null },
      h("caption.unseen", {}, caption),
      headers && h("thead", {}, h("tr", {}, headers.map((one) => cell(one, "col")))),
      h("tbody", {}, rows.map((row) => {
        const { cells, ...attributes } = Array.isArray(row) ? { cells: row } : row;
        return h("tr", attributes, cells.map((one) => cell(one, "row")));
      }))));
}

/** Asks before something that cannot be undone. Resolves to whether it was confirmed. */
export function confirmed(question, yes, no) {
  return new Promise((resolve) => {
    const dialog = h("dialog", { "aria-labelledby": "asked" },
      h("h2", { id: "asked" }, question),
      h("div.row", {}, h("button", { type: "button", onclick: () => dialog.close("") }, no),
        h("button.danger", { type: "button", onclick: () => dialog.close("yes") }, yes)));
    dialog.addEventListener("close", () => { resolve(dialog.returnValue === "yes"); dialog.remove(); });
    document.body.append(dialog);
    dialog.showModal();
  });
}

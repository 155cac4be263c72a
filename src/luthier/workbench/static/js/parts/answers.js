/** Answers in the shapes that Hugging Face pipelines have, told by their shape. */

import { h } from "../dom.js";
import { number, share, t } from "../words.js";

/** reply: {answer, ranked}. text: that was asked about. */
export function answered(reply, text) {
  const { answer, ranked } = reply;
  if (Array.isArray(answer) && answer.every((one) => "entity_group" in Object(one))) return entities(answer, text);
  if (isScored(ranked)) return labels(answer, ranked);
  return one(answer, text);
}

const isScored = (list) => Array.isArray(list) && list.length > 0 && list.every((one) => "score" in Object(one) && ("label" in one || "answer" in one || "token_str" in one));
const titleOf = (one) => one.label ?? one.answer ?? one.token_str;

function one(answer, text) {
  if (Array.isArray(answer) && answer.every((value) => typeof value === "number")) return h("p.answer", {}, t("answer.vector", { count: answer.length }));
  if (answer === null || typeof answer !== "object") return h("p.answer", {}, String(answer));
  if ("generated_text" in answer) return h("p.written", {}, answer.generated_text);
  if ("score" in answer && Object.keys(answer).length <= 2 && !("label" in answer)) return h("p.answer", {}, number(answer.score, 3));
  if (Object.values(answer).some((value) => value !== null && typeof value === "object")) {
    return h("div.stack", {}, Object.entries(answer).map(([name, value]) => h("div.stack", {}, h("h2", {}, name),
      answered({ answer: value, ranked: Array.isArray(value) ? value : value && [value] }, text))));
  }
  return h("p.answer", {}, inWords(answer));
}

function labels(answer, ranked) {
  const said = Array.isArray(answer) ? answer : [answer];
  return [h("p.answer", {}, said.length ? said.map((each) => titleOf(each) || t("answer.none")).join(", ") : t("answer.none")),
    h("ul.bars", { "aria-label": t("answer.ranked") }, ranked.map((each) => h("li", {}, h("span.label", {}, titleOf(each) || t("answer.none")),
      h("progress", { max: "1", value: each.score, "aria-hidden": "true" }), h("span.n", {}, share(each.score, 1)))))];
}

/** The text with what was found in it; the type stands beside each, so that colour is not needed. */
function entities(found, text) {
  const parts = [];
  const letters = [...text];  // places are counted in characters, as Python does
  let at = 0;
  for (const each of found) {
    parts.push(letters.slice(at, each.start).join(""), h("mark", {}, letters.slice(each.start, each.end).join(""), h("small", {}, each.entity_group)));
    at = each.end;
  }
  return h("p.marked", {}, ...parts, letters.slice(at).join(""));
}

export function inWords(answer) {
  if (Array.isArray(answer)) return answer.length > 20 ? t("answer.vector", { count: answer.length }) : answer.map(inWords).join(", ") || t("answer.none");
  if (answer === null || typeof answer !== "object") return String(answer);
  if ("generated_text" in answer) return answer.generated_text;
  if ("entity_group" in answer) return `${answer.word} (${answer.entity_group})`;
  const title = titleOf(answer);
  if (title !== undefined) return `${title || t("answer.none")} ${share(answer.score, 1)}`;
  return Object.entries(answer).map(([name, value]) => `${name}: ${inWords(value)}`).join("; ");
}

const policy = globalThis.trustedTypes?.createPolicy("explanation", { createHTML: (html) => html });

/** The piece of a page that the server makes of an explanation: texts are escaped in it, and it runs nothing. */
export function reasons(html) {
  const piece = h("div.stack");
  piece.innerHTML = policy ? policy.createHTML(html) : html;
  return h("section.stack", {}, h("h2", {}, t("try.reasons")), piece, h("small", {}, t("try.reasons.hint")));
}

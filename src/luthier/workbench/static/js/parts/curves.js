/** Curves of a training, as vector graphics; for who cannot see them the last values in words and a table. */

import { h, svg, table } from "../dom.js";
import { number, scoreName, t } from "../words.js";

const WIDTH = 480, HEIGHT = 220, LEFT = 46, RIGHT = 10, TOP = 10, BOTTOM = 26;
const SMOOTH = 0.9;

/** entries: of metrics.jsonl. steps: how many there will be at most, 0 where that is not known. */
export function curves(entries, steps) {
  const losses = entries.filter((one) => "loss" in one).map((one) => [one.step, one.loss]);
  const looks = entries.filter((one) => "validation" in one);
  const names = Object.keys(looks.at(-1)?.validation ?? {});
  const main = names.find((name) => name !== "loss");
  const last = Math.max(steps, losses.at(-1)?.[0] ?? 1);
  return [lossCurve(losses, points(looks, "loss"), last), main ? scoreCurve(looks, main, last) : null];
}

const points = (looks, name) => looks.filter((one) => Number.isFinite(one.validation[name])).map((one) => [one.step, one.validation[name]]);

/** A mean that forgets, without the bias of its beginning (Adam's correction). */
function smoothed(series) {
  let mean = 0;
  return series.map(([step, value], i) => {
    mean = SMOOTH * mean + (1 - SMOOTH) * value;
    return [step, mean / (1 - SMOOTH ** (i + 1))];
  });
}

function lossCurve(raw, validation, last) {
  const usable = raw.filter(([, value]) => Number.isFinite(value));
  const mean = smoothed(usable);
  const scale = scales([...usable, ...validation], last, false);
  const keys = h("span.key", {}, h("span", {}, t("curve.training")), validation.length > 0 && h("span.second", {}, t("curve.validation")));
  const said = usable.length ? t("curve.loss.said", { step: usable.at(-1)[0], loss: number(mean.at(-1)[1], 3) }) : t("curve.none");
  return figure(t("curve.loss"), said, keys, scale, [
    path(usable, scale, "path.raw"), path(mean, scale, "path.line"), path(validation, scale, "path.line.second"), ...dots(validation, scale, "circle.second"),
  ], validation.length ? rows(validation, t("curve.validation")) : null);
}

function scoreCurve(looks, name, last) {
  const series = points(looks, name);
  const scale = scales(series, last, true);
  const best = series.reduce((top, one) => (one[1] > (top?.[1] ?? -Infinity) ? one : top), null);
  const said = series.length ? t("curve.score.said", { score: scoreName(name), value: number(series.at(-1)[1], 3), step: series.at(-1)[0] }) : t("curve.none");
  return figure(t("curve.score", { score: scoreName(name) }), said, null, scale,
    [path(series, scale, "path.line"), ...dots(series, scale, "circle", best)], rows(series, scoreName(name)));
}

function scales(series, last, fromZero) {
  const values = series.map(([, value]) => value);
  let low = values.length ? Math.min(...values) : 0, high = values.length ? Math.max(...values) : 1;
  if (fromZero && low >= 0 && high <= 1) { low = 0; high = 1; }
  else { low = Math.min(low, low >= 0 ? 0 : low); if (high === low) high = low + 1; }
  const x = (step) => LEFT + (WIDTH - LEFT - RIGHT) * (step / last);
  const y = (value) => HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * ((value - low) / (high - low));
  return { x, y, low, high, last };
}

function path(series, scale, what) {
  if (series.length < 2) return null;
  return svg(what, { d: series.map(([step, value], i) => `${i ? "L" : "M"}${scale.x(step).toFixed(1)} ${scale.y(value).toFixed(1)}`).join("") });
}

const dots = (series, scale, what, best = null) => series.slice(-200).map((one) =>
  svg(one === best ? "circle.best" : what, { cx: scale.x(one[0]).toFixed(1), cy: scale.y(one[1]).toFixed(1), r: one === best ? 4.5 : 3 }));

function figure(title, said, keys, scale, drawn, data) {
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => scale.low + part * (scale.high - scale.low));
  const digits = scale.high - scale.low < 0.2 ? 3 : 2;
  const grid = ticks.flatMap((value) => [
    svg("line.grid", { x1: LEFT, x2: WIDTH - RIGHT, y1: scale.y(value), y2: scale.y(value) }),
    svg("text", { x: LEFT - 6, y: scale.y(value) + 4, "text-anchor": "end" }, number(value, digits)),
  ]);
  const steps = [...new Set([0, 0.5, 1].map((part) => Math.round(part * scale.last)))];
  const axis = steps.map((step) => svg("text", { x: scale.x(step), y: HEIGHT - 6, "text-anchor": step === 0 ? "start" : step === scale.last ? "end" : "middle" }, number(step)));
  return h("figure", {}, h("figcaption", {}, h("span", {}, title), keys),
    svg("svg.chart", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${title}: ${said}` }, ...grid, ...axis, ...drawn),
    h("small", {}, said), data);
}

function rows(series, name) {
  const told = series.slice(-50).map(([step, value]) => [{ cell: number(step), head: true }, { cell: number(value, 4), class: "n" }]);
  return h("details", { "data-kept": name }, h("summary", {}, t("curve.numbers")), table([t("curve.step"), { text: name, class: "n" }], told, { caption: name }));
}

/** What can be asked of a page that is shown. The last line calls one of these. */

/** Controls and pictures that have no name for who cannot see them. */
function nameless() {
  const shown = (e) => e.checkVisibility({ visibilityProperty: true });
  const name = (e) => e.getAttribute("aria-label") || (e.labels && [...e.labels].map((l) => l.innerText).join(" ").trim())
    || (e.getAttribute("aria-labelledby") || "").split(" ").map((id) => document.getElementById(id)?.innerText ?? "").join("")
    || e.innerText.trim() || e.getAttribute("title");
  const wanted = "button, a[href], input, select, textarea, iframe, [role=img], [role=region], [role=log], progress:not([aria-hidden])";
  return [...document.querySelectorAll(wanted)].filter((e) => shown(e) && !name(e)).map((e) => e.outerHTML.slice(0, 120));
}

/** Headings, ids, tables and widths that are not as they should be. */
function untidy() {
  const wrong = [];
  const levels = [...document.querySelectorAll("h1, h2, h3")].filter((e) => e.checkVisibility()).map((e) => Number(e.tagName[1]));
  if (levels.filter((l) => l === 1).length !== 1) wrong.push(`h1: ${levels}`);
  levels.forEach((level, i) => { if (i && level > levels[i - 1] + 1) wrong.push(`a heading is left out: ${levels}`); });
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  wrong.push(...ids.filter((id, i) => ids.indexOf(id) !== i).map((id) => `twice: ${id}`));
  if (!document.documentElement.lang) wrong.push("no language");
  for (const table of document.querySelectorAll("table")) if (!table.caption) wrong.push("a table without a caption");
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (wide > 0) wrong.push(`${wide} pixels too wide`);
  return wrong;
}

/** Text that stands out less than 4.5 to 1 from what is behind it (WCAG 2.1, 1.4.3). */
function faint() {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255]; };
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c[3] > 0.99) return c; } return [255, 255, 255]; };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const faint = new Set();
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !e.checkVisibility({ opacityProperty: true }) || e.closest("[aria-disabled=true], :disabled, .unseen, svg, option, noscript")) continue;
    const [a, b] = [light(rgb(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) faint.add(`${ratio.toFixed(2)} ${e.tagName}.${e.className} ${walker.currentNode.data.trim().slice(0, 30)}`);
  }
  return [...faint];
}

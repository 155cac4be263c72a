/** Which page is shown: by the part of the address behind #, so that a reload and a second window show the same. */

import { announce, fill, h } from "./dom.js";
import { home } from "./pages/home.js";
import { fresh } from "./pages/fresh.js";
import { run } from "./pages/run.js";
import { compare } from "./pages/compare.js";
import { keep, language, speak, t } from "./words.js";

const PAGES = { "": home, new: fresh, run, compare };
let leave = new AbortController();

/** name: of the page. rest: what stands behind it. query: after ?. */
function place() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...rest] = path.split("/").map(decodeURIComponent);
  return { name, rest, query: new URLSearchParams(query) };
}

function frame(name) {
  const other = language() === "zh" ? "en" : "zh";
  const button = document.getElementById("language");
  button.textContent = other === "zh" ? "中文" : "English";
  button.lang = other;
  button.onclick = async () => { keep(other); await speak(other); show(); button.focus(); };
  document.getElementById("skip").textContent = t("skip");
  const link = (target, key, current) => h("a", { href: target, "aria-current": current ? "page" : null }, t(key));
  const nav = document.getElementById("nav");
  nav.setAttribute("aria-label", t("nav"));
  fill(nav, link("#/", "nav.home", name === "" || name === "run" || name === "compare"), link("#/new", "nav.new", name === "new"));
}

function show() {
  leave.abort();
  leave = new AbortController();
  const { name, rest, query } = place();
  frame(name);
  const main = document.getElementById("main");
  fill(main);
  const page = PAGES[name] ?? home;
  document.title = `${page({ main, rest, query, signal: leave.signal })} – Luthier`;
}

/** A key that came with the address is in a cookie by now, and need not be seen. */
if (location.search.includes("token=")) history.replaceState(null, "", location.pathname + location.hash);
await speak();
window.addEventListener("hashchange", (event) => {
  const before = new URL(event.oldURL).hash.split("?")[0];
  show();
  if (before !== location.hash.split("?")[0]) {
    document.getElementById("main").focus({ preventScroll: true });
    scrollTo(0, 0);
    announce(document.title);
  }
});
document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  document.getElementById("main").focus();
});
show();

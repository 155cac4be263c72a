/** Questions to this page's own server, and commands that it runs for the page. */

import { language, t } from "./words.js";

/** What can be mended: problems as [{file, line, column, code, message, fix}]. */
export class Mistake extends Error {
  constructor(problems) {
    super(problems.map((problem) => problem.message).join("; "));
    this.problems = problems;
  }
}

const plain = (message, fix) => new Mistake([{ file: "", line: null, column: null, code: "", message, fix }]);

async function ask(method, path, { body, query, signal, raw = false } = {}) {
  const address = query ? `${path}?${new URLSearchParams(query)}` : path;
  const headers = { "x-luthier-language": language() };
  if (body !== undefined && !raw) headers["content-type"] = "application/json";
  let reply;
  try {
    reply = await fetch(address, { method, headers, signal, body: body === undefined ? undefined : raw ? body : JSON.stringify(body) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw plain(t("gone"), t("gone.fix"));
  }
  if (reply.ok) return reply.json();
  const told = await reply.json().catch(() => ({}));
  if (told.problems) throw new Mistake(told.problems);
  if (reply.status === 401) throw plain(t("locked"), t("locked.fix"));
  throw plain(told.error?.message ?? t("failed", { status: reply.status }), t("failed.fix"));
}

export const get = (path, query, signal) => ask("GET", path, { query, signal });
export const post = (path, body, signal) => ask("POST", path, { body, signal });
export const upload = (file) => ask("PUT", "/api/uploads", { query: { name: file.name }, body: file, raw: true });

const pause = (milliseconds, signal) => new Promise((resolve, reject) => {
  const timer = setTimeout(resolve, milliseconds);
  signal?.addEventListener("abort", () => { clearTimeout(timer); reject(new DOMException("", "AbortError")); }, { once: true });
});

/** A command to its end. tell: hears of it while it goes. Resolves to the job; rejects with a Mistake where it failed. */
export async function follow(job, tell, signal) {
  while (job.state === "running") {
    tell?.(job);
    await pause(600, signal);
    job = await get(`/api/jobs/${job.id}`, undefined, signal);
  }
  if (job.state === "failed") throw new Mistake(job.problems);
  return job;
}

/** Calls again and again, until the page is left; more rarely while nobody looks. A server that does not answer may
    come back: troubled hears of what fails, and null when all is well again. */
export function every(milliseconds, call, signal, troubled) {
  let failing = false;
  const go = async () => {
    while (!signal.aborted) {
      try {
        await call();
        if (failing) troubled(null);
        failing = false;
      } catch (error) {
        if (error.name === "AbortError") throw error;
        if (!failing) troubled(error);
        failing = true;
      }
      await pause(document.hidden || failing ? 5 * milliseconds : milliseconds, signal);
    }
  };
  begin(go(), troubled);
}

/** Runs what belongs to a page; that it was left is no failure. */
export function begin(work, failed) {
  work.catch((error) => { if (error.name !== "AbortError") failed(error); });
}

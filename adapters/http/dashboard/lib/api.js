/** Requests to the service: the key goes along, a problem becomes an ApiError, a missing answer is told to the connection. */

import { connection } from "./connection.js";
import { EventParser } from "./sse.js";

/** Where the service lives, also below a prefix: this file is <service>/dashboard/lib/api.js. */
export const ROOT = new URL("../../", import.meta.url);
const KEY = "grpo-key";
const LONGEST_WAIT = 10_000;

/** What the service refused, in its own words. */
export class ApiError extends Error {
  constructor(status, problem) {
    super(problem.detail ?? `HTTP ${status}`);
    this.status = status;
    this.code = problem.code ?? "";
    /** @type {{field: string, message: string}[]} */
    this.errors = problem.errors ?? [];
  }
}

/** No answer came. */
export class ConnectionLost extends Error {}

export const key = {
  get: () => sessionStorage.getItem(KEY),
  set: (value) => (value ? sessionStorage.setItem(KEY, value) : sessionStorage.removeItem(KEY)),
  /** Set by the key dialog: asks for a key, resolves to whether one was given. @type {(wrong: boolean) => Promise<boolean>} */
  ask: async () => false,
};

/**
 * @param {string} path below the service, without a slash in front
 * @param {RequestInit} [options]
 * @returns {Promise<Response>} with a status below 400
 */
export async function request(path, options = {}) {
  for (;;) {
    const used = key.get();
    const response = await answer(path, options, used);
    if (response.status === 401 && (key.get() !== used || (await key.ask(used !== null)))) continue;
    if (response.status < 400) return response;
    throw new ApiError(response.status, await problem(response));
  }
}

async function answer(path, options, used) {
  const headers = { ...options.headers, ...(used ? { Authorization: `Bearer ${used}` } : {}) };
  try {
    const response = await fetch(new URL(path, ROOT), { cache: "no-cache", ...options, headers });
    connection.succeed();
    return response;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    connection.fail(isAlive);
    throw new ConnectionLost(error.message);
  }
}

async function isAlive() {
  try {
    return (await fetch(new URL("health/live", ROOT), { cache: "no-store" })).ok;
  } catch {
    return false;
  }
}

async function problem(response) {
  try {
    return await response.json();
  } catch {
    return {};
  }
}

/** A question changes nothing: while the server does not answer it waits, and is asked again. */
export async function get(path, options) {
  for (;;) {
    try {
      return await (await request(path, options)).json();
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error;
      await connection.restored();
    }
  }
}
export const remove = async (path) => (await request(path, { method: "DELETE" })).json();
export const post = async (path, body = {}, headers = {}) =>
  (
    await request(path, {
      method: "POST",
      body: JSON.stringify(body),
      headers: { "Content-Type": "application/json", ...headers },
    })
  ).json();

/** A path with its parts escaped: path`models/${name}`. */
export const path = (strings, ...values) => String.raw({ raw: strings }, ...values.map((value) => encodeURIComponent(value)));

/**
 * Events of a stream until it says that it is over (204), or `signal` ends it; a broken one is taken up after the last event.
 *
 * A stream is read by fetch since an EventSource cannot send a key.
 *
 * @param {string} where
 * @param {AbortSignal} signal
 * @param {(event: {kind: string, data: any, id: string}) => void | "end"} take "end": nothing more is wanted
 * @param {{resume?: boolean, after?: string}} [how] resume false: one that breaks is over; after: id of the last event that is known
 */
export async function stream(where, signal, take, { resume = true, after = "" } = {}) {
  const state = { last: after };
  for (let wait = 200; !signal.aborted; wait = Math.min(wait * 2, LONGEST_WAIT)) {
    try {
      const headers = { Accept: "text/event-stream", ...(state.last ? { "Last-Event-ID": state.last } : {}) };
      const response = await request(where, { headers, signal, cache: "no-store" });
      if (response.status === 204) return;
      const began = performance.now();
      if ((await read(response, state, take)) === "end" || !resume) return;
      if (performance.now() - began > 1_000) wait = 200;
    } catch (error) {
      if (error.name === "AbortError") return;
      if (!resume || (error instanceof ApiError && error.status < 500 && error.status !== 429)) throw error;
      if (error instanceof TypeError) connection.fail(isAlive); // the body broke off
    }
    await Promise.race([pause(wait, signal), aborted(signal)]);
    await Promise.race([connection.restored(), aborted(signal)]);
  }
}

async function read(response, state, take) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const parser = new EventParser();
  parser.lastId = state.last;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return undefined;
    for (const event of parser.push(value)) {
      if (take({ ...event, data: JSON.parse(event.data) }) === "end") {
        reader.cancel().catch(() => {});
        return "end";
      }
    }
    state.last = parser.lastId;
  }
}

function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  });
}

const aborted = (signal) =>
  signal.aborted ? Promise.resolve() : new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));

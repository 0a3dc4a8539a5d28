/** Short words to the user: seen for a while, and read out by a screen reader. */

import { h } from "./dom.js";
import { ApiError, ConnectionLost } from "./api.js";
import { t } from "./language.js";

const SHOWN_MILLISECONDS = 6_000;
const place = h("div", { class: "notices", role: "status", "aria-live": "polite" });
document.body.append(place);

/** @param {string} sentence @param {"info"|"error"} kind */
export function say(sentence, kind = "info") {
  const notice = h("p", { class: `notice ${kind}` }, sentence);
  place.append(notice);
  setTimeout(() => notice.remove(), SHOWN_MILLISECONDS);
}

/** What went wrong, in the service's words where it has some. A lost connection has its banner. */
export function complain(error) {
  if (error instanceof ConnectionLost || error?.name === "AbortError") return;
  say(sentence(error), "error");
}

export function sentence(error) {
  if (error instanceof ApiError && error.status === 401) return t("key.needed");
  if (error instanceof ApiError) return error.errors.length === 1 ? error.errors[0].message : error.message;
  return t("error.unforeseen", { message: error.message });
}

/** A button that does something on the server: once at a time, and says what went wrong. */
export function action(label, act, attributes = {}) {
  const button = h("button", { type: "button", ...attributes, onclick: () => busy(button, act) }, label);
  return button;
}

/** Run `act` while the control is inactive but keeps the focus. */
export async function busy(control, act) {
  if (control.getAttribute("aria-disabled") === "true") return;
  control.setAttribute("aria-disabled", "true");
  try {
    await act();
  } catch (error) {
    complain(error);
  } finally {
    control.removeAttribute("aria-disabled");
  }
}

export async function copy(words) {
  await navigator.clipboard.writeText(words);
  say(t("copied"));
}

/** Short words to the user: seen for a while, and read out by a screen reader. */

import { h } from "./dom.js";
import { ApiError, ConnectionLost } from "./api.js";
import { t } from "./language.js";

const SHOWN_MILLISECONDS = { info: 6_000, error: 12_000 };
const MOST = 3;
const place = h("div", { class: "notices", role: "status", "aria-live": "polite" });
document.body.append(place);

/** @param {string} sentence @param {"info"|"error"} kind */
export function say(sentence, kind = "info") {
  // What is said again stands once; and never so many that they cover the page.
  for (const one of [...place.children]) if (one.textContent === sentence) one.remove();
  while (place.children.length >= MOST) place.firstChild.remove();
  const notice = h("p", { class: `notice ${kind}` }, sentence);
  place.append(notice);
  setTimeout(() => notice.remove(), SHOWN_MILLISECONDS[kind]);
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

/** A page that comes without TLS from another machine has no clipboard: there the old way. */
export async function copy(words) {
  if (navigator.clipboard) await navigator.clipboard.writeText(words);
  else copyBySelection(words);
  say(t("copied"));
}

function copyBySelection(words) {
  const focused = document.activeElement;
  const area = h("textarea", { class: "visually-hidden", "aria-hidden": "true", readonly: true, value: words });
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
  focused?.focus();
}

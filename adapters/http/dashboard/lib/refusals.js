/** A small form whose fields show what the service finds wrong with them. */

import { ApiError } from "./api.js";
import { h, text, uniqueId } from "./dom.js";

/**
 * A labelled control with a place for the sentence.
 * @param {string} label @param {HTMLElement} control
 */
export function checked(label, control) {
  const id = uniqueId("refused");
  const said = h("span", { class: "field-error", id, role: "alert" });
  control.setAttribute("aria-describedby", id);
  control.addEventListener("input", () => complain(""));

  function complain(message) {
    text(said, message);
    control.setAttribute("aria-invalid", String(message !== ""));
  }

  return { element: h("div", { class: "checked" }, h("label", {}, label, control), said), control, complain };
}

/**
 * Put what is wrong at its fields; the first has the focus. What concerns none of them goes on.
 * @param {any} error @param {Record<string, ReturnType<typeof checked>>} fields
 */
export function place(error, fields) {
  const placed = error instanceof ApiError ? error.errors.filter((one) => one.field in fields) : [];
  if (!placed.length) throw error;
  for (const { field, message } of placed) fields[field].complain(message);
  fields[placed[0].field].control.focus();
}

/** Questions that must be answered before anything else goes on. */

import { h, show, uniqueId } from "./dom.js";
import { ApiError } from "./api.js";
import { t } from "./language.js";
import { sentence } from "./notice.js";

/**
 * Ask, and do what was agreed to while the dialog still stands, so that a refusal is shown at the field that it concerns.
 *
 * @param {object} question
 * @param {string} question.title
 * @param {string} [question.text]
 * @param {string} question.confirm words on the button
 * @param {boolean} [question.danger]
 * @param {{label: string, name: string, type?: string, value?: string, min?: string, autocomplete?: string}} [question.field]
 * @param {(value: string) => Promise<any>} question.act
 * @param {string} [question.error] shown from the beginning
 * @returns {Promise<any>} what `act` gave, null when the user turned away
 */
export function ask({ title, text = "", confirm, danger = false, field, act, error = "" }) {
  return new Promise((resolve) => {
    const [heading, problem] = [uniqueId("dialog"), uniqueId("problem")];
    const said = h("p", { class: "field-error", id: problem, role: "alert" }, error);
    const { label, name, ...attributes } = field ?? {};
    const input =
      field &&
      h("input", {
        ...attributes,
        name,
        "aria-describedby": problem,
        autocomplete: attributes.autocomplete ?? "off",
        "aria-invalid": error !== "",
      });
    const yes = h("button", { type: "submit", class: danger ? "danger solid" : "primary" }, confirm);
    const form = h(
      "form",
      { method: "dialog", novalidate: true },
      h("h2", { id: heading }, title),
      text && h("p", {}, text),
      field && h("label", { class: "field" }, h("span", { class: "field-label" }, label), input),
      said,
      h("div", { class: "dialog-buttons" }, h("button", { type: "button", onclick: () => dialog.close() }, t("cancel")), yes),
    );
    const dialog = h("dialog", { "aria-labelledby": heading }, form);
    let result = null;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (yes.getAttribute("aria-disabled") === "true") return;
      yes.setAttribute("aria-disabled", "true");
      try {
        result = (await act(input?.value ?? "")) ?? true;
        dialog.close();
      } catch (failure) {
        show(said, sentence(failure));
        input?.setAttribute(
          "aria-invalid",
          String(failure instanceof ApiError && failure.errors.some((one) => one.field === name)),
        );
        input?.focus();
      } finally {
        yes.removeAttribute("aria-disabled");
      }
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(result);
    });
    document.body.append(dialog);
    dialog.showModal();
    input?.select();
  });
}

/** Something to read. */
export function tell(title, ...content) {
  const heading = uniqueId("dialog");
  const close = h("button", { type: "button", class: "primary", onclick: () => dialog.close() }, t("close"));
  const dialog = h(
    "dialog",
    { "aria-labelledby": heading, onclose: () => dialog.remove() },
    h("h2", { id: heading }, title),
    ...content,
    h("div", { class: "dialog-buttons" }, close),
  );
  document.body.append(dialog);
  dialog.showModal();
}

/** A field of the form, made from its schema: control, description, bounds, default, and what the service finds wrong with it. */

import { h, text, uniqueId } from "../lib/dom.js";
import { bound } from "../lib/format.js";
import { t, tOr } from "../lib/language.js";
import { written } from "./draft.js";

/** Type of a field, whether it may be null, and its choices. @param {any} schema of one property */
export function kindOf(schema) {
  const either = schema.anyOf ?? [schema];
  const main = either.find((one) => one.type !== "null") ?? schema;
  const choices = schema.enum ?? main.enum ?? null;
  return {
    type: choices ? "enum" : (main.type ?? "string"),
    nullable: either.length > 1 && either.some((one) => one.type === "null"),
    choices,
  };
}

/**
 * @param {string} name
 * @param {any} schema
 * @param {{value: string, suggestions?: string[], choices?: string[], onchange: (value: string) => void}} how
 */
export function field(name, schema, { value, suggestions, choices: narrowed, onchange }) {
  const kind = kindOf(schema);
  const [id, hint, problem] = [name, `${name}-hint`, `${name}-problem`];
  const shared = { id, name, "aria-describedby": `${hint} ${problem}` };
  const choices = narrowed ?? (kind.type === "boolean" ? ["true", "false"] : kind.choices);
  const control = choices ? select(shared, choices, value) : input(shared, kind, schema, value, suggestions);
  const listId = control.getAttribute("list");
  const said = h("span", { class: "field-error", id: problem, "aria-live": "polite" });
  const described = tOr(`describe.${name}`, schema.description ?? "");
  control.addEventListener(choices ? "change" : "input", () => {
    complain("");
    element.classList.toggle("given", control.value !== "");
    onchange(control.value);
  });
  const label = h(
    "label",
    { class: "field-label", for: id },
    h("span", {}, tOr(`field.${name}`, readable(name))),
    h("code", {}, name),
  );
  const element = h(
    "div",
    { class: `field${value ? " given" : ""}` },
    label,
    control,
    listId &&
      h(
        "datalist",
        { id: listId },
        suggestions.map((one) => h("option", { value: one })),
      ),
    said,
    h("span", { class: "hint", id: hint }, described, bounds(schema, kind)),
  );

  function complain(message) {
    text(said, message);
    control.setAttribute("aria-invalid", String(message !== ""));
  }

  return {
    element,
    control,
    complain,
    /** The value that holds where nothing is given. */
    offer(standard) {
      const shown = standard === undefined ? "" : written(standard);
      if (choices) text(control.options[0], shown ? t("form.default", { value: shown }) : t("form.automatic"));
      else control.placeholder = shown || t("form.automatic");
    },
  };
}

function select(shared, choices, value) {
  const options = choices.map((choice) => h("option", { value: choice }, choice));
  if (value && !choices.includes(value)) options.push(h("option", { value }, value));
  return h(
    "select",
    { ...shared, value: "" },
    h("option", { value: "" }, t("form.automatic")),
    options.map((option) => ((option.selected = option.value === value), option)),
  );
}

function input(shared, { type, nullable }, schema, value, suggestions) {
  const numeric = type === "integer" || type === "number";
  return h("input", {
    ...shared,
    type: "text",
    inputmode: numeric && !nullable ? (type === "integer" ? "numeric" : "decimal") : null,
    autocomplete: "off",
    spellcheck: "false",
    value,
    list: suggestions && uniqueId("list"),
    maxlength: schema.maxLength,
  });
}

function bounds(schema, { nullable }) {
  const low = schema.minimum ?? schema.exclusiveMinimum;
  if (low === undefined || schema.maximum === undefined) return "";
  const range = `${schema.exclusiveMinimum === undefined ? "" : "> "}${bound(low)} … ${bound(schema.maximum)}`;
  return h("span", { class: "range" }, ` ${nullable ? t("form.rangeOrNull", { range }) : range}`);
}

/** learning_rate → Learning rate. */
const readable = (name) => name.replaceAll("_", " ").replace(/^./, (letter) => letter.toUpperCase());

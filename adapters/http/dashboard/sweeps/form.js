/** Start a sweep: what all trials share, which fields are searched, and how many trials there are. */

import { ApiError, get, post } from "../lib/api.js";
import { h, show, text, uniqueId } from "../lib/dom.js";
import { t } from "../lib/language.js";
import { busy, complain, say, sentence } from "../lib/notice.js";
import { parsed } from "../jobs/draft.js";
import { field, kindOf } from "../jobs/field.js";
import { environments } from "../models/environments.js";
import { dimension, searchable, suggested } from "./space.js";

const TRAINING = ["env_name", "total_timesteps", "model_name"];
const PLAN = ["n_trials", "max_parallel", "seed", "pruner"];
const FIRST = "learning_rate";
const DEFAULT = "CartPole-v1";

/** What was filled in; it outlives a look at another view and a change of the language. */
const given = {};
const rows = [];

export function sweepForm() {
  const form = h("form", { class: "panel job-form", novalidate: true }, h("p", { class: "muted" }, t("loading")));
  const element = h(
    "div",
    { class: "stack" },
    h(
      "header",
      { class: "view-head" },
      h("div", {}, h("h1", {}, t("sweeps.new")), h("p", { class: "muted" }, t("sweeps.text"))),
    ),
    form,
  );
  /** @type {Map<string, ReturnType<typeof field>>} */
  const fields = new Map();
  const searched = h("div", { class: "searched" });
  let properties = {};
  let plan = {};
  let known = [];
  let closed = false;

  async function load() {
    const [schema, env] = await Promise.all([get("openapi.json"), environments()]);
    if (closed) return;
    ({ TrainRequest: { properties }, SweepRequest: { properties: plan } } = schema.components.schemas);
    known = env;
    if (!rows.length) rows.push({ name: FIRST, values: suggested(FIRST, properties[FIRST]) });
    build();
  }

  function build() {
    const submit = h("button", { type: "submit", class: "primary large" }, t("sweeps.start"));
    const more = h("button", { type: "button", onclick: add }, t("sweeps.add"));
    const problem = h("div", { class: "form-problem", role: "alert" });
    show(
      form,
      h("div", { class: "field-grid" }, TRAINING.map((name) => make(name, properties[name]))),
      h("h2", { class: "advanced-title" }, t("sweeps.searched")),
      h("p", { class: "muted small" }, t("sweeps.form")),
      searched,
      h("div", { class: "actions" }, more),
      h("h2", { class: "advanced-title" }, t("sweeps.plan")),
      h("div", { class: "field-grid" }, PLAN.map((name) => make(name, plan[name]))),
      h("div", { class: "form-end" }, problem, submit),
    );
    show(searched, rows.map(row));
    form.onsubmit = (event) => {
      event.preventDefault();
      busy(submit, () => start(problem));
    };
  }

  function make(name, schema) {
    const made = field(name, schema, {
      value: given[name] ?? "",
      suggestions: name === "env_name" ? known.filter((one) => one.available).map((one) => one.env_name) : undefined,
      onchange: (value) => (given[name] = value),
    });
    const standard = known.find((one) => one.env_name === DEFAULT)?.defaults ?? {};
    made.offer(name === "env_name" ? DEFAULT : (schema.default ?? (name === "total_timesteps" ? standard[name] : undefined)));
    fields.set(name, made);
    return made.element;
  }

  /** One searched field: its name, its values, and what is wrong with them. */
  function row(one) {
    const problem = uniqueId("problem");
    const said = h("span", { class: "field-error", id: problem, "aria-live": "polite" });
    const values = h("input", {
      type: "text",
      value: one.values,
      "aria-label": t("sweeps.values", { name: one.name }),
      "aria-describedby": problem,
      autocomplete: "off",
      spellcheck: "false",
      oninput: () => ((one.values = values.value), one.complain("")),
    });
    const names = h(
      "select",
      {
        "aria-label": t("sweeps.field"),
        onchange: () => {
          one.name = names.value;
          one.values = suggested(one.name, properties[one.name]);
          show(searched, rows.map(row));
        },
      },
      searchable(properties).map((name) => h("option", { value: name, selected: name === one.name }, name)),
    );
    const remove = h(
      "button",
      {
        type: "button",
        class: "quiet",
        "aria-label": t("sweeps.remove", { name: one.name }),
        onclick: () => (rows.splice(rows.indexOf(one), 1), show(searched, rows.map(row))),
      },
      "×",
    );
    one.complain = (message) => {
      text(said, message);
      values.setAttribute("aria-invalid", String(message !== ""));
      if (message) values.focus();
    };
    return h("div", { class: "search-row" }, names, values, remove, said);
  }

  function add() {
    const used = new Set(rows.map((one) => one.name));
    const name = searchable(properties).find((each) => !used.has(each));
    if (!name) return;
    rows.push({ name, values: suggested(name, properties[name]) });
    show(searched, rows.map(row));
    searched.lastChild.querySelector("select").focus();
  }

  const typed = (names, schemas) =>
    Object.fromEntries(names.filter((name) => given[name]).map((name) => [name, parsed(given[name], kindOf(schemas[name]))]));

  async function start(problem) {
    show(problem);
    for (const one of [...fields.values(), ...rows]) one.complain("");
    const unread = rows.find((one) => dimension(one.values) === null);
    if (unread) return unread.complain(t("sweeps.unread", { name: unread.name }));
    const space = Object.fromEntries(rows.map((one) => [one.name, dimension(one.values)]));
    try {
      const made = await post("sweeps", { search_space: space, training: typed(TRAINING, properties), ...typed(PLAN, plan) });
      say(t("sweeps.started"));
      location.hash = `#/sweeps/${made.sweep_id}`;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const others = error.errors.filter((one) => !place(one));
      if (others.length || !error.errors.length)
        show(problem, h("p", { class: "callout error" }, others.map((one) => one.message).join(" ") || sentence(error)));
    }
    return undefined;
  }

  /** Show what is wrong at the field that it concerns; whether there is one. */
  function place({ field: name, message }) {
    const [first, second = ""] = name.split(".");
    const row = first === "search_space" && rows.find((one) => one.name === second);
    const at = row || fields.get(first === "training" ? second : first);
    at?.complain(message);
    return Boolean(at);
  }

  load().catch((error) => {
    complain(error);
    show(form, h("p", { class: "callout error" }, sentence(error)));
  });
  return { element, close: () => (closed = true) };
}

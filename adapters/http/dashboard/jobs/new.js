/** Start a job: a form that the service's own schema and environments fill. Only what was changed is sent. */

import { ApiError, get, post } from "../lib/api.js";
import { h, show, text } from "../lib/dom.js";
import { figure } from "../lib/format.js";
import { t, tOr } from "../lib/language.js";
import { action, busy, complain, copy, say, sentence } from "../lib/notice.js";
import { environments, rewardFunctions } from "../models/environments.js";
import { curl } from "./curl.js";
import { draft, parsed } from "./draft.js";
import { field, kindOf } from "./field.js";
import { ESSENTIAL, grouped } from "./groups.js";

const DEFAULT = "CartPole-v1";

export function newJobPage() {
  const form = h("form", { class: "panel job-form", novalidate: true }, h("p", { class: "muted" }, t("loading")));
  const preview = h("pre", { class: "code", tabindex: "0", "aria-label": t("form.request") });
  const about = h("div", { class: "panel about" });
  const side = h(
    "aside",
    { class: "stack side" },
    about,
    h(
      "section",
      { class: "panel" },
      h("h2", {}, t("form.request")),
      h("p", { class: "muted small" }, t("form.requestHint")),
      preview,
      h(
        "div",
        { class: "actions" },
        action(t("job.copyJson"), () => copy(JSON.stringify(body(), null, 2))),
        action(t("job.copyCurl"), () => copy(curl(body()))),
      ),
    ),
  );
  const element = h(
    "div",
    { class: "stack" },
    h("header", { class: "view-head" }, h("div", {}, h("h1", {}, t("form.title")), h("p", { class: "muted" }, t("form.text")))),
    h("div", { class: "form-columns" }, form, side),
  );
  /** @type {Map<string, ReturnType<typeof field>>} */
  const fields = new Map();
  let properties = {};
  let known = [];
  let rewards = [];
  let closed = false;

  const environment = () => known.find((one) => one.env_name === (draft.given.env_name ?? DEFAULT));
  const body = () =>
    Object.fromEntries(
      Object.entries(draft.given).map(([name, value]) => [name, parsed(value, kindOf(properties[name] ?? {}))]),
    );

  async function load() {
    const [schema, env, rew] = await Promise.all([get("openapi.json"), environments(), rewardFunctions()]);
    if (closed) return;
    properties = schema.components.schemas.TrainRequest.properties;
    known = env;
    rewards = rew;
    build();
  }

  function build() {
    fields.clear();
    const submit = h("button", { type: "submit", class: "primary large" }, t("form.start"));
    const clear = h("button", { type: "button", class: "quiet", onclick: () => (draft.clear(), build()) }, t("form.clear"));
    const problem = h("div", { class: "form-problem", role: "alert" });
    show(
      form,
      h("div", { class: "field-grid" }, ESSENTIAL.filter((name) => name in properties).map(make)),
      h("h2", { class: "advanced-title" }, t("form.advanced")),
      grouped(Object.keys(properties)).map(([group, names]) => section(group, names)),
      h("div", { class: "form-end" }, problem, submit, clear),
    );
    form.onsubmit = (event) => {
      event.preventDefault();
      busy(submit, () => start(problem));
    };
    refresh();
  }

  function section(group, names) {
    const counter = h("span", { class: "count" });
    const opened = draft.open[group] ?? names.some((name) => name in draft.given);
    const element = h(
      "details",
      { class: "group", "data-group": group, open: opened, ontoggle: () => (draft.open[group] = element.open) },
      h(
        "summary",
        {},
        h("span", {}, t(`group.${group}`)),
        counter,
        h("span", { class: "muted small" }, t(`group.${group}.text`)),
      ),
      h("div", { class: "field-grid" }, names.map(make)),
    );
    return element;
  }

  function make(name) {
    const made = field(name, properties[name], {
      value: draft.given[name] ?? "",
      suggestions: name === "env_name" ? known.filter((one) => one.available).map((one) => one.env_name) : undefined,
      choices: name === "reward_function_type" ? environment()?.reward_functions : undefined,
      onchange: (value) => {
        draft.set(name, value);
        if (name === "env_name") changeEnvironment();
        refresh();
      },
    });
    fields.set(name, made);
    return made.element;
  }

  /** Another environment has other rewards. */
  function changeEnvironment() {
    const choices = environment()?.reward_functions;
    if (choices && !choices.includes(draft.given.reward_function_type)) draft.set("reward_function_type", "");
    const before = fields.get("reward_function_type");
    if (before) before.element.replaceWith(make("reward_function_type"));
  }

  function refresh() {
    const standard = environment()?.defaults ?? {};
    for (const [name, one] of fields) one.offer(name === "env_name" ? DEFAULT : standard[name]);
    text(preview, JSON.stringify(body(), null, 2));
    for (const details of form.querySelectorAll("details")) {
      const changed = details.querySelectorAll(".field.given").length;
      text(details.querySelector(".count"), changed ? t("form.changed", { n: changed }) : "");
    }
    describe();
  }

  function describe() {
    const one = environment();
    if (!one) return show(about, h("p", { class: "muted" }, t("form.unknownEnvironment")));
    const reward = rewards.find(
      (each) => each.name === (draft.given.reward_function_type ?? one.defaults?.reward_function_type),
    );
    const rows = [
      [t("env.observation"), space(one.observation_space)],
      [t("env.action"), space(one.action_space)],
      [t("env.limit"), one.max_episode_steps ? t("env.steps", { n: one.max_episode_steps }) : "–"],
      one.reward_threshold !== null && [t("env.threshold"), figure(one.reward_threshold)],
    ].filter(Boolean);
    return show(
      about,
      h("h2", {}, one.env_name),
      !one.available && h("p", { class: "callout warn" }, one.reason),
      h(
        "dl",
        { class: "rows" },
        rows.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
      ),
      reward &&
        h(
          "div",
          { class: "reward" },
          h("h3", {}, h("code", {}, reward.name)),
          h("p", {}, tOr(`reward.${reward.name}`, reward.description)),
          reward.formula && h("code", { class: "formula" }, reward.formula),
        ),
    );
  }

  async function start(problem) {
    show(problem);
    fields.forEach((one) => one.complain(""));
    try {
      const { job_id: id } = await post("train", body(), {
        "Idempotency-Key": crypto.randomUUID?.() ?? String(Math.random()),
      });
      say(t("form.started"));
      location.hash = `#/jobs/${id}`;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // What is wrong with one of several numbers stands at their field: hidden_sizes[1].
      const errors = error.errors.map(({ field: name, message }) => ({ field: name.replace(/\[.*/, ""), message }));
      const placed = errors.filter(({ field: name }) => fields.has(name));
      const others = errors.filter(({ field: name }) => !fields.has(name));
      for (const { field: name, message } of placed) fields.get(name).complain(message);
      if (others.length || !placed.length)
        show(problem, h("p", { class: "callout error" }, others.map((one) => one.message).join(" ") || sentence(error)));
      reveal([...fields.keys()].find((name) => placed.some((one) => one.field === name)));
    }
  }

  /** Bring the first wrong field before the user. */
  function reveal(name) {
    const wrong = name && fields.get(name);
    if (!wrong) return;
    const details = wrong.element.closest("details");
    if (details) details.open = true;
    wrong.control.focus();
  }

  load().catch((error) => {
    complain(error);
    show(form, h("p", { class: "callout error" }, sentence(error)));
  });
  return { element, title: () => t("form.title"), close: () => (closed = true) };
}

function space(described) {
  if (!described) return "–"; // it cannot be made here, so nobody could look
  const { type, shape, n } = described;
  if (type === "discrete") return t("env.discrete", { n });
  return shape.length === 1 ? t("env.box", { n: shape[0] }) : t("env.boxShape", { shape: shape.join(" × ") });
}

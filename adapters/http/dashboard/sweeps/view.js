/** One sweep: how far it is, the best trial, what decides, every trial, and what can be done about it. */

import { get, path, post } from "../lib/api.js";
import { ask } from "../lib/dialog.js";
import { h, show, text } from "../lib/dom.js";
import { figure, percent, share } from "../lib/format.js";
import { t } from "../lib/language.js";
import { action, complain, say, sentence } from "../lib/notice.js";
import { progressBar } from "../lib/progress.js";
import { draft } from "../jobs/draft.js";
import { badge } from "../jobs/list.js";
import { hasEnded } from "../jobs/store.js";
import { scatter, words } from "./scatter.js";

const LOOK_MILLISECONDS = 1_000;
const TRIAL_ENDED = new Set(["completed", "pruned", "failed", "stopped"]);

/** @param {string} id @param {() => void} changed the list of sweeps is out of date */
export function sweepView(id, changed) {
  const state = h("span", { class: "state" });
  const subtitle = h("p", { class: "muted" });
  const progress = progressBar();
  const done = h("p", { class: "muted" });
  const message = h("p", { class: "callout error", hidden: true });
  const best = h("section", { class: "panel stack tight", "aria-label": t("sweep.best") });
  const picture = h("div", {});
  const chooser = h("select", { "aria-label": t("sweep.parameter"), onchange: () => draw() });
  const shares = h("div", {});
  const table = h("div", { class: "table-box", tabindex: "0", role: "region", "aria-label": t("sweep.trials") });
  const stop = action(t("job.stop"), stopIt, { class: "danger", title: t("sweep.stopHint") });
  const resume = action(t("job.resume"), resumeIt);
  const element = h(
    "article",
    { class: "stack" },
    h(
      "header",
      { class: "view-head" },
      h("div", { class: "grow" }, h("div", { class: "heading-line" }, h("h1", {}, t("sweep.title")), state), subtitle),
      h("div", { class: "actions", role: "group", "aria-label": t("job.actions") }, stop, resume),
    ),
    message,
    h("section", { class: "panel progress-panel" }, progress.element, done),
    best,
    h(
      "section",
      { class: "panel stack tight" },
      h("div", { class: "heading-line" }, h("h2", {}, t("sweep.values")), chooser),
      picture,
      h("h3", {}, t("sweep.importances")),
      shares,
    ),
    h("section", { class: "panel" }, h("h2", {}, t("sweep.trials")), table),
  );
  let sweep = null;
  let shown = "";
  let timer = 0;
  let closed = false;

  async function look() {
    clearTimeout(timer);
    const before = sweep?.status;
    sweep = await get(path`sweeps/${id}`);
    if (closed) return;
    if (shown !== JSON.stringify(sweep)) render();
    if (before !== undefined && before !== sweep.status) changed();
    if (!hasEnded(sweep.status)) timer = setTimeout(() => look().catch(failed), LOOK_MILLISECONDS);
  }

  function render() {
    shown = JSON.stringify(sweep);
    const ended = sweep.trials.filter((trial) => TRIAL_ENDED.has(trial.status)).length;
    show(state, badge(sweep.status));
    show(subtitle, `${sweep.env_name} · `, h("code", { title: id }, id.slice(0, 8)));
    message.hidden = !sweep.message;
    text(message, sweep.message ?? "");
    progress.set(ended / sweep.n_trials);
    text(done, t("sweep.done", { n: ended, of: sweep.n_trials, running: sweep.trials.length - ended }));
    stop.hidden = hasEnded(sweep.status);
    resume.hidden = !hasEnded(sweep.status);
    showBest();
    const names = Object.keys(sweep.search_space);
    if (chooser.options.length !== names.length) show(chooser, names.map((name) => h("option", { value: name }, name)));
    draw();
    const ranked = Object.entries(sweep.importances).sort(([, a], [, b]) => b - a);
    show(
      shares,
      ranked.length
        ? h(
            "dl",
            { class: "shares" },
            ranked.map(([name, part]) => [h("dt", {}, h("code", {}, name)), h("dd", {}, meter(part), percent(part))]),
          )
        : h("p", { class: "muted" }, t("sweep.noImportances")),
    );
    showTrials(names);
  }

  function draw() {
    const name = chooser.value;
    if (name) show(picture, scatter(name, sweep.search_space[name], sweep.trials, sweep.best));
  }

  function showBest() {
    const found = sweep.best;
    if (!found) return show(best, h("p", { class: "muted" }, t(hasEnded(sweep.status) ? "sweep.noBest" : "sweep.noBestYet")));
    return show(
      best,
      h("h2", {}, t("sweep.best")),
      h(
        "dl",
        { class: "facts" },
        h("div", {}, h("dt", {}, t("metric.rollout/ep_rew_mean")), h("dd", {}, h("b", {}, figure(found.value)))),
        Object.entries(found.parameters).map(([name, value]) =>
          h("div", {}, h("dt", {}, h("code", {}, name)), h("dd", {}, h("b", {}, words(value)))),
        ),
      ),
      h(
        "div",
        { class: "actions" },
        h("a", { class: "button primary", href: `#/models/${encodeURIComponent(found.model_name)}/play` }, t("job.model")),
        action(t("job.like"), async () => {
          draft.take(found.config);
          location.hash = "#/new";
        }),
      ),
    );
  }

  function showTrials(names) {
    const rows = [...sweep.trials].sort((a, b) => (b.value ?? -Infinity) - (a.value ?? -Infinity) || a.number - b.number);
    show(
      table,
      h(
        "table",
        {},
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            [t("sweep.trial"), t("sweep.state"), t("metric.rollout/ep_rew_mean"), ...names].map((one) =>
              h("th", { scope: "col" }, one),
            ),
          ),
        ),
        h(
          "tbody",
          {},
          rows.map((trial) =>
            h(
              "tr",
              { class: trial.number === sweep.best?.number ? "best" : null },
              h(
                "th",
                { scope: "row" },
                trial.job_id ? h("a", { href: `#/jobs/${trial.job_id}` }, trial.model_name) : trial.model_name,
              ),
              h("td", { title: trial.message ?? "" }, badge(trial.status)),
              h("td", { class: "number" }, figure(trial.value)),
              names.map((name) => h("td", { class: "number" }, words(trial.parameters[name]))),
            ),
          ),
        ),
      ),
    );
  }

  async function stopIt() {
    await post(path`sweeps/${id}/stop`);
    say(t("sweep.stopped"));
    await look();
  }

  async function resumeIt() {
    const given = await ask({
      title: t("job.resume"),
      text: t("sweep.resumeText", { n: sweep.trials.length, of: sweep.n_trials }),
      confirm: t("job.resume"),
      field: {
        label: t("sweeps.nTrials"),
        type: "number",
        value: String(sweep.n_trials),
        min: String(sweep.n_trials),
        name: "n_trials",
      },
      act: (value) => post(path`sweeps/${id}/resume`, value === "" ? {} : { n_trials: Number(value) }),
    });
    if (given === null) return;
    changed();
    await look();
  }

  function failed(error) {
    complain(error);
    if (error.status) show(element, h("p", { class: "callout error" }, sentence(error)));
  }

  look().catch(failed);
  return {
    element,
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

/** A share of one, drawn. */
function meter(part) {
  const fill = h("span", { class: "bar-fill" });
  fill.style.setProperty("inline-size", share(part));
  return h("span", { class: "bar-track thick" }, fill);
}

/** How good a version is: so many episodes, their mean with its interval, and how often which return came. */

import { path, post } from "../lib/api.js";
import { h, show } from "../lib/dom.js";
import { figure, whole } from "../lib/format.js";
import { t } from "../lib/language.js";
import { busy } from "../lib/notice.js";
import { checked, place } from "../lib/refusals.js";
import { histogram } from "../chart/histogram.js";

/** Results of this visit, by model, version and question. @type {Map<string, any>} */
const seen = new Map();
/** Those that are still asked for. @type {Map<string, Promise<any>>} */
const running = new Map();

/** @param {{name: string, version: number, kept: any, environment: any}} model */
export function evaluateView({ name, version, kept, environment }) {
  const episodes = h("input", { type: "number", value: "100", min: "1", max: "1000", step: "1" });
  const seed = h("input", { type: "number", value: "0", min: "0", step: "1" });
  const fields = { episodes: checked(t("evaluate.episodes"), episodes), seed: checked(t("play.seed"), seed) };
  const sampled = h("input", { type: "checkbox" });
  const result = h("div", { class: "evaluation", "aria-live": "polite" });
  const run = h("button", { type: "submit", class: "primary" }, t("evaluate.run"));
  const form = h(
    "form",
    { class: "inline-form", novalidate: true },
    fields.episodes.element,
    fields.seed.element,
    h("label", { class: "check" }, sampled, t("play.sampled")),
    run,
  );
  const key = `${name} ${version} ${kept.sha256}`;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(run, () => evaluate(ask()));
  });

  async function ask() {
    const body = {
      episodes: Number(episodes.value),
      seed: seed.value === "" ? undefined : Number(seed.value),
      deterministic: !sampled.checked,
      model_version: version,
    };
    const answer = await post(path`models/${name}/evaluate`, body);
    seen.set(key, answer);
    return answer;
  }

  /** Long ones go on while something else is looked at; who comes back waits for the same answer. */
  async function evaluate(asked) {
    show(result, h("p", { class: "muted" }, t("evaluate.running")));
    running.set(key, asked);
    try {
      draw(await asked);
    } catch (error) {
      show(result, before());
      place(error, fields);
    } finally {
      running.delete(key);
    }
  }

  function draw(answer) {
    const { mean_reward: mean, std_reward: std, ci95, min_reward: low, max_reward: high, mean_length: length } = answer;
    const rows = [
      [t("evaluate.mean"), figure(mean), `± ${figure(std, 3)}`],
      [t("evaluate.interval"), `${figure(ci95[0])} … ${figure(ci95[1])}`, ""],
      [t("evaluate.range"), `${figure(low)} … ${figure(high)}`, ""],
      [t("evaluate.length"), figure(length), t("evaluate.steps")],
    ];
    show(
      result,
      h(
        "dl",
        { class: "facts" },
        rows.map(([label, value, unit]) =>
          h("div", {}, h("dt", {}, label), h("dd", {}, h("b", {}, value), h("small", {}, unit))),
        ),
      ),
      histogram(answer.histogram, { mean, ci95 }),
      h("p", { class: "muted small" }, t("evaluate.repeat", { episodes: whole(answer.episodes), seed: answer.seed })),
    );
  }

  /** What was found when its training ended. */
  function before() {
    const { evaluation } = kept;
    if (!evaluation) return h("p", { class: "muted" }, t("evaluate.none"));
    return h(
      "p",
      {},
      t("evaluate.kept", {
        mean: figure(evaluation.mean_reward),
        std: figure(evaluation.std_reward, 3),
        episodes: evaluation.episodes,
      }),
    );
  }

  if (running.has(key)) busy(run, () => evaluate(running.get(key)));
  else if (seen.has(key)) draw(seen.get(key));
  else show(result, before());
  const threshold = environment?.reward_threshold;
  return {
    element: h(
      "section",
      { class: "panel" },
      form,
      threshold !== null &&
        threshold !== undefined &&
        h("p", { class: "muted small" }, t("evaluate.threshold", { value: figure(threshold) })),
      result,
    ),
  };
}

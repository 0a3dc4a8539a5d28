/** Try an observation: move the sliders, and see what the policy would do there and what it expects. */

import { post } from "../lib/api.js";
import { h, text } from "../lib/dom.js";
import { figure } from "../lib/format.js";
import { t } from "../lib/language.js";
import { complain } from "../lib/notice.js";
import { decision } from "./decision.js";
import { Stage } from "./stage.js";
import { worldOf } from "./worlds/index.js";

const DEBOUNCE_MILLISECONDS = 40;
const STEPS = 200 * (1 + 1e-9); // a step must not end short of the bound by a rounding

/** @param {{name: string, version: number, environment: any}} model */
export function tryView({ name, version, environment }) {
  if (!environment?.observation_space) return { element: h("p", { class: "callout" }, t("try.unknown")), close() {} };
  const world = worldOf(environment.env_name, environment.observation_space);
  const stage = new Stage({ role: "img", "aria-label": t("try.canvas") }, () => draw());
  const decided = decision();
  const middle = ({ low, high, whole }) => (whole ? low : low <= 0 && high >= 0 ? 0 : (low + high) / 2);
  const state = world.sliders.map(middle);
  decided.setUp(environment.action_space, world);
  let answer = null;
  let timer = 0;
  let asked = 0;

  const sliders = world.sliders.map((slider, i) => {
    const shown = h("output", {});
    const label = slider.key ? t(slider.key) : t("try.number", { n: slider.index });
    const input = h("input", {
      type: "range",
      min: slider.low,
      max: slider.high,
      step: slider.whole ? 1 : (slider.high - slider.low) / STEPS,
      value: String(state[i]),
      oninput: () => {
        state[i] = Number(input.value);
        render();
      },
    });
    const render = () => {
      text(shown, `${figure(state[i], 3)}${slider.unit ? ` ${slider.unit}` : ""}`);
      draw();
      ask();
    };
    return { element: h("label", { class: "slider" }, h("span", {}, label), input, shown), input, render, i };
  });
  const reset = h(
    "button",
    {
      type: "button",
      onclick: () =>
        sliders.forEach(({ input, render, i }) => {
          state[i] = middle(world.sliders[i]);
          input.value = String(state[i]);
          render();
        }),
    },
    t("try.reset"),
  );
  const element = h(
    "div",
    { class: "play" },
    h(
      "div",
      { class: "panel stage-panel" },
      h("div", { class: "stage-box" }, stage.element),
      h(
        "div",
        { class: "sliders" },
        sliders.map((one) => one.element),
      ),
      reset,
    ),
    h("div", { class: "stack play-side" }, decided.element),
  );

  function draw() {
    stage.draw(world, state, { action: answer?.action ?? null });
  }

  /** At most one question on the way; the newest sliders are always asked about last. */
  function ask() {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      asked += 1;
      const mine = asked;
      try {
        const got = await post("inference", {
          model_name: name,
          model_version: version,
          observation: world.toObservation(state),
        });
        if (mine !== asked) return;
        answer = got;
        decided.update(got);
        element.dataset.answers = String(mine);
        draw();
      } catch (error) {
        complain(error);
      }
    }, DEBOUNCE_MILLISECONDS);
  }

  sliders.forEach((one) => one.render());
  return {
    element,
    close() {
      clearTimeout(timer);
      stage.close();
    },
  };
}

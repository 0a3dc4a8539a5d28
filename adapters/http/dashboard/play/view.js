/** The policy at play, as the server streams it: watch it, and shove what it controls. */

import { path, post, stream } from "../lib/api.js";
import { h, text } from "../lib/dom.js";
import { figure, whole } from "../lib/format.js";
import { t } from "../lib/language.js";
import { complain, sentence } from "../lib/notice.js";
import { decision } from "./decision.js";
import { pushes } from "./push.js";
import { Stage } from "./stage.js";
import { between, Timeline } from "./timeline.js";
import { worldOf } from "./worlds/index.js";

const PUSH_SHOWN_MILLISECONDS = 350;
const SPEEDS = [0.25, 0.5, 1, 2, 4];
const chosen = { speed: 1, deterministic: true };

/** @param {{name: string, version: number}} model */
export function playView({ name, version }) {
  const stage = new Stage({ tabindex: "0", role: "img", "aria-label": t("play.canvas") }, () => draw());
  const verdict = h("p", { class: "verdict", role: "status" });
  const hint = h("p", { class: "muted small" });
  const figures = h("dl", { class: "facts compact" });
  const decided = decision();
  const seed = h("input", { type: "number", min: "0", step: "1", value: "0", onchange: changed });
  const speed = h(
    "select",
    { onchange: () => ((chosen.speed = Number(speed.value)), changed()) },
    SPEEDS.map((one) => h("option", { value: one, selected: one === chosen.speed }, `${one}×`)),
  );
  const sampled = h("input", {
    type: "checkbox",
    checked: !chosen.deterministic,
    onchange: () => ((chosen.deterministic = !sampled.checked), changed()),
  });
  const pause = h("button", { type: "button", onclick: () => (paused ? begin() : halt()) }, t("play.stop"));
  const shoves = pushes(stage.element, push);
  const element = h(
    "div",
    { class: "play" },
    h(
      "div",
      { class: "panel stage-panel" },
      h("div", { class: "stage-box" }, stage.element, verdict),
      h(
        "div",
        { class: "play-controls" },
        shoves.element,
        pause,
        h("label", {}, t("play.speed"), speed),
        h("label", {}, t("play.seed"), seed),
        h("label", { class: "check" }, sampled, t("play.sampled")),
      ),
      hint,
    ),
    h("div", { class: "stack play-side" }, h("section", { class: "panel" }, figures), decided.element),
  );
  let world = null;
  let timeline = null;
  let start = null;
  let shown = null;
  let pushed = { force: 0, until: 0 };
  let paused = false;
  let frame = 0;
  let ending = new AbortController();

  /** A game that goes on begins anew with what was changed; one that was stopped waits for its button. */
  function changed() {
    if (!paused) begin();
  }

  function begin() {
    ending.abort();
    ending = new AbortController();
    timeline = null;
    paused = false;
    seed.removeAttribute("aria-invalid");
    text(pause, t("play.stop"));
    text(verdict, t("play.connecting"));
    const query = new URLSearchParams({
      deterministic: String(chosen.deterministic),
      model_version: String(version),
      speed: String(chosen.speed),
    });
    if (seed.value !== "") query.set("seed", seed.value);
    follow(path`models/${name}/play` + `?${query}`, ending.signal);
  }

  /** A broken stream is begun anew: a game has no place to go on from. */
  async function follow(where, signal) {
    for (let wait = 500; !signal.aborted; wait = Math.min(wait * 2, 5_000)) {
      try {
        await stream(where, signal, take, { resume: false });
      } catch (error) {
        if (error.status && error.status < 500) {
          halt();
          text(verdict, sentence(error));
          seed.setAttribute("aria-invalid", String(error.errors.some((one) => one.field === "seed")));
          return undefined;
        }
      }
      if (paused || signal.aborted) return undefined;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
    return undefined;
  }

  function take({ kind, data }) {
    if (kind === "start") {
      start = data;
      world = worldOf(data.env_name, data.observation_space);
      timeline = new Timeline(data.step_seconds / chosen.speed);
      decided.setUp(data.action_space, world);
      shoves.allow(data.pushable);
      text(hint, data.pushable ? t("play.pushHint") : t("play.notPushable"));
      text(verdict, "");
      element.dataset.playing = data.play_id;
    } else if (kind === "step") {
      timeline.push({ ...data, state: world.toState([data.observation].flat(Infinity)) });
      element.dataset.steps = String(Number(element.dataset.steps ?? 0) + 1);
      if (data.pushed) element.dataset.pushed = String(data.pushed);
    } else if (kind === "end") {
      halt();
      text(verdict, t("play.ended", { reason: data.reason }));
    }
  }

  function loop(milliseconds) {
    frame = requestAnimationFrame(loop);
    const sample = timeline?.sample(milliseconds / 1000);
    if (!sample || paused) return;
    const { from, to, share } = sample;
    if (from !== shown) showStep(from);
    const sameEpisode = to.episode === from.episode;
    draw(sameEpisode ? between(from.state, to.state, share, world.angles) : from.state);
  }

  let drawn = null;
  function draw(state = drawn) {
    if (!state || !world) return;
    drawn = state;
    const push = performance.now() < pushed.until ? pushed.force : 0;
    stage.draw(world, state, { action: shown?.action ?? null, push: shoves.aim() ?? push });
  }

  function showStep(step) {
    if (shown && step.episode !== shown.episode) text(verdict, "");
    shown = step;
    if (step.pushed) pushed = { force: step.pushed, until: performance.now() + PUSH_SHOWN_MILLISECONDS };
    if (step.terminated || step.truncated)
      text(
        verdict,
        t(step.terminated ? "play.terminated" : "play.truncated", { n: whole(step.t + 1), total: figure(step.return) }),
      );
    decided.update(step);
    const rows = [
      [t("play.episode"), whole(step.episode + 1)],
      [t("play.step"), whole(step.t)],
      [t("play.reward"), figure(step.reward, 3)],
      [t("play.return"), figure(step.return)],
    ];
    rows.forEach(([label, value], i) => {
      const kept = figures.children[i] ?? figures.appendChild(h("div", {}, h("dt", {}, label), h("dd", {}, h("b", {}))));
      text(kept.querySelector("b"), value);
    });
  }

  /** @param {[number, number]|number} how a direction on the stage, or to the left (-1) or right (1) */
  function push(how) {
    if (!start || paused) return;
    const along = Array.isArray(how) ? (world.force ?? ((_, [dx]) => dx))(drawn ?? shown.state, how) : how * (world.right ?? 1);
    const force = Math.max(-1, Math.min(1, along));
    post(path`plays/${start.play_id}/push`, { force }).catch(complain);
  }

  function halt() {
    paused = true;
    ending.abort();
    shoves.allow(false);
    if (verdict.textContent === t("play.connecting")) text(verdict, "");
    text(pause, t("play.again"));
  }

  frame = requestAnimationFrame(loop);
  begin();
  return {
    element,
    close() {
      ending.abort();
      cancelAnimationFrame(frame);
      stage.close();
    },
  };
}

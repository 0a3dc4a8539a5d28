/** What can be done with a job: stop it, go on with it, start one like it, take away its plot and its configuration. */

import { get, key, path, post, request, ROOT } from "../lib/api.js";
import { ask } from "../lib/dialog.js";
import { download, h } from "../lib/dom.js";
import { whole } from "../lib/format.js";
import { t } from "../lib/language.js";
import { action, complain, copy, say } from "../lib/notice.js";
import { curl } from "./curl.js";
import { draft } from "./draft.js";
import { hasEnded, store } from "./store.js";

/** @param {import("./history.js").JobHistory} history @param {() => void} wentOn */
export function jobActions(history, wentOn) {
  const plotPath = path`training/${history.id}/plot.svg`;
  const stop = action(t("job.stop"), stopJob, { class: "danger", title: t("job.stopHint") });
  const resume = action(t("job.resume"), resumeJob, { class: "primary" });
  const model = h("a", { class: "button primary" }, t("job.model"));
  const plot = h(
    "a",
    { class: "button", href: new URL(plotPath, ROOT).href, target: "_blank", rel: "noopener", onclick: fetchPlot },
    t("job.plot"),
  );
  const json = action(t("job.copyJson"), async () => copy(JSON.stringify(await config(), null, 2)));
  const shell = action(t("job.copyCurl"), async () => copy(curl(await config())));
  const like = action(t("job.like"), startLikeIt);
  const element = h(
    "div",
    { class: "actions", role: "group", "aria-label": t("job.actions"), hidden: true },
    stop,
    resume,
    model,
    like,
    plot,
    json,
    shell,
  );

  async function stopJob() {
    await post(path`training/${history.id}/stop`);
    say(t("job.stopped"));
    store.refresh();
  }

  async function resumeJob() {
    const { current_timesteps: done, total_timesteps: before } = history.status;
    const given = await ask({
      title: t("job.resume"),
      text: t("job.resumeText", { n: whole(done), total: whole(before) }),
      confirm: t("job.resume"),
      field: {
        label: t("field.total_timesteps"),
        type: "number",
        value: String(before),
        min: String(Math.max(before, 1)),
        name: "total_timesteps",
      },
      act: (value) => post(path`training/${history.id}/resume`, value === "" ? {} : { total_timesteps: Number(value) }),
    });
    if (given === null) return;
    history.status.total_timesteps = given.config.total_timesteps;
    say(t("job.resumed"));
    wentOn();
  }

  /** A link cannot carry a key, so with one the picture is fetched and handed over as a file. */
  function fetchPlot(event) {
    if (!key.get()) return;
    event.preventDefault();
    request(plotPath)
      .then((response) => response.blob())
      .then((blob) => download(blob, `${history.status.model_name}.svg`))
      .catch(complain);
  }

  async function startLikeIt() {
    draft.take(await config());
    location.hash = "#/new";
  }

  async function config() {
    return (await get(path`training/${history.id}/status`)).config;
  }

  return {
    element,
    update() {
      const { status, model_name: name } = history.status;
      element.hidden = false;
      stop.hidden = hasEnded(status);
      resume.hidden = status !== "stopped" && status !== "failed";
      model.hidden = status !== "completed" && status !== "stopped";
      model.href = `#/models/${encodeURIComponent(name)}/play`;
      model.classList.toggle("primary", status === "completed");
    },
  };
}

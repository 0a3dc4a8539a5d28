/** What happened to a job, newest first. */

import { h, show } from "../lib/dom.js";
import { clock, figure, whole } from "../lib/format.js";
import { t, tOr } from "../lib/language.js";

export function logPanel() {
  const list = h("ol", { class: "log", tabindex: "0", "aria-label": t("log.title") });
  const element = h("section", { class: "panel" }, h("h2", {}, t("log.title")), list);
  const empty = h("li", { class: "muted" }, t("log.empty"));
  show(list, empty);
  return {
    element,
    /** @param {import("./history.js").Line[]} lines */
    update(lines) {
      show(list, lines.length ? lines.map(line).reverse() : empty);
    },
  };
}

function line({ kind, data, time }) {
  const level = kind === "log" ? data.level.toLowerCase() : kind;
  return h(
    "li",
    { class: `line ${level}` },
    h("time", { datetime: time }, clock(time)),
    h("span", { class: "kind" }, tOr(`log.kind.${level}`, level)),
    h("span", {}, words(kind, data)),
  );
}

function words(kind, data) {
  if (kind === "checkpoint") return t("log.checkpoint", { n: whole(data.timesteps) });
  if (kind === "eval") {
    const values = {
      n: whole(data.timesteps),
      mean: figure(data.mean_reward),
      std: figure(data.std_reward, 3),
      episodes: data.episodes,
    };
    return t(data.best ? "log.best" : "log.eval", values);
  }
  if (kind !== "status") return data.message ?? JSON.stringify(data);
  const parts = [t("log.status", { status: t(`status.${data.status}`), n: whole(data.timesteps ?? 0) })];
  if (data.reason) parts.push(tOr(`reason.${data.reason}`, data.reason));
  if (data.model_version) parts.push(t("log.kept", { name: data.model_name, version: data.model_version }));
  return parts.join(" · ");
}

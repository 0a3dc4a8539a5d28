/** Every version of a model and where it comes from; take one away as a file, or delete it. */

import { path, remove, request } from "../lib/api.js";
import { ask } from "../lib/dialog.js";
import { download, h } from "../lib/dom.js";
import { bytes, figure, moment, whole } from "../lib/format.js";
import { t } from "../lib/language.js";
import { action, copy, say } from "../lib/notice.js";

/** @param {{name: string, versions: any[]}} model @param {() => Promise<void>} changed */
export function versionsView({ name, versions }, changed) {
  const newestFirst = [...versions].reverse();
  const all = h("button", { type: "button", class: "danger", onclick: () => removeAll() }, t("versions.deleteAll"));
  const element = h(
    "div",
    { class: "stack" },
    h(
      "ol",
      { class: "lineage", "aria-label": t("tab.versions") },
      newestFirst.map((version, i) => entry(version, newestFirst[i + 1])),
    ),
    h("div", { class: "actions" }, all),
  );

  function entry(kept, before) {
    const { evaluation, config } = kept;
    return h(
      "li",
      { class: "panel version" },
      h(
        "div",
        { class: "version-head" },
        h("h2", {}, `v${kept.version}`),
        origin(kept, before),
        h("span", { class: "muted small" }, moment(kept.created_at)),
      ),
      h(
        "dl",
        { class: "rows" },
        h("dt", {}, t("evaluate.mean")),
        h(
          "dd",
          {},
          evaluation
            ? `${figure(evaluation.mean_reward)} ± ${figure(evaluation.std_reward, 3)} (${t("versions.episodes", { n: evaluation.episodes })})`
            : "–",
        ),
        h("dt", {}, t("job.steps")),
        h("dd", {}, whole(kept.timesteps)),
        h("dt", {}, t("play.seed")),
        h("dd", {}, String(kept.seed)),
        h("dt", {}, t("versions.size")),
        h("dd", {}, bytes(kept.size_bytes)),
        h("dt", {}, "SHA-256"),
        h("dd", {}, h("code", { class: "hash" }, kept.sha256)),
      ),
      h(
        "details",
        {},
        h("summary", {}, t("versions.config")),
        h("pre", { class: "code", tabindex: "0" }, JSON.stringify(config, null, 2)),
      ),
      h(
        "div",
        { class: "actions", role: "group", "aria-label": `v${kept.version}` },
        action(t("versions.safetensors"), () => take(kept, "safetensors")),
        action(t("versions.onnx"), () => take(kept, "onnx")),
        action(t("job.copyJson"), () => copy(JSON.stringify(config, null, 2))),
        h("button", { type: "button", class: "danger quiet", onclick: () => removeOne(kept) }, t("delete")),
      ),
    );
  }

  /** A version comes from a job or from a file; one job that went on makes several. */
  function origin(kept, before) {
    if (kept.imported_at) return h("span", { class: "badge" }, t("versions.fromFile"));
    const words = before?.job_id === kept.job_id ? t("versions.resumed", { version: before.version }) : t("versions.fromJob");
    return h("a", { href: `#/jobs/${kept.job_id}` }, `${words} ${kept.job_id.slice(0, 8)}`);
  }

  async function take({ version }, format) {
    const response = await request(path`models/${name}/export?format=${format}&model_version=${version}`);
    download(await response.blob(), `${name}-v${version}.${format}`);
    const parity = response.headers.get("X-ONNX-Parity");
    say(parity ? t("versions.parity", parityOf(parity)) : t("versions.exported"));
  }

  async function removeOne({ version }) {
    const done = await ask({
      title: t("versions.deleteTitle", { name: `${name} v${version}` }),
      text: t("versions.deleteText"),
      confirm: t("delete"),
      danger: true,
      act: () => remove(path`models/${name}?model_version=${version}`),
    });
    if (done) await left(versions.length > 1, done.message);
  }

  async function removeAll() {
    const done = await ask({
      title: t("versions.deleteTitle", { name }),
      text: t("versions.deleteAllText", { n: versions.length }),
      confirm: t("delete"),
      danger: true,
      act: () => remove(path`models/${name}`),
    });
    if (done) await left(false, done.message);
  }

  async function left(some, message) {
    say(message);
    if (some) await changed();
    else location.hash = "#/models";
  }

  return { element };
}

/** The largest difference of any output to what the policy itself gives. */
function parityOf(header) {
  const { max_abs_difference: differences, observations } = JSON.parse(header);
  return { difference: figure(Math.max(...Object.values(differences)), 2), n: observations };
}

/** Models: the list at the side; in the middle the open one at play, to try, to judge, and where it comes from. */

import { get, request } from "../lib/api.js";
import { h, show, text } from "../lib/dom.js";
import { ago } from "../lib/format.js";
import { t } from "../lib/language.js";
import { busy, complain, say } from "../lib/notice.js";
import { modelView } from "./view.js";

/** @param {string[]} parts what follows #/models/ in the address: name, tab */
export function modelsPage(parts) {
  const list = h("ul", { class: "job-list", "aria-label": t("models.title") });
  const note = h("p", { class: "muted pad" }, t("loading"));
  const file = h("input", {
    type: "file",
    class: "visually-hidden",
    tabindex: "-1",
    "aria-hidden": "true",
    accept: ".safetensors",
    onchange: take,
  });
  const importing = h("button", { type: "button", onclick: () => file.click() }, t("models.import"));
  const side = h(
    "section",
    { class: "panel list-panel", "aria-label": t("models.title") },
    h("div", { class: "list-head" }, h("h2", {}, t("models.title")), importing, file),
    list,
    note,
  );
  const middle = h("div", { class: "main-column" });
  const element = h("div", { class: "with-list" }, side, middle);
  let [name = null] = parts;
  let inside = null;
  let closed = false;

  async function refresh() {
    const { models } = await get("models");
    if (closed) return models;
    models.sort((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at));
    show(list, models.map(entry));
    text(note, models.length ? "" : t("models.none"));
    note.hidden = models.length > 0;
    if (!name) show(middle, blank(models.length === 0));
    return models;
  }

  function entry(model) {
    const open = model.name === name;
    return h(
      "li",
      { class: `job-row${open ? " selected" : ""}` },
      h(
        "a",
        { class: "job-link", href: `#/models/${encodeURIComponent(model.name)}`, "aria-current": open ? "page" : null },
        h(
          "span",
          { class: "job-top" },
          h("span", { class: "job-name" }, model.name),
          h("span", { class: "badge version" }, `v${model.version}`),
        ),
        h("span", { class: "job-bottom" }, h("span", { class: "job-detail" }, `${model.env_name} · ${ago(model.created_at)}`)),
      ),
    );
  }

  /** A file of a model becomes a model of its name. */
  async function take() {
    const [chosen] = file.files;
    file.value = "";
    if (!chosen) return;
    await busy(importing, async () => {
      const wanted = chosen.name.replace(/\.safetensors$/, "").replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}._-]+/gu, "") || "imported";
      const answer = await request(`models?model_name=${encodeURIComponent(wanted)}`, {
        method: "POST",
        body: chosen,
        headers: { "Content-Type": "application/octet-stream" },
      });
      const made = await answer.json();
      say(t("models.imported", { name: made.name, version: made.version }));
      location.hash = `#/models/${encodeURIComponent(made.name)}/versions`;
      go([made.name, "versions"]);
    });
  }

  function go([wanted = null, tab = "play"]) {
    const same = inside && wanted === name && inside.has(tab);
    name = wanted;
    element.classList.toggle("has-detail", Boolean(name));
    refresh().catch(complain);
    if (same) return inside.open(tab);
    inside?.close();
    inside = name ? modelView(name, tab, () => refresh().catch(complain)) : null;
    return show(
      middle,
      name && h("a", { class: "back", href: "#/models" }, t("models.back")),
      inside?.element ?? blank(false),
    );
  }

  function blank(none) {
    return h(
      "div",
      { class: "blank" },
      h("h1", {}, t("models.title")),
      h("p", { class: "muted" }, t(none ? "models.first" : "models.choose")),
      none && h("p", {}, h("a", { class: "button primary", href: "#/new" }, t("nav.new"))),
    );
  }

  go(parts);
  return {
    element,
    go,
    title: () => name ?? t("nav.models"),
    close() {
      closed = true;
      inside?.close();
    },
  };
}

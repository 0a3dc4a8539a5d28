/** Sweeps: the list at the side; in the middle the open one, or the form of a new one. */

import { get } from "../lib/api.js";
import { h, show, text } from "../lib/dom.js";
import { ago } from "../lib/format.js";
import { t } from "../lib/language.js";
import { complain } from "../lib/notice.js";
import { badge } from "../jobs/list.js";
import { sweepForm } from "./form.js";
import { sweepView } from "./view.js";

const NEW = "new";

/** @param {string[]} parts what follows #/sweeps/ in the address: an id, or "new" */
export function sweepsPage(parts) {
  const list = h("ul", { class: "job-list", "aria-label": t("sweeps.title") });
  const note = h("p", { class: "muted pad" }, t("loading"));
  const side = h(
    "section",
    { class: "panel list-panel", "aria-label": t("sweeps.title") },
    h(
      "div",
      { class: "list-head" },
      h("h2", {}, t("sweeps.title")),
      h("a", { class: "button", href: `#/sweeps/${NEW}` }, t("sweeps.new")),
    ),
    list,
    note,
  );
  const middle = h("div", { class: "main-column" });
  const element = h("div", { class: "with-list" }, side, middle);
  let [id = null] = parts;
  let inside = null;
  let closed = false;

  async function refresh() {
    const { sweeps } = await get("sweeps");
    if (closed) return;
    show(list, sweeps.map(entry));
    text(note, sweeps.length ? "" : t("sweeps.none"));
    note.hidden = sweeps.length > 0;
  }

  function entry(sweep) {
    const open = sweep.sweep_id === id;
    return h(
      "li",
      { class: `job-row${open ? " selected" : ""}` },
      h(
        "a",
        { class: "job-link", href: `#/sweeps/${sweep.sweep_id}`, "aria-current": open ? "page" : null },
        h(
          "span",
          { class: "job-top" },
          h("span", { class: "job-name" }, sweep.env_name),
          badge(sweep.status),
        ),
        h(
          "span",
          { class: "job-bottom" },
          h(
            "span",
            { class: "job-detail" },
            `${t("sweeps.trials", { n: sweep.n_trials })} · ${ago(sweep.created_at)} · ${sweep.sweep_id.slice(0, 8)}`,
          ),
        ),
      ),
    );
  }

  function go([wanted = null]) {
    id = wanted;
    element.classList.toggle("has-detail", Boolean(id));
    refresh().catch(complain);
    inside?.close();
    inside = id === NEW ? sweepForm() : id ? sweepView(id, () => refresh().catch(complain)) : null;
    show(middle, id && h("a", { class: "back", href: "#/sweeps" }, t("sweeps.back")), inside?.element ?? blank());
  }

  function blank() {
    return h(
      "div",
      { class: "blank" },
      h("h1", {}, t("sweeps.title")),
      h("p", { class: "muted" }, t("sweeps.text")),
      h("p", {}, h("a", { class: "button primary", href: `#/sweeps/${NEW}` }, t("sweeps.new"))),
    );
  }

  go(parts);
  return {
    element,
    go,
    title: () => t(id === NEW ? "sweeps.new" : "nav.sweeps"),
    close() {
      closed = true;
      inside?.close();
    },
  };
}

/** Jobs: the list at the side; in the middle the open job, or the curves of those that are ticked. */

import { h, show } from "../lib/dom.js";
import { t } from "../lib/language.js";
import { comparison } from "./comparison.js";
import { jobList } from "./list.js";
import { jobView } from "./view.js";

/** @param {string[]} parts what follows #/jobs/ in the address */
export function jobsPage(parts) {
  const list = jobList();
  const middle = h("div", { class: "main-column" });
  const element = h("div", { class: "with-list" }, list.element, middle);
  let inside = null;

  function go([id = null]) {
    inside?.close();
    inside = id ? jobView(id) : comparison();
    element.classList.toggle("has-detail", Boolean(id));
    list.select(id);
    show(middle, id && h("a", { class: "back", href: "#/jobs" }, t("jobs.back")), inside.element);
  }

  go(parts);
  return {
    element,
    go,
    title: () => inside.title?.() ?? t("nav.jobs"),
    close() {
      inside.close();
      list.close();
    },
  };
}

/** The jobs beside what is looked at: state, progress, time left, and a box to compare. */

import { h, show, text } from "../lib/dom.js";
import { ago, duration, figure, percent, share } from "../lib/format.js";
import { t } from "../lib/language.js";
import { action, say } from "../lib/notice.js";
import { hasEnded, MOST_COMPARED, store } from "./store.js";

let filter = "";

/** @returns {{element: HTMLElement, select: (id: string|null) => void, close: () => void}} */
export function jobList() {
  let selected = null;
  /** @type {Map<string, ReturnType<typeof row>>} */
  const rows = new Map();
  const list = h("ul", { class: "job-list", "aria-label": t("jobs.title") });
  const note = h("p", { class: "muted pad" });
  const more = action(t("jobs.older"), () => store.older(), { class: "quiet", hidden: true });
  const search = h("input", {
    type: "search",
    class: "search",
    placeholder: t("jobs.filter"),
    "aria-label": t("jobs.filter"),
    value: filter,
    oninput: () => {
      filter = search.value;
      render();
    },
  });
  const element = h(
    "section",
    { class: "panel list-panel", "aria-label": t("jobs.title") },
    h("div", { class: "list-head" }, search),
    list,
    note,
    more,
  );

  function render() {
    const wanted = filter.trim().toLowerCase();
    const shown = (store.jobs ?? []).filter(
      (job) => !wanted || `${job.model_name} ${job.env_name} ${job.status} ${job.job_id}`.toLowerCase().includes(wanted),
    );
    const ids = new Set(shown.map((job) => job.job_id));
    for (const [id, kept] of rows) if (!ids.has(id)) (kept.element.remove(), rows.delete(id));
    shown.forEach((job, place) => {
      const kept = rows.get(job.job_id) ?? row(job.job_id);
      rows.set(job.job_id, kept);
      kept.update(job, job.job_id === selected);
      if (list.children[place] !== kept.element) list.insertBefore(kept.element, list.children[place] ?? null);
    });
    more.hidden = !store.hasMore;
    text(
      note,
      store.jobs === null
        ? t("loading")
        : store.jobs.length === 0
          ? t("jobs.none")
          : shown.length === 0
            ? t(store.hasMore ? "jobs.noMatchYet" : "jobs.noMatch", { n: store.jobs.length })
            : "",
    );
    note.hidden = note.textContent === "";
  }

  const ends = [store.on(render), store.watch()];
  const clock = setInterval(render, 15_000); // "3 minutes ago" goes on by itself
  render();
  return {
    element,
    select(id) {
      selected = id;
      render();
    },
    close() {
      clearInterval(clock);
      ends.forEach((end) => end());
    },
  };
}

/** One entry; it is changed in place, so that focus and pointer stay where they are. */
function row(id) {
  const tick = h("input", {
    type: "checkbox",
    onchange: () => {
      if (!store.compare(id, tick.checked)) {
        tick.checked = false;
        say(t("compare.full", { n: MOST_COMPARED }));
      }
    },
  });
  const name = h("span", { class: "job-name" });
  const state = h("span", {});
  const detail = h("span", { class: "job-detail" });
  const value = h("span", { class: "job-value" });
  const bar = h("span", { class: "bar-fill" });
  const track = h("span", { class: "bar-track" }, bar);
  const link = h(
    "a",
    { class: "job-link", href: `#/jobs/${id}` },
    h("span", { class: "job-top" }, name, state),
    h("span", { class: "job-bottom" }, detail, value),
    track,
  );
  const element = h("li", { class: "job-row" }, h("label", { class: "tick-box" }, tick), link);
  return {
    element,
    update(job, isSelected) {
      const best = job.metrics["rollout/ep_rew_mean"];
      const eta = store.eta(job);
      tick.checked = store.compared.includes(id);
      tick.setAttribute("aria-label", t("compare.tick", { name: job.model_name }));
      element.classList.toggle("selected", isSelected);
      if (isSelected) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
      text(name, job.model_name);
      state.className = `badge ${job.status}`;
      text(state, t(`status.${job.status}`));
      const when = hasEnded(job.status)
        ? ago(job.end_time)
        : job.status === "queued"
          ? t("jobs.waits")
          : eta === null
            ? percent(job.progress)
            : `${percent(job.progress)} · ${t("jobs.left", { time: duration(eta) })}`;
      text(detail, `${job.env_name} · ${when}`);
      text(value, best === undefined ? "" : figure(best, 3));
      value.title = t("metric.rollout/ep_rew_mean");
      track.hidden = hasEnded(job.status);
      bar.style.setProperty("inline-size", share(job.progress));
    },
  };
}

/** The word for a state, with its colour. */
export function badge(status) {
  return h("span", { class: `badge ${status}` }, t(`status.${status}`));
}

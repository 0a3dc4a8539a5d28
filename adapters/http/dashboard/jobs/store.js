/** The list of jobs, asked for again and again while somebody looks at it; and which of them are compared. */

import { ApiError, get } from "../lib/api.js";
import { Emitter } from "../lib/emitter.js";

const PAGE = 100;
const BUSY_MILLISECONDS = 1_000;
const QUIET_MILLISECONDS = 4_000;
export const MOST_COMPARED = 5;
const ENDED = new Set(["completed", "failed", "stopped"]);

export const hasEnded = (status) => ENDED.has(status);

class JobStore extends Emitter {
  /** Newest first; null before the first answer. @type {any[]|null} */
  jobs = null;
  hasMore = false;
  /** Ids of ticked jobs, in the order in which they were ticked. @type {string[]} */
  compared = [];
  /** Whether older pages were asked for. */
  #older = false;
  #watchers = 0;
  #timer = 0;

  /** @returns {() => void} ends the watching */
  watch() {
    this.#watchers += 1;
    if (this.#watchers === 1) this.refresh();
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      this.#watchers -= 1;
      if (this.#watchers === 0) clearTimeout(this.#timer);
    };
  }

  /** Ask now. What goes wrong is shown elsewhere: by the banner, or by the dialog for the key. */
  async refresh() {
    clearTimeout(this.#timer);
    let wait = QUIET_MILLISECONDS;
    try {
      const { jobs, has_more: more = false } = await get(`training/jobs?limit=${PAGE}`);
      const busy = more ? await this.#running(jobs) : [];
      if (!this.#older) this.hasMore = more;
      const newest = new Set([...busy, ...jobs].map((job) => job.job_id));
      // New jobs push others off the first page: those stay, too.
      const rest = this.#older ? this.jobs.filter((job) => !newest.has(job.job_id)) : [];
      this.jobs = [...busy, ...jobs, ...rest];
      if (this.jobs.some((job) => !hasEnded(job.status))) wait = BUSY_MILLISECONDS;
      this.emit(this);
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return; // whoever gives a key begins anew
    }
    clearTimeout(this.#timer);
    if (this.#watchers > 0) this.#timer = setTimeout(() => this.#again(), wait);
  }

  async older() {
    const last = this.jobs.at(-1).job_id;
    const { jobs, has_more: more = false } = await get(`training/jobs?limit=${PAGE}&after=${encodeURIComponent(last)}`);
    const known = new Set(this.jobs.map((job) => job.job_id));
    this.#older = true;
    this.jobs = [...this.jobs, ...jobs.filter((job) => !known.has(job.job_id))];
    this.hasMore = more;
    this.emit(this);
  }

  find(id) {
    return this.jobs?.find((job) => job.job_id === id) ?? null;
  }

  /** @returns {boolean} whether it could be done: only a few curves can be told apart */
  compare(id, yes) {
    if (yes && this.compared.length >= MOST_COMPARED) return false;
    this.compared = yes ? [...this.compared, id] : this.compared.filter((one) => one !== id);
    this.emit(this);
    return true;
  }

  /** Seconds to the end at the speed of now, null where it is not known. */
  eta(job) {
    const speed = job.metrics["time/fps"];
    return speed && job.status === "running" ? (job.total_timesteps - job.current_timesteps) / speed : null;
  }

  /** Behind a long queue the jobs that run are the oldest, on a later page: they come first. */
  async #running(newest) {
    const known = new Set(newest.map((job) => job.job_id));
    const { jobs } = await get(`training/jobs?limit=${PAGE}&status=running`);
    return jobs.filter((job) => !known.has(job.job_id));
  }

  #again() {
    if (document.hidden) this.#timer = setTimeout(() => this.#again(), BUSY_MILLISECONDS);
    else this.refresh();
  }
}

export const store = new JobStore();

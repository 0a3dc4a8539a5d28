/** What is known of one job: its state, its figures over time, its evaluations and its log, kept up by the server's events. */

import { get, path, stream } from "../lib/api.js";
import { Emitter } from "../lib/emitter.js";

const MOST_POINTS = 1_000;
const MOST_LINES = 300;
const DIAGNOSIS_MILLISECONDS = 3_000;

/** @typedef {{time: string, kind: string, data: any}} Line */

export class JobHistory extends Emitter {
  /** The newest object of GET status, renewed by events. @type {any} */
  status = null;
  /** @type {number[]} */
  timesteps = [];
  /** @type {Record<string, (number|null)[]>} */
  metrics = {};
  /** @type {any[]} */
  evaluations = [];
  /** @type {{code: string, message: string}[]} */
  diagnosis = [];
  /** @type {Line[]} */
  log = [];
  /** How often curves and evaluations have changed. */
  changes = 0;
  /** When the newest point of the curve was made. */
  newest = "";
  fps = null;
  eta = null;
  #stop = new AbortController();
  #asked = 0;
  #streams = false;
  /** Id of the newest event, and the time up to which the figures are known. */
  #last = "";
  #known = 0;

  constructor(id) {
    super();
    this.id = id;
  }

  /** Read what there is and follow what comes. Rejects with what the server refuses. */
  async follow() {
    this.status = await get(path`training/${this.id}/status`);
    this.emit(this);
    await this.readHistory();
    this.listen();
  }

  /** Follow the events from the last one on; after `done` again, when the job goes on. */
  listen() {
    if (this.#streams || this.#stop.signal.aborted) return;
    this.#streams = true;
    stream(path`training/${this.id}/events`, this.#stop.signal, (event) => this.#take(event), { after: this.#last })
      .catch(() => {})
      .finally(() => {
        this.#streams = false;
      });
  }

  /** The whole history at once, and why it is flat if it is. */
  async readHistory() {
    this.#asked = performance.now();
    const answer = await get(path`training/${this.id}/metrics?max_points=${MOST_POINTS}`, { signal: this.#stop.signal });
    this.diagnosis = answer.diagnosis;
    this.timesteps = answer.timesteps;
    this.metrics = answer.metrics;
    this.evaluations = answer.evaluations;
    this.changes += 1;
    this.#known = Math.max(0, ...[answer.times.at(-1), answer.evaluations.at(-1)?.time].filter(Boolean).map(Date.parse));
    this.emit(this);
  }

  close() {
    this.#stop.abort();
  }

  #take({ kind, data, id }) {
    if (id) this.#last = id;
    // The events begin with what the history already told; of that only the log is new.
    if (data.time && Date.parse(data.time) <= this.#known) this.#write(kind, data);
    else if (kind === "metrics") this.#add(data);
    else if (kind === "eval") this.#evaluated(data);
    else if (kind === "progress") this.#progress(data);
    else if (kind === "done") this.#done(data);
    else this.#said(kind, data);
    this.emit(this);
    return kind === "done" ? "end" : undefined;
  }

  #add({ timesteps, metrics, time }) {
    this.newest = time;
    this.changes += 1;
    this.#cut(timesteps);
    for (const name of Object.keys(metrics)) this.metrics[name] ??= this.timesteps.map(() => null);
    this.timesteps.push(timesteps);
    for (const [name, column] of Object.entries(this.metrics)) column.push(metrics[name] ?? null);
    this.status.metrics = { ...this.status.metrics, ...metrics };
    if (performance.now() - this.#asked > DIAGNOSIS_MILLISECONDS) this.#diagnose();
  }

  /** Drop what a job that went back to a checkpoint does again. */
  #cut(from) {
    while (this.timesteps.length && this.timesteps.at(-1) >= from) {
      this.changes += 1;
      this.timesteps.pop();
      for (const column of Object.values(this.metrics)) column.pop();
    }
  }

  #evaluated(data) {
    this.changes += 1;
    this.evaluations = [...this.evaluations.filter((one) => one.timesteps < data.timesteps), data];
    this.#said("eval", data);
  }

  #progress({ status, progress, current_timesteps, total_timesteps, fps, eta_seconds }) {
    Object.assign(this.status, { status, progress, current_timesteps, total_timesteps });
    this.fps = fps;
    this.eta = eta_seconds;
  }

  #done(data) {
    this.status = data;
    this.fps = null;
    this.eta = null;
    this.#diagnose();
  }

  #said(kind, data) {
    if (kind === "status") {
      this.status.status = data.status;
      if (data.status === "running") this.#cut(data.timesteps + 1);
    }
    this.#write(kind, data);
  }

  #write(kind, data) {
    if (kind !== "metrics")
      this.log = [...this.log, { kind, data, time: data.time ?? new Date().toISOString() }].slice(-MOST_LINES);
  }

  #diagnose() {
    this.#asked = performance.now();
    get(path`training/${this.id}/metrics?max_points=2`, { signal: this.#stop.signal })
      .then(({ diagnosis }) => {
        this.diagnosis = diagnosis;
        this.emit(this);
      })
      .catch(() => {});
  }
}

/**
 * Steps arrive in bursts and late; frames must come evenly. The timeline plays steps a little behind their arrival, at their own pace,
 * and gives for each frame the two steps around it. Knows nothing of the page.
 */

const LEAST_LAG_SECONDS = 0.06;
const LONGEST_LAG_SECONDS = 0.6;
const MOST_KEPT = 4_096;

export class Timeline {
  /** @type {any[]} */
  #steps = [];
  /** Place in the steps, and the time at which it was true. */
  #position = 0;
  #at = null;

  /** @param {number} stepSeconds how long a step lasts as it is played */
  constructor(stepSeconds) {
    this.stepSeconds = stepSeconds;
  }

  push(step) {
    this.#steps.push(step);
    if (this.#steps.length > MOST_KEPT) this.#skip(); // nobody looks: a hidden tab draws no frames
  }

  /** Steps that arrived and were not yet played. */
  get waiting() {
    return Math.max(0, this.#steps.length - 1 - this.#position);
  }

  /**
   * @param {number} now seconds
   * @returns {{from: any, to: any, share: number}|null} null before the first step
   */
  sample(now) {
    if (!this.#steps.length) return null;
    const lag = Math.max(LEAST_LAG_SECONDS / this.stepSeconds, 1);
    if (this.#at === null) {
      if (this.waiting < lag) return this.#frame();
      this.#at = now;
    }
    const elapsed = (now - this.#at) / this.stepSeconds;
    this.#at = now;
    // A little faster with too many steps ahead, a little slower with too few: never a jump that could be seen.
    const pace = 1 + Math.max(-0.3, Math.min(0.3, (this.waiting - lag) * 0.05));
    this.#position = Math.min(this.#steps.length - 1, this.#position + elapsed * pace);
    if (this.waiting * this.stepSeconds > LONGEST_LAG_SECONDS) this.#position = this.#steps.length - 1 - lag;
    this.#forget();
    return this.#frame();
  }

  #frame() {
    const i = Math.floor(this.#position);
    const from = this.#steps[i];
    const to = this.#steps[Math.min(i + 1, this.#steps.length - 1)];
    return { from, to, share: this.#position - i };
  }

  #skip() {
    this.#steps.splice(0, MOST_KEPT / 2);
    this.#position = Math.max(0, this.#position - MOST_KEPT / 2);
  }

  #forget() {
    const past = Math.floor(this.#position);
    if (past < 64) return;
    this.#steps.splice(0, past);
    this.#position -= past;
  }
}

/** Between two states; angles take the short way round. @param {boolean[]} angles */
export function between(a, b, share, angles) {
  return a.map((value, i) => {
    let way = b[i] - value;
    if (angles[i]) way -= 2 * Math.PI * Math.round(way / (2 * Math.PI));
    return value + share * way;
  });
}

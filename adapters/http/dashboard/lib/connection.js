/** Whether the server answers. While it does not, it is asked again and again, and who waits is told when it is back. */

import { Emitter } from "./emitter.js";

const FIRST_WAIT = 300;
const LONGEST_WAIT = 4_000;

class Connection extends Emitter {
  lost = false;
  #wake = null;

  /** A request got no answer. @param {() => Promise<boolean>} probe */
  fail(probe) {
    if (this.lost) return;
    this.lost = true;
    this.emit(this);
    this.#heal(probe);
  }

  /** A request got an answer, whichever. */
  succeed() {
    if (!this.lost) return;
    this.lost = false;
    this.#wake?.();
    this.emit(this);
  }

  /** Resolves at once, or when the server is back. */
  restored() {
    if (!this.lost) return Promise.resolve();
    return new Promise((resolve) => {
      const end = this.on(() => {
        if (this.lost) return;
        end();
        resolve();
      });
    });
  }

  async #heal(probe) {
    for (let wait = FIRST_WAIT; this.lost; wait = Math.min(wait * 1.6, LONGEST_WAIT)) {
      await new Promise((resolve) => {
        this.#wake = resolve;
        setTimeout(resolve, wait);
      });
      if (this.lost && (await probe())) this.succeed();
    }
  }
}

export const connection = new Connection();

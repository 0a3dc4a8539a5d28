/** The smallest thing that can be listened to. */
export class Emitter {
  #listeners = new Set();

  /** @returns {() => void} ends the listening */
  on(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  emit(value) {
    for (const listener of [...this.#listeners]) listener(value);
  }
}

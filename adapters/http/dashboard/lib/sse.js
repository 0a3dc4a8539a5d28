/** Server-sent events as text, by the rules of the HTML standard (§ 9.2.6). */

/**
 * @typedef {{kind: string, data: string, id: string}} ServerEvent
 */

/** Takes text in pieces as they arrive, and gives the events that are complete. */
export class EventParser {
  /** Id of the newest event; an event without one keeps it. */
  lastId = "";
  /** Milliseconds that the server asks to wait before a reconnect, null where it does not say. */
  retry = null;
  #rest = "";
  #kind = "";
  #data = [];

  /**
   * @param {string} piece
   * @returns {ServerEvent[]}
   */
  push(piece) {
    const lines = (this.#rest + piece).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    const events = [];
    for (const line of lines) {
      if (line === "") this.#dispatch(events);
      else this.#take(line);
    }
    return events;
  }

  #take(line) {
    const colon = line.indexOf(":");
    if (colon === 0) return; // a comment: the heartbeat
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "event") this.#kind = value;
    else if (name === "data") this.#data.push(value);
    else if (name === "id" && !value.includes("\0")) this.lastId = value;
    else if (name === "retry" && /^\d+$/.test(value)) this.retry = Number(value);
  }

  #dispatch(events) {
    if (this.#data.length) events.push({ kind: this.#kind || "message", data: this.#data.join("\n"), id: this.lastId });
    this.#kind = "";
    this.#data = [];
  }
}

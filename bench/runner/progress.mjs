/** What is going on, on stderr: one line that changes on a terminal, a line now and then elsewhere. */

/** Milliseconds between two lines where there is no terminal. */
const QUIET_MS = 15_000;

export class Progress {
  #out;
  #label = '';
  #started = 0;
  #lastLine = 0;

  /** @param {NodeJS.WriteStream} [out] */
  constructor(out = process.stderr) {
    this.#out = out;
  }

  /** A line that stays. @param {string} line */
  say(line) {
    this.#clear();
    this.#out.write(`${line}\n`);
  }

  /** Begins something that takes a while. @param {string} label */
  begin(label) {
    this.#label = label;
    this.#started = Date.now();
    this.#lastLine = Date.now();
    if (!this.#out.isTTY) this.#out.write(`${label} …\n`);
  }

  /** How far it is. @param {string} note */
  step(note) {
    const seconds = Math.round((Date.now() - this.#started) / 1000);
    const text = `${this.#label}  ${note}  ${String(seconds)} s`;
    if (this.#out.isTTY) {
      this.#clear();
      this.#out.write(text.slice(0, this.#out.columns - 1));
    } else if (Date.now() - this.#lastLine > QUIET_MS) {
      this.#lastLine = Date.now();
      this.#out.write(`${text}\n`);
    }
  }

  end() {
    this.#clear();
  }

  #clear() {
    if (this.#out.isTTY) this.#out.write('\r\x1b[K');
  }
}

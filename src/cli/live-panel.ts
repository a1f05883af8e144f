/** Some lines at the bottom of a terminal that are redrawn in place, while other output scrolls by above them. */

/** What the panel needs of a terminal; `process.stdout` has it. */
export interface Terminal {
  readonly columns: number;
  readonly rows: number;
  write(text: string): unknown;
}

export interface PanelSize {
  /** Characters that a line may have. */
  readonly columns: number;
  /** Lines that the panel may have. */
  readonly rows: number;
}

/** Gives the panel's lines. None may be wider than `columns`, and there may be no more than `rows`. */
export type RenderPanel = (size: PanelSize) => readonly string[];

/** Milliseconds between two redraws for new figures. */
const REFRESH_INTERVAL = 250;
/** Milliseconds for which output is gathered at most: an app that logs much must not make the panel flicker. */
const GATHER_INTERVAL = 50;

// eslint-disable-next-line no-control-regex -- escape sequences begin with a control character
const STYLES = /\x1b\[[\d;]*m/g;

/** Draws a panel. Until it is closed, everything for this terminal must go through `print`. */
export class LivePanel {
  readonly #terminal: Terminal;
  readonly #render: RenderPanel;
  readonly #refresher: NodeJS.Timeout;
  #drawn: readonly string[] = [];
  #printed = '';
  #flusher: NodeJS.Timeout | null = null;
  #lastFlush = 0;
  #isClosed = false;
  #isHidden = false;

  constructor(terminal: Terminal, render: RenderPanel) {
    this.#terminal = terminal;
    this.#render = render;
    // The panel is no reason for the process to live.
    this.#refresher = setInterval(() => {
      this.refresh();
    }, REFRESH_INTERVAL).unref();
  }

  /** Writes a line, or several, above the panel. */
  print(text: string): void {
    this.#printed += `${text}\n`;
    if (this.#isHidden) return;
    if (this.#isClosed) this.flush();
    if (this.#flusher !== null || this.#isClosed) return;
    const wait = Math.max(this.#lastFlush + GATHER_INTERVAL - performance.now(), 0);
    this.#flusher = setTimeout(() => {
      this.flush();
    }, wait).unref();
  }

  /** Redraws the panel if it has changed. */
  refresh(): void {
    if (this.#isHidden) return;
    const lines = this.#lines();
    const isSame =
      lines.length === this.#drawn.length && lines.every((line, index) => line === this.#drawn[index]);
    if (!isSame) this.#draw(lines);
  }

  /** Writes at once what was printed. */
  flush(): void {
    if (this.#printed !== '' && !this.#isHidden) this.#draw(this.#lines());
  }

  /** Draws anew below whatever is on the terminal now, as after the program was stopped and goes on. */
  restart(): void {
    this.#drawn = [];
    this.refresh();
  }

  /** Takes the panel off the terminal for a while: the terminal is somebody else's. What is printed meanwhile waits. */
  hide(): void {
    this.flush();
    this.#draw([]);
    this.#isHidden = true;
  }

  /** Ends `hide`. */
  show(): void {
    this.#isHidden = false;
    if (this.#isClosed) this.flush();
    else this.#draw(this.#lines());
  }

  /** Takes the panel off the terminal. What is printed from now on is written at once. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#refresher);
    if (!this.#isHidden) this.#draw([]);
  }

  #lines(): readonly string[] {
    if (this.#isClosed) return [];
    // One column is left free, so that no terminal breaks a full line; and two rows, for the cursor and for output.
    return this.#render({ columns: Math.max(this.#terminal.columns - 1, 1), rows: this.#terminal.rows - 2 });
  }

  /** The rows that the drawn lines take now. After a terminal was made narrower, it has broken the long ones. */
  #drawnRows(): number {
    const { columns } = this.#terminal;
    return this.#drawn.reduce(
      (sum, line) => sum + Math.max(Math.ceil(line.replace(STYLES, '').length / columns), 1),
      0,
    );
  }

  #draw(lines: readonly string[]): void {
    const rows = this.#drawnRows();
    // Up to the panel's first row, and clear from there on: then new output, then the panel, in one write.
    const erase = rows === 0 ? '' : `\r\x1b[${String(rows)}A\x1b[J`;
    const panel = lines.map((line) => `${line}\n`).join('');
    this.#terminal.write(`${erase}${this.#printed}${panel}`);
    this.#printed = '';
    this.#drawn = lines;
    this.#lastFlush = performance.now();
    if (this.#flusher !== null) clearTimeout(this.#flusher);
    this.#flusher = null;
  }
}

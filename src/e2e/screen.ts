/** A terminal of characters: what a program that writes to it would look like, without any style. */

// eslint-disable-next-line no-control-regex -- escape sequences begin with a control character
const SEQUENCE = /\x1b\[(\??[\d;]*)([A-Za-z])|\r|\n|[^\x1b\r\n]+/gy;

function counted(move: (count: number) => void): (parameters: string) => boolean {
  return (parameters) => {
    if (!/^\d*$/.test(parameters)) return false;
    move(Number(parameters === '' ? 1 : parameters));
    return true;
  };
}

/**
 * Knows lines, wrapping, scrolling, resizing as most terminals do it (wrapped lines are broken anew), and the sequences that
 * `LivePanel` and the questions on the terminal write. Anything else is an error, so that nothing goes by unseen.
 */
export class Screen {
  #columns: number;
  #rows: number;
  /** All lines from the first on, each as it was written, before the terminal breaks it. */
  readonly #lines: string[] = [''];
  #line = 0;
  #column = 0;
  /** The row that is the first on the screen, counted from the very first. */
  #top = 0;

  /** By their final letter. Each says whether it knows what stands before it. */
  readonly #controls: Readonly<Record<string, (parameters: string) => boolean>> = {
    A: counted((count) => {
      this.#up(count);
    }),
    B: counted((count) => {
      this.#line = Math.min(this.#line + count, this.#lines.length - 1);
    }),
    C: counted((count) => {
      this.#column += count;
    }),
    D: counted((count) => {
      this.#column -= Math.min(count, this.#column % this.#columns);
    }),
    G: counted((count) => {
      this.#column += count - 1 - (this.#column % this.#columns);
    }),
    J: (which) => {
      if (which === '' || which === '0') this.#clearBelow();
      return which === '' || which === '0';
    },
    K: (which) => {
      const line = this.#lines[this.#line] ?? '';
      this.#lines[this.#line] = which === '2' ? '' : line.slice(0, this.#column);
      return which !== '1';
    },
    // The cursor is shown, or not.
    h: (which) => which === '?25',
    l: (which) => which === '?25',
    m: () => true,
  };

  constructor(columns: number, rows: number) {
    this.#columns = columns;
    this.#rows = rows;
  }

  get columns(): number {
    return this.#columns;
  }

  get rows(): number {
    return this.#rows;
  }

  /** Takes what a program writes, line ends as a terminal's driver passes them on (CR LF). */
  write(text: string): void {
    SEQUENCE.lastIndex = 0;
    let end = 0;
    for (let match = SEQUENCE.exec(text); match !== null; match = SEQUENCE.exec(text)) {
      end = SEQUENCE.lastIndex;
      const [token, parameters = '', final] = match;
      if (final !== undefined) this.#control(parameters, final);
      else if (token === '\r') this.#column -= this.#column % this.#columns;
      else if (token === '\n') this.#feed();
      else this.#put(token);
    }
    if (end !== text.length)
      throw new Error(`not known to the screen: ${JSON.stringify(text.slice(end, end + 10))}`);
  }

  /** Changes the size; lines that no longer fit are broken, those that were broken and fit now are joined. */
  resize(columns: number, rows: number): void {
    this.#columns = columns;
    this.#rows = rows;
    this.#top = Math.max(0, this.#rowOf(this.#line, this.#column) - rows + 1);
  }

  /** The rows on the screen, without the spaces at their ends and the empty ones at the bottom. */
  visible(): string[] {
    return trimRows(this.#allRows().slice(this.#top, this.#top + this.#rows));
  }

  /** All that was ever written and not cleared, from the first row on. */
  history(): string[] {
    return trimRows(this.#allRows());
  }

  #height(line: number): number {
    return Math.max(Math.ceil((this.#lines[line] ?? '').length / this.#columns), 1);
  }

  #rowOf(line: number, column: number): number {
    let row = Math.floor(column / this.#columns);
    for (let index = 0; index < line; index++) row += this.#height(index);
    return row;
  }

  #allRows(): string[] {
    return this.#lines.flatMap((line, index) =>
      Array.from({ length: this.#height(index) }, (_, part) =>
        line.slice(part * this.#columns, (part + 1) * this.#columns),
      ),
    );
  }

  #control(parameters: string, final: string): void {
    const control = this.#controls[final];
    if (control?.(parameters) !== true) throw new Error(`not known to the screen: CSI ${parameters}${final}`);
  }

  #up(count: number): void {
    const row = Math.max(this.#rowOf(this.#line, this.#column) - count, this.#top);
    const column = this.#column % this.#columns;
    this.#line = 0;
    let first = 0;
    while (first + this.#height(this.#line) <= row) {
      first += this.#height(this.#line);
      this.#line += 1;
    }
    this.#column = (row - first) * this.#columns + column;
  }

  #clearBelow(): void {
    this.#lines[this.#line] = (this.#lines[this.#line] ?? '').slice(0, this.#column);
    this.#lines.length = this.#line + 1;
  }

  #feed(): void {
    if (Math.floor(this.#column / this.#columns) + 1 < this.#height(this.#line)) {
      this.#column += this.#columns;
    } else {
      this.#line += 1;
      this.#column %= this.#columns;
      if (this.#line === this.#lines.length) this.#lines.push('');
    }
    this.#scroll();
  }

  #put(text: string): void {
    const old = (this.#lines[this.#line] ?? '').padEnd(this.#column);
    this.#lines[this.#line] = old.slice(0, this.#column) + text + old.slice(this.#column + text.length);
    this.#column += text.length;
    this.#scroll();
  }

  #scroll(): void {
    this.#top = Math.max(this.#top, this.#rowOf(this.#line, this.#column) - this.#rows + 1);
  }
}

function trimRows(rows: readonly string[]): string[] {
  const trimmed = rows.map((row) => row.trimEnd());
  return trimmed.slice(0, trimmed.findLastIndex((row) => row !== '') + 1);
}

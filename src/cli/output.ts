/** Where the command's words go: the app's console, and Portside's own notes, above the table if there is one. */
import { fstatSync } from 'node:fs';
import type { ConsoleLevel } from '../apps/app-console.ts';
import { LivePanel } from './live-panel.ts';
import type { RenderPanel, Terminal } from './live-panel.ts';
import { escapeControls, painter } from './styles.ts';
import type { Paint, Style } from './styles.ts';

/** A stream for lines; `process.stdout` is one. */
export interface OutputStream extends Terminal {
  readonly isTTY: boolean;
}

export interface OutputStreams {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: NodeJS.ProcessEnv;
}

interface LevelStyle {
  readonly stream: 'stdout' | 'stderr';
  readonly mark: string;
  readonly style: Style;
}

const LEVELS: Readonly<Record<ConsoleLevel, LevelStyle>> = {
  debug: { stream: 'stdout', mark: '', style: 'gray' },
  error: { stream: 'stderr', mark: 'error: ', style: 'red' },
  info: { stream: 'stdout', mark: '', style: 'reset' },
  log: { stream: 'stdout', mark: '', style: 'reset' },
  warn: { stream: 'stderr', mark: 'warning: ', style: 'yellow' },
};

/** Whether both streams lead to the same terminal. */
export function isSameTerminal({ stdout, stderr }: Pick<OutputStreams, 'stdout' | 'stderr'>): boolean {
  return stdout.isTTY && stderr.isTTY && fstatSync(1).rdev === fstatSync(2).rdev;
}

/** The command's output. Nothing else may write to the two streams. */
export class Output {
  readonly #streams: OutputStreams;
  readonly #paints: Readonly<Record<'stdout' | 'stderr', Paint>>;
  #panel: LivePanel | null = null;
  /** Lines for when the terminal is ours again. */
  #waiting: [stream: 'stdout' | 'stderr', text: string][] | null = null;

  constructor(streams: OutputStreams) {
    this.#streams = streams;
    this.#paints = {
      stdout: painter(streams.stdout, streams.env),
      stderr: painter(streams.stderr, streams.env),
    };
  }

  /** Colours for what goes into the panel. */
  get paint(): Paint {
    return this.#paints.stdout;
  }

  /** Shows a panel below everything else, from now on. */
  showPanel(render: RenderPanel): LivePanel {
    this.#panel = new LivePanel(this.#streams.stdout, render);
    return this.#panel;
  }

  /** A message of the app's console, with the app's name before each line. */
  app(name: string, level: ConsoleLevel, message: string): void {
    const { mark, stream, style } = LEVELS[level];
    const paint = this.#paints[stream];
    const prefix = paint('cyan', `[${escapeControls(name)}]`);
    const lines = `${mark}${escapeControls(message)}`.split('\n');
    const painted = lines.map((line) => (line === '' || style === 'reset' ? line : paint(style, line)));
    this.#line(stream, painted.map((line) => `${prefix} ${line}`.trimEnd()).join('\n'));
  }

  /** What Portside itself has to say. */
  note(text: string): void {
    this.#line('stderr', this.#paints.stderr('gray', `portside: ${escapeControls(text)}`));
  }

  /** What the user should know of, and may live with. */
  warn(text: string): void {
    this.#line('stderr', `${this.#paints.stderr('yellow', 'warning:')} ${escapeControls(text)}`);
  }

  /** Why the command fails. Begins with a place where there is one, so that editors can follow it. */
  fail(text: string): void {
    this.#line('stderr', this.#paints.stderr('red', escapeControls(text)));
  }

  /** Leaves the terminal to `work`: the panel is gone meanwhile, and lines wait. */
  async leave<T>(work: () => Promise<T>): Promise<T> {
    this.#panel?.hide();
    this.#waiting = [];
    try {
      return await work();
    } finally {
      const waiting = this.#waiting;
      this.#waiting = null;
      this.#panel?.show();
      for (const [stream, text] of waiting) this.#line(stream, text);
    }
  }

  /** Takes the panel away; lines are still written. */
  close(): void {
    this.#panel?.close();
  }

  #line(stream: 'stdout' | 'stderr', text: string): void {
    if (this.#waiting !== null && this.#streams[stream].isTTY) {
      this.#waiting.push([stream, text]);
      return;
    }
    const isPanels = stream === 'stdout' || isSameTerminal(this.#streams);
    if (this.#panel !== null && isPanels) this.#panel.print(text);
    else this.#streams[stream].write(`${text}\n`);
  }
}

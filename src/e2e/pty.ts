/** Runs a program on a pseudo-terminal, made by CPython's `pty`, and shows what is on its screen. */
import { Process } from './processes.ts';
import type { Ending } from './processes.ts';
import { Screen } from './screen.ts';

/** Starts a program on a new terminal, copies its output, and obeys one JSON command a line: `input`, `resize`. */
const PTY_PROGRAM = `
import fcntl, json, os, pty, select, struct, sys, termios

def set_size(fd, columns, rows):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))

columns, rows = int(sys.argv[1]), int(sys.argv[2])
pid, fd = pty.fork()
if pid == 0:
    set_size(0, columns, rows)
    os.execvp(sys.argv[3], sys.argv[3:])
commands = b''
sources = [fd, 0]
while True:
    ready, _, _ = select.select(sources, [], [])
    if 0 in ready:
        data = os.read(0, 65536)
        if not data:
            sources.remove(0)
        commands += data
        while b'\\n' in commands:
            line, commands = commands.split(b'\\n', 1)
            command = json.loads(line)
            if 'input' in command:
                os.write(fd, command['input'].encode())
            else:
                set_size(fd, *command['resize'])
    if fd in ready:
        try:
            data = os.read(fd, 65536)
        except OSError:
            data = b''
        if not data:
            break
        os.write(1, data)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) % 256)
`;

/** A program on a terminal of its own. */
export class PtyProcess {
  readonly screen: Screen;
  readonly #process: Process;
  #raw = '';
  #watch: () => void = () => undefined;

  /** @param size columns and rows */
  constructor(command: readonly string[], size: readonly [number, number], env: NodeJS.ProcessEnv) {
    this.screen = new Screen(...size);
    this.#process = new Process('python3', ['-c', PTY_PROGRAM, ...size.map(String), ...command], env);
    this.#process.child.stdout.on('data', (text: string) => {
      this.#raw += text;
      this.screen.write(text);
      this.#watch();
    });
  }

  get ended(): Promise<Ending> {
    return this.#process.ended;
  }

  /** All that was written, with its escape sequences. */
  get raw(): string {
    return this.#raw;
  }

  /** What is on the screen, one text. */
  get text(): string {
    return this.screen.visible().join('\n');
  }

  /** Types. Control-C is `\x03`. */
  type(input: string): void {
    this.#process.child.stdin.write(`${JSON.stringify({ input })}\n`);
  }

  resize(columns: number, rows: number): void {
    this.screen.resize(columns, rows);
    this.#process.child.stdin.write(`${JSON.stringify({ resize: [columns, rows] })}\n`);
  }

  /** Waits until the screen's text matches. @throws {Error} the program ends before that */
  async waitFor(pattern: RegExp): Promise<RegExpExecArray> {
    const ended = this.ended.then(() => 'ended' as const);
    let news: 'ended' | 'output' = 'output';
    for (;;) {
      const match = pattern.exec(this.text);
      if (match !== null) return match;
      if (news === 'ended') throw new Error(`ended without ${String(pattern)} on its screen:\n${this.text}`);
      const output = new Promise<'output'>((resolve) => {
        this.#watch = () => {
          resolve('output');
        };
      });
      news = await Promise.race([output, ended]);
    }
  }

  kill(): void {
    this.#process.child.kill('SIGKILL');
  }
}

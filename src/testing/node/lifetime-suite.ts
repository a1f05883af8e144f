/** Whether open sockets keep a process alive, and no longer once they are unref'ed: seen from another process. */
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { createSocket } from 'node:dgram';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { SuiteCase } from '../suite.ts';
import { check, equal } from '../suite.ts';

/** What the child does with its sockets. */
export type LifetimeMode =
  'datagram' | 'listener' | 'ref-again' | 'stream' | 'unref-datagram' | 'unref-listener' | 'unref-stream';

const CHILD = fileURLToPath(new URL('lifetime-child.js', import.meta.url));

/** What a child said until it ended. */
interface Ending {
  readonly code: number | null;
  readonly said: readonly string[];
}

/** Runs a child, and knocks at its port when it tells one, if `isKnocking`. */
function runChild(moduleUrl: URL, mode: LifetimeMode, isKnocking: boolean): Promise<Ending> {
  const child = spawn(process.execPath, [CHILD, moduleUrl.href, mode], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    said.push(line);
    if (!isKnocking || !line.startsWith('port ')) return;
    const port = Number(line.slice(5));
    if (mode === 'datagram') knockByDatagram(port);
    else knock(port);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      resolve({ code, said });
    });
  });
}

/** Sends a byte. A child that is gone refuses, and is judged by what it said. */
function knock(port: number): void {
  const socket = connect(port, '127.0.0.1', () => {
    // Later than the connection, so that there is a time with nothing but the open stream.
    setImmediate(() => socket.write('x'));
  });
  socket.on('error', () => undefined);
}

function knockByDatagram(port: number): void {
  const socket = createSocket('udp4');
  socket.send('x', port, '127.0.0.1', () => {
    socket.close();
  });
}

async function staysAlive(moduleUrl: URL, mode: LifetimeMode): Promise<void> {
  const { code, said } = await runChild(moduleUrl, mode, true);
  equal(code, 0, 'exit code');
  check(
    said.includes(mode === 'stream' || mode === 'datagram' ? 'read' : 'accepted'),
    'the process ended although a socket was open',
  );
}

/** The case hangs, and is given up, if the process stays alive. */
async function ends(moduleUrl: URL, mode: LifetimeMode): Promise<void> {
  const { code, said } = await runChild(moduleUrl, mode, false);
  equal(code, 0, 'exit code');
  check(
    said.some((line) => line.startsWith('port ')),
    'the process ended before it had unref’ed its sockets',
  );
}

const ROWS: readonly (readonly [string, LifetimeMode, typeof ends])[] = [
  ['a listener keeps the process alive', 'listener', staysAlive],
  ['a listener that is ref’ed again keeps the process alive', 'ref-again', staysAlive],
  ['a stream keeps the process alive', 'stream', staysAlive],
  ['a datagram socket keeps the process alive', 'datagram', staysAlive],
  ['an unref’ed datagram socket lets the process end', 'unref-datagram', ends],
  ['an unref’ed listener lets the process end', 'unref-listener', ends],
  ['unref’ed streams let the process end', 'unref-stream', ends],
];

/** Cases about the process itself. @param moduleUrl a module that exports `makeProvider(): SocketProvider` */
export function lifetimeSuite(moduleUrl: URL): SuiteCase[] {
  return ROWS.map(([name, mode, run]) => ({
    name: `lifetime: ${name}`,
    needs: mode.endsWith('datagram') ? ['udp'] : ['tcp'],
    promises: ['life.ref'],
    run: () => run(moduleUrl, mode),
  }));
}

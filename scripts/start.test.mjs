import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { ROOT } from './steps.mjs';

/** What README says that `npm start` prints: the first block of plain text. */
function promisedLines() {
  const block = /^```text\n(.*?)^```$/ms.exec(readFileSync(join(ROOT, 'README.md'), 'utf8'));
  assert.ok(block !== null, 'README shows what npm start prints');
  return block[1].trimEnd().split('\n');
}

/** Sends `text` with a FIN behind it, and gives what comes back before the peer's. */
async function echo(port, text) {
  const socket = connect({ host: '127.0.0.1', port });
  socket.setEncoding('utf8').end(text);
  let answer = '';
  socket.on('data', (chunk) => (answer += chunk));
  await once(socket, 'end');
  return answer;
}

/** Lines of both streams until all of `wanted` have come, whatever their port, or until the program ends. */
async function linesUntil(child, wanted) {
  const printed = [];
  const missing = new Set(wanted.map(withoutPort));
  const { promise, resolve } = deferred();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', (line) => {
      printed.push(line);
      missing.delete(withoutPort(line));
      if (missing.size === 0) resolve();
    });
  }
  child.once('exit', resolve);
  await promise;
  return printed;
}

function deferred() {
  let resolve;
  const promise = new Promise((settle) => (resolve = settle));
  return { promise, resolve };
}

/** The app takes a free port when its own is taken. */
function withoutPort(line) {
  return line.replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:PORT');
}

test(
  'npm start runs the echo server, prints what README says, and ends on Ctrl-C',
  { timeout: 60_000 },
  async (t) => {
    const child = spawn(process.execPath, ['scripts/start.mjs'], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    t.after(() => child.kill('SIGKILL'));
    const exit = once(child, 'exit');
    const promised = promisedLines();
    const printed = await linesUntil(child, promised);
    assert.deepEqual(
      promised.map(withoutPort).filter((line) => !printed.map(withoutPort).includes(line)),
      [],
      printed.join('\n'),
    );
    const port = /Echoing on 127\.0\.0\.1:(\d+)/.exec(printed.join('\n'))?.[1];
    assert.equal(await echo(Number(port), 'hello from the test'), 'hello from the test');
    child.kill('SIGINT');
    assert.deepEqual(await exit, [0, null]);
  },
);

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

test('npm start runs the echo server, prints what README says, and ends on Ctrl-C', async (t) => {
  const child = spawn(process.execPath, ['scripts/start.mjs'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const exit = once(child, 'exit');
  const promised = promisedLines();
  const printed = [];
  for await (const line of createInterface(child.stdout)) {
    printed.push(line);
    if (line.slice(0, 6) === promised.at(-1).slice(0, 6)) break;
  }
  // The app takes another port when its own is taken.
  const port = /127\.0\.0\.1:(\d+)/.exec(printed.join('\n'))?.[1];
  assert.ok(port !== undefined, printed.join('\n'));
  assert.deepEqual(
    printed.filter((line) => !line.includes('cannot be had')),
    promised.map((line) => line.replaceAll('127.0.0.1:7007', `127.0.0.1:${port}`)),
  );
  assert.equal(await echo(Number(port), 'hello from the test'), 'hello from the test');
  child.kill('SIGINT');
  assert.deepEqual(await exit, [0, null]);
});

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import type { Server } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import type { ProbeUnix } from './unix-path.ts';
import { isAbstract, probeWithNode, removeStaleSocket, setSocketMode } from './unix-path.ts';

const folder = mkdtempSync(join(tmpdir(), 'unix-path-'));
after(() => {
  rmSync(folder, { recursive: true });
});
let count = 0;

function fresh(): string {
  return join(folder, String(++count));
}

/** A socket's file whose process is gone. */
function makeStale(kind: 'SOCK_STREAM' | 'SOCK_DGRAM' = 'SOCK_STREAM'): string {
  const path = fresh();
  const code =
    'import socket, sys; socket.socket(socket.AF_UNIX, getattr(socket, sys.argv[2])).bind(sys.argv[1])';
  execFileSync('python3', ['-c', code, path, kind]);
  assert.ok(lstatSync(path).isSocket());
  return path;
}

async function listen(path: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => {
    server.listen(path, resolve);
  });
  return server;
}

test('removeStaleSocket removes a socket on which nobody listens, also given as bytes', async () => {
  for (const encode of [(path: string) => path, (path: string) => new TextEncoder().encode(path)]) {
    const path = makeStale();
    const probe: ProbeUnix = () => probeWithNode(path);
    assert.equal(await removeStaleSocket(encode(path), probe), true);
    assert.equal(existsSync(path), false);
  }
});

test('removeStaleSocket leaves a path on which somebody listens', async () => {
  const path = fresh();
  const server = await listen(path);
  assert.equal(await removeStaleSocket(path), false);
  assert.equal(await probeWithNode(path), null);
  server.close();
});

test('removeStaleSocket leaves what is no socket, or only a link to one', async () => {
  const file = fresh();
  writeFileSync(file, 'x');
  const link = fresh();
  symlinkSync(makeStale(), link);
  for (const path of [file, folder, link]) {
    assert.equal(await removeStaleSocket(path), false);
    assert.ok(existsSync(path));
  }
});

test('removeStaleSocket removes what a dead datagram socket left, which looks no different', async () => {
  const path = makeStale('SOCK_DGRAM');
  assert.equal(await removeStaleSocket(path), true);
  assert.equal(existsSync(path), false);
});

test('removeStaleSocket leaves a live datagram socket', async () => {
  const path = fresh();
  const code = `import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1]); print('bound', flush=True); sys.stdin.read()`;
  const child = spawn('python3', ['-c', code, path], { stdio: ['pipe', 'pipe', 'inherit'] });
  await new Promise((resolve) => {
    child.stdout.once('data', resolve);
  });
  assert.equal(await removeStaleSocket(path), false);
  assert.ok(existsSync(path));
  const exited = new Promise((resolve) => {
    child.once('exit', resolve);
  });
  child.stdin.end();
  await exited;
});

test('removeStaleSocket leaves a file that took the place of the one that was probed', async () => {
  const path = makeStale();
  const other = fresh();
  const server = await listen(other);
  const probe: ProbeUnix = (probed) => {
    renameSync(other, probed as string);
    return Promise.resolve('ECONNREFUSED');
  };
  assert.equal(await removeStaleSocket(path, probe), false);
  assert.equal(await probeWithNode(path), null);
  server.close();
});

for (const answer of ['EAGAIN', 'EACCES', 'ETIMEDOUT', 'EINVAL', null]) {
  test(`removeStaleSocket takes ${String(answer)} for no proof`, async () => {
    const path = makeStale();
    assert.equal(await removeStaleSocket(path, () => Promise.resolve(answer)), false);
    assert.ok(existsSync(path));
  });
}

test('removeStaleSocket answers that a path is free when there is nothing, and never for an abstract name', async () => {
  assert.equal(await removeStaleSocket(fresh()), true);
  assert.equal(await removeStaleSocket('\0nobody-here'), false);
  const gone = makeStale();
  const probe: ProbeUnix = () => {
    rmSync(gone);
    return Promise.resolve('ECONNREFUSED');
  };
  assert.equal(await removeStaleSocket(gone, probe), true);
});

test('removeStaleSocket tells why a path cannot be looked at', async () => {
  const file = fresh();
  writeFileSync(file, '');
  await assert.rejects(removeStaleSocket(join(file, 'x')), {
    name: 'SystemError',
    code: 'ENOTDIR',
    op: 'listen',
  });
});

test('setSocketMode sets the bits, and tells when it cannot', async () => {
  const path = fresh();
  const server = await listen(path);
  for (const mode of [0o600, 0o666, 0]) {
    setSocketMode(path, mode);
    assert.equal(statSync(path).mode & 0o777, mode);
  }
  server.close();
  assert.throws(
    () => {
      setSocketMode(fresh(), 0o600);
    },
    { name: 'SystemError', code: 'ENOENT' },
  );
});

test('isAbstract knows text and bytes', () => {
  for (const path of ['\0x', Uint8Array.of(0, 120)]) assert.equal(isAbstract(path), true);
  for (const path of ['/x', 'x', Uint8Array.of(120, 0)]) assert.equal(isAbstract(path), false);
});

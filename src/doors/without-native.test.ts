/** Every door but those of the native module itself is of use where there is none. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const DOORS = ['chrome', 'engine', 'permissions', 'portside', 'testing'] as const;
const NOWHERE = '/nowhere/portside.node';

/** Runs a program in a process in which no native module can be loaded. @returns what it wrote */
async function without(program: string): Promise<string> {
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program], {
    env: { ...process.env, PORTSIDE_NATIVE_MODULE: NOWHERE },
    cwd: fileURLToPath(new URL('.', import.meta.url)),
  });
  return stdout.trim();
}

for (const door of DOORS) {
  test(`${door} can be imported without a native module`, async () => {
    const exported = Number(await without(`console.log(Object.keys(await import('./${door}.js')).length)`));
    assert.ok(exported > 0);
  });
}

test('portside connects, listens and sends datagrams without a native module', async () => {
  const program = `
    import { bind, connect, listen } from './portside.js';
    const server = await listen({ on: '127.0.0.1:0' });
    void server.serve(async (connection) => { for await (const chunk of connection) await connection.write(chunk); });
    const connection = await connect({ to: server.local });
    await connection.write('stream');
    console.log(Buffer.from(await connection.readExactly(6)).toString());
    await connection.close();
    await server.close();
    const socket = await bind({ on: '127.0.0.1:0' });
    await socket.send('datagram', socket.local);
    console.log(Buffer.from((await socket.receive()).bytes).toString());
    await socket.close();`;
  assert.equal(await without(program), 'stream\ndatagram');
});

test('portside/posix says that there is no native module', async () => {
  await assert.rejects(without(`await import('./posix.js')`), /no native module for/);
});

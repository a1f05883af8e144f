/** What types say of answers: the assignments are judged by the compiler, and their values here. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { listen } from './connect.ts';
import { MSG_DONTWAIT, EAGAIN, SOCK_DGRAM } from './constants.ts';
import { error } from './module.ts';
import { sockaddr } from './resolve.ts';
import { checkLeaks, must, using, usingPair } from './test-kit.ts';

checkLeaks();

test('recvmsg has a Buffer for a size, and an array of them for an array', () => {
  const [a, b] = usingPair(SOCK_DGRAM);
  for (const text of ['one', 'two', 'three', 'four']) a.send(text);
  const one: Buffer = must(b.recvmsg(100)).data;
  const two: Buffer = must(b.recvmsg()).data;
  const parts: Buffer[] = must(b.recvmsg([2, 3])).data;
  const sizes: number | readonly number[] = [4] as number | readonly number[];
  const either: Buffer | Buffer[] = must(b.recvmsg(sizes)).data;
  assert.deepEqual([one, two, ...parts, either].map(String), ['one', 'two', 'th', 'ree', 'four']);
});

test('error has a number if it is asked for one, else a text', () => {
  const [a] = usingPair();
  assert.equal(a.recv(1, MSG_DONTWAIT), null);
  for (const ask of [a.error.bind(a), error]) {
    const code: number | null = ask(true);
    const text: string | null = ask();
    const same: string | null = ask(false);
    const either: string | number | null = ask(Boolean(code));
    assert.deepEqual([code, either], [EAGAIN, EAGAIN]);
    assert.equal(text, 'recv(): Resource temporarily unavailable');
    assert.equal(same, text);
  }
});

test('sockname, peername and sockaddr have a port', () => {
  const listener = using(listen('127.0.0.1', 0));
  const { port } = must(listener.sockname());
  const next: number = port + 1;
  assert.ok(next > 1);
  const given: number = must(sockaddr('192.0.2.1:80')).port;
  assert.equal(given, 80);
});

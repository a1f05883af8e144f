import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChromeSocketRow } from '../facades/chrome-sockets/rows.ts';
import { formatBytes, renderSocketTable } from './socket-table.ts';
import type { Paint } from './styles.ts';

const plain: Paint = (_style, text) => text;

const SERVER: ChromeSocketRow = {
  socketId: 1,
  kind: 'tcpServer',
  state: 'listening',
  local: '127.0.0.1:7007',
  bytesIn: 0,
  bytesOut: 0,
  paused: false,
  name: 'echo',
};

function client(socketId: number): ChromeSocketRow {
  const peer = `127.0.0.1:${String(50_000 + socketId)}`;
  const bytes = { bytesIn: 1234, bytesOut: 5_600_000 };
  return { ...SERVER, ...bytes, socketId, kind: 'tcp', state: 'connected', peer };
}

test('renderSocketTable has a row for each socket', () => {
  const lines = renderSocketTable([SERVER, client(2)], { columns: 100, rows: 20 }, plain);
  assert.deepEqual(lines, [
    '',
    ' ID  KIND       LOCAL            PEER                  IN      OUT  STATE',
    '  1  tcpServer  127.0.0.1:7007                                      listening',
    '  2  tcp        127.0.0.1:7007   127.0.0.1:50002   1.2 kB   5.6 MB  connected',
    '2 sockets',
  ]);
});

test('renderSocketTable says what is paused, and nothing of what has no address', () => {
  const idle: ChromeSocketRow = {
    socketId: 3,
    kind: 'tcp',
    state: 'idle',
    bytesIn: 0,
    bytesOut: 0,
    paused: true,
    name: '',
  };
  const [, , first, second] = renderSocketTable(
    [{ ...client(2), paused: true }, idle],
    { columns: 100, rows: 20 },
    plain,
  );
  assert.match(first ?? '', /paused$/);
  assert.match(second ?? '', /^ {2}3 {2}tcp +0 B +0 B {2}idle$/);
});

test('renderSocketTable fits every width and height', () => {
  const rows = [SERVER, ...Array.from({ length: 50 }, (_, index) => client(index + 2))];
  for (let columns = 1; columns <= 100; columns++) {
    for (const height of [-1, 0, 1, 4, 10, 60]) {
      const lines = renderSocketTable(rows, { columns, rows: height }, plain);
      assert.ok(lines.length <= Math.max(height, 0), `${String(columns)}x${String(height)}`);
      for (const line of lines) assert.ok(line.length <= columns, `${String(columns)}: ${line}`);
    }
  }
});

test('renderSocketTable leaves out what matters least first', () => {
  const title = (columns: number): string =>
    (renderSocketTable([SERVER], { columns, rows: 9 }, plain)[1] ?? '').replace(/ +/g, ' ').trim();
  assert.equal(title(80), 'ID KIND LOCAL PEER IN OUT STATE');
  assert.equal(title(70), 'ID KIND LOCAL PEER IN OUT');
  assert.equal(title(60), 'ID KIND LOCAL PEER');
  assert.equal(title(40), 'ID LOCAL PEER');
  assert.equal(title(20), 'ID LOCAL …');
});

test('renderSocketTable says how many sockets there was no room for', () => {
  const rows = Array.from({ length: 30 }, (_, index) => client(index + 1));
  const lines = renderSocketTable(rows, { columns: 80, rows: 10 }, plain);
  assert.equal(lines.length, 10);
  assert.equal(lines.at(-1), '30 sockets, 23 of them not shown');
});

const SIZES: readonly (readonly [number, string])[] = [
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [9949, '9.9 kB'],
  [9950, '10 kB'],
  [999_499, '999 kB'],
  [999_500, '1.0 MB'],
  [12_345_678_901, '12 GB'],
  [Number.MAX_SAFE_INTEGER, '9007 TB'],
];

for (const [bytes, text] of SIZES) {
  test(`formatBytes writes ${String(bytes)} as ${text}`, () => {
    assert.equal(formatBytes(bytes), text);
  });
}

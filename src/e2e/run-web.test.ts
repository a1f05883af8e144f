import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { runProgram, runPython, startApp } from './processes.ts';

const LIMIT = { timeout: 60_000 };

async function serve(t: TestContext): Promise<{ url: string; port: number }> {
  const { port } = await startApp(t, 'examples/web-server');
  return { url: `http://127.0.0.1:${String(port)}`, port };
}

async function curl(...args: readonly string[]): Promise<string> {
  const { status, stderr, stdout } = await runProgram('curl', ['-sS', '--max-time', '20', ...args]);
  assert.equal(status, 0, stderr);
  return stdout;
}

test('the web server app serves its files to curl', LIMIT, async (t) => {
  const { url } = await serve(t);
  const page = await curl('-i', `${url}/`);
  assert.match(page, /^HTTP\/1\.1 200 OK\r\n/);
  assert.match(page, /\r\nContent-Type: text\/html; charset=utf-8\r\n/);
  assert.match(page, /<h1>It works<\/h1>/);
  assert.match(await curl(`${url}/caf%C3%A9%20menu.txt?x=1#y`), /^Espresso 1\.80 €\n/);
  assert.equal(
    await curl('-o', '/dev/null', '-w', '%{http_code} %{size_download} %{content_type}', `${url}/icon.png`),
    '200 70 image/png',
  );
});

test('the web server app keeps connections alive for curl', LIMIT, async (t) => {
  const { url } = await serve(t);
  const write = ['-o', '/dev/null', '-w', '%{http_code} %{num_connects}\n'];
  assert.equal(
    await curl(
      ...write,
      `${url}/`,
      '--next',
      ...write,
      `${url}/style.css`,
      '--next',
      ...write,
      `${url}/none`,
    ),
    '200 1\n200 0\n404 0\n',
  );
  assert.match(await curl('-i', '-H', 'Connection: close', `${url}/style.css`), /\r\nConnection: close\r\n/);
  assert.match(await curl('-i', '--http1.0', `${url}/style.css`), /\r\nConnection: close\r\n/);
});

test('the web server app answers HEAD without a body, and refuses what it does not do', LIMIT, async (t) => {
  const { url } = await serve(t);
  const head = await curl('--head', `${url}/style.css`);
  assert.match(head, /^HTTP\/1\.1 200 OK\r\n(.*\r\n)*Content-Length: 71\r\n/);
  assert.ok(head.endsWith('\r\n\r\n'));
  const status = ['-o', '/dev/null', '-w', '%{http_code}'];
  assert.equal(await curl(...status, '-d', 'a=b', `${url}/`), '405');
  assert.equal(await curl(...status, '-X', 'DELETE', `${url}/`), '405');
  assert.equal(await curl(...status, `${url}/%E0%A4%A`), '400');
  assert.equal(await curl(...status, `${url}/__proto__`), '404');
  assert.equal(await curl(...status, '-H', 'Transfer-Encoding: chunked', '-d', 'x', `${url}/`), '501');
});

/** Sends each piece by itself, some time apart, and prints the status lines of all that comes back. */
const PIECES = `
import json, re, socket, sys, time
s = socket.create_connection(('127.0.0.1', int(sys.argv[1])), timeout=20)
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
for piece in json.loads(sys.argv[2]):
    s.sendall(piece.encode('latin1'))
    time.sleep(0.003)
data = b''
while True:
    chunk = s.recv(65536)
    if not chunk: break
    data += chunk
print(json.dumps(re.findall(r'HTTP/1.1 (\\d+) ', data.decode('latin1'))))
`;

const GET = 'GET /style.css HTTP/1.1\r\nHost: x\r\n\r\n';
const LAST = 'GET /style.css HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';

const EXCHANGES: readonly (readonly [
  name: string,
  pieces: readonly string[],
  statuses: readonly string[],
])[] = [
  ['a request in pieces of one byte', Array.from(LAST), ['200']],
  ['three requests at once', [GET + GET + LAST], ['200', '200', '200']],
  [
    'two and a half requests, then the rest',
    [GET + GET + LAST.slice(0, 20), LAST.slice(20)],
    ['200', '200', '200'],
  ],
  [
    'a body that looks like a request',
    [`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${String(GET.length)}\r\n\r\n${GET}${LAST}`],
    ['405', '200'],
  ],
  ['nothing after the last', [LAST + GET], ['200']],
  ['no HTTP at all', ['hello there\r\n\r\n'], ['400']],
  ['a request without Host', ['GET / HTTP/1.1\r\n\r\n'], ['400']],
  [
    'two lengths',
    ['POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    ['400'],
  ],
  ['a length that is none', ['POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n'], ['400']],
  ['HTTP/2', ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'], ['505']],
  ['endless headers', [`GET / HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(20_000)}`], ['431']],
  ['an enormous body', ['POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n'], ['413']],
  ['bare line feeds', [`\n${LAST.replaceAll('\r', '')}`], ['200']],
];

for (const [name, pieces, statuses] of EXCHANGES) {
  test(`the web server app answers ${name}`, LIMIT, async (t) => {
    const { port } = await serve(t);
    assert.deepEqual(JSON.parse(await runPython(PIECES, String(port), JSON.stringify(pieces))), statuses);
  });
}

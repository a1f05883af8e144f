/** README's examples compile, the ones that say so run, and links between documents lead somewhere. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import {
  blocksOf,
  complaints,
  documents,
  EXAMPLE_TIMEOUT,
  examplesOf,
  readDocument,
  ROOT,
  runExample,
  writeProgram,
} from './e2e/documents.ts';

const BLOCKS = blocksOf('README.md', readDocument('README.md'));
const PROGRAM_BLOCKS = BLOCKS.filter(({ language }) => language === 'ts');

test('README has examples at all', () => {
  assert.ok(PROGRAM_BLOCKS.length > 0);
});

test('every TypeScript example compiles', () => {
  assert.deepEqual(complaints(PROGRAM_BLOCKS), []);
});

test('the compiler does see what is wrong in an example', () => {
  const wrong = {
    place: 'x.md:1',
    language: 'ts',
    words: [],
    text: 'const port: number = "80";\nexport { port };\n',
  };
  assert.match(complaints([wrong]).join(), /^x\.md:1: Type 'string' is not assignable to type 'number'/);
});

for (const { block } of examplesOf(BLOCKS)) {
  test(`the program at ${block.place} runs to its end`, async () => {
    const { code, stdout, stderr } = await runExample(block);
    assert.equal(code, 0, stdout + stderr);
  });
}

test("README's echo server echoes", { timeout: EXAMPLE_TIMEOUT }, async (t) => {
  const [block] = PROGRAM_BLOCKS;
  assert.ok(block);
  assert.ok(block.text.trimEnd().split('\n').length <= 16, 'it is meant to be short');
  const text = block.text.replace('127.0.0.1:7008', '127.0.0.1:0');
  assert.notEqual(text, block.text);
  const child = spawn(process.execPath, [writeProgram({ ...block, text })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill());
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  // No line at all means that the program has ended; its own complaint is on stderr.
  const { value: line } = (await lines.next()) as IteratorResult<string, undefined>;
  const port = /^echo on 127\.0\.0\.1:(\d+)$/.exec(line ?? '')?.[1];
  assert.ok(port, line);
  const socket = connect({ host: '127.0.0.1', port: Number(port) });
  socket.setEncoding('utf8').end('hello, README');
  let echoed = '';
  socket.on('data', (chunk: string) => (echoed += chunk));
  await once(socket, 'end');
  assert.equal(echoed, 'hello, README');
});

test('links between documents lead somewhere', () => {
  const broken = documents().flatMap((file) =>
    [...readDocument(file).matchAll(/\]\((?!https?:|mailto:)([^)#\s]*)[^)]*\)/g)]
      .map((match) => match[1] ?? '')
      .filter((link) => link !== '' && !existsSync(join(ROOT, dirname(file), link)))
      .map((link) => `${relative('.', file)} -> ${link}`),
  );
  assert.deepEqual(broken, []);
});

/**
 * The guide's pages, and those of the reference that have whole programs, do what they say: their examples compile together, those marked `run` are run, and write what the page
 * says that they write. Which marks there are is told at `Block` in `src/e2e/documents.ts`.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  blocksOf,
  complaints,
  documents,
  examplesOf,
  peerOf,
  readDocument,
  runExample,
  writeProgram,
} from './e2e/documents.ts';
import { besidePeer, whyNoPeer } from './e2e/guide-peers.ts';

const REFERENCE: readonly string[] = ['docs/reference/tcpsocket.md'];

const PAGES = documents()
  .filter((file) => file.startsWith('docs/guide/') || REFERENCE.includes(file))
  .map((file) => blocksOf(file, readDocument(file)));

test('the guide has programs', () => {
  assert.ok(PAGES.some((blocks) => examplesOf(blocks).length > 0));
});

test('the examples of all pages compile', () => {
  const programs = PAGES.flatMap((blocks) => blocks.filter(({ language }) => language === 'ts'));
  assert.deepEqual(complaints(programs), []);
});

for (const blocks of PAGES) {
  const programs = blocks.filter(({ language }) => language === 'ts');

  for (const { block, output } of examplesOf(blocks)) {
    const peer = peerOf(block);
    const skip = peer === undefined ? false : whyNoPeer(peer);
    test(`the program at ${block.place} runs to its end`, { skip }, async () => {
      for (const part of programs.filter(({ words }) => !words.includes('run'))) writeProgram(part);
      const { code, stdout, stderr } = await runExample(block, peer === undefined ? [] : besidePeer(peer));
      assert.equal(code, 0, stdout + stderr);
      if (output !== undefined) assert.equal(stdout, output);
    });
  }

  for (const block of blocks.filter(({ language }) => language === 'json')) {
    test(`the JSON at ${block.place} is JSON`, () => {
      assert.doesNotThrow(() => JSON.parse(block.text) as unknown);
    });
  }
}

test('an output block belongs to the program above it, and to no other', () => {
  const page = '```ts run\nconsole.log(1);\n```\n```text output\n1\n```\n```ts run\n```\n';
  assert.deepEqual(
    examplesOf(blocksOf('x.md', page)).map(({ output }) => output),
    ['1\n', undefined],
  );
});

test('what a program writes and how it ends is seen', async () => {
  const [block] = blocksOf('guides.test.md', "```ts run\nconsole.log('out'); process.exitCode = 3;\n```\n");
  assert.ok(block);
  assert.deepEqual(await runExample(block), { code: 3, stdout: 'out\n', stderr: '' });
});

/** The page about `portside/permissions` does what it says, and names all that there is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blocksOf, complaints, examplesOf, readDocument, runExample } from '../e2e/documents.ts';
import { OPS } from '../permissions/ops.ts';
import * as door from './permissions.ts';

const FILE = 'docs/reference/permissions.md';
const PAGE = readDocument(FILE);
const BLOCKS = blocksOf(FILE, PAGE);

test(`the examples of ${FILE} compile`, () => {
  assert.deepEqual(complaints(BLOCKS.filter(({ language }) => language === 'ts')), []);
});

for (const { block, output } of examplesOf(BLOCKS)) {
  test(`the program at ${block.place} writes what the page says`, async () => {
    const { code, stdout, stderr } = await runExample(block);
    assert.equal(code, 0, stdout + stderr);
    assert.equal(stdout, output);
  });
}

test(`${FILE} names every operation and every export`, () => {
  const missing = [...Object.keys(OPS), ...Object.keys(door)].filter(
    (name) => !PAGE.includes(`\`${name}`) && !PAGE.includes(`, ${name}`),
  );
  assert.deepEqual(missing, ['OPS', 'REACHES', 'judge']);
});

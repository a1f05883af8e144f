import assert from 'node:assert/strict';
import { Blob } from 'node:buffer';
import { test } from 'node:test';
import { ProgressEvent } from './events.ts';
import { FileReader } from './file-reader.ts';

const TYPES = ['loadstart', 'progress', 'load', 'abort', 'error', 'loadend'];

/** Notes all events of a reader; settles with them after its `loadend`. */
function record(reader: FileReader): Promise<string[]> {
  const seen: string[] = [];
  return new Promise((resolve) => {
    for (const type of TYPES) {
      reader.addEventListener(type, (event) => {
        assert.ok(event instanceof ProgressEvent);
        const { loaded, total } = event;
        seen.push(`${type} ${String(loaded)}/${String(total)} ${String(reader.readyState)}`);
        if (type === 'loadend') resolve(seen);
      });
    }
  });
}

test('FileReader tells the events of a read in order, and gives the result', async () => {
  const reader = new FileReader();
  assert.equal(reader.readyState, reader.EMPTY);
  reader.readAsArrayBuffer(new Blob(['abc']));
  assert.equal(reader.readyState, FileReader.LOADING);
  assert.equal(reader.result, null);
  const seen = await record(reader);
  assert.deepEqual(seen, ['loadstart 0/3 1', 'progress 3/3 1', 'load 3/3 2', 'loadend 3/3 2']);
  const result: unknown = reader.result;
  assert.ok(result instanceof ArrayBuffer);
  assert.deepEqual(new Uint8Array(result), Uint8Array.of(97, 98, 99));
  assert.equal(reader.error, null);
});

const UTF8 = Uint8Array.of(0xc3, 0xa9);
const LATIN1 = Uint8Array.of(0xe9);

type Read = (reader: FileReader) => void;
const RESULTS: readonly (readonly [name: string, read: Read, result: string])[] = [
  [
    'readAsText reads UTF-8',
    (r) => {
      r.readAsText(new Blob([UTF8]));
    },
    'é',
  ],
  [
    'readAsText obeys its label',
    (r) => {
      r.readAsText(new Blob([LATIN1]), 'latin1');
    },
    'é',
  ],
  [
    'readAsText obeys the charset of the blob',
    (r) => {
      r.readAsText(new Blob([LATIN1], { type: 'text/plain;charset=iso-8859-1' }));
    },
    'é',
  ],
  [
    'readAsText ignores an unknown label',
    (r) => {
      r.readAsText(new Blob([UTF8]), 'no such');
    },
    'é',
  ],
  [
    'readAsText obeys a byte-order mark above all',
    (r) => {
      r.readAsText(new Blob([Uint8Array.of(0xff, 0xfe, 0xe9, 0)]), 'utf-8');
    },
    'é',
  ],
  [
    'readAsText drops a byte-order mark',
    (r) => {
      r.readAsText(new Blob([Uint8Array.of(0xef, 0xbb, 0xbf), UTF8]));
    },
    'é',
  ],
  [
    'readAsText replaces what is not UTF-8',
    (r) => {
      r.readAsText(new Blob([LATIN1]));
    },
    '\ufffd',
  ],
  [
    'readAsBinaryString gives a character a byte',
    (r) => {
      r.readAsBinaryString(new Blob([UTF8]));
    },
    '\xc3\xa9',
  ],
  [
    'readAsDataURL has the type',
    (r) => {
      r.readAsDataURL(new Blob(['hi'], { type: 'text/plain' }));
    },
    'data:text/plain;base64,aGk=',
  ],
  [
    'readAsDataURL has a type always',
    (r) => {
      r.readAsDataURL(new Blob(['hi']));
    },
    'data:application/octet-stream;base64,aGk=',
  ],
  [
    'readAsText reads an empty blob',
    (r) => {
      r.readAsText(new Blob([]));
    },
    '',
  ],
];

for (const [name, read, result] of RESULTS) {
  test(`FileReader.${name}`, async () => {
    const reader = new FileReader();
    read(reader);
    await record(reader);
    assert.equal(reader.result, result);
  });
}

test('FileReader refuses a second read while one is under way, and what is no blob', () => {
  const reader = new FileReader();
  assert.throws(() => {
    reader.readAsText('text' as unknown as Blob);
  }, TypeError);
  reader.readAsText(new Blob(['a']));
  assert.throws(
    () => {
      reader.readAsText(new Blob(['b']));
    },
    { name: 'InvalidStateError' },
  );
});

test('FileReader.abort ends a read, and nothing more is told of it', async () => {
  const reader = new FileReader();
  const aborted = record(reader);
  reader.readAsText(new Blob(['a']));
  reader.abort();
  assert.deepEqual(await aborted, ['abort 0/0 2', 'loadend 0/0 2']);
  assert.equal(reader.result, null);
  const seen = record(reader);
  reader.readAsText(new Blob(['bc']));
  assert.deepEqual(await seen, ['loadstart 0/2 1', 'progress 2/2 1', 'load 2/2 2', 'loadend 2/2 2']);
  assert.equal(reader.result, 'bc');
});

test('FileReader.abort without a read tells nothing', () => {
  const reader = new FileReader();
  for (const type of TYPES) reader.addEventListener(type, () => assert.fail(type));
  reader.abort();
  assert.equal(reader.readyState, reader.EMPTY);
});

test('FileReader leaves loadend out when a handler begins the next read', async () => {
  const reader = new FileReader();
  const seen = record(reader);
  const handlers = reader as unknown as { onload: unknown };
  handlers.onload = () => {
    handlers.onload = null;
    reader.readAsText(new Blob(['second']));
  };
  reader.readAsText(new Blob(['1']));
  assert.equal((await seen).filter((line) => line.startsWith('loadend')).length, 1);
  assert.equal(reader.result, 'second');
});

test('FileReader tells an error of a blob that cannot be read', async () => {
  const reader = new FileReader();
  const blob = new Blob(['x']);
  blob.arrayBuffer = () => Promise.reject(new Error('gone'));
  reader.readAsText(blob);
  assert.deepEqual(await record(reader), ['loadstart 0/1 1', 'error 0/1 2', 'loadend 1/1 2']);
  assert.equal(reader.error?.name, 'NotReadableError');
});

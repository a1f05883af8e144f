import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countCalls, parseTrace, traceCalls, whyNoTrace } from './system-calls.ts';

test('parseTrace reads calls, their failures, and those that another thread interrupted', () => {
  const text = [
    '12  sendmmsg(5, [{msg_hdr={msg_name=NULL, msg_iov=[{iov_base=") = 7", iov_len=5}]}}], 1, 0) = 1',
    '12  recvmmsg(6, 0x7ffd, 32, MSG_DONTWAIT, NULL) = -1 EAGAIN (Resource temporarily unavailable)',
    '12  recvmmsg(6,  <unfinished ...>',
    '13  sendto(7, "a", 1, 0, NULL, 0)      = 1',
    '12  <... recvmmsg resumed>[{msg_len=64}], 32, MSG_DONTWAIT, NULL) = 1',
    '12  +++ exited with 0 +++',
  ].join('\n');
  assert.deepEqual(parseTrace(text), [
    { name: 'sendmmsg', result: 1 },
    { name: 'recvmmsg', result: -1 },
    { name: 'sendto', result: 1 },
    { name: 'recvmmsg', result: 1 },
  ]);
  assert.equal(countCalls(parseTrace(text), ['recvmmsg', 'sendto']), 3);
});

test('traceCalls sees the calls of a program, hands it its input, and tells when it failed', async (t) => {
  const skip = whyNoTrace();
  if (skip !== false) {
    t.skip(skip);
    return;
  }
  const { calls, output } = await traceCalls(['cat'], ['write'], 'hello');
  assert.equal(output, 'hello');
  assert.deepEqual(calls, [{ name: 'write', result: 5 }]);
  await assert.rejects(traceCalls(['sh', '-c', 'echo no >&2; exit 3'], ['write']), /ended with 3: no/);
});

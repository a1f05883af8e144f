/** A peer that means harm: control messages of many kinds at once, more descriptors than there is room for, cut anywhere. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countDescriptors } from '../testing/node/leak-check.ts';
import { python } from '../testing/node/peer.ts';
import { tempPath } from '../testing/node/temp-path.ts';
import type { ReceivedMessage } from './message.ts';
import { settledLeakCheck, open } from './test-kit.ts';

const leaks = await settledLeakCheck();
test.after(() => {
  leaks.check();
});

const ROUNDS = 400;

/** Sends messages with a few descriptors, none, or more than one message of them may have, and credentials beside. */
const HOSTILE = `
import random
path, seed, kind, rounds = sys.argv[1:]
random.seed(int(seed))
s = socket.socket(socket.AF_UNIX, getattr(socket, kind))
s.connect(path)
devnull = os.open('/dev/null', os.O_RDONLY)
def rights(n): return (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [random.choice([devnull, s.fileno()]) for _ in range(n)]).tobytes())
def credentials(): return (socket.SOL_SOCKET, socket.SCM_CREDENTIALS, struct.pack('3i', os.getpid(), os.getuid(), os.getgid()))
sent = 0
for _ in range(int(rounds)):
    control = []
    if random.random() < 0.7: control.append(rights(random.choice([1, 2, 5, 64, 253])))
    if random.random() < 0.5: control.append(credentials())
    random.shuffle(control)
    data = [os.urandom(random.choice([1, 3, 100, 4000])) for _ in range(random.choice([1, 2]))]
    try: s.sendmsg(data, control); sent += 1
    except OSError: pass
s.close()
say(sent)
# Its pipes are counted, too, and stay until the other end has counted.
wait()
`;

/** Numbers that follow from a seed. */
function randomOf(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

const CONTROL_SIZES = [0, 1, 15, 16, 19, 20, 24, 32, 56, 300, undefined] as const;

for (const kind of ['SOCK_STREAM', 'SOCK_SEQPACKET'] as const) {
  test(`whatever a peer sends on ${kind}, each descriptor is delivered or closed (F30, F32, F36)`, async (t) => {
    const seed = Date.now() & 0x7fffffff;
    t.diagnostic(`seed ${String(seed)}`);
    const next = randomOf(seed);
    const listening = open(t, 'AF_UNIX', kind);
    const path = tempPath();
    listening.bind({ family: 'unix', path });
    listening.listen();
    const peer = python(t, HOSTILE, path, String(seed), kind, String(ROUNDS));
    using socket = (await listening.acceptAsync({ timeout: 60_000 })).socket;
    const before = countDescriptors();
    const seen = { messages: 0, descriptors: 0, cut: 0 };
    const look = (message: ReceivedMessage): void => {
      assert.ok(countDescriptors() >= before + message.descriptors.length);
      seen.descriptors += message.descriptors.length;
      if (message.controlTruncated) seen.cut++;
      message[Symbol.dispose]();
    };
    for (let isOver = false; !isOver; seen.messages++) {
      if (seen.messages % 20 === 10) socket.setOption('SOL_SOCKET', 'SO_PASSCRED', next(2) === 0);
      const controlSize = CONTROL_SIZES[next(CONTROL_SIZES.length)];
      const room = { size: 1 + next(5000), ...(controlSize === undefined ? {} : { controlSize }) };
      if (next(4) === 0) {
        isOver = (await socket.recvAsync(room.size)).length === 0;
      } else if (kind !== 'SOCK_STREAM' && next(3) === 0) {
        const batch = await socket.recvManyAsync({ ...room, count: 1 + next(5) });
        isOver = batch.some(({ data }) => data.length === 0);
        for (const message of batch) look(message);
      } else {
        const message = await socket.recvMsgAsync(room);
        isOver = message.data.length === 0;
        look(message);
      }
      assert.equal(countDescriptors(), before);
    }
    assert.ok(Number(await peer.line()) > ROUNDS / 2);
    peer.say('done');
    assert.ok(seen.descriptors > 0 && seen.cut > 0, JSON.stringify(seen));
    t.diagnostic(JSON.stringify(seen));
  });
}

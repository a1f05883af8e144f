/** What a former owner has left on a socket of messages: options, groups, errors; and faults while it is taken (F53, F54). */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import test from 'node:test';

import type { Datagram } from '../base/provider.ts';
import { constants } from '../posix/constants.ts';
import { interfaceIndex } from '../posix/interfaces.ts';
import { Socket } from '../posix/socket.ts';
import type { DatagramRecorder } from '../testing/datagram-recorder.ts';
import { countDescriptors } from '../testing/node/leak-check.ts';
import { asciiBytes, patternBytes } from '../testing/pattern.ts';
import type { AdoptOptions } from './adopt.ts';
import type { LocalProvider } from './local-provider.ts';
import {
  adoptDatagram,
  BORROW,
  makeProvider,
  plainUdp,
  recordMessages,
  sendMessage,
  TAKE,
  whereIsPlain,
} from './test-kit.ts';

const text = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString();

/** A socket that its former owner looks at still, and the one that was made of it. */
function shared(
  provider: LocalProvider,
  near: Socket,
  options: AdoptOptions = TAKE,
): { readonly taken: Datagram; readonly still: Socket } {
  const still = near.dup();
  return { taken: adoptDatagram(provider, near.detach(), options), still };
}

async function receiveOne(
  t: TestContext,
  socket: Datagram,
  send: () => void,
): Promise<DatagramRecorder['datagrams'][number]> {
  const recorder = recordMessages(t, socket);
  send();
  return recorder.datagram();
}

test('an adopted socket tells of each datagram what was asked for, whatever its former owner had told', async (t) => {
  const provider = makeProvider(t);
  const near = plainUdp();
  using far = plainUdp();
  near.setOption('IPPROTO_IP', 'IP_PKTINFO', true);
  near.setOption('IPPROTO_IP', 'IP_RECVTTL', true);
  near.setOption('IPPROTO_IP', 'IP_RECVTOS', true);
  near.setOption('SOL_SOCKET', 'SO_TIMESTAMPNS', true);
  const { taken, still } = shared(provider, near);
  const to = whereIsPlain(still);
  const plain = await receiveOne(t, taken, () => far.sendTo(asciiBytes('one'), to));
  assert.deepEqual(
    [plain.local, plain.ttl, plain.trafficClass, plain.timestamp, plain.interfaceIndex],
    Array(5).fill(undefined),
  );
  assert.equal(still.getOption('IPPROTO_IP', 'IP_RECVTTL'), false);
  const recorder = recordMessages(t, taken, { meta: ['ttl', 'local'] });
  far.sendTo(asciiBytes('two'), to);
  const { ttl, local, timestamp } = await recorder.datagram();
  assert.deepEqual([ttl, local?.host, timestamp], [64, '127.0.0.1', undefined]);
  still.close();
});

test('an adopted socket that receives trains tells each datagram of them', async (t) => {
  const provider = makeProvider(t);
  const near = plainUdp();
  using far = plainUdp();
  near.setOption('IPPROTO_UDP', 'UDP_GRO', true);
  far.setOption('IPPROTO_UDP', 'UDP_SEGMENT', 100);
  const to = whereIsPlain(near);
  const taken = adoptDatagram(provider, near.detach(), TAKE);
  const recorder = recordMessages(t, taken);
  far.sendTo(patternBytes(1050), to);
  await recorder.untilCount(11);
  assert.deepEqual(
    recorder.datagrams.map(({ bytes }) => bytes.length),
    [...Array<number>(10).fill(100), 50],
  );
  assert.deepEqual(
    Buffer.concat(recorder.datagrams.map(({ bytes }) => bytes)),
    Buffer.from(patternBytes(1050)),
  );
});

test('trains that somebody else asks for, with a borrowed descriptor, come as datagrams too', async (t) => {
  const provider = makeProvider(t);
  using near = plainUdp();
  using far = plainUdp();
  const recorder = recordMessages(t, adoptDatagram(provider, near.fd, BORROW));
  near.setOption('IPPROTO_UDP', 'UDP_GRO', true);
  far.setOption('IPPROTO_UDP', 'UDP_SEGMENT', 500);
  for (let i = 1; i <= 3; i++) {
    far.sendTo(patternBytes(5000), whereIsPlain(near));
    await recorder.untilCount(10 * i);
  }
  assert.ok(recorder.datagrams.every(({ bytes }) => bytes.length === 500));
});

test('an adopted socket sends each message whole, though its former owner had messages cut or joined', async (t) => {
  const provider = makeProvider(t);
  const near = plainUdp();
  using far = plainUdp();
  near.setOption('IPPROTO_UDP', 'UDP_SEGMENT', 100);
  near.setOption('IPPROTO_UDP', 'UDP_CORK', true);
  const taken = adoptDatagram(provider, near.detach(), TAKE);
  for (const size of [350, 20]) {
    await sendMessage(taken, patternBytes(size), whereIsPlain(far));
    assert.equal((await far.recvAsync()).length, size);
  }
});

const ICMP: readonly [given: boolean | undefined, before: boolean, after: boolean][] = [
  [undefined, false, false],
  [undefined, true, true],
  [false, true, false],
  [true, false, true],
];

for (const [icmpErrors, before, after] of ICMP)
  test(`adopt with icmpErrors ${String(icmpErrors)} of a socket that has IP_RECVERR ${String(before)}: ${String(after)}`, async (t) => {
    const provider = makeProvider(t);
    const near = plainUdp();
    const gone = plainUdp();
    const nowhere = whereIsPlain(gone);
    gone.close();
    near.setOption('IPPROTO_IP', 'IP_RECVERR', before);
    const { taken, still } = shared(provider, near, { ...TAKE, icmpErrors });
    assert.equal(still.getOption('IPPROTO_IP', 'IP_RECVERR'), after);
    const recorder = recordMessages(t, taken);
    await sendMessage(taken, asciiBytes('lost'), nowhere);
    if (after) assert.equal((await recorder.untilError()).code, 'ECONNREFUSED');
    // The report has come by then, to whomever it was told.
    using far = plainUdp();
    far.sendTo(asciiBytes('unhurt'), whereIsPlain(still));
    assert.equal(text((await recorder.datagram()).bytes), 'unhurt');
    assert.equal(recorder.errors.length, after ? 1 : 0);
    still.close();
  });

test('reports that wait on a socket are told, or thrown away where nobody wants them', async (t) => {
  const provider = makeProvider(t);
  for (const icmpErrors of [true, false]) {
    const near = plainUdp();
    near.setOption('IPPROTO_IP', 'IP_RECVERR', true);
    const gone = plainUdp();
    const nowhere = whereIsPlain(gone);
    gone.close();
    near.sendTo(asciiBytes('lost'), nowhere);
    await assert.rejects(near.recvAsync(), { code: 'ECONNREFUSED' });
    const { taken, still } = shared(provider, near, { ...TAKE, icmpErrors });
    const recorder = recordMessages(t, taken);
    if (icmpErrors) assert.deepEqual((await recorder.untilError()).remote, nowhere);
    assert.equal(still.recvMsg({ size: 10 }, { flags: constants.MSG_ERRQUEUE }), null);
    still.close();
  }
});

test('an error that waits on a connected socket ends nothing', async (t) => {
  const provider = makeProvider(t);
  for (const begins of ['receive', 'send'] as const) {
    const near = plainUdp();
    const gone = plainUdp();
    const peer = whereIsPlain(gone);
    near.connect(peer);
    gone.close();
    near.send(asciiBytes('lost'));
    // Loopback reports within the send; nobody has read it.
    const { taken, still } = shared(provider, near);
    using far = Socket.socket('AF_INET', 'SOCK_DGRAM');
    far.bind(peer);
    const recorder = begins === 'receive' ? recordMessages(t, taken) : undefined;
    if (begins === 'send') await sendMessage(taken, asciiBytes('found'));
    far.sendTo(asciiBytes('alive'), whereIsPlain(still));
    const heard = recorder ?? recordMessages(t, taken);
    assert.equal(text((await heard.datagram()).bytes), 'alive');
    assert.deepEqual(heard.errors, []);
    still.close();
  }
});

test('descriptors and pidfds that come with messages are closed (F54)', async (t) => {
  const provider = makeProvider(t);
  for (const type of ['SOCK_DGRAM', 'SOCK_SEQPACKET'] as const) {
    const [near, far] = Socket.pair('AF_UNIX', type);
    near.setOption('SOL_SOCKET', 'SO_PASSPIDFD', true);
    const { taken, still } = shared(provider, near);
    assert.equal(still.getOption('SOL_SOCKET', 'SO_PASSPIDFD'), false);
    // Another owner may have it on again at any time.
    still.setOption('SOL_SOCKET', 'SO_PASSPIDFD', true);
    const recorder = recordMessages(t, taken);
    const before = countDescriptors();
    far.sendMsg({
      data: asciiBytes('with one'),
      control: [{ level: 'SOL_SOCKET', type: 'SCM_RIGHTS', data: [far.fd] }],
    });
    far.send(asciiBytes('without'));
    await recorder.untilCount(2);
    assert.equal(countDescriptors(), before);
    far.close();
    still.close();
  }
});

test('groups that a former owner has joined are not told, cannot be joined again, and can be left', (t) => {
  const provider = makeProvider(t);
  const group = { family: 'ipv4', host: '239.1.2.3' } as const;
  const wanted = { group, interfaceIndex: interfaceIndex('lo') };
  const near = plainUdp();
  near.setOption('IPPROTO_IP', 'MCAST_JOIN_GROUP', {
    group: group.host,
    interface: wanted.interfaceIndex,
  });
  const taken = adoptDatagram(provider, near.detach(), TAKE);
  assert.deepEqual(taken.memberships(), []);
  assert.throws(
    () => {
      taken.join(wanted);
    },
    { code: 'EADDRINUSE' },
  );
  taken.leave(wanted);
  assert.throws(
    () => {
      taken.leave(wanted);
    },
    { code: 'EADDRNOTAVAIL' },
  );
  taken.join(wanted);
  assert.deepEqual(taken.memberships(), [{ ...wanted, interfaceAddress: undefined, source: undefined }]);
});

test('multicastInterface of an adopted socket is the one that its former owner has set by an address', (t) => {
  const provider = makeProvider(t);
  const near = plainUdp();
  near.setOption('IPPROTO_IP', 'IP_MULTICAST_IF', { address: '127.0.0.1' });
  const taken = adoptDatagram(provider, near.detach(), TAKE);
  assert.equal(taken.get('multicastInterface'), interfaceIndex('lo'));
  taken.set('multicastInterface', 0);
  assert.equal(taken.get('multicastInterface'), 0);
});

test('adopt gives a datagram socket back whose options cannot be set, as it was', async (t) => {
  const provider = makeProvider(t);
  for (const options of [TAKE, BORROW]) {
    using near = plainUdp();
    using far = plainUdp();
    near.setOption('IPPROTO_IP', 'IP_RECVERR', true);
    assert.throws(() => provider.adopt(near.fd, { ...options, options: { noDelay: true } }), {
      code: 'ERR_UNSUPPORTED',
    });
    assert.equal(near.getOption('IPPROTO_IP', 'IP_RECVERR'), true);
    near.sendTo(asciiBytes('mine'), whereIsPlain(far));
    assert.equal(text(await far.recvAsync()), 'mine');
  }
  assert.deepEqual([...provider.sockets()], []);
});

test('adopt refuses options that what a listener accepts has not', (t) => {
  const provider = makeProvider(t);
  for (const type of ['SOCK_STREAM', 'SOCK_SEQPACKET'] as const) {
    using raw = Socket.socket('AF_UNIX', type);
    raw.bind({ family: 'unix', path: `\0portside-adopt-${String(process.pid)}` });
    raw.listen();
    const before = countDescriptors();
    for (const options of [TAKE, BORROW])
      assert.throws(() => provider.adopt(raw.fd, { ...options, options: { noDelay: true } }), {
        code: 'ERR_UNSUPPORTED',
      });
    assert.equal(countDescriptors(), before);
    assert.equal(raw.getOption('SOL_SOCKET', 'SO_ACCEPTCONN'), true);
  }
});

for (const call of ['getsockopt', 'setsockopt'] as const)
  test(`adopt leaves a datagram socket to its owner when ${call} fails at any place (F54)`, async (t) => {
    const provider = makeProvider(t, { withFaults: true });
    using near = plainUdp();
    near.setOption('IPPROTO_IP', 'IP_RECVTTL', true);
    const before = countDescriptors();
    let failures = 0;
    for (let skip = 0; ; skip++) {
      provider.faults.fail(call, 'ENOBUFS', { skip });
      let adopted: Datagram | undefined;
      try {
        adopted = adoptDatagram(provider, near.fd, { ...BORROW, icmpErrors: true });
      } catch (error) {
        assert.equal((error as { code?: unknown }).code, 'ENOBUFS');
        failures++;
      } finally {
        provider.faults.clear();
      }
      if (adopted !== undefined) {
        await adopted.close();
        break;
      }
      assert.equal(countDescriptors(), before);
    }
    assert.ok(failures >= (call === 'getsockopt' ? 10 : 2), String(failures));
    assert.equal(countDescriptors(), before);
  });

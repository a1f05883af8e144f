/** Every control message of the table at work, each way that it goes, with CPython at the other end where CPython can. */
import assert from 'node:assert/strict';
import { release } from 'node:os';
import { test } from 'node:test';
import { INCOMING, OUTGOING, PORT, PRELUDE } from '../e2e/control-datagrams.ts';
import type { Incoming, Outgoing } from '../e2e/control-datagrams.ts';
import { enable, portOf, XYZ } from '../e2e/control-kit.ts';
import type { Special } from '../e2e/control-kit.ts';
import { LOCAL_RECEIVED, LOCAL_SENT } from '../e2e/control-locals.ts';
import { IP_RECEIVED, IP_SENT, zeroCopy } from '../e2e/control-specials.ts';
import { PythonAgent } from '../e2e/python-agent.ts';
import type { ControlInput } from './control-messages.ts';
import { CONTROL_ROWS } from './control-rows.ts';
import { Socket } from './socket.ts';
import { settledLeakCheck } from './test-kit.ts';

const isRoot = process.getuid?.() === 0;

/** What cannot be seen on the machines that test this, and what it would take. */
const NOT_HERE: Readonly<Record<string, string>> = {
  'IPPROTO_IP/SCM_SECURITY received': 'a security module that labels packets',
  'IPPROTO_IPV6/IPV6_RTHDR sent': 'a kernel with CONFIG_IPV6_MIP6',
  'SOL_CAN_J1939/SCM_J1939_DEST_ADDR received': 'a CAN interface',
  'SOL_CAN_J1939/SCM_J1939_DEST_NAME received': 'a CAN interface',
  'SOL_CAN_J1939/SCM_J1939_ERRQUEUE received': 'a CAN interface',
  'SOL_CAN_J1939/SCM_J1939_PRIO received': 'a CAN interface',
  'SOL_SOCKET/SCM_SECURITY received': 'a security module that labels sockets',
  'SOL_SOCKET/SCM_TIMESTAMPING_PKTINFO received': 'a network card that stamps',
  'SOL_SOCKET/SCM_WIFI_STATUS received': 'an access point',
  'SOL_TLS/TLS_GET_RECORD_TYPE received': 'a kernel with TLS',
  'SOL_TLS/TLS_SET_RECORD_TYPE sent': 'a kernel with TLS',
  'SOL_VSOCK/VSOCK_RECVERR received': 'a virtual machine beside this one',
};
const SEEN_HERE = 62;

const HOSTS = {
  ipv4: { name: 'AF_INET', loopback: '127.0.0.1', any: '0.0.0.0' },
  ipv6: { name: 'AF_INET6', loopback: '::1', any: '::' },
} as const;

/** A value with the port that was not known when it was written down. */
function withPort(data: unknown, port: number): unknown {
  const hasPort = typeof data === 'object' && data !== null && Reflect.get(data, 'port') === PORT;
  return hasPort ? { ...data, port } : data;
}

async function receive(
  agent: PythonAgent,
  { row, family, option, send, data, judge }: Incoming,
): Promise<void> {
  const { name, loopback, any } = HOSTS[family];
  using socket = Socket.socket(name, 'SOCK_DGRAM');
  socket.bind({ family, host: any, port: 0 });
  const [level, number, value = 1] = option;
  enable(socket, level, number, value);
  const port = portOf(socket);
  await agent.run(`s = socket.socket(socket.${name}, socket.SOCK_DGRAM); to = ("${loopback}", ${String(port)})
${send}
s.close()`);
  const message = await socket.recvMsgAsync();
  assert.equal(message.controlTruncated, false);
  assert.deepEqual(
    message.control.map((each) => `${String(each.level)}/${String(each.type)}`),
    [row],
  );
  const got: unknown = message.control[0]?.data;
  if (judge !== undefined) assert.ok(judge(got), JSON.stringify(got));
  else assert.deepEqual(got, withPort(data, port));
}

async function send(agent: PythonAgent, { row, family, data, before, see }: Outgoing): Promise<void> {
  const { name, loopback } = HOSTS[family];
  await agent.run(`r = socket.socket(socket.${name}, socket.SOCK_DGRAM); r.bind(("${loopback}", 0)); r.settimeout(20)
${before}`);
  const port = await agent.ask<number>('r.getsockname()[1]');
  using socket = Socket.socket(name, 'SOCK_DGRAM');
  const [level, type] = row.split('/');
  const control = [{ level, type, data }] as unknown as ControlInput[];
  const sent = socket.sendMsg({ data: XYZ, address: { family, host: loopback, port }, control });
  assert.equal(sent, XYZ.length);
  await agent.run('data, anc, flags, peer = r.recvmsg(65536, 8192)');
  assert.deepEqual(await agent.ask(see[0]), see[1]);
  await agent.run('r.close()');
}

/** A case by the names of its row and its way: `SOL_SOCKET/SO_MARK sent`. */
interface Case extends Special {
  readonly since?: string | undefined;
}

const CASES = new Map<string, Case>([
  ...INCOMING.map((each): [string, Case] => [
    `${each.row} received`,
    { ...each, run: (agent) => receive(agent, each) },
  ]),
  ...OUTGOING.map((each): [string, Case] => [
    `${each.row} sent`,
    { ...each, run: (agent) => send(agent, each) },
  ]),
  ...Object.entries({ ...IP_RECEIVED, ...LOCAL_RECEIVED }).map(([row, each]): [string, Case] => [
    `${row} received`,
    each,
  ]),
  ...Object.entries({ ...IP_SENT, ...LOCAL_SENT }).map(([row, each]): [string, Case] => [
    `${row} sent`,
    each,
  ]),
]);

/** All that the table promises: each row, each way that it goes. */
const PROMISED = CONTROL_ROWS.flatMap(([level, type, , direction, , since]) => {
  const row = `${level}/${type}`;
  const ways = [
    ...(direction === 'send' ? [] : [`${row} received`]),
    ...(direction === 'receive' ? [] : [`${row} sent`]),
  ];
  return ways.map((name) => ({ name, since }));
});

/** Whether this kernel is as new as a version, such as `6.14`. */
function isAtLeast(version: string): boolean {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = version.split('.').map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

function reasonToSkip(since: string, { needsRoot, since: later }: Case): string | false {
  if (needsRoot === true && !isRoot) return 'it takes privileges';
  const version = later ?? since;
  return version === '' || isAtLeast(version) ? false : `it takes Linux ${version}`;
}

test('the cases are those that the table promises, but for what cannot be seen here', () => {
  const names = PROMISED.map(({ name }) => name);
  assert.deepEqual([...CASES.keys(), ...Object.keys(NOT_HERE)].toSorted(), names.toSorted());
  assert.equal(CASES.size, SEEN_HERE);
});

test('control messages', async (t) => {
  const leaks = await settledLeakCheck();
  await t.test('each by itself', async (all) => {
    const agent = new PythonAgent(all, PRELUDE);
    for (const { name, since } of PROMISED) {
      const found = CASES.get(name);
      if (found === undefined) continue;
      await all.test(name, { skip: reasonToSkip(since, found) }, () => found.run(agent));
    }
    await all.test('IPPROTO_IP/IP_RECVERR tells of zero-copy sends', zeroCopy);
  });
  leaks.check();
});

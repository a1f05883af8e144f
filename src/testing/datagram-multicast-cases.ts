/** Cases of `datagramSuite`: multicast groups, on the loopback interface. */
import type { IpAddress } from '../base/address.ts';
import type { Datagram, Membership } from '../base/provider.ts';
import type { CaseRow } from './case-table.ts';
import {
  endpointOf,
  numbered,
  numberOf,
  onIpv4,
  onIpv6,
  type DatagramHarness,
  type DatagramSetting,
} from './datagram-harness.ts';
import type { DatagramRecorder } from './datagram-recorder.ts';
import { check, equal, equalList, throws } from './suite.ts';

const GROUP: IpAddress = { family: 'ipv4', host: '239.255.77.1' };
const OTHER: IpAddress = { family: 'ipv4', host: '239.255.77.2' };
const LOOPBACK: IpAddress = { family: 'ipv4', host: '127.0.0.1' };
const here = (group: IpAddress): Membership => ({ group, interfaceAddress: LOOPBACK });

interface Club {
  readonly sender: Datagram;
  readonly member: Datagram;
  readonly atMember: DatagramRecorder;
  /** Sends a number to a group. */
  readonly tell: (group: IpAddress, number: number) => Promise<void>;
}

/** A socket that sends by the loopback interface, and one that can join groups there. */
async function club(h: DatagramHarness): Promise<Club> {
  const member = await h.bindTo({ host: '0.0.0.0', reuseAddress: true });
  const sender = await h.bind();
  const lo = await h.loopbackInterface();
  if (lo.index !== undefined) sender.set('multicastInterface', lo.index);
  h.recordDatagram(sender);
  const atMember = h.recordDatagram(member);
  const { port } = endpointOf(member);
  const tell = (group: IpAddress, number: number): Promise<void> =>
    h.mustSend(sender, { bytes: numbered(number, 10), to: { ...group, port } });
  return { sender, member, atMember, tell };
}

function numbersOf(recorder: DatagramRecorder): number[] {
  return recorder.datagrams.map((each) => numberOf(each.bytes));
}

async function joinAndLeave(h: DatagramHarness): Promise<void> {
  const { member, atMember, tell } = await club(h);
  await tell(GROUP, 1);
  await h.quiet();
  member.join(here(GROUP));
  await tell(GROUP, 2);
  await atMember.untilCount(1);
  await tell(OTHER, 3);
  member.leave(here(GROUP));
  await tell(GROUP, 4);
  await h.quiet();
  member.join(here(OTHER));
  await tell(OTHER, 5);
  await atMember.untilCount(2);
  equalList(numbersOf(atMember), [2, 5], 'datagrams heard');
}

async function list(h: DatagramHarness): Promise<void> {
  const { member } = await club(h);
  const groups = (): string[] => member.memberships().map(({ group }) => group.host);
  equalList(groups(), [], 'memberships at first');
  member.join(here(OTHER));
  member.join(here(GROUP));
  equalList(groups(), [OTHER.host, GROUP.host], 'memberships in the order of joining');
  const shape = { name: 'SystemError' };
  throws(
    () => {
      member.join(here(GROUP));
    },
    { ...shape, code: 'EADDRINUSE' },
    'join again',
  );
  equalList(groups(), [OTHER.host, GROUP.host], 'memberships after a refused join');
  member.leave(here(OTHER));
  equalList(groups(), [GROUP.host], 'memberships after leaving');
  throws(
    () => {
      member.leave(here(OTHER));
    },
    { ...shape, code: 'EADDRNOTAVAIL' },
    'leave again',
  );
  const noGroup = here({ family: 'ipv4', host: '192.0.2.1' });
  throws(
    () => {
      member.join(noGroup);
    },
    { ...shape, code: 'EINVAL' },
    'join what is no group',
  );
  equalList(groups(), [GROUP.host], 'memberships in the end');
}

async function byNumber(h: DatagramHarness): Promise<void> {
  const { member, atMember, tell } = await club(h);
  const { index } = await h.loopbackInterface();
  if (index === undefined) return;
  member.join({ group: GROUP, interfaceIndex: index });
  await tell(GROUP, 1);
  await atMember.untilCount(1);
  throws(
    () => {
      member.leave(here(GROUP));
    },
    { name: 'SystemError', code: 'EADDRNOTAVAIL' },
    'leave in other words',
  );
  await tell(GROUP, 2);
  await atMember.untilCount(2);
  member.leave({ group: GROUP, interfaceIndex: index });
  equal(member.memberships().length, 0, 'memberships');
  throws(
    () => {
      member.join({ group: GROUP, interfaceIndex: 2 ** 30 });
    },
    { name: ['SystemError', 'UnsupportedError'] },
    'join on an interface of nobody',
  );
}

async function everyMember(h: DatagramHarness): Promise<void> {
  const { member, atMember, tell } = await club(h);
  const { port } = endpointOf(member);
  const second = await h.bindTo({ host: '0.0.0.0', port, reuseAddress: true });
  const atSecond = h.recordDatagram(second);
  member.join(here(GROUP));
  second.join(here(GROUP));
  for (const number of [1, 2, 3]) await tell(GROUP, number);
  await atMember.untilCount(3);
  await atSecond.untilCount(3);
  equalList(numbersOf(atSecond), [1, 2, 3], 'datagrams of the second member');
}

async function withoutLoopback(h: DatagramHarness): Promise<void> {
  const { sender, member, atMember, tell } = await club(h);
  member.join(here(GROUP));
  equal(sender.get('multicastLoopback'), true, 'multicastLoopback of a new socket');
  sender.set('multicastLoopback', false);
  equal(sender.get('multicastLoopback'), false, 'multicastLoopback');
  // The loopback interface of Linux brings back what it sends, whatever the option says; to join on another one
  // would be heard outside this machine.
  await tell(GROUP, 1);
  await h.quiet();
  sender.set('multicastLoopback', true);
  await tell(GROUP, 2);
  await atMember.until(() => numbersOf(atMember).includes(2), 'what was sent with the option');
  check(atMember.datagrams.length <= 2, 'datagrams heard twice');
}

async function bySource(h: DatagramHarness): Promise<void> {
  const { member, atMember, tell } = await club(h);
  const source = { ...here(GROUP), source: LOOPBACK };
  const stranger = { ...here(OTHER), source: { family: 'ipv4', host: '127.0.0.77' } } as const;
  member.join(source);
  member.join(stranger);
  throws(
    () => {
      member.join(source);
    },
    { name: 'SystemError', code: 'EADDRINUSE' },
    'join again',
  );
  await tell(OTHER, 1);
  await tell(GROUP, 2);
  await atMember.untilCount(1);
  await h.quiet();
  equalList(numbersOf(atMember), [2], 'datagrams heard');
  equalList(
    member.memberships().map((each) => each.source?.host),
    ['127.0.0.1', '127.0.0.77'],
    'sources',
  );
  member.leave(source);
  await tell(GROUP, 3);
  await h.quiet();
  equal(atMember.datagrams.length, 1, 'datagrams heard after leaving');
  equal(member.memberships().length, 1, 'memberships');
  throws(
    () => {
      member.leave(source);
    },
    { name: 'SystemError', code: 'EADDRNOTAVAIL' },
    'leave again',
  );
}

async function metaOfAGroup(h: DatagramHarness): Promise<void> {
  const { sender, member, tell } = await club(h);
  const atMember = h.recordDatagram(member, {}, { meta: ['local', 'ttl'] });
  sender.set('multicastTtl', 3);
  sender.set('ttl', 9);
  member.join(here(GROUP));
  await tell(GROUP, 1);
  const { local, ttl, interfaceIndex } = await atMember.datagram();
  equal(JSON.stringify(local), JSON.stringify(GROUP), 'the address that it was sent to');
  equal(ttl, 3, 'ttl');
  equal(interfaceIndex, (await h.loopbackInterface()).index ?? interfaceIndex, 'interfaceIndex');
}

async function boundToTheGroup(h: DatagramHarness): Promise<void> {
  const { sender } = await club(h);
  const member = await h.bindTo({ host: GROUP.host });
  equal(endpointOf(member).host, GROUP.host, 'host');
  const atMember = h.recordDatagram(member);
  member.join(here(GROUP));
  const { port } = endpointOf(member);
  await h.mustSend(sender, { bytes: numbered(1, 10), to: { ...LOOPBACK, port } });
  await h.mustSend(sender, { bytes: numbered(2, 10), to: { ...GROUP, port } });
  await atMember.untilCount(1);
  equalList(numbersOf(atMember), [2], 'datagrams heard');
}

const GROUP6: IpAddress = { family: 'ipv6', host: 'ff12::7701' };
const HERE6: Membership = { group: GROUP6, interfaceAddress: { family: 'ipv6', host: '::1' } };

/** Not every loopback interface has a route for groups of IPv6: what can be sent must be heard. */
async function groupsOfIpv6(h: DatagramHarness): Promise<void> {
  const member = await h.bindTo({ host: '::' });
  const atMember = h.recordDatagram(member);
  member.join(HERE6);
  throws(
    () => {
      member.join(HERE6);
    },
    { name: 'SystemError', code: 'EADDRINUSE' },
    'join again',
  );
  equalList(
    member.memberships().map(({ group }) => group.host),
    [GROUP6.host],
    'memberships',
  );
  const sender = await h.bind();
  h.recordDatagram(sender);
  const { index } = await h.loopbackInterface();
  const to = { ...GROUP6, port: endpointOf(member).port };
  const tell = async (number: number): Promise<boolean> => {
    // Nothing is sent where it could leave this machine.
    if (index === undefined) return false;
    sender.set('multicastInterface', index);
    return (await h.sent(sender, { bytes: numbered(number, 10), to })) === null;
  };
  if (await tell(1)) await atMember.untilCount(1);
  const { length } = atMember.datagrams;
  member.leave(HERE6);
  equal(member.memberships().length, 0, 'memberships after leaving');
  await tell(2);
  await h.quiet();
  equal(atMember.datagrams.length, length, 'datagrams heard after leaving');
  throws(
    () => {
      member.leave(HERE6);
    },
    { name: 'SystemError', code: 'EADDRNOTAVAIL' },
    'leave again',
  );
}

export const DATAGRAM_MULTICAST_CASES: readonly CaseRow<DatagramHarness, DatagramSetting>[] = [
  {
    name: 'hears a group while it is joined',
    promises: ['group.join', 'group.leave', 'group.where'],
    needs: ['multicast'],
    when: onIpv4,
    run: joinAndLeave,
  },
  {
    name: 'lists its groups, and refuses what it cannot join or leave',
    promises: ['group.list', 'group.join', 'group.leave'],
    needs: ['multicast'],
    when: onIpv4,
    run: list,
  },
  {
    name: 'joins on an interface by its number',
    promises: ['group.where', 'group.leave'],
    needs: ['multicast'],
    when: onIpv4,
    run: byNumber,
  },
  {
    name: 'each multicast datagram comes to every member',
    promises: ['bind.reuse-address'],
    needs: ['multicast'],
    when: onIpv4,
    run: everyMember,
  },
  {
    name: 'this machine hears while multicastLoopback is on',
    promises: ['socket.option'],
    needs: ['multicast'],
    when: onIpv4,
    run: withoutLoopback,
  },
  {
    name: 'hears of a group only the source that it has joined',
    promises: ['group.source'],
    needs: ['multicast', 'ssm'],
    when: onIpv4,
    run: bySource,
  },
  {
    name: 'joins and leaves groups of IPv6',
    promises: ['group.join', 'group.leave', 'group.list'],
    needs: ['multicast'],
    when: onIpv6,
    run: groupsOfIpv6,
  },
  {
    name: 'tells the group that a datagram was sent to',
    promises: ['datagram.meta'],
    needs: ['multicast', 'datagram-meta'],
    when: onIpv4,
    run: metaOfAGroup,
  },
  {
    name: 'can be bound to a group',
    promises: ['bind.host'],
    needs: ['multicast'],
    when: onIpv4,
    run: boundToTheGroup,
  },
];

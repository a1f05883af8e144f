/** Options that need something from elsewhere: a program of eBPF, an interface of one's own. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, test } from 'node:test';
import { leakCheck } from '../testing/node/leak-check.ts';
import { node, runProgram } from '../testing/node/peer.ts';
import { Descriptor } from './descriptor.ts';
import { Socket } from './socket.ts';

const leaks = leakCheck();
const PATIENCE = 10_000;

/** Loads a program that drops everything, or chooses the first socket, and sends its descriptor. @see bpf(2) */
const LOAD = `
import array, ctypes, platform, socket, struct, sys
number = {'x86_64': 321, 'aarch64': 280}.get(platform.machine())
if number is None: sys.exit('no number for bpf(2)')
libc = ctypes.CDLL(None, use_errno=True)
code = struct.pack('<BBhiBBhi', 0xb7, 0, 0, 0, 0x95, 0, 0, 0)
code = ctypes.create_string_buffer(code, len(code))
license = ctypes.create_string_buffer(b'GPL')
attr = struct.pack('<IIQQ', 1, 2, ctypes.addressof(code), ctypes.addressof(license)).ljust(128, b'\\0')
attr = ctypes.create_string_buffer(attr, len(attr))
fd = libc.syscall(number, 5, attr, len(attr))
if fd < 0: sys.exit('bpf: errno %d' % ctypes.get_errno())
with socket.socket(fileno=3) as s:
    s.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [fd]))])
`;

/** The descriptor of a program, or why there is none. */
function loadProgram(): Descriptor | string {
  const [ours, theirs] = Socket.pair();
  try {
    const { status, stderr, error } = spawnSync('python3', ['-c', LOAD], {
      encoding: 'utf8',
      stdio: ['ignore', 'ignore', 'pipe', theirs.fd],
    });
    if (status !== 0) return error?.message ?? stderr.trim();
    const { control } = ours.recvMsg({}, { timeout: PATIENCE });
    const rights = control.find(({ type }) => type === 'SCM_RIGHTS');
    const [program] = (rights?.data ?? []) as readonly Descriptor[];
    assert.ok(program instanceof Descriptor);
    return program;
  } finally {
    ours.close();
    theirs.close();
  }
}

test('SO_ATTACH_BPF filters by a program of eBPF', (t) => {
  const program = loadProgram();
  if (typeof program === 'string') {
    t.skip(program);
    return;
  }
  const receiver = Socket.socket('AF_INET', 'SOCK_DGRAM');
  const sender = Socket.socket('AF_INET', 'SOCK_DGRAM');
  try {
    receiver.bind({ family: 'ipv4', host: '127.0.0.1', port: 0 });
    receiver.setOption('SOL_SOCKET', 'SO_ATTACH_BPF', program.fd);
    sender.connect(receiver.localAddress());
    sender.send(Uint8Array.of(1));
    // Over loopback a datagram is there, or dropped, when sending has returned.
    assert.equal(receiver.recv(), null);
    receiver.setOption('SOL_SOCKET', 'SO_DETACH_BPF');
    sender.send(Uint8Array.of(2));
    assert.deepEqual(receiver.recv(), Uint8Array.of(2));
  } finally {
    for (const each of [receiver, sender, program]) each.close();
  }
});

test('SO_ATTACH_REUSEPORT_EBPF chooses by a program of eBPF', (t) => {
  const program = loadProgram();
  if (typeof program === 'string') {
    t.skip(program);
    return;
  }
  const first = Socket.socket('AF_INET', 'SOCK_DGRAM');
  const second = Socket.socket('AF_INET', 'SOCK_DGRAM');
  const sender = Socket.socket('AF_INET', 'SOCK_DGRAM');
  try {
    for (const each of [first, second]) each.setOption('SOL_SOCKET', 'SO_REUSEPORT', true);
    first.bind({ family: 'ipv4', host: '127.0.0.1', port: 0 });
    const address = first.localAddress();
    second.bind(address);
    second.setOption('SOL_SOCKET', 'SO_ATTACH_REUSEPORT_EBPF', program.fd);
    for (let i = 0; i < 16; i++) sender.sendTo(Uint8Array.of(i), address);
    // The program answers 0: the first of the group, whichever a hash would have chosen.
    assert.equal(second.recv(), null);
    for (let i = 0; i < 16; i++) assert.deepEqual(first.recv(), Uint8Array.of(i));
    second.setOption('SOL_SOCKET', 'SO_DETACH_REUSEPORT_BPF');
  } finally {
    for (const each of [first, second, sender, program]) each.close();
  }
});

/** A network of one interface, with an address among others of its subnet. */
const NETWORK = 'ip link set lo up && ip addr add fd00:7::1/64 dev lo nodad && exec "$@"';
const UNDER = ['unshare', '-rn', 'sh', '-c', NETWORK, 'sh'];

test('IPV6_JOIN_ANYCAST and IPV6_LEAVE_ANYCAST, in a network of its own', async (t) => {
  const [program = '', ...args] = UNDER;
  const { status, stderr } = await runProgram(program, [...args, 'true']);
  if (status !== 0) {
    t.skip(`no network namespace: ${stderr.trim()}`);
    return;
  }
  const peer = node(
    t,
    `
    const { Socket } = await import(args[0]);
    const joined = () => readFileSync('/proc/net/anycast6', 'utf8').includes('fd000007000000000000000000000077');
    const socket = Socket.socket('AF_INET6', 'SOCK_DGRAM');
    const request = { multiaddr: 'fd00:7::77', interface: 'lo' };
    const before = joined();
    socket.setOption('IPPROTO_IPV6', 'IPV6_JOIN_ANYCAST', request);
    const between = joined();
    socket.setOption('IPPROTO_IPV6', 'IPV6_LEAVE_ANYCAST', request);
    say([before, between, joined()]);
    socket.close();`,
    { under: UNDER, args: [new URL('./socket.js', import.meta.url).href] },
  );
  assert.deepEqual(await peer.json(), [false, true, false]);
  assert.equal((await peer.ended).status, 0);
});

after(() => {
  leaks.check();
});

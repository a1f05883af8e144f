/** CPython's side of the calls of `cross-steps.ts`. */
import type { TestContext } from 'node:test';
import type { Answer, Side, Step } from './cross-steps.ts';
import { PythonAgent } from './python-agent.ts';

const PRELUDE = `
import errno, fcntl, time
S = {}
# What CPython has no name for.
NUMBERS = {
    'IP_MTU_DISCOVER': 10, 'IP_PKTINFO': 8, 'IP_RECVTTL': 12, 'SO_RCVTIMEO': 20, 'SO_TIMESTAMP': 29, 'SO_TIMESTAMPNS': 35,
    'SO_ACCEPTCONN': 30, 'TCP_ULP': 31, 'UDP_CORK': 1,
}
C = lambda name: getattr(socket, name) if hasattr(socket, name) else NUMBERS[name]
flags_of = lambda names: sum(C(n) for n in (names or '').split())
fill = lambda data: b'x' * data if isinstance(data, int) else data.encode()
TOLD = socket.MSG_TRUNC | socket.MSG_CTRUNC | socket.MSG_EOR | socket.MSG_ERRQUEUE
HOW = {'read': socket.SHUT_RD, 'write': socket.SHUT_WR, 'both': socket.SHUT_RDWR}

def to_plain(s, a):
    if a is None: return None
    if s.family == socket.AF_UNIX: return ['unix', (a if isinstance(a, bytes) else os.fsencode(a)).hex()]
    if s.family == socket.AF_INET: return ['ipv4', a[0], a[1]]
    if s.family == socket.AF_INET6: return ['ipv6', *a]
    if s.family == socket.AF_NETLINK: return ['netlink', a[1], a[0]]
    if s.family == socket.AF_VSOCK: return ['vsock', *a]
    return ['packet', socket.if_nametoindex(a[0]) if a[0] else 0, a[1], a[2]]

def from_plain(a):
    if a[0] == 'unix': return bytes.fromhex(a[1])
    if a[0] == 'netlink': return (a[2], a[1])
    return tuple(a[1:])

def close_on_exec(fd): return bool(fcntl.fcntl(fd, fcntl.F_GETFD) & fcntl.FD_CLOEXEC)

def rights(data):
    fds = array.array('i'); fds.frombytes(data)
    told = [close_on_exec(fd) for fd in fds]
    for fd in fds: os.close(fd)
    return told

is_now = lambda d: abs(struct.unpack('qq', d)[0] - time.time()) < 60
def pktinfo(d):
    index, source, destination = struct.unpack('i4s4s', d)
    return [index, socket.inet_ntoa(source), socket.inet_ntoa(destination)]

def pktinfo6(d):
    return [socket.inet_ntop(socket.AF_INET6, d[:16]), struct.unpack('i', d[16:])[0]]

as_int = lambda d: int.from_bytes(d, 'little')
IP, IP6, SOL = socket.IPPROTO_IP, socket.IPPROTO_IPV6, socket.SOL_SOCKET
CONTROL = {
    (IP, 8): ('IP_PKTINFO', pktinfo), (IP, 2): ('IP_TTL', as_int), (IP, 1): ('IP_TOS', as_int),
    (IP6, 50): ('IPV6_PKTINFO', pktinfo6), (IP6, 52): ('IPV6_HOPLIMIT', as_int), (IP6, 67): ('IPV6_TCLASS', as_int),
    (SOL, 1): ('SCM_RIGHTS', rights), (SOL, 2): ('SCM_CREDENTIALS', lambda d: list(struct.unpack('iII', d)[1:])),
    (SOL, 29): ('SO_TIMESTAMP', is_now), (SOL, 35): ('SO_TIMESTAMPNS', is_now),
}

def control_of(control):
    sent = array.array('i', [0, 0]).tobytes()
    # CPython has no name for control messages but those of Unix and IPv6.
    number = lambda n: {'SCM_RIGHTS': 1, 'SCM_CREDENTIALS': 2, 'IP_TTL': 2, 'IP_TOS': 1, 'IP_PKTINFO': 8}.get(n) or C(n)
    return [(C(l), number(t), sent if t == 'SCM_RIGHTS' else bytes.fromhex(d)) for l, t, d in control]

def plain_message(s, got):
    data, control, flags, a = got
    told = [[CONTROL[(l, t)][0], CONTROL[(l, t)][1](d)] for l, t, d in control]
    return [data.decode(), told, flags & TOLD, to_plain(s, a)]

def make(name, family, kind, protocol=0):
    S[name] = socket.socket(C(family), C(kind), C(protocol) if protocol else 0); S[name].settimeout(10)

def accept(name, source):
    S[name], a = S[source].accept(); S[name].settimeout(10); return [to_plain(S[name], a)]

def at_once(name, call):
    S[name].settimeout(0)
    try: return call()
    finally: S[name].settimeout(10)

def connect(name, a): S[name].connect(from_plain(a))
def recv_from(name, size):
    data, a = S[name].recvfrom(size); return [data.decode(), to_plain(S[name], a)]

def send_msg(name, data, control, a=None):
    more = [0, from_plain(a)] if a else []
    return S[name].sendmsg([fill(d) for d in data], control_of(control), *more)

CALLS = {
    'socket': make, 'accept': accept, 'connect': connect, 'recvFrom': recv_from, 'sendMsg': send_msg,
    'bind': lambda n, a: S[n].bind(from_plain(a)),
    'listen': lambda n, backlog: S[n].listen(backlog),
    'tryAccept': lambda n, source: at_once(source, lambda: accept(n, source)),
    'tryConnect': lambda n, a: at_once(n, lambda: connect(n, a)),
    'tryRecv': lambda n, size, flags='': at_once(n, lambda: S[n].recv(size, flags_of(flags)).decode()),
    'send': lambda n, data, flags='': S[n].send(fill(data), flags_of(flags)),
    'sendTo': lambda n, data, a: S[n].sendto(fill(data), from_plain(a)),
    'recv': lambda n, size, flags='': S[n].recv(size, flags_of(flags)).decode(),
    'recvMsg': lambda n, size, room, flags='': plain_message(S[n], S[n].recvmsg(size, room, flags_of(flags))),
    'shutdown': lambda n, how: S[n].shutdown(HOW[how]),
    'local': lambda n: [to_plain(S[n], S[n].getsockname())],
    'remote': lambda n: [to_plain(S[n], S[n].getpeername())],
    'get': lambda n, level, name: S[n].getsockopt(C(level), C(name)),
    'getBytes': lambda n, level, name, size: S[n].getsockopt(C(level), C(name), size).hex(),
    'set': lambda n, level, name, value: S[n].setsockopt(C(level), C(name), value),
    'setBytes': lambda n, level, name, value: S[n].setsockopt(C(level), C(name), bytes.fromhex(value)),
    'close': lambda n: S[n].close(),
}

def perform(step):
    op, name, *args = step
    try: answer = CALLS[op](name, *args)
    except BlockingIOError as e: return 'would block' if e.errno == errno.EAGAIN else errno.errorcode[e.errno]
    # Of the two names of one number CPython says ENOTSUP, and Linux EOPNOTSUPP.
    except OSError as e: return {'ENOTSUP': 'EOPNOTSUPP'}.get(errno.errorcode[e.errno], errno.errorcode[e.errno])
    return 'ok' if answer is None else answer

def end():
    for s in S.values(): s.close()
    S.clear()
`;

/** One CPython process, for one case after the other. */
export class PythonSide implements Side {
  readonly #agent: PythonAgent;

  constructor(t: TestContext) {
    this.#agent = new PythonAgent(t, PRELUDE);
  }

  perform(step: Step): Promise<Answer> {
    return this.#agent.ask(`perform(json.loads(${JSON.stringify(JSON.stringify(step))}))`);
  }

  close(): Promise<void> {
    return this.#agent.run('end()');
  }

  /** Which of these names its `socket` has, with their numbers. */
  numbers(names: readonly string[]): Promise<Readonly<Record<string, number>>> {
    const list = JSON.stringify(names);
    return this.#agent.ask(`{n: int(getattr(socket, n)) for n in ${list} if hasattr(socket, n)}`);
  }
}

/** libc's own functions through koffi, called the way that costs it least. The last word is its folder. */
import { createRequire } from 'node:module';
import process from 'node:process';
import { requireSame, serve, SIZE, TURN, wrong } from './harness.mjs';

const koffi = createRequire(import.meta.url)(process.argv.at(-1) ?? '');
const libc = koffi.load('libc.so.6');
const socketpair = libc.func('int socketpair(int family, int type, int protocol, void *ends)');
const send = libc.func('long send(int fd, const void *bytes, size_t length, int flags)');
const recv = libc.func('long recv(int fd, void *bytes, size_t length, int flags)');
const getsockopt = libc.func('int getsockopt(int fd, int level, int name, void *value, void *length)');

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;

/** @returns {[number, number]} */
function makePair() {
  const ends = new Int32Array(2);
  const result = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends);
  if (result !== 0) wrong('socketpair', result);
  return /** @type {[number, number]} */ ([...ends]);
}

function pair() {
  const [left, right] = makePair();
  const message = new Uint8Array(SIZE).fill(7);
  const target = new Uint8Array(SIZE);
  return {
    size: TURN,
    turn: () => {
      for (let i = 0; i < TURN; i++) {
        const sent = send(left, message, SIZE, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent !== SIZE) wrong('send', sent);
        const got = recv(right, target, SIZE, MSG_DONTWAIT);
        if (got !== SIZE) wrong('recv', got);
      }
    },
    /** @param {Uint8Array} fresh */
    verify: (fresh) => {
      send(left, fresh, SIZE, MSG_NOSIGNAL);
      recv(right, target, SIZE, MSG_DONTWAIT);
      requireSame(fresh, target);
    },
  };
}

function option() {
  const [socket] = makePair();
  const value = new Int32Array(1);
  const length = new Uint32Array([4]);
  return {
    size: TURN,
    turn: () => {
      for (let i = 0; i < TURN; i++) {
        const result = getsockopt(socket, SOL_SOCKET, SO_RCVBUF, value, length);
        if (result !== 0 || /** @type {number} */ (value[0]) <= 0) wrong('getsockopt', result);
      }
    },
  };
}

await serve({ pair, option });

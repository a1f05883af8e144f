/**
 * libc's own functions through `node:ffi`, which Node has since 26.1. Addresses of memory are taken once, outside of the
 * loop, which costs it less than to be handed a typed array with each call.
 */
// @ts-ignore newer than the types that the project compiles against
import ffi from 'node:ffi';
import { requireSame, serve, SIZE, TURN, wrong } from './harness.mjs';

const { functions } = ffi.dlopen('libc.so.6', {
  socketpair: { arguments: ['int32', 'int32', 'int32', 'pointer'], return: 'int32' },
  send: { arguments: ['int32', 'pointer', 'uint64', 'int32'], return: 'int64' },
  recv: { arguments: ['int32', 'pointer', 'uint64', 'int32'], return: 'int64' },
  getsockopt: { arguments: ['int32', 'int32', 'int32', 'pointer', 'pointer'], return: 'int32' },
});
const { socketpair, send, recv, getsockopt } = functions;

const LENGTH = BigInt(SIZE);
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
  const result = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ffi.getRawPointer(ends));
  if (result !== 0) wrong('socketpair', result);
  return /** @type {[number, number]} */ ([...ends]);
}

function pair() {
  const [left, right] = makePair();
  // In buffers of their own: the collector moves small arrays that are not.
  const message = new Uint8Array(new ArrayBuffer(SIZE)).fill(7);
  const target = new Uint8Array(new ArrayBuffer(SIZE));
  const [from, to] = [ffi.getRawPointer(message), ffi.getRawPointer(target)];
  return {
    size: TURN,
    turn: () => {
      for (let i = 0; i < TURN; i++) {
        const sent = send(left, from, LENGTH, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent !== LENGTH) wrong('send', sent);
        const got = recv(right, to, LENGTH, MSG_DONTWAIT);
        if (got !== LENGTH) wrong('recv', got);
      }
    },
    /** @param {Uint8Array} fresh */
    verify: (fresh) => {
      message.set(fresh);
      send(left, from, LENGTH, MSG_NOSIGNAL);
      recv(right, to, LENGTH, MSG_DONTWAIT);
      requireSame(fresh, target);
    },
  };
}

function option() {
  const [socket] = makePair();
  const value = new Int32Array(new ArrayBuffer(4));
  const length = new Uint32Array(new ArrayBuffer(4)).fill(4);
  const [valueAt, lengthAt] = [ffi.getRawPointer(value), ffi.getRawPointer(length)];
  return {
    size: TURN,
    turn: () => {
      for (let i = 0; i < TURN; i++) {
        const result = getsockopt(socket, SOL_SOCKET, SO_RCVBUF, valueAt, lengthAt);
        // Addresses keep no memory alive: both arrays must be used.
        if (result !== 0 || length[0] !== 4 || /** @type {number} */ (value[0]) <= 0)
          wrong('getsockopt', result);
      }
    },
  };
}

await serve({ pair, option });

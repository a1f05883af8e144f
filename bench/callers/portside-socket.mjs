/**
 * `Socket` of `portside/posix`, called as a program would. `recv` as the last word: it makes a Uint8Array each time, instead
 * of `recvInto`. `one`: datagrams by one system call each.
 */
import process from 'node:process';
import { Socket } from '../../dist/doors/posix.js';
import { BATCH, requireSame, serve, SIZE, TURN, wrong } from './harness.mjs';

const way = process.argv[3];

function pair() {
  const [left, right] = Socket.pair('AF_UNIX', 'SOCK_STREAM');
  const message = new Uint8Array(SIZE).fill(7);
  const target = new Uint8Array(SIZE);
  const loop = {
    into: () => {
      for (let i = 0; i < TURN; i++) {
        const sent = left.send(message);
        if (sent !== SIZE) wrong('send', sent);
        const got = right.recvInto(target);
        if (got !== SIZE) wrong('recvInto', got);
      }
    },
    recv: () => {
      for (let i = 0; i < TURN; i++) {
        const sent = left.send(message);
        if (sent !== SIZE) wrong('send', sent);
        const got = right.recv(SIZE);
        if (got?.length !== SIZE) wrong('recv', got);
      }
    },
  };
  return {
    size: TURN,
    turn: way === 'recv' ? loop.recv : loop.into,
    /** @param {Uint8Array} fresh */
    verify: (fresh) => {
      left.send(fresh);
      if (way === 'recv') {
        requireSame(fresh, right.recv(SIZE) ?? undefined);
      } else {
        right.recvInto(target);
        requireSame(fresh, target);
      }
    },
  };
}

function option() {
  const [socket] = Socket.pair('AF_UNIX', 'SOCK_STREAM');
  return {
    size: TURN,
    turn: () => {
      for (let i = 0; i < TURN; i++) {
        const value = socket.getOption('SOL_SOCKET', 'SO_RCVBUF');
        if (!(value > 0)) wrong('getOption', value);
      }
    },
  };
}

/** Two sockets that send to each other. */
function udpPair() {
  const ends = [0, 1].map(() => {
    const socket = Socket.socket('AF_INET', 'SOCK_DGRAM');
    socket.bind({ family: 'ipv4', host: '127.0.0.1', port: 0 });
    return socket;
  });
  const [left, right] = /** @type {[Socket, Socket]} */ (ends);
  left.connect(right.localAddress());
  right.connect(left.localAddress());
  return { left, right };
}

function datagrams() {
  const { left, right } = udpPair();
  /** @type {{ readonly data: Uint8Array }[]} */
  let messages = Array.from({ length: BATCH }, () => ({ data: new Uint8Array(SIZE).fill(7) }));
  /** @type {readonly { readonly data: Uint8Array }[]} */
  let arrived = [];
  const atOnce = () => {
    const sent = left.sendMany(messages);
    if (sent !== BATCH) wrong('sendMany', sent);
    const got = right.recvMany({ count: BATCH, size: SIZE });
    if (got?.length !== BATCH) wrong('recvMany', got?.length);
    arrived = got;
  };
  const oneByOne = () => {
    for (const { data } of messages) {
      const sent = left.send(data);
      if (sent !== SIZE) wrong('send', sent);
    }
    arrived = messages.map(() => right.recvFrom(SIZE) ?? wrong('recvFrom', null));
  };
  const turn = way === 'one' ? oneByOne : atOnce;
  return {
    size: BATCH,
    turn,
    /** @param {Uint8Array} fresh */
    verify: (fresh) => {
      messages = messages.map(() => ({ data: fresh }));
      turn();
      for (const { data } of arrived) requireSame(fresh, data);
    },
  };
}

await serve({ pair, option, datagrams });

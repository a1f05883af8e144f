/**
 * Portside's native module by itself, as `class Socket` calls it: the message is in the shared memory already, and nothing
 * is judged but what C++ judges. `bytes` as the last word: the message is in a typed array.
 */
import process from 'node:process';
import { loadNative } from '../../dist/addon/load.js';
import { RECORD, RECORD_WORDS, SLAB } from '../../dist/addon/native-sockets.js';
import { BATCH, requireSame, serve, SIZE, TURN, wrong } from './harness.mjs';

const module = loadNative();
const made = module.createSockets(() => undefined, false);
if (typeof made === 'number') throw new Error(`no memory: ${String(made)}`);
const sockets = made;
const slab = sockets.slab();
const words = new Int32Array(slab.buffer, 0, slab.byteLength / 4);
const { AF_INET, AF_UNIX, MSG_DONTWAIT, MSG_NOSIGNAL, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET, SO_RCVBUF } =
  module.constants;
const SEND = MSG_DONTWAIT | MSG_NOSIGNAL;

/** @returns {[number, number]} */
function makePair() {
  const first = checked('pair', sockets.pair(AF_UNIX, SOCK_STREAM, 0));
  return [first, checked('idAt', sockets.idAt(words[0] ?? 0))];
}

/** @param {string} what @param {number} result */
function checked(what, result) {
  return result < 0 ? wrong(what, result) : result;
}

function pair() {
  const [left, right] = makePair();
  return {
    size: TURN,
    turn: () => {
      for (let i = 0; i < TURN; i++) {
        const sent = sockets.send(left, SIZE, SEND);
        if (sent !== SIZE) wrong('send', sent);
        const got = sockets.recv(right, SIZE, MSG_DONTWAIT);
        if (got !== SIZE) wrong('recv', got);
      }
    },
    /** @param {Uint8Array} message */
    verify: (message) => {
      slab.set(message, SLAB.data);
      sockets.send(left, SIZE, SEND);
      slab.fill(0, SLAB.data, SLAB.data + SIZE);
      sockets.recv(right, SIZE, MSG_DONTWAIT);
      requireSame(message, slab.subarray(SLAB.data, SLAB.data + SIZE));
    },
  };
}

function pairOfBytes() {
  const [left, right] = makePair();
  const message = new Uint8Array(SIZE).fill(7);
  const target = new Uint8Array(SIZE);
  return {
    size: TURN,
    turn: () => {
      for (let i = 0; i < TURN; i++) {
        const sent = sockets.sendBytes(left, message, SEND);
        if (sent !== SIZE) wrong('send', sent);
        const got = sockets.recvBytes(right, target, MSG_DONTWAIT);
        if (got !== SIZE) wrong('recv', got);
      }
    },
    /** @param {Uint8Array} fresh */
    verify: (fresh) => {
      sockets.sendBytes(left, fresh, SEND);
      sockets.recvBytes(right, target, MSG_DONTWAIT);
      requireSame(fresh, target);
    },
  };
}

function option() {
  const [socket] = makePair();
  return {
    size: TURN,
    turn: () => {
      for (let i = 0; i < TURN; i++) {
        const length = sockets.getOption(socket, SOL_SOCKET, SO_RCVBUF, 4);
        const value = words[SLAB.data / 4] ?? 0;
        if (length !== 4 || value <= 0) wrong('getOption', length);
      }
    },
  };
}

/** A `sockaddr_in` of loopback. @param {number} port */
function putLoopback(port) {
  const view = new DataView(slab.buffer, SLAB.name, 16);
  view.setUint16(0, AF_INET, true);
  view.setUint16(2, port);
  view.setUint32(4, 0x7f000001);
  view.setUint32(8, 0);
  view.setUint32(12, 0);
}

/** @returns {number} */
function bindUdp() {
  const id = checked('socket', sockets.socket(AF_INET, SOCK_DGRAM, 0));
  putLoopback(0);
  checked('bind', sockets.bind(id, 16));
  return id;
}

/** @param {number} id */
function portOf(id) {
  checked('localAddress', sockets.localAddress(id));
  return new DataView(slab.buffer, SLAB.name, 16).getUint16(2);
}

/** @param {number} id @param {number} port */
function connect(id, port) {
  putLoopback(port);
  checked('connect', sockets.connect(id, 16));
}

/** Two addresses that datagrams bring, and room for them, behind the messages. */
const NAMES = SLAB.data + BATCH * SIZE;
const NAME_ROOM = 32;

/** @param {boolean} isReceiving */
function makeRecords(isReceiving) {
  const records = new Int32Array(BATCH * RECORD_WORDS);
  for (let i = 0; i < BATCH; i++) {
    const at = i * RECORD_WORDS;
    records[at + RECORD.dataOffset] = SLAB.data + i * SIZE;
    records[at + RECORD.dataLength] = SIZE;
    if (!isReceiving) continue;
    records[at + RECORD.nameOffset] = NAMES + i * NAME_ROOM;
    records[at + RECORD.nameLength] = NAME_ROOM;
  }
  return records;
}

function datagrams() {
  const [left, right] = [bindUdp(), bindUdp()];
  const [from, to] = [portOf(left), portOf(right)];
  connect(left, to);
  connect(right, from);
  const [outgoing, incoming] = [makeRecords(false), makeRecords(true)];
  const exchange = () => {
    words.set(outgoing);
    const sent = sockets.sendMessages(left, BATCH, SEND);
    if (sent !== BATCH) wrong('sendMessages', sent);
    words.set(incoming);
    const got = sockets.recvMessages(right, BATCH, MSG_DONTWAIT);
    if (got !== BATCH) wrong('recvMessages', got);
  };
  return {
    size: BATCH,
    turn: exchange,
    /** @param {Uint8Array} message */
    verify: (message) => {
      for (let i = 0; i < BATCH; i++) slab.set(message, SLAB.data + i * SIZE);
      exchange();
      for (let i = 0; i < BATCH; i++) {
        const at = SLAB.data + i * SIZE;
        requireSame(message, slab.subarray(at, at + SIZE));
      }
    },
  };
}

await serve({ pair: process.argv[3] === 'bytes' ? pairOfBytes : pair, option, datagrams });

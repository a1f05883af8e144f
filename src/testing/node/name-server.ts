/** A name server of the test's own, on port 53 of 127.0.0.1 in a network of its own. It says what the test says. */
import { createSocket } from 'node:dgram';
import type { Socket as Udp } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Server, Socket as Tcp } from 'node:net';

const ADDRESS = '127.0.0.1';
const PORT = 53;

/** Shell commands that make the C library ask this server, once, and again after ten seconds. */
export const USE_NAME_SERVER: string = `
mount -t tmpfs none /mnt
echo 'nameserver ${ADDRESS}' > /mnt/resolv.conf
echo 'options timeout:10 attempts:2' >> /mnt/resolv.conf
echo '127.0.0.1 localhost' > /mnt/hosts
echo 'hosts: files dns' > /mnt/nsswitch.conf
echo 'services: files' >> /mnt/nsswitch.conf
echo 'protocols: files' >> /mnt/nsswitch.conf
for name in resolv.conf hosts nsswitch.conf; do mount --bind /mnt/$name /etc/$name; done`;

/** Types of records. */
export const RECORD_TYPE = { A: 1, CNAME: 5, PTR: 12, AAAA: 28 } as const;
export type RecordType = keyof typeof RECORD_TYPE;

/** What a server can say instead of an answer. @see RFC 1035, 4.1.1 */
export const RESPONSE_CODE = { noError: 0, serverFailure: 2, nameError: 3, refused: 5 } as const;

/** A record: an address as bytes, or a name. */
export interface Answer {
  /** Whose record it is. Left out, that of the name that was asked for. */
  readonly name?: string;
  readonly type: RecordType;
  readonly data: Uint8Array | string;
}

/** Longer ones go over TCP only. @see RFC 1035, 4.2.1 */
const MAX_UDP = 512;
const MAX_TCP = 65535;

function writeName(name: string): Uint8Array {
  const labels = name === '' ? [] : name.split('.');
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Uint8Array.of(Buffer.byteLength(label)), Buffer.from(label)])),
    Uint8Array.of(0),
  ]);
}

/** The name that was asked for stands at byte 12 of each message. @see RFC 1035, 4.1.4 */
const ASKED = Uint8Array.of(0xc0, 12);

function writeRecord({ name, type, data }: Answer): Uint8Array {
  const owner = name === undefined ? ASKED : writeName(name);
  const bytes = typeof data === 'string' ? writeName(data) : data;
  const head = Buffer.alloc(10);
  head.writeUInt16BE(RECORD_TYPE[type], 0);
  head.writeUInt16BE(1, 2);
  head.writeUInt32BE(60, 4);
  head.writeUInt16BE(bytes.length, 8);
  return Buffer.concat([owner, head, bytes]);
}

/** One question, of one type. */
export class Query {
  readonly name: string;
  readonly type: RecordType | undefined;
  readonly #message: Buffer;
  readonly #questionEnd: number;
  readonly #reply: (message: Uint8Array) => void;
  readonly #limit: number;
  #isAnswered = false;

  constructor(message: Buffer, limit: number, reply: (message: Uint8Array) => void) {
    const labels: string[] = [];
    let at = 12;
    for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
      labels.push(message.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
    const number = message.readUInt16BE(at + 1);
    this.name = labels.join('.');
    this.type = (Object.keys(RECORD_TYPE) as RecordType[]).find((type) => RECORD_TYPE[type] === number);
    this.#message = message;
    this.#questionEnd = at + 5;
    this.#limit = limit;
    this.#reply = reply;
  }

  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  /** Answers with records, or with a code. */
  answer(records: readonly Answer[] = [], code: keyof typeof RESPONSE_CODE = 'noError'): void {
    this.#isAnswered = true;
    const head = Buffer.from(this.#message.subarray(0, 12));
    const body = Buffer.concat(records.map(writeRecord));
    const isCut = this.#questionEnd + body.length > this.#limit;
    head[2] = 0x81 | (isCut ? 2 : 0);
    head[3] = 0x80 | RESPONSE_CODE[code];
    head.writeUInt16BE(isCut ? 0 : records.length, 6);
    const question = this.#message.subarray(12, this.#questionEnd);
    this.#reply(Buffer.concat([head, question, ...(isCut ? [] : [body])]));
  }
}

/** Keeps each query until the test answers it, or says how all are to be answered. */
export class NameServer {
  readonly #udp: Udp = createSocket('udp4');
  readonly #tcp: Server;
  readonly #connections = new Set<Tcp>();
  /** Those that nobody has taken. */
  #queries: Query[] = [];
  /** Those that were taken. */
  #taken: Query[] = [];
  readonly #waiters = new Set<(query: Query) => boolean>();
  #answer: ((query: Query) => void) | undefined;

  static async start(): Promise<NameServer> {
    const server = new NameServer();
    const listening = [once(server.#udp, 'listening'), once(server.#tcp, 'listening')];
    server.#udp.bind(PORT, ADDRESS);
    server.#tcp.listen(PORT, ADDRESS);
    await Promise.all(listening);
    return server;
  }

  constructor() {
    this.#udp.on('message', (message, { port, address }) => {
      const reply = (answer: Uint8Array): void => {
        this.#udp.send(answer, port, address);
      };
      this.#receive(new Query(message, MAX_UDP, reply));
    });
    this.#tcp = createServer((connection) => {
      this.#connections.add(connection);
      connection.on('close', () => this.#connections.delete(connection));
      serveTcp(connection, this.#receive.bind(this));
    });
  }

  #receive(query: Query): void {
    if (this.#answer !== undefined) {
      this.#answer(query);
      return;
    }
    for (const takes of this.#waiters) if (takes(query)) return;
    this.#queries.push(query);
  }

  /** How many queries for names that begin so have come and were not taken. */
  waiting(beginning: string): number {
    return this.#queries.filter(({ name }) => name.startsWith(beginning)).length;
  }

  /** The next query for a name that begins so, when it comes. Each test needs names of its own: late queries may come. */
  async next(beginning: string): Promise<Query> {
    const found = this.#queries.findIndex(({ name }) => name.startsWith(beginning));
    const [query = await this.#arrival(beginning)] = found < 0 ? [] : this.#queries.splice(found, 1);
    this.#taken.push(query);
    return query;
  }

  #arrival(beginning: string): Promise<Query> {
    return new Promise((resolve) => {
      const takes = (query: Query): boolean => {
        if (!query.name.startsWith(beginning)) return false;
        this.#waiters.delete(takes);
        resolve(query);
        return true;
      };
      this.#waiters.add(takes);
    });
  }

  /** Has every query answered so: those that have come and have no answer yet, and those that come until `hold`. */
  answerAll(answer: (query: Query) => void): void {
    this.#answer = answer;
    for (const query of [...this.#queries, ...this.#taken]) if (!query.isAnswered) answer(query);
    this.#queries = [];
    this.#taken = [];
  }

  /** Keeps queries again. */
  hold(): void {
    this.#answer = undefined;
  }

  /** Ends: who asks is refused from then on. */
  async close(): Promise<void> {
    const closed = [once(this.#udp, 'close'), once(this.#tcp, 'close')];
    this.#udp.close();
    this.#tcp.close();
    for (const connection of this.#connections) connection.destroy();
    await Promise.all(closed);
  }
}

/** Messages with their lengths before them. @see RFC 1035, 4.2.2 */
function serveTcp(connection: Tcp, onQuery: (query: Query) => void): void {
  const reply = (answer: Uint8Array): void => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(answer.length);
    connection.write(Buffer.concat([length, answer]));
  };
  let received = Buffer.alloc(0);
  connection.on('error', () => undefined);
  connection.on('data', (data) => {
    received = Buffer.concat([received, data]);
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const end = 2 + received.readUInt16BE(0);
      onQuery(new Query(received.subarray(2, end), MAX_TCP, reply));
      received = received.subarray(end);
    }
  });
}

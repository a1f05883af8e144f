import assert from 'node:assert/strict';
import test from 'node:test';
import { parseIp } from './address.ts';
import { reader } from './reader.ts';
import type { Rules } from './rules.ts';
import { flag, integer, optional, readOptions, readWith, requireKnown } from './rules.ts';
import { memoryProvider } from '../testing/memory-provider.ts';
import { validateBind, validateDatagramRead, validateMembership } from './validate-datagram.ts';
import {
  deadlineOf,
  validateConnect,
  validateDeadline,
  validateListen,
  validateListenPackets,
  validateReadOptions,
  validateResolve,
} from './validate.ts';
import { validateUpgrade } from './validate-tls.ts';

interface Plan {
  readonly count: number | undefined;
  readonly isOn: boolean | undefined;
}
const RULES: Rules<Plan> = { count: optional(integer(0, 9)), isOn: optional(flag) };

const refuses = (read: () => unknown, message: string | RegExp): void => {
  assert.throws(read, { name: 'TypeError', message });
};

test('readOptions reads what it knows, and refuses the rest', () => {
  assert.deepEqual(readOptions({ count: 1 }, RULES), { count: 1, isOn: undefined });
  refuses(
    () => readOptions({ count: 1, cuont: 2 }, RULES),
    'cuont: there is no such option; did you mean count?',
  );
  refuses(() => readOptions({ other: 1 }, RULES), 'other: there is no such option');
  refuses(
    () => readOptions({ ison: true }, RULES, 'a.'),
    'a.ison: there is no such option; did you mean a.isOn?',
  );
});

test('readOptions refuses a misspelt name also where it has no value', () => {
  refuses(() => readOptions({ cout: undefined }, RULES), /did you mean count/);
});

test('readOptions refuses names that every object has, and takes what is inherited', () => {
  refuses(() => readOptions({ toString: 1 }, RULES), /^toString: /);
  refuses(() => readOptions(JSON.parse('{"__proto__": 1}') as object, RULES), /^__proto__: /);
  assert.deepEqual(readOptions(Object.create({ count: 3, cuont: 1 }) as object, RULES).count, 3);
});

test('readOptions shortens a name that is no name', () => {
  assert.throws(
    () => readOptions({ ['x'.repeat(100_000)]: 1 }, RULES),
    (error: Error) => error.message.length < 100,
  );
});

test('readOptions judges names before it reads anything', () => {
  let reads = 0;
  const options = {
    get count() {
      reads++;
      return 1;
    },
    wrong: 1,
  };
  assert.throws(() => readOptions(options, RULES), TypeError);
  assert.equal(reads, 0);
});

test('requireKnown lets through what has no names of its own', () => {
  requireKnown({}, RULES);
  requireKnown(Object.create(null) as object, RULES);
  requireKnown({ [Symbol('s')]: 1 }, RULES);
});

test('readWith looks at nothing but its own', () => {
  assert.deepEqual(readWith({ count: 1, cuont: 2 }, RULES), { count: 1, isOn: undefined });
});

const TCP = { host: 'a.test', port: 80 };
const UNIX = { path: '/run/x' };
const GROUP = { group: { family: 'ipv4', host: '239.1.2.3' } };

/** Each way in which options come, something good, and the misspelt name with the one that was meant. */
const CALLS: readonly (readonly [
  call: (options: never) => unknown,
  good: object,
  wrong: string,
  meant: string,
])[] = [
  [validateConnect, TCP, 'timout', 'timeout'],
  [validateConnect, TCP, 'atemptDelay', 'attemptDelay'],
  [validateConnect, TCP, 'localAdress', 'localAddress'],
  [validateConnect, UNIX, 'singal', 'signal'],
  [validateListen, {}, 'prot', 'port'],
  [validateListen, { port: 80 }, 'resuePort', 'reusePort'],
  [validateListen, UNIX, 'stael', 'stale'],
  [validateListenPackets, UNIX, 'backlgo', 'backlog'],
  [(options: object) => validateResolve('a.test', options), {}, 'famly', 'family'],
  [validateReadOptions, { chunks: 'view' }, 'readsize', 'readSize'],
  [validateDeadline, { timeout: 1 }, 'singal', 'signal'],
  [validateBind, {}, 'icmpError', 'icmpErrors'],
  [validateBind, { path: '/run/x' }, 'remotepath', 'remotePath'],
  [validateDatagramRead, {}, 'maxsize', 'maxSize'],
  [validateMembership, GROUP, 'interfaceIndx', 'interfaceIndex'],
  [(options: object) => validateUpgrade(options, 'a.test'), { role: 'client' }, 'serverName', 'servername'],
];
for (const [call, good, wrong, meant] of CALLS) {
  test(`${call.name || 'a call'} takes no ${wrong} for ${meant}`, () => {
    call(good as never);
    refuses(
      () => call({ ...good, [wrong]: 1 } as never),
      `${wrong}: there is no such option; did you mean ${meant}?`,
    );
  });
}

test('options of TLS are refused with names that they have not', () => {
  const client = { dangerouslyAcceptAnyname: true };
  refuses(() => validateConnect({ ...TCP, tls: client }), /did you mean tls\.dangerouslyAcceptAnyName\?$/);
  const pair = { cert: 'c', key: 'k' };
  refuses(
    () => validateListen({ tls: { ...pair, clientCertficate: 'require' } }),
    /did you mean tls\.clientCertificate\?$/,
  );
  refuses(
    () => validateListen({ tls: { ...pair, names: { a: { ...pair, Key: 1 } } } }),
    /^tls\.names\["a"\]\.Key: /,
  );
});

test('keepAlive is refused with a name that it has not', () => {
  const options = { keepAlive: { idel: 5 } };
  refuses(
    () => validateConnect({ ...TCP, options }),
    /^options\.keepAlive\.idel: .*did you mean options\.keepAlive\.idle\?$/,
  );
});

test('options of the other transport are no misspelt ones', () => {
  assert.equal(validateConnect({ ...UNIX, port: undefined }).transport, 'unix');
  assert.equal(validateListen({ port: 1, stale: undefined }).transport, 'tcp');
  assert.equal(validateBind({ path: undefined, port: 1 }).transport, 'udp');
});

test('addresses may say more than is asked', () => {
  const address = { ...parseIp('127.0.0.1'), port: 80 };
  const plan = validateConnect({ ...TCP, addresses: [address] });
  assert.deepEqual(plan.transport === 'tcp' && plan.addresses, [{ family: 'ipv4', host: '127.0.0.1' }]);
});

test('validateDeadline takes others that are named, and deadlineOf all', () => {
  assert.equal(validateDeadline({ timeout: 1, limit: 5 } as object, { limit: true }).timeout, 1);
  refuses(() => validateDeadline({ timeout: 1, limt: 5 } as object, { limit: true }), /did you mean limit/);
  assert.equal(deadlineOf({ timeout: 1, whatever: 5 } as object).timeout, 1);
});

test('reader and readUntil take no misspelt option', async () => {
  const provider = memoryProvider();
  const listener = await provider.listen({ path: '/run/x' });
  const stream = await provider.connect({ path: '/run/x' });
  refuses(() => reader(stream, { hihgWaterMark: 1 } as never), /did you mean highWaterMark/);
  const pull = reader(stream);
  await assert.rejects(pull.readUntil(Uint8Array.of(10), { limt: 5 } as never), /did you mean limit/);
  await assert.rejects(pull.read(1, { timout: 5 } as never), /did you mean timeout/);
  stream.abort();
  await listener.close();
  await provider.close();
});

import assert from 'node:assert/strict';
import test from 'node:test';
import type { IpAddress, IpEndpoint } from './address.ts';
import { formatAddress } from './address.ts';
import type { Clock } from './clock.ts';
import { ConnectError, isSocketError, SystemError } from './errors.ts';
import type { Attempt, RaceOptions } from './happy-eyeballs.ts';
import { MAX_ADDRESSES_TRIED, MAX_ATTEMPTS_AT_ONCE, orderAddresses, raceConnect } from './happy-eyeballs.ts';

/** Time that moves only when told. */
class FakeClock implements Clock {
  #now = 0;
  readonly #timers = new Set<{ at: number; callback: () => void }>();

  now(): number {
    return this.#now;
  }

  setTimer(delay: number, callback: () => void): () => void {
    const timer = { at: this.#now + delay, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  get pending(): number {
    return this.#timers.size;
  }

  /** Runs timers in order of time until none is left, or `until` is reached; promises settle between two timers. */
  async run(until: number = Infinity): Promise<void> {
    for (;;) {
      await settle();
      const next = [...this.#timers].sort((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > until) return;
      this.#timers.delete(next);
      this.#now = next.at;
      next.callback();
    }
  }
}

/** Lets every promise that is ready settle: an event-loop turn comes after all microtasks. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** What one address does: answers after some milliseconds, or never. */
type Outcome = { after: number; code?: string } | 'never' | 'throws' | 'defect';

class World {
  readonly clock = new FakeClock();
  readonly log: string[] = [];
  readonly outcomes: Readonly<Record<string, Outcome>>;
  open = 0;
  mostUnderWay = 0;
  #underWay = 0;

  constructor(outcomes: Readonly<Record<string, Outcome>>) {
    this.outcomes = outcomes;
  }

  #note(what: string, host: string): void {
    this.log.push(`${String(this.clock.now())} ${what} ${host}`);
  }

  dial(address: IpEndpoint): Attempt<string> {
    const { host } = address;
    const outcome = this.outcomes[host] ?? 'never';
    this.#note('dial', host);
    if (outcome === 'throws') throw new SystemError('EMFILE', { remote: address });
    this.mostUnderWay = Math.max(this.mostUnderWay, ++this.#underWay);
    const result = new Promise<string>((resolve, reject) => {
      if (outcome === 'defect') reject(new RangeError('a defect'));
      if (typeof outcome === 'string') return;
      this.clock.setTimer(outcome.after, () => {
        this.#underWay--;
        if (outcome.code === undefined) {
          this.open++;
          resolve(host);
        } else {
          reject(new SystemError(outcome.code, { remote: address }));
        }
      });
    });
    return {
      result,
      cancel: () => {
        this.#note('cancel', host);
      },
    };
  }

  discard(value: string): void {
    this.open--;
    this.#note('discard', value);
  }

  race(
    addresses: readonly IpEndpoint[],
    more: Partial<RaceOptions<string, IpEndpoint>> = {},
  ): Promise<string> {
    return raceConnect({
      addresses,
      dial: (address) => this.dial(address),
      discard: (value) => {
        this.discard(value);
      },
      clock: this.clock,
      target: 'test:80',
      details: { transport: 'tcp' },
      ...more,
    });
  }
}

function endpoint(host: string): IpEndpoint {
  return { family: host.includes(':') ? 'ipv6' : 'ipv4', host, port: 80 };
}

/** What a promise came to, as text for tables. */
async function told(promise: Promise<string>): Promise<string> {
  try {
    return await promise;
  } catch (error) {
    if (!(error instanceof ConnectError)) return `threw ${String(error)}`;
    return error.errors
      .map((each) => `${each.remote ? formatAddress(each.remote) : '?'} ${each.code}`)
      .join(', ');
  }
}

interface Scenario {
  readonly name: string;
  readonly world: Readonly<Record<string, Outcome>>;
  readonly delay?: number;
  readonly timeout?: number;
  readonly result: string;
  readonly log: readonly string[];
}

const REFUSED = { after: 0, code: 'ECONNREFUSED' } as const;

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'one address needs no race',
    world: { '192.0.2.1': { after: 30 } },
    result: '192.0.2.1',
    log: ['0 dial 192.0.2.1'],
  },
  {
    name: 'one address that refuses',
    world: { '192.0.2.1': REFUSED },
    result: '192.0.2.1:80 ECONNREFUSED',
    log: ['0 dial 192.0.2.1'],
  },
  { name: 'no address', world: {}, result: '', log: [] },
  {
    name: 'a black hole first costs one delay',
    world: { '2001:db8::1': 'never', '192.0.2.1': { after: 20 } },
    result: '192.0.2.1',
    log: ['0 dial 2001:db8::1', '250 dial 192.0.2.1', '270 cancel 2001:db8::1'],
  },
  {
    name: 'a family slower than the delay still wins',
    world: { '2001:db8::1': { after: 300 }, '192.0.2.1': { after: 300 } },
    result: '2001:db8::1',
    log: ['0 dial 2001:db8::1', '250 dial 192.0.2.1', '300 cancel 192.0.2.1', '550 discard 192.0.2.1'],
  },
  {
    name: 'a refusal starts the next at once',
    world: { '2001:db8::1': { after: 5, code: 'ECONNREFUSED' }, '192.0.2.1': { after: 20 } },
    result: '192.0.2.1',
    log: ['0 dial 2001:db8::1', '5 dial 192.0.2.1'],
  },
  {
    name: 'the failure of an older attempt does not hurry the next',
    world: {
      '2001:db8::1': { after: 260, code: 'EHOSTUNREACH' },
      '192.0.2.1': 'never',
      '192.0.2.2': { after: 10 },
    },
    result: '192.0.2.2',
    log: ['0 dial 2001:db8::1', '250 dial 192.0.2.1', '500 dial 192.0.2.2', '510 cancel 192.0.2.1'],
  },
  {
    name: 'all fail, errors in order of trying and not of failing',
    world: {
      '192.0.2.1': { after: 400, code: 'EHOSTUNREACH' },
      '192.0.2.2': { after: 1, code: 'ECONNREFUSED' },
    },
    result: '192.0.2.1:80 EHOSTUNREACH, 192.0.2.2:80 ECONNREFUSED',
    log: ['0 dial 192.0.2.1', '250 dial 192.0.2.2'],
  },
  {
    name: 'the time runs out',
    world: { '192.0.2.1': REFUSED, '192.0.2.2': 'never', '192.0.2.3': 'never' },
    timeout: 300,
    result: '192.0.2.1:80 ECONNREFUSED, 192.0.2.2:80 ETIMEDOUT, 192.0.2.3:80 ETIMEDOUT',
    log: [
      '0 dial 192.0.2.1',
      '0 dial 192.0.2.2',
      '250 dial 192.0.2.3',
      '300 cancel 192.0.2.2',
      '300 cancel 192.0.2.3',
    ],
  },
  {
    name: 'the time runs out before the second has begun',
    world: { '192.0.2.1': 'never', '192.0.2.2': { after: 0 } },
    timeout: 100,
    result: '192.0.2.1:80 ETIMEDOUT',
    log: ['0 dial 192.0.2.1', '100 cancel 192.0.2.1'],
  },
  {
    name: 'two succeed at the same instant, and one is discarded',
    world: { '192.0.2.1': { after: 300 }, '192.0.2.2': { after: 50 } },
    result: '192.0.2.1',
    log: ['0 dial 192.0.2.1', '250 dial 192.0.2.2', '300 cancel 192.0.2.2', '300 discard 192.0.2.2'],
  },
  {
    name: 'a dial that throws is an attempt that failed',
    world: { '192.0.2.1': 'throws', '192.0.2.2': { after: 5 } },
    result: '192.0.2.2',
    log: ['0 dial 192.0.2.1', '0 dial 192.0.2.2'],
  },
  {
    name: 'an error that is no socket error ends the race',
    world: { '192.0.2.1': 'never', '192.0.2.2': 'defect', '192.0.2.3': { after: 0 } },
    result: 'threw RangeError: a defect',
    log: ['0 dial 192.0.2.1', '250 dial 192.0.2.2', '250 cancel 192.0.2.1'],
  },
  {
    name: 'a delay below the minimum counts as the minimum',
    world: { '192.0.2.1': 'never', '192.0.2.2': { after: 0 } },
    delay: 0,
    result: '192.0.2.2',
    log: ['0 dial 192.0.2.1', '10 dial 192.0.2.2', '10 cancel 192.0.2.1'],
  },
  {
    name: 'a whole family of black holes',
    world: {
      '2001:db8::1': 'never',
      '2001:db8::2': 'never',
      '2001:db8::3': 'never',
      '192.0.2.1': { after: 700 },
    },
    delay: 100,
    result: '192.0.2.1',
    log: [
      '0 dial 2001:db8::1',
      '100 dial 2001:db8::2',
      '200 dial 2001:db8::3',
      '300 dial 192.0.2.1',
      '1000 cancel 2001:db8::1',
      '1000 cancel 2001:db8::2',
      '1000 cancel 2001:db8::3',
    ],
  },
];

for (const { name, world: outcomes, result, log, delay, timeout } of SCENARIOS) {
  test(`raceConnect ${name}`, async () => {
    const world = new World(outcomes);
    const race = told(world.race(Object.keys(outcomes).map(endpoint), { attemptDelay: delay, timeout }));
    await world.clock.run();
    assert.equal(await race, result);
    assert.deepEqual(world.log, log);
    assert.equal(world.open, /^[\d.:a-f]+$/.test(result) ? 1 : 0, 'only the winner stays open');
  });
}

test('raceConnect uses no timer for one address', async () => {
  const world = new World({ '192.0.2.1': 'never' });
  void told(world.race([endpoint('192.0.2.1')]));
  assert.equal(world.clock.pending, 0);
});

test('raceConnect leaves no timer behind', async () => {
  const world = new World({ '192.0.2.1': { after: 1 }, '192.0.2.2': 'never' });
  const race = world.race([endpoint('192.0.2.1'), endpoint('192.0.2.2')], { timeout: 1000 });
  await world.clock.run(1);
  await race;
  assert.equal(world.clock.pending, 0);
});

function many(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `10.0.${String(i >> 8)}.${String(i & 255)}`);
}

test('raceConnect holds a thousand black holes to the limit at once', async () => {
  const world = new World({});
  const race = told(world.race(many(1000).map(endpoint), { timeout: 60_000 }));
  await world.clock.run();
  assert.equal(world.mostUnderWay, MAX_ATTEMPTS_AT_ONCE);
  assert.equal((await race).split(', ').length, MAX_ATTEMPTS_AT_ONCE);
  assert.equal(world.log.filter((line) => line.includes('cancel')).length, MAX_ATTEMPTS_AT_ONCE);
});

test('raceConnect tries the limit of a thousand that refuse, and says how many are left', async () => {
  const world = new World(Object.fromEntries(many(1000).map((host) => [host, REFUSED])));
  const race = world.race(many(1000).map(endpoint));
  const caught = race.catch((error: unknown) => error);
  await world.clock.run();
  const error = await caught;
  assert.ok(error instanceof ConnectError);
  assert.equal(error.errors.length, MAX_ADDRESSES_TRIED);
  assert.equal(world.mostUnderWay, 1);
  assert.match(error.message, /936 more addresses not tried/);
});

test('raceConnect goes on at the first failure when the limit has held it', async () => {
  const hosts = many(MAX_ATTEMPTS_AT_ONCE + 1);
  const last = hosts.at(-1) ?? '';
  const world = new World({ '10.0.0.0': { after: 9000, code: 'ETIMEDOUT' }, [last]: { after: 5 } });
  const race = told(world.race(hosts.map(endpoint)));
  await world.clock.run();
  assert.equal(await race, last);
  assert.ok(world.log.includes(`9000 dial ${last}`));
});

test('raceConnect rejects with the reason of a signal that has aborted, and dials nothing', async () => {
  const world = new World({ '192.0.2.1': { after: 0 } });
  const reason = new Error('no more');
  await assert.rejects(world.race([endpoint('192.0.2.1')], { signal: AbortSignal.abort(reason) }), reason);
  assert.deepEqual(world.log, []);
});

/** 0: in the first dial; 250: in the second; between, after, and with nothing but the last under way. */
for (const at of [0, 1, 249, 250, 251, 500, 599]) {
  test(`raceConnect aborted at ${String(at)} ms cancels everything that was dialled`, async () => {
    const hosts = ['2001:db8::1', '192.0.2.1', '192.0.2.2'];
    const world = new World({
      '2001:db8::1': { after: 800 },
      '192.0.2.1': 'never',
      '192.0.2.2': { after: 100 },
    });
    const controller = new AbortController();
    const reason = new Error('enough');
    const caught = world
      .race(hosts.map(endpoint), { signal: controller.signal })
      .catch((error: unknown) => error);
    world.clock.setTimer(at, () => {
      controller.abort(reason);
    });
    await world.clock.run(at);
    assert.equal(await caught, reason);
    await world.clock.run();
    const dialled = world.log.filter((line) => line.includes('dial')).map((line) => line.split(' ')[2]);
    const cancelled = world.log.filter((line) => line.includes('cancel')).map((line) => line.split(' ')[2]);
    assert.deepEqual(cancelled, dialled);
    assert.equal(world.open, 0);
  });
}

test('raceConnect aborted from inside dial cancels that attempt too', async () => {
  const world = new World({ '192.0.2.1': { after: 0 } });
  const controller = new AbortController();
  const reason = new Error('inside');
  const race = world.race(['192.0.2.1', '192.0.2.2'].map(endpoint), {
    signal: controller.signal,
    dial: (address) => {
      controller.abort(reason);
      return world.dial(address);
    },
  });
  await assert.rejects(race, reason);
  await world.clock.run();
  assert.deepEqual(world.log, ['0 dial 192.0.2.1', '0 cancel 192.0.2.1', '0 discard 192.0.2.1']);
  assert.equal(world.clock.pending, 0);
});

test('raceConnect abort after success changes nothing', async () => {
  const world = new World({ '192.0.2.1': { after: 1 } });
  const controller = new AbortController();
  const race = world.race([endpoint('192.0.2.1')], { signal: controller.signal });
  await world.clock.run();
  controller.abort();
  assert.equal(await race, '192.0.2.1');
  assert.deepEqual(world.log, ['0 dial 192.0.2.1']);
});

test('raceConnect races Unix paths like any other address', async () => {
  const error = new SystemError('ENOENT', {});
  const race = raceConnect({
    addresses: [{ family: 'unix', path: '/nowhere' } as const],
    dial: () => ({ result: Promise.reject(error), cancel: () => undefined }),
    discard: () => undefined,
    clock: new FakeClock(),
    target: 'unix:/nowhere',
    details: { transport: 'unix' },
  });
  await assert.rejects(
    race,
    (thrown) => isSocketError(thrown) && thrown.code === 'ERR_CONNECT_FAILED' && thrown.cause === error,
  );
});

const ORDERS: readonly (readonly [string, string])[] = [
  ['', ''],
  ['4a', '4a'],
  ['6a 6b', '6a 6b'],
  ['6a 6b 4a 4b', '6a 4a 6b 4b'],
  ['4a 4b 6a 6b', '4a 6a 4b 6b'],
  ['6a 6b 6c 4a', '6a 4a 6b 6c'],
  ['4a 6a 6b 6c', '4a 6a 6b 6c'],
  ['6a 4a 4b 4c 6b', '6a 4a 6b 4b 4c'],
];
for (const [given, expected] of ORDERS) {
  test(`orderAddresses makes "${expected}" of "${given}"`, () => {
    const addresses = given
      .split(' ')
      .filter(Boolean)
      .map((name): IpAddress => ({ family: name.startsWith('6') ? 'ipv6' : 'ipv4', host: name }));
    assert.equal(
      orderAddresses(addresses)
        .map((address) => address.host)
        .join(' '),
      expected,
    );
  });
}

test('orderAddresses keeps every address of a thousand, whatever their order', () => {
  const addresses = many(1000).map((host, i): IpAddress => ({
    family: (i * 7919) % 3 === 0 ? 'ipv6' : 'ipv4',
    host,
  }));
  const ordered = orderAddresses(addresses);
  assert.equal(ordered.length, 1000);
  assert.deepEqual(new Set(ordered), new Set(addresses));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../testing/manual-clock.ts';
import type { GrantsOptions, GrantStore } from './grants.ts';
import { Grants } from './grants.ts';
import { guard } from './guard.ts';
import { parseRules } from './native-dialect.ts';
import type { Answer, Question } from './questions.ts';
import type { Rule, SocketRequest } from './rule.ts';
import { formatRule } from './rule.ts';
import { spyProvider } from './test-kit.ts';

const ASKER = { id: 'app', name: 'App' };
const texts = (rules: readonly Rule[]): readonly string[] => rules.map(formatRule);

/** A store in memory. @param failures errors of the next saves, in turn; `undefined` for none */
function memoryStore(
  kept: readonly string[] = [],
  failures: (Error | undefined)[] = [],
): GrantStore & { kept: readonly string[] } {
  const store = {
    kept,
    load: () => Promise.resolve(parseRules(store.kept)),
    save: (_asker: unknown, rules: readonly Rule[]) => {
      const failure = failures.shift();
      if (failure !== undefined) return Promise.reject(failure);
      store.kept = texts(rules);
      return Promise.resolve();
    },
  };
  return store;
}

interface World {
  readonly grants: Grants;
  readonly asked: Question[];
  readonly events: string[];
  /** What the next questions are answered. */
  readonly answers: Answer[];
}

async function world(
  options: Partial<GrantsOptions> & { allow?: string[]; may?: string[] } = {},
): Promise<World> {
  const { allow = [], may = [], ...others } = options;
  const asked: Question[] = [];
  const answers: Answer[] = [];
  const events: string[] = [];
  const grants = await Grants.open({
    asker: ASKER,
    granted: parseRules(allow),
    optional: parseRules(may),
    clock: new ManualClock(),
    prompt: (question) => {
      asked.push(question);
      return Promise.resolve(answers.shift() ?? 'no');
    },
    ...others,
  });
  grants.onAdded((rules) => events.push(`+ ${texts(rules).join(' ')}`));
  grants.onRemoved((rules) => events.push(`- ${texts(rules).join(' ')}`));
  return { grants, asked, events, answers };
}

const TO_A: SocketRequest = { op: 'tcp-connect', host: 'a.com', port: 443 };
const A = parseRules(['tcp-connect:a.com:443']);
const ALL = ['tcp-connect:*:*'];

test('Grants hold what the manifest grants, and no more', async () => {
  const { grants } = await world({ allow: ['tcp-listen:3030'.replace(':', ':*:')], may: ALL });
  assert.deepEqual(texts(grants.getAll()), ['tcp-listen:*:3030']);
  assert.equal(grants.decide({ op: 'tcp-listen', host: '0.0.0.0', port: 3030 }).allowed, true);
  assert.equal(grants.decide(TO_A).allowed, false, 'optional is not held');
});

for (const [answer, isHeld, kept] of [
  ['session', true, []],
  ['always', true, ['tcp-connect:a.com:443']],
  ['no', false, []],
  ['once', false, []],
] as const) {
  test(`Grants.request with the answer ${answer}: ${isHeld ? 'held' : 'not held'}, ${String(kept.length)} kept`, async () => {
    const store = memoryStore();
    const { grants, asked, answers, events } = await world({ may: ALL, store });
    answers.push(answer);
    assert.equal(await grants.request(A), isHeld);
    assert.equal(grants.contains(A), isHeld);
    assert.equal(grants.decide(TO_A).allowed, isHeld);
    assert.deepEqual(store.kept, kept);
    assert.deepEqual(asked[0]?.choices, ['session', 'always', 'no'], 'once is no way to hold');
    assert.deepEqual(events, isHeld ? ['+ tcp-connect:a.com:443'] : []);
    const tomorrow = await world({ may: ALL, store });
    assert.equal(tomorrow.grants.contains(A), kept.length > 0);
  });
}

test('Grants.request asks only about what is not held, all at once', async () => {
  const { grants, asked, answers, events } = await world({ allow: ['tcp-connect:*.a.com:*'], may: ALL });
  assert.equal(await grants.request(parseRules(['tcp-connect:x.a.com:443'])), true, 'a broader one is held');
  assert.equal(asked.length, 0);
  answers.push('session');
  const wanted = [
    'tcp-connect:x.a.com:443',
    'tcp-connect:b.com:80',
    'tcp-connect:10.0.0.0/8:80',
    'tcp-connect:b.com:80',
  ];
  assert.equal(await grants.request(parseRules(wanted)), true);
  assert.deepEqual(texts(asked[0]?.rules ?? []), ['tcp-connect:b.com:80', 'tcp-connect:10.0.0.0/8:80']);
  assert.deepEqual(events, ['+ tcp-connect:b.com:80 tcp-connect:10.0.0.0/8:80']);
  assert.equal(await grants.request([]), true);
});

test('Grants.request refuses what is not declared, and asks nobody', async () => {
  const { grants, asked } = await world({ may: ['tcp-connect:*.a.com:443', 'deny tcp-connect:b.com:*'] });
  for (const undeclared of [
    'tcp-connect:a.com:443',
    'tcp-connect:x.a.com:80',
    'tcp-connect:*:*',
    'udp-bind:*:*',
    'tcp-connect:b.com:80',
    'deny tcp-connect:x.a.com:443',
  ])
    await assert.rejects(grants.request(parseRules([undeclared])), {
      name: 'UndeclaredError',
      rules: parseRules([undeclared]),
    });
  await assert.rejects(grants.request(parseRules(['tcp-connect:x.a.com:443', 'unix'])), {
    message: 'Only permissions that the manifest declares can be requested: unix-connect, unix-listen',
  });
  assert.equal(asked.length, 0);
});

test('Grants.request that is denied all the same says so', async () => {
  const { grants, answers } = await world({ allow: ['deny tcp-connect:a.com:*'], may: ALL });
  answers.push('session');
  assert.equal(await grants.request(A), false);
  assert.equal(grants.decide(TO_A).allowed, false, 'a deny beats what a person grants');
});

test('Grants.request without anybody to ask is a no', async () => {
  const grants = new Grants({ asker: ASKER, optional: parseRules(ALL) });
  assert.equal(await grants.request(A), false);
});

test('Grants.request: two at once are asked once, and told once', async () => {
  const { grants, asked, answers, events } = await world({ may: ALL, store: memoryStore() });
  answers.push('always');
  assert.deepEqual(await Promise.all([grants.request(A), grants.request(A)]), [true, true]);
  assert.equal(asked.length, 1);
  assert.deepEqual(events, ['+ tcp-connect:a.com:443']);
});

test('Grants.remove takes back what is within, from the session and for good', async () => {
  const store = memoryStore(['tcp-connect:a.com:443', 'tcp-connect:b.com:443']);
  const { grants, answers, events } = await world({ may: ALL, store });
  answers.push('session');
  await grants.request(parseRules(['tcp-connect:a.com:80']));
  assert.equal(await grants.remove(parseRules(['tcp-connect:a.com:*'])), true);
  assert.deepEqual(store.kept, ['tcp-connect:b.com:443']);
  assert.deepEqual(events, ['+ tcp-connect:a.com:80', '- tcp-connect:a.com:80 tcp-connect:a.com:443']);
  assert.equal(grants.decide(TO_A).allowed, false);
  assert.equal(await grants.remove(A), true, 'what is not held is not held any more');
  assert.equal(events.length, 2);
});

test('Grants.remove says so where a broader grant remains', async () => {
  const { grants } = await world({ may: ALL, store: memoryStore(['tcp-connect:*:443']) });
  assert.equal(await grants.remove(A), false);
  assert.equal(grants.contains(A), true);
});

test('Grants.remove refuses what the manifest demands, and takes nothing back', async () => {
  const { grants, events } = await world({
    allow: ['tcp-connect:b.com:*'],
    may: ALL,
    store: memoryStore(['tcp-connect:a.com:443']),
  });
  await assert.rejects(grants.remove(parseRules(['tcp-connect:a.com:443', 'tcp-connect:b.com:80'])), {
    name: 'UndeclaredError',
    message: 'Required permissions cannot be removed: tcp-connect:b.com:80',
  });
  assert.equal(grants.contains(A), true);
  assert.deepEqual(events, []);
});

test('Grants.request of a name is held though some addresses are denied', async () => {
  const { grants, answers } = await world({ allow: ['deny tcp-connect:10.0.0.0/8:*'], may: ALL });
  answers.push('session', 'session');
  assert.equal(await grants.request(A), true);
  assert.equal(await grants.request(parseRules(['tcp-connect:10.1.0.0/16:80'])), false);
  assert.equal(await grants.request(parseRules(ALL)), false, 'some of it is denied');
});

test('Grants that cannot be saved are not held, and a later one is', async () => {
  const full = new Error('no space left on device');
  const store = memoryStore([], [full]);
  const { grants, answers, events } = await world({ may: ALL, store });
  answers.push('always', 'always');
  await assert.rejects(grants.request(A), full);
  assert.deepEqual([grants.contains(A), events], [false, []]);
  assert.equal(await grants.request(A), true);
  assert.deepEqual(store.kept, ['tcp-connect:a.com:443']);
});

test('Grants.remove that cannot be saved holds until the end of the program all the same', async () => {
  const store = memoryStore(['tcp-connect:a.com:443'], [new Error('read-only')]);
  const { grants, events } = await world({ may: ALL, store });
  await assert.rejects(grants.remove(A), { message: 'read-only' });
  assert.equal(grants.contains(A), false);
  assert.deepEqual(events, ['- tcp-connect:a.com:443']);
});

test('Grants that are taken back while another is saved stay so', async () => {
  const store = memoryStore(['tcp-connect:a.com:443']);
  const { grants, answers } = await world({ may: ALL, store });
  answers.push('always');
  const granting = grants.request(parseRules(['tcp-connect:b.com:443']));
  const removing = grants.remove(A);
  await Promise.all([granting, removing]);
  assert.deepEqual(
    [store.kept, texts(grants.getAll())],
    [['tcp-connect:b.com:443'], ['tcp-connect:b.com:443']],
  );
});

test('Grants do not hold what was kept and the manifest no longer declares', async () => {
  const { grants } = await world({
    may: ['tcp-connect:*:80'],
    store: memoryStore(['tcp-connect:a.com:443', 'tcp-connect:a.com:80']),
  });
  assert.deepEqual(texts(grants.getAll()), ['tcp-connect:a.com:80']);
});

test('Grants.open passes on what the store says, and grants nothing', async () => {
  const broken = new Error('is no JSON');
  await assert.rejects(
    Grants.open({
      asker: ASKER,
      store: { load: () => Promise.reject(broken), save: () => Promise.resolve() },
    }),
    broken,
  );
});

test('Grants tell every listener, also behind one that throws', async () => {
  const { grants, answers } = await world({ may: ALL });
  const uncaught = new Promise((resolve) => {
    const others = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection');
    process.once('unhandledRejection', (reason) => {
      for (const other of others) process.on('unhandledRejection', other);
      resolve(reason);
    });
  });
  const told: string[] = [];
  grants.onAdded(() => {
    throw new Error('bad listener');
  });
  const off = grants.onAdded(() => told.push('first'));
  grants.onAdded(() => told.push('second'));
  answers.push('session', 'session');
  await grants.request(A);
  assert.deepEqual(told, ['first', 'second']);
  assert.match(String(await uncaught), /bad listener/);
  off();
  off();
});

test('Grants.close makes what is being asked a no', async () => {
  const { grants } = await world({ may: ALL, prompt: () => new Promise(() => undefined) });
  const asking = grants.request(A);
  grants.close();
  assert.equal(await asking, false);
});

// --- asking while a call waits ------------------------------------------------------------------------

for (const [answer, again] of [
  ['once', 2],
  ['session', 1],
  ['always', 1],
] as const) {
  test(`Grants asksOnUse: the answer ${answer} lets the call through, and two calls are asked ${String(again)} times`, async () => {
    const store = memoryStore();
    const { grants, asked, answers } = await world({ may: ALL, store, asksOnUse: true });
    const { provider } = spyProvider();
    const guarded = guard(provider, grants);
    answers.push(answer, answer);
    await guarded.connect({ host: 'a.com', port: 443 });
    await guarded.connect({ host: 'a.com', port: 443 });
    assert.equal(asked.length, again);
    assert.deepEqual(asked[0]?.choices, ['once', 'session', 'always', 'no']);
    assert.deepEqual(store.kept, answer === 'always' ? ['tcp-connect:a.com:443'] : []);
  });
}

test('Grants asksOnUse: nobody is asked about what is not optional, or denied', async () => {
  const { grants, asked } = await world({
    allow: ['deny tcp-connect:10.0.0.0/8:*'],
    may: ['tcp-connect:*:443'],
    asksOnUse: true,
  });
  const { provider, calls } = spyProvider();
  const guarded = guard(provider, grants);
  for (const [host, port] of [
    ['a.com', 80],
    ['10.0.0.1', 443],
  ] as const)
    await assert.rejects(guarded.connect({ host, port }), { code: 'ERR_DENIED' });
  assert.deepEqual([asked.length, calls.length], [0, 0]);
});

test('Grants asksOnUse: a yes to a name is none to an address that a rule denies (F66)', async () => {
  const { grants, answers } = await world({
    allow: ['deny tcp-connect:10.0.0.0/8:*'],
    may: ALL,
    asksOnUse: true,
  });
  const { provider } = spyProvider({ 'a.com': ['10.0.0.1'] });
  answers.push('session');
  await assert.rejects(guard(provider, grants).connect({ host: 'a.com', port: 443 }), {
    rule: 'deny tcp-connect:10.0.0.0/8:*',
  });
});

test('Grants asksOnUse: a name that leads inside is asked about by its address (F66)', async () => {
  const { grants, asked, answers } = await world({ may: ALL, asksOnUse: true, local: 'by-address' });
  const { provider, calls } = spyProvider({ 'a.com': ['192.168.1.7'] });
  answers.push('once', 'no');
  const guarded = guard(provider, grants);
  await assert.rejects(guarded.connect({ host: 'a.com', port: 443 }), { code: 'ERR_DENIED' });
  assert.deepEqual(
    asked.map(({ descriptions: [first] }) => first?.text),
    ['connect to the host a.com, on port 443', 'connect to 192.168.1.7, on your local network, on port 443'],
  );
  assert.deepEqual(
    calls.map(([name]) => name),
    ['resolve'],
  );
});

test('Grants asksOnUse: a store that fails is a no, which says why', async () => {
  const full = new Error('no space left on device');
  const { grants, answers } = await world({ may: ALL, asksOnUse: true, store: memoryStore([], [full]) });
  const { provider, calls } = spyProvider();
  answers.push('always');
  await assert.rejects(guard(provider, grants).connect({ host: 'a.com', port: 443 }), {
    code: 'ERR_DENIED',
    cause: full,
  });
  assert.equal(calls.length, 0);
});

test('Grants asksOnUse: a path that is no rule of its own is not asked about', async () => {
  const { grants, asked } = await world({ may: ['unix'], asksOnUse: true });
  const guarded = guard(spyProvider().provider, grants);
  for (const path of ['/run/*', '/run/../x', 'relative', '/run/\u202ex'])
    await assert.rejects(guarded.connect({ path }), { code: 'ERR_DENIED' });
  assert.equal(asked.length, 0);
});

// --- the guard, while somebody is asked ---------------------------------------------------------------

interface Waiting {
  readonly guarded: ReturnType<typeof guard>;
  readonly clock: ManualClock;
  /** Fulfils with the question when it is asked. */
  readonly asked: Promise<Question>;
}

function waiting(): Waiting {
  const clock = new ManualClock();
  let tell: (question: Question) => void = () => undefined;
  const asked = new Promise<Question>((resolve) => {
    tell = resolve;
  });
  const grants = new Grants({
    asker: ASKER,
    optional: parseRules([...ALL, 'udp-bind:*:*']),
    asksOnUse: true,
    clock,
    prompt: (question) => {
      tell(question);
      return new Promise(() => undefined);
    },
  });
  return { guarded: guard(spyProvider().provider, grants, { clock }), clock, asked };
}

test('guard: a connect whose time is up while it is asked about fails as connects do, and the question ends', async () => {
  const { guarded, clock, asked } = waiting();
  const connecting = guarded.connect({ host: 'a.com', port: 443, timeout: 50 });
  const { signal } = await asked;
  clock.advance(50);
  await assert.rejects(connecting, { code: 'ERR_CONNECT_FAILED' });
  assert.equal(signal.aborted, true);
});

test('guard: a bind whose time is up while it is asked about fails with ETIMEDOUT', async () => {
  const { guarded, clock, asked } = waiting();
  const binding = guarded.bind({ timeout: 50 });
  await asked;
  clock.advance(50);
  await assert.rejects(binding, { code: 'ETIMEDOUT', op: 'bind' });
});

test('guard: a connect that is given up while it is asked about rejects with the reason, and the question ends', async () => {
  const { guarded, asked } = waiting();
  const given = new AbortController();
  const connecting = guarded.connect({ host: 'a.com', port: 443, signal: given.signal });
  const { signal } = await asked;
  const reason = new Error('changed my mind');
  given.abort(reason);
  await assert.rejects(connecting, reason);
  assert.equal(signal.aborted, true);
});

test('guard: its end ends what is being asked', async () => {
  const { guarded, asked } = waiting();
  const connecting = guarded.connect({ host: 'a.com', port: 443 });
  const { signal } = await asked;
  await guarded.close();
  await assert.rejects(connecting, { name: 'ClosedError', op: 'connect' });
  assert.equal(signal.aborted, true);
});

import assert from 'node:assert/strict';
import test from 'node:test';
import type { IpAddress } from './address.ts';
import { formatAddress, parseIp } from './address.ts';
import type { Dialler } from './connect-by-name.ts';
import { connectByName } from './connect-by-name.ts';
import { ConnectError, ResolveError, SystemError } from './errors.ts';
import type { ResolvePlan, TcpConnectPlan } from './validate.ts';
import { validateConnect } from './validate.ts';

function plan(options: object): TcpConnectPlan {
  const judged = validateConnect({ host: 'example.test', port: 80, ...options });
  assert.equal(judged.transport, 'tcp');
  return judged;
}

function ip(text: string): IpAddress {
  const address = parseIp(text);
  assert.ok(address);
  return address;
}

/** Answers every name with the same addresses, and refuses every connection but that to `open`. */
class TestDialler implements Dialler<string> {
  readonly asked: ResolvePlan[] = [];
  readonly dialled: string[] = [];
  time = 0;
  timers: { at: number; callback: () => void }[] = [];
  readonly clock = {
    now: () => this.time,
    setTimer: (delay: number, callback: () => void) => {
      const timer = { at: this.time + delay, callback };
      this.timers.push(timer);
      return () => {
        this.timers = this.timers.filter((each) => each !== timer);
      };
    },
  };
  readonly answers: readonly IpAddress[];
  readonly open: string;

  constructor(answers: readonly IpAddress[], open = '') {
    this.answers = answers;
    this.open = open;
  }

  resolve(what: ResolvePlan): Promise<readonly IpAddress[]> {
    this.asked.push(what);
    return Promise.resolve(this.answers);
  }

  dial(endpoint: IpAddress & { port: number }): { result: Promise<string>; cancel: () => void } {
    const text = formatAddress(endpoint);
    this.dialled.push(text);
    const refused = new SystemError('ECONNREFUSED', { remote: endpoint });
    return {
      result: text === this.open ? Promise.resolve(text) : Promise.reject(refused),
      cancel: () => undefined,
    };
  }

  discard(value: string): void {
    assert.fail(`nothing to discard: ${value}`);
  }
}

const ANSWERS = [ip('2001:db8::1'), ip('2001:db8::2'), ip('192.0.2.1')];

test('connectByName resolves, puts the families in turn, and answers with the first that connects', async () => {
  const dialler = new TestDialler(ANSWERS, '[2001:db8::2]:80');
  assert.equal(await connectByName(plan({ timeout: 1000 }), dialler), '[2001:db8::2]:80');
  assert.deepEqual(dialler.dialled, ['[2001:db8::1]:80', '192.0.2.1:80', '[2001:db8::2]:80']);
  assert.deepEqual(
    dialler.asked.map(({ host, timeout }) => [host, timeout]),
    [['example.test', 1000]],
  );
});

test('connectByName does not resolve when it is given addresses', async () => {
  const dialler = new TestDialler([], '192.0.2.7:80');
  await connectByName(plan({ addresses: [ip('192.0.2.7')] }), dialler);
  assert.deepEqual(dialler.asked, []);
});

test('connectByName leaves out the other family, asked for or that of the local address', async () => {
  for (const options of [{ family: 'ipv4' }, { localAddress: '127.0.0.1' }]) {
    const dialler = new TestDialler(ANSWERS);
    await assert.rejects(connectByName(plan(options), dialler), { code: 'ERR_CONNECT_FAILED' });
    assert.deepEqual(dialler.dialled, ['192.0.2.1:80']);
    assert.equal(dialler.asked[0]?.family, 'ipv4');
  }
});

test('connectByName rejects with one error for each address, and names the target', async () => {
  const dialler = new TestDialler(ANSWERS);
  await assert.rejects(connectByName(plan({ localAddress: '::1', localPort: 9 }), dialler), (error) => {
    assert.ok(error instanceof ConnectError);
    assert.deepEqual(
      error.errors.map(({ code }) => code),
      ['ECONNREFUSED', 'ECONNREFUSED'],
    );
    assert.match(error.message, /^connect tcp on \[::1\]:9: example\.test:80: /);
    return true;
  });
});

test('connectByName passes on that a name has no address', async () => {
  const dialler = new TestDialler([]);
  const none = new ResolveError('EAI_NONAME', 'example.test');
  dialler.resolve = () => Promise.reject(none);
  await assert.rejects(connectByName(plan({}), dialler), none);
});

test('connectByName makes time that runs out in the resolver a failed connect', async () => {
  const dialler = new TestDialler([]);
  dialler.resolve = () => Promise.reject(new SystemError('ETIMEDOUT', { op: 'resolve' }));
  await assert.rejects(connectByName(plan({ timeout: 5 }), dialler), (error) => {
    assert.ok(error instanceof ConnectError);
    assert.deepEqual(
      error.errors.map(({ code, op }) => [code, op]),
      [['ETIMEDOUT', 'resolve']],
    );
    return true;
  });
});

test('connectByName gives the race only the time that the resolver has left', async () => {
  const dialler = new TestDialler([ip('192.0.2.1')]);
  dialler.resolve = () => {
    dialler.time = 70;
    return Promise.resolve(dialler.answers);
  };
  dialler.dial = () => ({ result: new Promise(() => undefined), cancel: () => undefined });
  const caught = connectByName(plan({ timeout: 100 }), dialler).catch((error: unknown) => error);
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  assert.deepEqual(
    dialler.timers.map(({ at }) => at),
    [100],
  );
  dialler.timers[0]?.callback();
  assert.ok((await caught) instanceof ConnectError);
});

test('connectByName rejects with the reason of a signal, and neither resolves nor dials', async () => {
  const dialler = new TestDialler(ANSWERS);
  const reason = new Error('no');
  await assert.rejects(connectByName(plan({ signal: AbortSignal.abort(reason) }), dialler), reason);
  assert.deepEqual([dialler.asked, dialler.dialled], [[], []]);
});

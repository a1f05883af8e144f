import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../testing/manual-clock.ts';
import { ManualSignal } from '../testing/manual-signal.ts';
import { parseRules } from './native-dialect.ts';
import type { Answer, Question } from './questions.ts';
import { Questions } from './questions.ts';

const ASKER = { id: 'app', name: 'App' };
const CHOICES: readonly Answer[] = ['once', 'session', 'always', 'no'];

interface Desk {
  readonly questions: Questions;
  readonly clock: ManualClock;
  /** Those that were asked, with what answers them. */
  readonly asked: {
    readonly question: Question;
    answer: (said: unknown) => void;
    fail: (error: Error) => void;
  }[];
  readonly ask: (rule: string, signal?: ManualSignal, choices?: readonly Answer[]) => Promise<Answer>;
  /** Lets what has been put off to a microtask be done. */
  readonly turn: () => Promise<void>;
}

function desk(): Desk {
  const clock = new ManualClock();
  const asked: Desk['asked'] = [];
  const questions = new Questions({
    asker: ASKER,
    clock,
    timeout: 1000,
    prompt: (question) =>
      new Promise((resolve, reject) => {
        asked.push({ question, answer: resolve as (said: unknown) => void, fail: reject });
      }),
  });
  return {
    questions,
    clock,
    asked,
    ask: (rule, signal, choices = CHOICES) => questions.ask({ rules: parseRules([rule]), choices, signal }),
    turn: () => new Promise((resolve) => setImmediate(resolve)),
  };
}

test('Questions tell who asks, for what, and what may be answered', async () => {
  const { ask, asked, turn, clock } = desk();
  const answer = ask('tcp-connect:a.com:443');
  await turn();
  const [first] = asked;
  assert.ok(first);
  const { asker, descriptions, choices, signal } = first.question;
  assert.deepEqual([asker, choices, signal.aborted], [ASKER, CHOICES, false]);
  assert.deepEqual(
    descriptions.map(({ text }) => text),
    ['connect to the host a.com, on port 443'],
  );
  first.answer('session');
  assert.equal(await answer, 'session');
  assert.equal(clock.pending, 0, 'no timer is left');
});

test('Questions that are the same are asked once at a time', async () => {
  const { ask, asked, turn } = desk();
  const both = [ask('tcp-connect:a:80'), ask('tcp-connect:A.:80')];
  const other = ask('tcp-connect:a:81');
  const fewer = ask('tcp-connect:a:80', undefined, ['always', 'no']);
  await turn();
  assert.equal(asked.length, 3, 'another port, and other choices, are other questions');
  for (const { answer } of asked) answer('always');
  assert.deepEqual(await Promise.all([...both, other, fewer]), ['always', 'always', 'always', 'always']);
  const again = ask('tcp-connect:a:80');
  await turn();
  assert.equal(asked.length, 4, 'once answered it is asked anew');
  asked[3]?.answer('no');
  assert.equal(await again, 'no');
});

test('Questions that are not answered in time are a no, and the prompt is told', async () => {
  const { ask, asked, turn, clock } = desk();
  const answer = ask('tcp-connect:a:80');
  await turn();
  clock.advance(999);
  assert.equal(asked[0]?.question.signal.aborted, false);
  clock.advance(1);
  assert.equal(await answer, 'no');
  assert.equal(asked[0].question.signal.aborted, true);
  asked[0].answer('always');
  const later = ask('tcp-connect:a:80');
  await turn();
  assert.equal(asked.length, 2, 'a late answer answers nothing');
  asked[1]?.answer('once');
  assert.equal(await later, 'once');
});

test('Questions of somebody who is gone are a no, for others they go on', async () => {
  const { ask, asked, turn } = desk();
  const [first, second] = [new ManualSignal(), new ManualSignal()];
  const answers = [ask('tcp-connect:a:80', first), ask('tcp-connect:a:80', second)];
  await turn();
  first.abort();
  assert.equal(await answers[0], 'no');
  assert.equal(asked[0]?.question.signal.aborted, false, 'one still waits');
  second.abort();
  assert.equal(await answers[1], 'no');
  assert.equal(asked[0].question.signal.aborted, true, 'nobody waits any more');
  assert.equal(second.listenerCount, 0);
  const gone = new ManualSignal();
  gone.abort();
  assert.equal(await ask('tcp-connect:b:80', gone), 'no');
  assert.equal(asked.length, 1, 'who is gone already is not asked for');
});

test('Questions leave no listener at a signal', async () => {
  const { ask, asked, turn } = desk();
  const signal = new ManualSignal();
  const answer = ask('tcp-connect:a:80', signal);
  await turn();
  asked[0]?.answer('once');
  await answer;
  assert.equal(signal.listenerCount, 0);
});

for (const said of ['yes', true, undefined, null, '', 'ALWAYS', ['always'], {}]) {
  test(`Questions take the answer ${JSON.stringify(said)} for a no`, async () => {
    const { ask, asked, turn } = desk();
    const answer = ask('tcp-connect:a:80');
    await turn();
    asked[0]?.answer(said);
    assert.equal(await answer, 'no');
  });
}

test('Questions take an answer that was no choice for a no', async () => {
  const { ask, asked, turn } = desk();
  const answer = ask('tcp-connect:a:80', undefined, ['session', 'no']);
  await turn();
  asked[0]?.answer('once');
  assert.equal(await answer, 'no');
});

test('Questions take a prompt that throws, or rejects, for a no', async () => {
  const { ask, asked, turn } = desk();
  const answer = ask('tcp-connect:a:80');
  await turn();
  asked[0]?.fail(new Error('the terminal is gone'));
  assert.equal(await answer, 'no');
  const throwing = new Questions({
    asker: ASKER,
    clock: new ManualClock(),
    timeout: 1000,
    prompt: () => {
      throw new Error('no terminal');
    },
  });
  assert.equal(
    await throwing.ask({ rules: parseRules(['unix']), choices: CHOICES, signal: undefined }),
    'no',
  );
});

test('Questions.close makes every question a no, and every further one', async () => {
  const { questions, ask, asked, turn } = desk();
  const answers = [ask('tcp-connect:a:80'), ask('tcp-connect:b:80')];
  await turn();
  questions.close();
  assert.deepEqual(await Promise.all(answers), ['no', 'no']);
  assert.ok(asked.every(({ question }) => question.signal.aborted));
  assert.equal(await ask('tcp-connect:c:80'), 'no');
  assert.equal(asked.length, 2);
});

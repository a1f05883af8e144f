/** The same calls, made by Portside and by CPython: on both ends, and on one end each. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadNative } from '../addon/load.ts';
import { whyNo } from '../e2e/families-kit.ts';
import { PythonSide } from '../e2e/cross-python.ts';
import { CROSS_ROWS } from '../e2e/cross-rows.ts';
import type { Answer, Side, Step } from '../e2e/cross-steps.ts';
import { OurSide } from '../e2e/cross-steps.ts';
import type { CrossRow } from '../e2e/cross-words.ts';
import { tempPath } from '../testing/node/temp-path.ts';
import { OPTION_ROWS } from './options.ts';
import { settledLeakCheck } from './test-kit.ts';

const { constants } = loadNative();

type Owner = 'ours' | 'theirs';
/** Who makes the calls of each end; the first is what the others are compared with. */
const WAYS: readonly (readonly [a: Owner, b: Owner])[] = [
  ['ours', 'ours'],
  ['theirs', 'theirs'],
  ['ours', 'theirs'],
  ['theirs', 'ours'],
];

const hex = (text: string): string => Buffer.from(text).toString('hex');

/** Gives what differs from run to run names of its own. */
class Labels {
  readonly #ports = new Map<number, string>();
  readonly #names: ReadonlyMap<string, string>;

  constructor(names: ReadonlyMap<string, string>) {
    this.#names = names;
  }

  /** The answer, with labels in the place of ports and names. */
  of(answer: Answer): Answer {
    if (!Array.isArray(answer)) return answer;
    const parts: readonly unknown[] = answer;
    const [family, first, port] = parts;
    if (family === 'unix') return ['unix', this.#name(String(first))];
    const hasPort = ['ipv4', 'ipv6', 'netlink', 'vsock'].includes(String(family));
    if (hasPort && typeof port === 'number' && port > 0 && port < 0xffff_ffff)
      return [family, first, this.#port(port), ...parts.slice(3)];
    return parts.map((part) => this.of(part));
  }

  #port(port: number): string {
    const label = this.#ports.get(port) ?? `port ${String(this.#ports.size + 1)}`;
    this.#ports.set(port, label);
    return label;
  }

  #name(name: string): string {
    const known = [...this.#names].find(([, value]) => value === name);
    if (known !== undefined) return known[0];
    return /^00(3[0-9]|6[1-6]){5}$/.test(name) ? 'of the system' : name;
  }
}

/** Goes through a case. */
class Run {
  readonly #sides: Readonly<Record<Owner, Side>>;
  readonly #way: readonly [a: Owner, b: Owner];
  readonly #names: ReadonlyMap<string, string> = new Map([
    ['$path', hex(tempPath())],
    ['$name', hex(`\0${tempPath()}`)],
  ]);
  readonly #labels = new Labels(this.#names);

  constructor(sides: Readonly<Record<Owner, Side>>, way: readonly [a: Owner, b: Owner]) {
    this.#sides = sides;
    this.#way = way;
  }

  async answers({ steps, differences = [] }: CrossRow): Promise<readonly Answer[]> {
    const all: Answer[] = [];
    for (const [i, step] of steps.entries()) {
      const answer = this.#labels.of(await this.#perform(step));
      const difference = differences.find((each) => each.step === i);
      if (difference !== undefined)
        assert.deepEqual(answer, difference[this.#ownerOf(step[1])], `${step.join(' ')}: ${difference.why}`);
      all.push(difference === undefined ? answer : 'as each has it');
    }
    return all;
  }

  #ownerOf(socket: string): Owner {
    return this.#way[socket.startsWith('a') ? 0 : 1];
  }

  async #perform([op, socket, ...args]: Step): Promise<Answer> {
    const resolved: unknown[] = [];
    for (const arg of args) resolved.push(await this.#resolve(arg));
    return this.#sides[this.#ownerOf(socket)].perform([op, socket, ...resolved]);
  }

  /** An argument, with the address that it stands for. */
  async #resolve(arg: unknown): Promise<unknown> {
    if (typeof arg === 'string' && arg.startsWith('@')) {
      const name = arg.slice(1);
      const answer = await this.#sides[this.#ownerOf(name)].perform(['local', name]);
      return (answer as readonly unknown[])[0];
    }
    if (Array.isArray(arg) && arg[0] === 'unix') return ['unix', this.#names.get(String(arg[1])) ?? arg[1]];
    return arg;
  }
}

function checkDifferences({ steps, differences = [] }: CrossRow): void {
  for (const { step, ours, theirs, why } of differences) {
    assert.ok(steps[step] !== undefined && why.length > 0);
    assert.notDeepEqual(ours, theirs);
  }
}

async function compare(row: CrossRow, python: PythonSide): Promise<void> {
  checkDifferences(row);
  let first: readonly Answer[] | undefined;
  for (const way of WAYS) {
    const ours = new OurSide();
    try {
      const answers = await new Run({ ours, theirs: python }, way).answers(row);
      for (const [step, answer] of Object.entries(row.answers))
        assert.deepEqual(
          answers[Number(step)],
          answer,
          `${way.join('/')}: ${String(row.steps[Number(step)])}`,
        );
      first ??= answers;
      assert.deepEqual(answers, first, way.join('/'));
    } finally {
      await ours.close();
      await python.close();
    }
  }
}

/** The kinds of the table that are a plain socket of a family and a type. */
const KINDS: Readonly<Record<string, readonly [family: 'AF_INET' | 'AF_INET6' | 'AF_UNIX', type: string]>> = {
  tcp: ['AF_INET', 'SOCK_STREAM'],
  tcp6: ['AF_INET6', 'SOCK_STREAM'],
  udp: ['AF_INET', 'SOCK_DGRAM'],
  udp6: ['AF_INET6', 'SOCK_DGRAM'],
  unix: ['AF_UNIX', 'SOCK_STREAM'],
};
const WORDS: readonly string[] = ['bool', 'byte', 'int', 'uint', 'ifindex'];

/** Not the same on every socket, and why. */
const OF_THE_SOCKET: ReadonlyMap<string, string> = new Map([
  ['SO_INCOMING_CPU', 'where the process ran'],
  ['TCP_TIMESTAMP', 'a clock'],
]);

/** Every option of a number that a fresh socket has, as each of the two reads it by its own name. */
async function compareDefaults(python: PythonSide): Promise<number> {
  const theirs = await python.numbers(OPTION_ROWS.flatMap(([level, name]) => [level, name]));
  let compared = 0;
  for (const [level, name, codec, access, , , kind] of OPTION_ROWS) {
    const made = KINDS[kind];
    const isCompared =
      access !== 'w' && WORDS.includes(codec) && made !== undefined && !OF_THE_SOCKET.has(name);
    if (!isCompared || theirs[level] === undefined || theirs[name] === undefined) continue;
    assert.deepEqual([theirs[level], theirs[name]], [constants[level], constants[name]], name);
    const ours = new OurSide();
    const answers: Answer[] = [];
    for (const side of [ours, python]) {
      await side.perform(['socket', 'a', ...made]);
      answers.push(await side.perform(['get', 'a', level, name]));
      await side.close();
    }
    assert.deepEqual(answers[0], answers[1], `${level} ${name}`);
    compared++;
  }
  return compared;
}

/** At least: CPython 3.11 has names for this many of them. */
const LEAST_COMPARED = 50;

test('beside CPython', async (t) => {
  const leaks = await settledLeakCheck();
  await t.test('the same calls give the same answers', async (all) => {
    const python = new PythonSide(all);
    for (const row of CROSS_ROWS) {
      const skip = row.needs === undefined ? false : whyNo(...row.needs);
      await all.test(row.name, { skip }, () => compare(row, python));
    }
    await all.test('options of fresh sockets have the same values', async () => {
      const compared = await compareDefaults(python);
      assert.ok(compared >= LEAST_COMPARED, `${String(compared)} compared`);
    });
  });
  leaks.check();
});

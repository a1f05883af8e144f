/** Asking a person. */
import type { AbortSignalLike } from '../base/abort.ts';
import { onAbort } from '../base/abort.ts';
import { Aborter } from '../base/aborter.ts';
import type { Clock } from '../base/clock.ts';
import type { Description } from './describe.ts';
import { describeRules } from './describe.ts';
import type { Rule } from './rule.ts';
import { ruleKey } from './rule.ts';

/** `once`: for the one call that waits for it. `session`: until whoever asks has ended. `always`: also afterwards. */
export type Answer = 'always' | 'no' | 'once' | 'session';

/** Who asks. */
export interface Asker {
  /** Tells it from all others, also tomorrow. */
  readonly id: string;
  /** For people. */
  readonly name: string;
}

export interface Question {
  readonly asker: Asker;
  readonly rules: readonly Rule[];
  /** What to show: those that reach furthest first. */
  readonly descriptions: readonly Description[];
  /** What may be answered; anything else is a no. */
  readonly choices: readonly Answer[];
  /** Aborts when nobody waits for the answer any more, or the time is up. */
  readonly signal: AbortSignalLike;
}

/** Asks a person. One that throws has said no. */
export type Prompt = (question: Question) => Promise<Answer>;

export interface Asked {
  readonly rules: readonly Rule[];
  readonly choices: readonly Answer[];
  readonly signal: AbortSignalLike | undefined;
}

export interface QuestionsSetting {
  readonly asker: Asker;
  readonly prompt: Prompt;
  /** Milliseconds after which a question is a no. */
  readonly timeout: number;
  readonly clock: Clock;
}

interface Open {
  readonly answer: Promise<Answer>;
  readonly aborter: Aborter;
  waiting: number;
}

const GONE = new Error('nobody waits for the answer any more');
const LATE = new Error('the question was not answered in time');

/** Asks the same only once at a time, and takes for a no whatever is none of the answers. */
export class Questions {
  readonly #setting: QuestionsSetting;
  readonly #open = new Map<string, Open>();
  #isClosed = false;

  constructor(setting: QuestionsSetting) {
    this.#setting = setting;
  }

  async ask(asked: Asked): Promise<Answer> {
    const { rules, choices, signal } = asked;
    if (this.#isClosed || signal?.aborted === true) return 'no';
    const key = `${choices.join()} ${rules.map(ruleKey).sort().join('\n')}`;
    const before = this.#open.get(key);
    const open = before === undefined || before.aborter.aborted ? this.#begin(key, asked) : before;
    open.waiting++;
    const leave = (): void => {
      open.waiting--;
      if (open.waiting === 0) open.aborter.abort(GONE);
    };
    return new Promise((resolve) => {
      const off = onAbort(signal, () => {
        leave();
        resolve('no');
      });
      void open.answer.then((answer) => {
        off();
        resolve(answer);
      });
    });
  }

  /** Whoever asks is gone: every open question is a no, and so is every further one. */
  close(): void {
    this.#isClosed = true;
    for (const { aborter } of this.#open.values()) aborter.abort(GONE);
  }

  #begin(key: string, { rules, choices }: Asked): Open {
    const { asker, prompt, timeout, clock } = this.#setting;
    const aborter = new Aborter();
    const question: Question = { asker, rules, descriptions: describeRules(rules), choices, signal: aborter };
    const cancel = clock.setTimer(timeout, () => {
      aborter.abort(LATE);
    });
    const answer = new Promise<Answer>((resolve) => {
      onAbort(aborter, () => {
        resolve('no');
      });
      // Not within this call: whoever asks has not begun to wait yet.
      void Promise.resolve()
        .then(() => prompt(question))
        .then(
          (said) => {
            resolve(choices.includes(said) ? said : 'no');
          },
          () => {
            resolve('no');
          },
        );
    });
    const open: Open = { answer, aborter, waiting: 0 };
    this.#open.set(key, open);
    void answer.then(() => {
      cancel();
      if (this.#open.get(key) === open) this.#open.delete(key);
    });
    return open;
  }
}

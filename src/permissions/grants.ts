/** What one program holds: what its manifest says, what a person has granted it, and what it may still ask for. */
import type { AbortSignalLike } from '../base/abort.ts';
import type { Clock } from '../base/clock.ts';
import type { SocketOp } from './ops.ts';
import type { Decide, Decision, LivePolicy, RulesPolicyOptions } from './policy.ts';
import { rulesPolicy } from './policy.ts';
import type { Answer, Asker, Prompt } from './questions.ts';
import { Questions } from './questions.ts';
import { covers, implies } from './relations.ts';
import { ruleOf } from './request-rule.ts';
import type { Rule, SocketRequest } from './rule.ts';
import { formatRule, ruleKey, uniqueRules } from './rule.ts';
import { SYSTEM_CLOCK } from './system-clock.ts';

/** Where what was granted for good is kept. */
export interface GrantStore {
  /** @throws if what is kept cannot be read: then nothing is held */
  load(asker: Asker): Promise<readonly Rule[]>;
  /** Keeps exactly these from now on. Fulfils when they would survive a crash. */
  save(asker: Asker, rules: readonly Rule[]): Promise<void>;
}

export interface GrantsOptions extends RulesPolicyOptions {
  readonly asker: Asker;
  /** Held from the start, and for good: the manifest's `permissions`, for example. A deny among them beats all else. */
  readonly granted?: readonly Rule[] | undefined;
  /** What may be asked for: the manifest's `optional_permissions`, for example. */
  readonly optional?: readonly Rule[] | undefined;
  /** Asked about what is wanted besides. Without it the answer is no. */
  readonly prompt?: Prompt | undefined;
  /** Without it, `always` lasts as long as this object. */
  readonly store?: GrantStore | undefined;
  /** Whether a call that is not permitted, but optional, is asked about while it waits. Default false: it is refused. */
  readonly asksOnUse?: boolean | undefined;
  /** Milliseconds after which a question is a no. Default 60,000. */
  readonly questionTimeout?: number | undefined;
  readonly clock?: Clock | undefined;
}

/** A permission was asked for that the manifest does not declare, or taken back that it demands. */
export class UndeclaredError extends Error {
  readonly rules: readonly Rule[];
  constructor(message: string, rules: readonly Rule[]) {
    super(`${message}: ${rules.map(formatRule).join(', ')}`);
    this.rules = rules;
  }
}
Object.defineProperty(UndeclaredError.prototype, 'name', { value: 'UndeclaredError', configurable: true });

const QUESTION_TIMEOUT = 60_000;
const TO_HOLD: readonly Answer[] = ['session', 'always', 'no'];
const TO_USE: readonly Answer[] = ['once', 'session', 'always', 'no'];

type Listener = (rules: readonly Rule[]) => void;

/** One set of listeners. What one of them throws is thrown where the platform reports it, and the others still hear. */
class Listeners {
  readonly #all = new Set<Listener>();

  add(listener: Listener): () => void {
    this.#all.add(listener);
    return () => this.#all.delete(listener);
  }

  tell(rules: readonly Rule[]): void {
    for (const listener of [...this.#all]) {
      try {
        listener(rules);
      } catch (error) {
        void Promise.resolve().then(() => {
          throw error;
        });
      }
    }
  }
}

function isAllow({ effect }: Rule): boolean {
  return effect === 'allow';
}

/** Those of `rules` that are not among `others`. */
function without(rules: readonly Rule[], others: readonly Rule[]): readonly Rule[] {
  const keys = new Set(others.map(ruleKey));
  return rules.filter((rule) => !keys.has(ruleKey(rule)));
}

export class Grants implements LivePolicy {
  readonly #options: GrantsOptions;
  readonly #granted: readonly Rule[];
  readonly #optional: readonly Rule[];
  readonly #questions: Questions | undefined;
  readonly #added = new Listeners();
  readonly #removed = new Listeners();
  /** What the policy was last made of. */
  #held: readonly Rule[] = [];
  /** Granted until the end of this object. */
  #session: readonly Rule[] = [];
  /** Granted for good. */
  #kept: readonly Rule[];
  #decide: Decide;
  /** Saves follow each other, so that the last is what is kept. */
  #saving: Promise<unknown> = Promise.resolve();

  /** @param kept what the store has of it */
  constructor(options: GrantsOptions, kept: readonly Rule[] = []) {
    const { asker, prompt, granted = [], optional = [] } = options;
    this.#options = options;
    this.#granted = uniqueRules(granted);
    this.#optional = uniqueRules(optional);
    this.#questions =
      prompt &&
      new Questions({
        asker,
        prompt,
        timeout: options.questionTimeout ?? QUESTION_TIMEOUT,
        clock: options.clock ?? SYSTEM_CLOCK,
      });
    // What the manifest no longer declares is no longer held.
    this.#kept = kept.filter((rule) => this.#isDeclared(rule));
    this.#decide = this.#compile();
  }

  /** @throws what the store's `load` throws */
  static async open(options: GrantsOptions): Promise<Grants> {
    return new Grants(options, await options.store?.load(options.asker));
  }

  readonly decide = (request: SocketRequest): Decision => this.#decide(request);

  /** Everything that is held, what is demanded first. */
  getAll(): readonly Rule[] {
    return uniqueRules([...this.#granted, ...this.#session, ...this.#kept]);
  }

  /** Whether all of `rules` is held, be it by broader ones. */
  contains(rules: readonly Rule[]): boolean {
    const held = this.getAll();
    return rules.every((rule) => implies(held, rule));
  }

  /** Whether what is permitted of a name may still be refused for an address of it. */
  judgesAddresses(op: SocketOp): boolean {
    const isAddress = ({ effect, host, ...rule }: Rule): boolean =>
      effect === 'deny' && rule.op === op && host.kind === 'network';
    return this.#options.local === 'by-address' || this.getAll().some(isAddress);
  }

  /**
   * Asks for `rules`. What is held already is not asked about.
   *
   * @returns whether all of them are held now
   * @throws {UndeclaredError} one is not among the optional ones; nobody was asked
   * @throws what the store's `save` throws; then nothing was granted
   */
  async request(rules: readonly Rule[], signal?: AbortSignalLike): Promise<boolean> {
    const undeclared = rules.filter((rule) => !this.#isDeclared(rule));
    if (undeclared.length > 0)
      throw new UndeclaredError('Only permissions that the manifest declares can be requested', undeclared);
    const missing = uniqueRules(rules).filter((rule) => !this.contains([rule]));
    if (missing.length === 0) return true;
    const answer = (await this.#questions?.ask({ rules: missing, choices: TO_HOLD, signal })) ?? 'no';
    return this.#grant(missing, answer);
  }

  /** Of a call that waits for it. */
  async ask(request: SocketRequest, signal: AbortSignalLike | undefined): Promise<boolean> {
    if (this.#options.asksOnUse !== true || this.#questions === undefined) return false;
    const rule = ruleOf(request);
    if (rule === undefined || !this.#isOptional(rule)) return false;
    const answer = await this.#questions.ask({ rules: [rule], choices: TO_USE, signal });
    if (answer === 'once') return true;
    await this.#grant([rule], answer);
    return this.#decide(request).allowed;
  }

  /**
   * Takes back what was granted and is no broader than one of `rules`.
   *
   * @returns whether none of `rules` is held any more; a broader grant may still imply one
   * @throws {UndeclaredError} one is demanded by the manifest; then nothing is taken back
   * @throws what the store's `save` throws; it is taken back until the end of this object all the same
   */
  async remove(rules: readonly Rule[]): Promise<boolean> {
    const demanded = rules.filter((rule) => implies(this.#granted, rule));
    if (demanded.length > 0) throw new UndeclaredError('Required permissions cannot be removed', demanded);
    const isTaken = (held: Rule): boolean => rules.some((rule) => covers(rule, held));
    const wasKept = this.#kept.some(isTaken);
    this.#session = this.#session.filter((rule) => !isTaken(rule));
    this.#kept = this.#kept.filter((rule) => !isTaken(rule));
    this.#changed();
    if (wasKept) await this.#keep([]);
    return rules.every((rule) => !this.contains([rule]));
  }

  /** @returns ends it */
  onAdded(listener: Listener): () => void {
    return this.#added.add(listener);
  }

  /** @returns ends it */
  onRemoved(listener: Listener): () => void {
    return this.#removed.add(listener);
  }

  onRevoked(listener: () => void): () => void {
    return this.#removed.add(listener);
  }

  /** The program has ended: what is still being asked is a no. */
  close(): void {
    this.#questions?.close();
  }

  #isOptional(rule: Rule): boolean {
    return this.#optional.some((optional) => isAllow(optional) && covers(optional, rule));
  }

  #isDeclared(rule: Rule): boolean {
    if (!isAllow(rule)) return false;
    return this.#isOptional(rule) || this.#granted.some((held) => isAllow(held) && covers(held, rule));
  }

  async #grant(rules: readonly Rule[], answer: Answer): Promise<boolean> {
    if (answer !== 'session' && answer !== 'always') return false;
    if (answer === 'always') await this.#keep(rules);
    else this.#session = uniqueRules([...this.#session, ...rules]);
    this.#changed();
    // A deny may stand against it.
    return this.contains(rules);
  }

  /** Keeps `rules` besides, once they are saved. What is taken back meanwhile stays so. */
  #keep(rules: readonly Rule[]): Promise<void> {
    const { store, asker } = this.#options;
    const withThem = (): readonly Rule[] => uniqueRules([...this.#kept, ...rules]);
    const saved = this.#saving.then(async () => {
      await store?.save(asker, withThem());
      this.#kept = withThem();
    });
    this.#saving = saved.catch(() => undefined);
    return saved;
  }

  /** Has the policy, and whoever listens, follow what is held now. */
  #changed(): void {
    const before = this.#held;
    this.#decide = this.#compile();
    const added = without(this.#held, before);
    const removed = without(before, this.#held);
    if (removed.length > 0) this.#removed.tell(removed);
    if (added.length > 0) this.#added.tell(added);
  }

  #compile(): Decide {
    this.#held = this.getAll();
    return rulesPolicy(this.#held, this.#options);
  }
}

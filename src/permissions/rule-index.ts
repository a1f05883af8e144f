/**
 * Finds among many rules those that may be about a request, without looking at each: by its name and what that is below, and
 * by the networks that its address is in. Whether a rule is about it, the matcher says.
 */
import type { Host } from './host-pattern.ts';
import type { Asked } from './matcher.ts';
import type { Network } from './networks.ts';
import { OPS } from './ops.ts';
import type { Rule } from './rule.ts';

/** Networks with one length of prefix, by the bits of it. */
interface Group<T> {
  readonly prefix: number;
  readonly byBits: Map<string, T[]>;
}

/** What one op's rules are looked up by. Each comes with its place, so that the first that matches can be told. */
export class RuleIndex<T extends { readonly rule: Rule; readonly place: number }> {
  readonly #all: readonly T[];
  /** Those that only the matcher can tell. */
  readonly #others: T[] = [];
  readonly #byName = new Map<string, T[]>();
  readonly #groups: Group<T>[] = [];

  constructor(all: readonly T[]) {
    this.#all = all;
    for (const each of all) this.#add(each);
  }

  /** All of them, in their order. */
  get all(): readonly T[] {
    return this.#all;
  }

  /** The first that `matches`, among those that may be about what is asked. */
  find(asked: Asked, matches: (rule: Rule, asked: Asked) => boolean): T | undefined {
    const { subject } = OPS[asked.request.op];
    // What stands for many addresses, or none, has no place here.
    if (asked.isWildcard || (subject !== 'address' && subject !== 'host'))
      return this.#all.find(({ rule }) => matches(rule, asked));
    let first: T | undefined;
    const look = (some: readonly T[] | undefined): void => {
      for (const each of some ?? [])
        if ((first === undefined || each.place < first.place) && matches(each.rule, asked)) first = each;
    };
    look(this.#others);
    if (this.#byName.size > 0) this.#lookByName(asked.host, look);
    if (this.#groups.length > 0) for (const form of asked.forms ?? []) this.#lookByBits(bitsOf(form), look);
    return first;
  }

  #add(each: T): void {
    const { host } = each.rule;
    if (host.kind === 'name' || host.kind === 'domain') put(this.#byName, host.name, each);
    else if (host.kind === 'network') put(this.#group(host.network).byBits, keyOf(host.network), each);
    else this.#others.push(each);
  }

  #group({ prefix }: Network): Group<T> {
    const found = this.#groups.find((group) => group.prefix === prefix);
    if (found !== undefined) return found;
    const made: Group<T> = { prefix, byBits: new Map() };
    this.#groups.push(made);
    return made;
  }

  #lookByName({ text, name }: Host, look: (some: readonly T[] | undefined) => void): void {
    this.#lookBelow(text, look);
    if (name !== undefined && name !== text) this.#lookBelow(name, look);
  }

  #lookBelow(name: string, look: (some: readonly T[] | undefined) => void): void {
    look(this.#byName.get(name));
    for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1))
      look(this.#byName.get(name.slice(dot + 1)));
  }

  #lookByBits(bits: string, look: (some: readonly T[] | undefined) => void): void {
    for (const { prefix, byBits } of this.#groups) look(byBits.get(cut(bits, prefix)));
  }
}

function put<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

/** 16 bytes as a text of 8 characters, which is quick to cut and to look up. */
function bitsOf(bytes: Uint8Array): string {
  const word = (i: number): number => ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
  return String.fromCharCode(word(0), word(2), word(4), word(6), word(8), word(10), word(12), word(14));
}

function keyOf({ bytes, prefix }: Network): string {
  return cut(bitsOf(bytes), prefix);
}

/** The first `prefix` bits, of a character the rest of which is 0. */
function cut(bits: string, prefix: number): string {
  const whole = prefix >> 4;
  const rest = prefix & 15;
  if (rest === 0) return bits.slice(0, whole);
  const mask = (0xffff << (16 - rest)) & 0xffff;
  return bits.slice(0, whole) + String.fromCharCode(bits.charCodeAt(whole) & mask);
}

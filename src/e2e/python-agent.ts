/** CPython as a peer that does what it is told, a line at a time, in one set of variables. */
import type { TestContext } from 'node:test';
import type { Peer } from '../testing/node/peer.ts';
import { python } from '../testing/node/peer.ts';

const LOOP = `
import traceback
for line in sys.stdin:
    request = json.loads(line)
    try:
        if request['isValue']: answer = eval(request['code'])
        else: answer = exec(request['code'])
        reply = {'value': answer}
    except Exception as error:
        reply = {'error': type(error).__name__, 'errno': getattr(error, 'errno', None), 'trace': traceback.format_exc()}
    say(json.dumps(reply))
`;

interface Reply {
  readonly value?: unknown;
  readonly error?: string;
  readonly trace?: string;
}

/** One CPython process. Its `socket`, `struct`, `os`, `array` and `json` are imported. */
export class PythonAgent {
  readonly #peer: Peer;

  /** @param code runs first: definitions that later lines use */
  constructor(t: TestContext, code = '') {
    this.#peer = python(t, code + LOOP);
  }

  get pid(): number {
    return this.#peer.child.pid ?? 0;
  }

  /** Runs statements. */
  async run(code: string): Promise<void> {
    await this.#request(code, false);
  }

  /** Evaluates an expression whose value JSON can say. */
  async ask<T>(code: string): Promise<T> {
    return (await this.#request(code, true)) as T;
  }

  async #request(code: string, isValue: boolean): Promise<unknown> {
    this.#peer.say(JSON.stringify({ code, isValue }));
    const reply = await this.#peer.json<Reply>();
    if (reply.error !== undefined) throw new Error(`CPython: ${reply.trace ?? reply.error}`);
    return reply.value;
  }
}

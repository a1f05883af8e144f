/** The DOM's events that Node 20 does not have, and the `onload`-like attributes of event targets. */

interface EventInit {
  readonly bubbles?: boolean;
  readonly cancelable?: boolean;
  readonly composed?: boolean;
}

interface ErrorEventInit extends EventInit {
  readonly message?: string;
  readonly filename?: string;
  readonly lineno?: number;
  readonly colno?: number;
  readonly error?: unknown;
}

/** Tells that a script threw. @see https://html.spec.whatwg.org/#errorevent */
export class ErrorEvent extends Event {
  readonly message: string;
  readonly filename: string;
  readonly lineno: number;
  readonly colno: number;
  readonly error: unknown;

  constructor(type: string, init: ErrorEventInit = {}) {
    super(type, init);
    this.message = init.message ?? '';
    this.filename = init.filename ?? '';
    this.lineno = init.lineno ?? 0;
    this.colno = init.colno ?? 0;
    this.error = init.error;
  }
}

interface PromiseRejectionEventInit extends EventInit {
  readonly promise: Promise<unknown>;
  readonly reason?: unknown;
}

/** Tells that nobody handles a promise's rejection. @see https://html.spec.whatwg.org/#promiserejectionevent */
export class PromiseRejectionEvent extends Event {
  readonly promise: Promise<unknown>;
  readonly reason: unknown;

  constructor(type: string, init: PromiseRejectionEventInit) {
    super(type, init);
    this.promise = init.promise;
    this.reason = init.reason;
  }
}

interface ProgressEventInit extends EventInit {
  readonly lengthComputable?: boolean;
  readonly loaded?: number;
  readonly total?: number;
}

/** Tells how far a reader has come, in bytes. @see https://xhr.spec.whatwg.org/#interface-progressevent */
export class ProgressEvent extends Event {
  readonly lengthComputable: boolean;
  readonly loaded: number;
  readonly total: number;

  constructor(type: string, init: ProgressEventInit = {}) {
    super(type, init);
    this.lengthComputable = init.lengthComputable ?? false;
    this.loaded = init.loaded ?? 0;
    this.total = init.total ?? 0;
  }
}

type Handler = (this: unknown, event: Event) => unknown;

/**
 * Defines `on<type>` on `holder`: a function put there is called for the events of `target`, in the place that the first
 * function put there took among the listeners; anything else takes it off.
 *
 * @param run calls the handler; what it throws is `run`'s to report
 * @see https://html.spec.whatwg.org/#event-handler-attributes
 */
export function defineHandler(
  holder: object,
  target: EventTarget,
  type: string,
  run: (handler: Handler, event: Event) => unknown,
): void {
  let handler: Handler | null = null;
  let isListening = false;
  Object.defineProperty(holder, `on${type}`, {
    configurable: true,
    enumerable: true,
    get: () => handler,
    set: (value: unknown) => {
      handler = typeof value === 'function' ? (value as Handler) : null;
      if (isListening || handler === null) return;
      isListening = true;
      target.addEventListener(type, (event) => {
        if (handler !== null) run(handler, event);
      });
    },
  });
}

/** Asks on the terminal whether an app may do what it requests. */
import { isCancel, log, select } from '@clack/prompts';
import type { Answer, Prompt, Question } from '../permissions/questions.ts';
import type { Rule } from '../permissions/rule.ts';
import { wordPermission } from '../permissions/webextension-dialect.ts';
import { implies } from '../permissions/relations.ts';
import { onAbort } from '../base/abort.ts';
import type { Output } from './output.ts';
import { escapeControls } from './styles.ts';

/** What to do when an app asks: ask on the terminal, or refuse. */
export const PROMPT_MODES = ['tty', 'deny'] as const;
export type PromptMode = (typeof PROMPT_MODES)[number];

const CHOICES: Readonly<Record<Answer, { readonly label: string; readonly hint?: string }>> = {
  no: { label: 'No' },
  once: { label: 'Yes, this once' },
  session: { label: 'Yes, until it ends' },
  always: { label: 'Yes, always', hint: "'portside permissions revoke' takes it back" },
};

/** In the order in which they are offered: what is given by mistake is the least. */
const ORDER: readonly Answer[] = ['no', 'once', 'session', 'always'];

function list(rules: readonly Rule[]): string {
  return rules.map(wordPermission).join(', ');
}

async function askOnTerminal({ asker, choices, descriptions, signal }: Question): Promise<Answer> {
  const aborter = new AbortController();
  const off = onAbort(signal, () => {
    aborter.abort();
  });
  try {
    const wants = descriptions.map(({ text, rule }) => `${text}  (${wordPermission(rule)})`);
    log.message([
      `${escapeControls(asker.name)} asks to`,
      ...wants.map((line) => `  ${escapeControls(line)}`),
    ]);
    const answer = await select<Answer>({
      message: 'May it?',
      options: ORDER.filter((one) => choices.includes(one)).map((value) => ({ value, ...CHOICES[value] })),
      initialValue: 'no',
      signal: aborter.signal,
    });
    return isCancel(answer) ? 'no' : answer;
  } finally {
    off();
  }
}

export interface AskSetting {
  readonly output: Output;
  readonly mode: PromptMode;
  /** Whether there is somebody to ask. */
  readonly isTerminal: boolean;
  /** Granted without a question. */
  readonly granted: readonly Rule[];
}

/** Answers an app's requests: what `granted` covers with yes, and what remains as `mode` says. One question at a time. */
export function createPrompt({ output, mode, isTerminal, granted }: AskSetting): Prompt {
  let last: Promise<unknown> = Promise.resolve();
  return async (question) => {
    const { asker, rules, signal } = question;
    if (rules.every((rule) => implies(granted, rule))) {
      output.note(`${asker.name} asked for ${list(rules)}: granted by --grant`);
      return 'session';
    }
    if (mode === 'deny' || !isTerminal) {
      const why = mode === 'deny' ? 'by --prompt deny' : 'there is no terminal to ask on';
      output.note(`${asker.name} asked for ${list(rules)}: denied, ${why}; --grant would allow it`);
      return 'no';
    }
    const answer = last.then(() =>
      signal.aborted ? ('no' as const) : output.leave(() => askOnTerminal(question)),
    );
    last = answer.catch(() => undefined);
    return answer;
  };
}

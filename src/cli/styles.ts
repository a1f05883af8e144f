/** Colours, where they are wanted. */
import { styleText } from 'node:util';

export type Style = Parameters<typeof styleText>[0];

/** Puts text into a style. */
export type Paint = (style: Style, text: string) => string;

interface Destination {
  readonly isTTY?: boolean | undefined;
}

/** Colours for terminals, none elsewhere, none for `NO_COLOR` or a terminal without abilities. @see https://no-color.org */
export function painter({ isTTY }: Destination, env: NodeJS.ProcessEnv): Paint {
  const isPlain = isTTY !== true || (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb';
  return isPlain
    ? (_style, text) => text
    : (style, text) => styleText(style, text, { validateStream: false });
}

/** Shows control characters instead of obeying them: what an app logs may come from its peers. */
export function escapeControls(text: string): string {
  const lines = text.replaceAll('\r\n', '\n');
  // eslint-disable-next-line no-control-regex -- control characters are what this looks for
  return lines.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, formatControl);
}

function formatControl(char: string): string {
  return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

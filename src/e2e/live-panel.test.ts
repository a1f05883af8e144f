import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Screen } from './screen.ts';
import { LivePanel } from '../cli/live-panel.ts';
import type { RenderPanel } from '../cli/live-panel.ts';

/** A screen that takes a program's line ends, as a terminal's driver does, and counts the writes. */
class Terminal {
  readonly screen: Screen;
  writes = 0;

  constructor(columns: number, rows: number) {
    this.screen = new Screen(columns, rows);
  }

  get columns(): number {
    return this.screen.columns;
  }

  get rows(): number {
    return this.screen.rows;
  }

  write(text: string): void {
    this.writes += 1;
    this.screen.write(text.replaceAll('\n', '\r\n'));
  }
}

test('LivePanel keeps the panel below all that is printed', () => {
  const terminal = new Terminal(20, 8);
  let figure = 1;
  const panel = new LivePanel(terminal, () => ['----', `n ${String(figure)}`]);
  panel.refresh();
  assert.deepEqual(terminal.screen.visible(), ['----', 'n 1']);
  panel.print('first');
  panel.print('second\nthird');
  panel.flush();
  assert.deepEqual(terminal.screen.visible(), ['first', 'second', 'third', '----', 'n 1']);
  figure = 2;
  panel.refresh();
  assert.deepEqual(terminal.screen.visible(), ['first', 'second', 'third', '----', 'n 2']);
  panel.close();
  assert.deepEqual(terminal.screen.visible(), ['first', 'second', 'third']);
});

test('LivePanel scrolls: nothing printed is lost, no copy of the panel stays', () => {
  const terminal = new Terminal(20, 6);
  const panel = new LivePanel(terminal, () => ['a', 'b']);
  const printed = Array.from({ length: 30 }, (_, index) => `line ${String(index)}`);
  for (const line of printed) {
    panel.print(line);
    panel.flush();
  }
  assert.deepEqual(terminal.screen.history(), [...printed, 'a', 'b']);
  panel.close();
  assert.deepEqual(terminal.screen.history(), printed);
});

test('LivePanel lets the terminal wrap long output', () => {
  const terminal = new Terminal(10, 8);
  const panel = new LivePanel(terminal, () => ['panel']);
  panel.refresh();
  panel.print('x'.repeat(25));
  panel.flush();
  assert.deepEqual(terminal.screen.visible(), ['x'.repeat(10), 'x'.repeat(10), 'x'.repeat(5), 'panel']);
  panel.close();
});

test('LivePanel writes nothing when nothing has changed, and gathers what is printed', () => {
  const terminal = new Terminal(20, 6);
  const panel = new LivePanel(terminal, () => ['same']);
  panel.refresh();
  panel.refresh();
  assert.equal(terminal.writes, 1);
  for (let index = 0; index < 100; index++) panel.print('x');
  assert.equal(terminal.writes, 1);
  panel.flush();
  panel.flush();
  assert.equal(terminal.writes, 2);
  panel.close();
});

test('LivePanel leaves no remains after the terminal was made narrower or wider', () => {
  const terminal = new Terminal(40, 12);
  const render: RenderPanel = ({ columns }) => ['title', '#'.repeat(columns)];
  const panel = new LivePanel(terminal, render);
  panel.print('above');
  panel.flush();
  assert.deepEqual(terminal.screen.visible(), ['above', 'title', '#'.repeat(39)]);
  terminal.screen.resize(15, 12);
  panel.refresh();
  assert.deepEqual(terminal.screen.visible(), ['above', 'title', '#'.repeat(14)]);
  terminal.screen.resize(60, 12);
  panel.refresh();
  assert.deepEqual(terminal.screen.visible(), ['above', 'title', '#'.repeat(59)]);
  panel.close();
});

test('LivePanel counts characters, not the styles around them', () => {
  const terminal = new Terminal(10, 8);
  const panel = new LivePanel(terminal, () => [`\x1b[1m${'b'.repeat(9)}\x1b[22m`]);
  panel.refresh();
  panel.print('above');
  panel.flush();
  assert.deepEqual(terminal.screen.visible(), ['above', 'b'.repeat(9)]);
  panel.close();
});

test('LivePanel wipes what the user types, and starts anew after a stop', () => {
  const terminal = new Terminal(20, 8);
  const panel = new LivePanel(terminal, () => ['panel']);
  panel.refresh();
  terminal.screen.write('^C');
  panel.print('out');
  panel.flush();
  assert.deepEqual(terminal.screen.visible(), ['out', 'panel']);
  terminal.screen.write('$ fg\r\n');
  panel.restart();
  assert.deepEqual(terminal.screen.visible(), ['out', 'panel', '$ fg', 'panel']);
  panel.close();
});

test('LivePanel.close writes what was printed, and later output at once', () => {
  const terminal = new Terminal(20, 8);
  const panel = new LivePanel(terminal, () => ['panel']);
  panel.print('one');
  panel.close();
  panel.close();
  panel.print('two');
  assert.deepEqual(terminal.screen.visible(), ['one', 'two']);
});

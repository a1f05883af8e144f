/**
 * Bar charts as SVG: horizontal bars from zero, a whisker from quartile to quartile, a mark where a target is. The
 * colours are readable on white and on black; where the viewer knows the reader's scheme, the text follows it.
 *
 * @typedef {'own' | 'peer' | 'limit' | 'missed'} Tone
 *
 * @typedef {object} Bar
 * @property {string} label
 * @property {number} value
 * @property {number} low
 * @property {number} high
 * @property {string} text At the right.
 * @property {Tone} tone
 * @property {number} [mark]
 *
 * @typedef {object} Panel
 * @property {string} title
 * @property {string} unit Behind the numbers of the axis.
 * @property {readonly Bar[]} bars
 * @property {number} [reference] Where a dashed line stands.
 */

const WIDTH = 860;
const LABELS = 300;
const TEXTS = 200;
const PLOT = WIDTH - LABELS - TEXTS;
const ROW = 26;
const BAR = 15;
const TITLE = 30;
const AXIS = 30;
const TOP = 40;

const STYLE = `
    text { font: 13px system-ui, 'DejaVu Sans', sans-serif; fill: #7d8590 }
    .heading { font-size: 16px; font-weight: 600 }
    .title { font-weight: 600 }
    .tick { font-size: 11px }
    .grid { stroke: #7d8590; stroke-opacity: .25 }
    .reference { stroke: #7d8590; stroke-dasharray: 3 3 }
    .whisker { stroke: #7d8590; stroke-width: 1.5 }
    .mark { stroke: #c2255c; stroke-width: 3 }
    .own { fill: #3b82f6 } .peer { fill: #8b949e; fill-opacity: .55 } .limit { fill: #2a9d76; fill-opacity: .6 } .missed { fill: #e08a1e }
    @media (prefers-color-scheme: light) { text { fill: #24292f } .whisker { stroke: #24292f } }
    @media (prefers-color-scheme: dark) { text { fill: #d0d7de } .whisker { stroke: #d0d7de } }
  `;

/**
 * @param {string} heading
 * @param {readonly Panel[]} panels
 * @param {string} footer
 * @returns {string}
 */
export function barChart(heading, panels, footer) {
  let y = TOP;
  const parts = panels.map((panel) => {
    const part = group(y, drawPanel(panel));
    y += panelHeight(panel);
    return part;
  });
  const height = y + 24;
  const size = `width="${String(WIDTH)}" height="${String(height)}" viewBox="0 0 ${String(WIDTH)} ${String(height)}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" aria-label="${escaped(heading)}">`,
    `  <style>${STYLE}</style>`,
    `  ${textAt(12, 24, heading, 'heading')}`,
    ...parts,
    `  ${textAt(12, height - 10, footer, 'tick')}`,
    '</svg>',
    '',
  ].join('\n');
}

/** @param {Panel} panel */
function panelHeight(panel) {
  return TITLE + panel.bars.length * ROW + AXIS + 12;
}

/**
 * @param {Panel} panel
 * @returns {string[]}
 */
function drawPanel(panel) {
  const most = Math.max(0, ...panel.bars.map((bar) => Math.max(bar.high, bar.value, bar.mark ?? 0)));
  const step = tickStep(Math.max(most, panel.reference ?? 0));
  const count = Math.max(1, Math.ceil(most / step));
  const scale = (/** @type {number} */ value) => LABELS + (value / (step * count)) * PLOT;
  const bottom = TITLE + panel.bars.length * ROW;
  const lines = [textAt(12, 18, panel.title, 'title')];
  for (let i = 0; i <= count; i++) {
    const x = scale(i * step);
    lines.push(line('grid', x, TITLE, x, bottom));
    lines.push(textAt(x, bottom + 16, `${tickText(i * step)}${panel.unit}`, 'tick', 'middle'));
  }
  if (panel.reference !== undefined) {
    lines.push(line('reference', scale(panel.reference), TITLE, scale(panel.reference), bottom));
  }
  panel.bars.forEach((bar, index) => lines.push(...drawBar(bar, TITLE + index * ROW, scale)));
  return lines;
}

/**
 * @param {Bar} bar
 * @param {number} top
 * @param {(value: number) => number} scale
 * @returns {string[]}
 */
function drawBar(bar, top, scale) {
  const y = top + (ROW - BAR) / 2;
  const middle = top + ROW / 2;
  const [low, high] = [scale(bar.low), scale(bar.high)];
  const width = Math.max(0, scale(bar.value) - LABELS);
  const lines = [
    textAt(LABELS - 10, middle + 4.5, bar.label, '', 'end'),
    `<rect class="${bar.tone}" x="${String(LABELS)}" y="${fixed(y)}" width="${fixed(width)}" height="${String(BAR)}"/>`,
    line('whisker', low, middle, high, middle),
    line('whisker', low, middle - 4, low, middle + 4),
    line('whisker', high, middle - 4, high, middle + 4),
  ];
  if (bar.mark !== undefined) lines.push(line('mark', scale(bar.mark), y - 3, scale(bar.mark), y + BAR + 3));
  lines.push(textAt(LABELS + PLOT + 14, middle + 4.5, bar.text, ''));
  return lines;
}

/**
 * A round number, so that some five ticks fill the axis.
 *
 * @param {number} most
 */
function tickStep(most) {
  if (most <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(most / 4));
  const step = [1, 2, 2.5, 5, 10].find((factor) => factor * power * 5 >= most) ?? 10;
  return step * power;
}

/** @param {number} value */
function tickText(value) {
  return Number(value.toPrecision(6)).toLocaleString('en');
}

/**
 * @param {number} y
 * @param {readonly string[]} lines
 */
function group(y, lines) {
  return [
    `  <g transform="translate(0 ${String(y)})">`,
    ...lines.map((text) => `    ${text}`),
    '  </g>',
  ].join('\n');
}

/**
 * @param {string} name
 * @param {number} x1
 * @param {number} y1
 * @param {number} x2
 * @param {number} y2
 */
function line(name, x1, y1, x2, y2) {
  return `<line class="${name}" x1="${fixed(x1)}" y1="${fixed(y1)}" x2="${fixed(x2)}" y2="${fixed(y2)}"/>`;
}

/**
 * @param {number} x
 * @param {number} y
 * @param {string} text
 * @param {string} name
 * @param {'start' | 'middle' | 'end'} [anchor]
 */
function textAt(x, y, text, name, anchor = 'start') {
  const kind = name === '' ? '' : ` class="${name}"`;
  const where = anchor === 'start' ? '' : ` text-anchor="${anchor}"`;
  return `<text${kind} x="${fixed(x)}" y="${fixed(y)}"${where}>${escaped(text)}</text>`;
}

/** @param {number} value */
function fixed(value) {
  return String(Math.round(value * 10) / 10);
}

/** @param {string} text */
function escaped(text) {
  return text.replace(/&/gu, '&amp;').replace(/</gu, '&lt;').replace(/>/gu, '&gt;').replace(/"/gu, '&quot;');
}

/**
 * Results as charts.
 *
 * @typedef {import('./model.mjs').Result} Result
 * @typedef {import('./model.mjs').Metric} Metric
 * @typedef {import('./model.mjs').Target} Target
 * @typedef {import('./svg.mjs').Bar} Bar
 * @typedef {import('./svg.mjs').Panel} Panel
 * @typedef {import('./svg.mjs').Tone} Tone
 * @typedef {import('./verdicts.mjs').Verdict} Verdict
 */
import { amount, measuredServers, methodLine, ratioToBaseline, summariseMetric, titleOf } from './report.mjs';
import { barChart } from './svg.mjs';
import { testNamed } from './tests.mjs';
import { judge } from './verdicts.mjs';

/**
 * One test: each server against the baseline.
 *
 * @param {Result} result
 * @returns {string}
 */
export function testChart(result) {
  const test = testNamed(result.test);
  const panels = test.mode === 'idle' ? [memoryPanel(result)] : loadPanels(result);
  return barChart(
    test.title,
    panels.filter((panel) => panel.bars.length > 0),
    `Medians, whiskers from quartile to quartile; ${methodLine(result)}`,
  );
}

/** @param {Result} result @returns {Panel[]} */
function loadPanels(result) {
  const than = titleOf(testNamed(result.test).baseline);
  const cpu = `Server CPU per request, times better than ${than}`;
  const rate = `Requests per second, times more than ${than}`;
  return [
    {
      title: cpu,
      unit: '×',
      reference: 1,
      bars: ratioBars(result, 'cpuMicros', (value) => `${value.toFixed(2)} µs`),
    },
    {
      title: rate,
      unit: '×',
      reference: 1,
      bars: ratioBars(result, 'rate', (value) => `${Math.round(value).toLocaleString('en')}/s`),
    },
  ];
}

/**
 * @param {Result} result
 * @param {Metric} metric
 * @param {(value: number) => string} write
 * @returns {Bar[]}
 */
function ratioBars(result, metric, write) {
  return measuredServers(result).flatMap((server) => {
    const ratio = ratioToBaseline(result, server, metric);
    const absolute = summariseMetric(result, server, metric);
    if (ratio === undefined || absolute === undefined) return [];
    const text = `${ratio.median.toFixed(2)}×   ${write(absolute.median)}`;
    return [
      {
        label: titleOf(server),
        value: ratio.median,
        low: ratio.low,
        high: ratio.high,
        text,
        tone: toneOf(server),
      },
    ];
  });
}

/** @param {Result} result @returns {Panel} */
function memoryPanel(result) {
  const targets = judge(result).map((verdict) => verdict.target);
  const bars = measuredServers(result).flatMap((server) => {
    const bytes = summariseMetric(result, server, 'bytes');
    if (bytes === undefined) return [];
    const mark = targets.find((target) => target.subject === server)?.atMost;
    const { median: value, low, high } = bytes;
    const bar = {
      label: titleOf(server),
      value,
      low,
      high,
      text: `${value.toFixed(0)} bytes`,
      tone: toneOf(server),
    };
    return [mark === undefined ? bar : { ...bar, mark }];
  });
  return {
    title: 'Resident bytes per connection, before any collection; the mark is the target',
    unit: '',
    bars,
  };
}

/**
 * All targets.
 *
 * @param {readonly Verdict[]} verdicts
 * @param {string} footer
 * @returns {string}
 */
export function targetChart(verdicts, footer) {
  const panels = [
    {
      title: 'Times less server CPU per request than the peer; the mark is the target',
      unit: '×',
      reference: 1,
      bars: verdictBars(verdicts, 'cpu'),
    },
    {
      title: 'Bytes per idle connection; the mark is the target',
      unit: '',
      bars: verdictBars(verdicts, 'memory'),
    },
  ];
  return barChart(
    'Portside: measured against its targets',
    panels.filter((panel) => panel.bars.length > 0),
    footer,
  );
}

/**
 * @param {readonly Verdict[]} verdicts
 * @param {Target['metric']} metric
 * @returns {Bar[]}
 */
function verdictBars(verdicts, metric) {
  return verdicts.flatMap(({ target, measured, outcome }) => {
    const mark = target.atLeast ?? target.atMost;
    if (target.metric !== metric || measured === undefined || mark === undefined) return [];
    const { median: value, low, high } = measured;
    const sign = target.atLeast === undefined ? '≤' : '≥';
    const text = `${amount(target, value)} (${sign} ${amount(target, mark)}) ${outcome}`;
    const label =
      target.peer === undefined
        ? `${target.test}: ${titleOf(target.subject)}`
        : `${target.test} vs ${titleOf(target.peer)}`;
    /** @type {Tone} */
    const tone = outcome === 'met' ? 'own' : 'missed';
    return [{ label, value, low, high, text, tone, mark }];
  });
}

/** @param {string} server @returns {Tone} */
function toneOf(server) {
  if (server.startsWith('portside-')) return 'own';
  return server.startsWith('cpp-') ? 'limit' : 'peer';
}

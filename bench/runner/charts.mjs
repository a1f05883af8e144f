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
import {
  costToBaseline,
  measuredPrograms,
  nanosOf,
  ratioToBaseline,
  summariseMetric,
  surplusOverBaseline,
  titleOf,
} from './measures.mjs';
import { amount, meant, methodLine } from './report.mjs';
import { barChart } from './svg.mjs';
import { operationOf, testNamed } from './tests.mjs';
import { isTimed, unitOf } from './units.mjs';
import { judge } from './verdicts.mjs';

/**
 * One test: each program against the baseline.
 *
 * @param {Result} result
 * @returns {string}
 */
export function testChart(result) {
  const test = testNamed(result.test);
  return barChart(
    test.title,
    panelsOf(result).filter((panel) => panel.bars.length > 0),
    `Medians, whiskers from quartile to quartile; ${methodLine(result)}`,
  );
}

/** @param {Result} result @returns {Panel[]} */
function panelsOf(result) {
  const test = testNamed(result.test);
  if (test.mode === 'idle') return [memoryPanel(result)];
  const operation = operationOf(test);
  if (operation === undefined) {
    const panels = speedPanels(result, `Server CPU per ${unitOf(test).one}`);
    return isTimed(test) ? [...panels, ...latencyPanels(result)] : panels;
  }
  if (test.mode === 'datagrams') return speedPanels(result, `CPU per ${operation}`);
  return costPanels(result, operation);
}

/**
 * @param {Result} result
 * @param {string} cpu What is less of it is better.
 * @returns {Panel[]}
 */
function speedPanels(result, cpu) {
  const test = testNamed(result.test);
  const than = titleOf(test.baseline);
  const { cpuScale, cpuDigits, rate, rateScale, rateDigits, many } = unitOf(test);
  const cpuUnit = cpuScale === 1 ? 'µs' : 'ns';
  return [
    {
      title: `${cpu}, times better than ${than}`,
      unit: '×',
      reference: 1,
      bars: ratioBars(result, 'cpuMicros', (value) => `${(value * cpuScale).toFixed(cpuDigits)} ${cpuUnit}`),
    },
    {
      title: `${many} per second, times more than ${than}`,
      unit: '×',
      reference: 1,
      bars: ratioBars(result, 'rate', (value) => {
        const amount = value * rateScale;
        return rateDigits === 0
          ? `${Math.round(amount).toLocaleString('en')}/s`
          : `${amount.toFixed(rateDigits)} ${rate}`;
      }),
    },
  ];
}

/** @param {Result} result @returns {Panel[]} */
function latencyPanels(result) {
  const than = titleOf(testNamed(result.test).baseline);
  return /** @type {const} */ ([
    ['Half of the requests', 'p50Micros'],
    ['99 of 100 requests', 'p99Micros'],
  ]).map(([which, metric]) => ({
    title: `${which} have their answer in this time, times better than ${than}`,
    unit: '×',
    reference: 1,
    bars: ratioBars(result, metric, (value) => `${value.toFixed(1)} µs`),
  }));
}

/**
 * What calls cost, and how much of that is the language's doing.
 *
 * @param {Result} result
 * @param {string} operation
 * @returns {Panel[]}
 */
function costPanels(result, operation) {
  const baseline = titleOf(testNamed(result.test).baseline);
  const costs = measuredPrograms(result).flatMap((program) => {
    const cost = costToBaseline(result, program);
    const { cpu } = nanosOf(result, program);
    if (cost === undefined || cpu === undefined) return [];
    const [value = 0, low = 0, high = 0] = [cost.median, cost.low, cost.high].map((part) => part * 100);
    const text = `${value.toFixed(0)} %   ${cpu.median.toFixed(0)} ns`;
    return [{ label: titleOf(program), value, low, high, text, tone: toneOf(program) }];
  });
  const surpluses = measuredPrograms(result).flatMap((program) => {
    const surplus = surplusOverBaseline(result, program);
    if (surplus === undefined || program === testNamed(result.test).baseline) return [];
    const { median: value, low, high } = surplus;
    const text = `${value.toFixed(0)} ns`;
    return [{ label: titleOf(program), value, low, high, text, tone: toneOf(program) }];
  });
  const [title, beyond] = [
    `CPU per ${operation}, of what ${baseline} uses`,
    `CPU per ${operation} beyond ${baseline}`,
  ];
  return [
    { title: `${title}; less is better`, unit: ' %', reference: 100, bars: costs },
    { title: `${beyond}; less is better`, unit: ' ns', bars: surpluses },
  ];
}

/**
 * @param {Result} result
 * @param {Metric} metric
 * @param {(value: number) => string} write
 * @returns {Bar[]}
 */
function ratioBars(result, metric, write) {
  return measuredPrograms(result).flatMap((server) => {
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
  const bars = measuredPrograms(result).flatMap((server) => {
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

const LATENCIES = /** @type {const} */ (['p50', 'p99']);

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
      title: 'Times more in the same time than the peer; the mark is the target',
      unit: '×',
      reference: 1,
      bars: verdictBars(verdicts, 'rate'),
    },
    ...LATENCIES.map((metric) => ({
      title: `${metric} of the time for an answer, in per cent of the peer's; the mark is the most that it may be`,
      unit: ' %',
      reference: 100,
      bars: verdictBars(verdicts, metric, 100),
    })),
    {
      title: "CPU of a call, in per cent of the peer's; the mark is the most that it may be",
      unit: ' %',
      reference: 100,
      bars: verdictBars(verdicts, 'cost', 100),
    },
    {
      title: 'Datagrams of one system call; the mark is the target',
      unit: '',
      bars: verdictBars(verdicts, 'batch'),
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
 * @param {number} [scale] Of what is drawn.
 * @returns {Bar[]}
 */
function verdictBars(verdicts, metric, scale = 1) {
  return verdicts.flatMap(({ target, measured, outcome }) => {
    const goal = target.atLeast ?? target.atMost;
    if (target.metric !== metric || measured === undefined || goal === undefined) return [];
    const [value = 0, low = 0, high = 0, mark = 0] = [measured.median, measured.low, measured.high, goal].map(
      (amount) => amount * scale,
    );
    const text = `${amount(target, measured.median)} (${meant(target)}) ${outcome}`;
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

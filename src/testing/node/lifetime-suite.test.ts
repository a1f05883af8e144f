import assert from 'node:assert/strict';
import test from 'node:test';
import { lifetimeSuite } from './lifetime-suite.ts';

const MAKER = `import { memoryProvider } from ${JSON.stringify(new URL('../memory-provider.js', import.meta.url).href)};
export const makeProvider = () => memoryProvider();`;

// A provider in memory keeps no process alive: just what must be caught, and what may pass.
for (const each of lifetimeSuite(new URL(`data:text/javascript,${encodeURIComponent(MAKER)}`))) {
  const mustFail = each.name.includes('keeps the process alive');
  test(`lifetimeSuite ${mustFail ? 'catches' : 'passes'} a provider in memory: ${each.name}`, async () => {
    if (mustFail) await assert.rejects(each.run(), /ended although a socket was open/);
    else await each.run();
  });
}

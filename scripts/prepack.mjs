/** What `npm pack` and `npm publish` need to find: compiled code and the binary, both made from what is here now. */
import { ensurePrebuild } from './prebuild.mjs';
import { ensureReady } from './setup.mjs';
import { runMain } from './steps.mjs';

await runMain(() => {
  ensureReady();
  ensurePrebuild();
});

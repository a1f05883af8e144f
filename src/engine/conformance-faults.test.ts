/** The same suites before an engine whose calls are short, or fail. */
import { runEngineSuites } from '../e2e/engine-conformance.ts';
import { VARIATIONS } from '../e2e/engine-variations.ts';

runEngineSuites(VARIATIONS.filter(({ scale }) => scale !== undefined));

/**
 * Suites against real servers wait for most of their time, the others compute: in step, so that there is always somebody who computes while others wait.
 * The order is that in which the suites would begin if each kind had lanes of its own, the longest of a kind first.
 */
import Sequencer from '@jest/test-sequencer';

/** Lanes of suites that wait; one more computes. */
const WAITING = 3;

/** What computes takes so much longer beside the others than alone. Rather too much: what is left for the end then is short, and keeps every worker busy. */
const BESIDE_OTHERS = 1.7;

/** About how long a suite takes alone, s; those that are not here take few. */
const SECONDS = {
  'live/job/exactly-once': 140, 'live/job/faults': 105, 'live/job/pressure': 93, 'live/kafka/faults': 72, 'live/kafka/contract': 61, 'live/job/mqtt': 54,
  'live/mqtt/contract': 43, 'live/job/damage': 40, 'live/job/watermarks': 34, 'live/job/http': 32, 'live/mqtt/faults': 32, 'live/job/files': 29,
  'live/stores/redis-sentinel': 20, 'live/tables/sources': 16, 'live/stores/redis': 12, 'unit/kafka/memory': 24,
  'fuzz/fuzz': 16, 'fuzz/change': 15, 'fuzz/loops': 10, 'fuzz/windows': 10, 'e2e/cli/demo': 10, 'unit/simulators/simulators': 8, 'unit/engine/share': 7, 'e2e/cli/run': 6,
};
const OTHER_LIVE = 6;
const OTHER = 1.5;

const waits = ({ path }) => path.includes('/test/live/') || path.includes('/unit/kafka/memory.');

function secondsOf({ path }) {
  const known = Object.entries(SECONDS).find(([name]) => path.includes(`/test/${name}.`));
  return known?.[1] ?? (path.includes('/test/live/') ? OTHER_LIVE : OTHER);
}

/** The tests with the second at which each begins: the longest first, each on the lane that is free first; `slower`: how much longer than alone they take. */
function begun(tests, lanes, slower) {
  const free = Array.from({ length: lanes }, () => 0);
  return tests.map((test) => ({ test, seconds: slower * secondsOf(test) })).sort((a, b) => b.seconds - a.seconds).map(({ test, seconds }) => {
    const lane = free.indexOf(Math.min(...free));
    const at = free[lane];
    free[lane] += seconds;
    return { test, at };
  });
}

export default class extends (Sequencer.default ?? Sequencer) {
  async sort(tests) {
    const usual = await super.sort(tests);
    const all = [...begun(usual.filter(waits), WAITING, 1), ...begun(usual.filter((test) => !waits(test)), 1, BESIDE_OTHERS)];
    return all.sort((a, b) => a.at - b.at).map(({ test }) => test);
  }
}

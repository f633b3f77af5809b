/** Suites against real servers first: they wait for most of their time, and what only computes fills the gaps, and the end. */
import Sequencer from '@jest/test-sequencer';

/** Those that take longest, so that none of them is alone at the end. */
const LONGEST = ['live/job/exactly-once', 'live/job/faults', 'live/kafka/faults', 'live/job/mqtt', 'live/job/pressure', 'live/kafka/contract'];

export default class extends (Sequencer.default ?? Sequencer) {
  async sort(tests) {
    const rank = ({ path }) => {
      const long = LONGEST.findIndex((name) => path.includes(name));
      return long >= 0 ? long : path.includes('/test/live/') ? LONGEST.length : LONGEST.length + 1;
    };
    const usual = await super.sort(tests);
    return usual.map((test, i) => ({ test, i })).sort((a, b) => rank(a.test) - rank(b.test) || a.i - b.i).map(({ test }) => test);
  }
}

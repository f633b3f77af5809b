export { BOX, CLOSED } from './boxes.ts';
export { CELLS, isSpans, LAST, specsOf, WindowRunner, type WindowReport } from './runner.ts';
export { endAfter } from './spans.ts';
export { WindowView } from './view.ts';
export type { WindowReading } from '../../compile/plan.ts';

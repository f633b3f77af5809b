export { WindowRunner, type WindowReading, type WindowReport } from './runner.ts';
export { WindowView } from './view.ts';

export { WindowRunner, type WindowReport } from './runner.ts';
export { WindowView } from './view.ts';

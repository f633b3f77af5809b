/** The job's HTTP server: health, metrics, status, and the routes of sources that take events over HTTP. */
export { startServer, type RunningServer, type ServerOptions } from './server.ts';
export { METRICS } from './metrics.ts';

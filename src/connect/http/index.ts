export { registerIngest, type Ingest } from './ingest.ts';
export type { HttpSourceOptions, WebhookSinkOptions } from './options.ts';
export { HttpSource } from './source.ts';
export { signature, WebhookSink } from './webhook.ts';

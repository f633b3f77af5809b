export { Decoder, makeDecoder } from './json.ts';
export type { DecoderOptions, OnReject } from './json.ts';
export type { Reject, RejectReason } from './reject.ts';
export { checkValue, converted } from './check.ts';
export { isoTime } from './time.ts';
export { Expander, type ExpandOptions } from './each.ts';

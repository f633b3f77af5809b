export { JournalFeed, TYPE_ATTRIBUTE } from './feed.ts';
export type { JournalEntry, JournalRecord } from './format.ts';
export { Journal, JournalFullError, JournalTooLargeError } from './journal.ts';
export type { JournalOptions } from './options.ts';
export type { JournalReader } from './reader.ts';

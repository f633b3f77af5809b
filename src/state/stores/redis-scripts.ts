/**
 * The store's steps that must be atomic, as Lua. Every key is passed in KEYS and lies in the task's slot. KEYS[1] is the task's hash `owner`: `token`,
 * the fence, and `commits`, how many there were. A script that writes for an owner answers {'OK'}, or {'FENCED', token} and has changed nothing.
 */

import { createHash } from 'node:crypto';
import type { RedisArg, RedisPort } from './redis-port.ts';

export interface RedisScript {
  readonly lua: string;
  readonly sha: string;
}

function script(lua: string): RedisScript {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') };
}

/** A larger token than the stored one is accepted: Redis lost its data, or its last second, since it was given. */
const OWN = `
local held = tonumber(redis.call('HGET', KEYS[1], 'token') or '0')
if tonumber(ARGV[1]) < held then return {'FENCED', string.format('%.0f', held)} end
if tonumber(ARGV[1]) > held then redis.call('HSET', KEYS[1], 'token', ARGV[1]) end
`;

/** The time in the token keeps it growing when Redis was emptied. Answers the token as text. */
export const ACQUIRE = script(`
local held = tonumber(redis.call('HGET', KEYS[1], 'token') or '0')
local time = redis.call('TIME')
local token = string.format('%.0f', math.max(held + 1, time[1] * 1000 + math.floor(time[2] / 1000)))
redis.call('HSET', KEYS[1], 'token', token)
return token
`);

/** KEYS: owner, index of chunks, chunk; ARGV: token, name, bytes, life of an unnamed chunk in ms. A chunk that a commit has kept stays kept. */
export const PUT = script(`${OWN}
if redis.call('PTTL', KEYS[3]) == -1 then
  redis.call('SET', KEYS[3], ARGV[3])
else
  redis.call('SET', KEYS[3], ARGV[3], 'PX', ARGV[4])
end
redis.call('ZADD', KEYS[2], redis.call('TIME')[1], ARGV[2])
return {'OK'}
`);

/** KEYS: chunks; ARGV: life in ms. Answers 1 for each that is there; those no manifest names begin their life anew. */
export const HAS = script(`
local found = {}
for i, key in ipairs(KEYS) do
  local left = redis.call('PTTL', key)
  if left >= 0 then redis.call('PEXPIRE', key, ARGV[1]) end
  found[i] = left == -2 and 0 or 1
end
return found
`);

/** KEYS: owner, manifests, chunks; ARGV: token, checkpoint, manifest. Or {'MISSING', position of each chunk that is not there}. */
export const COMMIT = script(`${OWN}
local missing = {'MISSING'}
for i = 3, #KEYS do
  if redis.call('EXISTS', KEYS[i]) == 0 then missing[#missing + 1] = tostring(i - 2) end
end
if #missing > 1 then return missing end
for i = 3, #KEYS do redis.call('PERSIST', KEYS[i]) end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
redis.call('HINCRBY', KEYS[1], 'commits', 1)
return {'OK'}
`);

/**
 * KEYS: owner, manifests, index of chunks, chunks; ARGV: token, commits, number of checkpoints, checkpoints, names of the chunks. Does nothing and
 * answers {'LATER'} when there was a commit since the list was made: it may name one of these chunks.
 */
export const DROP = script(`${OWN}
if (redis.call('HGET', KEYS[1], 'commits') or '0') ~= ARGV[2] then return {'LATER'} end
local checkpoints = tonumber(ARGV[3])
for i = 4, 3 + checkpoints do redis.call('HDEL', KEYS[2], ARGV[i]) end
for i = 4, #KEYS do
  redis.call('UNLINK', KEYS[i])
  redis.call('ZREM', KEYS[3], ARGV[i + checkpoints])
end
return {'OK'}
`);

/** Runs a script, and loads it where the server does not have it (any more). */
export async function run(port: RedisPort, { sha, lua }: RedisScript, keys: readonly string[], args: readonly RedisArg[]): Promise<unknown> {
  const rest = [String(keys.length), ...keys, ...args];
  try {
    return await port.cmd(keys[0], ['EVALSHA', sha, ...rest]);
  } catch (error) {
    if (!isNoScript(error)) throw error;
    return port.cmd(keys[0], ['EVAL', lua, ...rest]);
  }
}

export interface ScriptCall {
  readonly keys: readonly string[];
  readonly args: readonly RedisArg[];
}

/** Runs a script for several calls of one slot, sent together; then, on the same connection, the commands of `after`. @throws the first failure */
export async function runAll(port: RedisPort, of: RedisScript, calls: readonly ScriptCall[], after: readonly (readonly RedisArg[])[] = []): Promise<unknown[]> {
  const key = calls[0]?.keys[0];
  if (key === undefined) return [];
  const commands = calls.map(({ keys, args }) => ['EVALSHA', of.sha, String(keys.length), ...keys, ...args]);
  const results = await port.pipe(key, [...commands, ...after]);
  if (results.some((result) => result.status === 'rejected' && isNoScript(result.reason))) {
    // What comes after must come after all: everything again.
    const loaded = calls.map(({ keys, args }) => ['EVAL', of.lua, String(keys.length), ...keys, ...args]);
    return (await port.pipe(key, [...loaded, ...after])).map(value);
  }
  return results.map(value);
}

function value(result: PromiseSettledResult<unknown>): unknown {
  if (result.status === 'rejected') throw result.reason;
  return result.value;
}

function isNoScript(reason: unknown): boolean {
  return String((reason as { message?: unknown } | null)?.message).startsWith('NOSCRIPT');
}

// What a caller signs, and whether a signature holds. Pure: no clock, no storage, no environment.

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** Seconds that the clocks of the two sides may differ. */
export const WINDOW = 300;

/** Characters that a key must have at least. */
export const SHORTEST_KEY = 32;

const NAMES = { timestamp: 'x-relay-timestamp', nonce: 'x-relay-nonce', signature: 'x-relay-signature' };
const FORMS = { timestamp: /^\d{1,12}$/, nonce: /^[0-9a-f]{32}$/i, signature: /^v1=[0-9a-f]{64}$/i };

/**
 * The three headers, each of which must be there once and in its form.
 *
 * @param {Record<string, string[]> | undefined} headers as a web trigger gets them: a list of values by name, in any case
 * @returns {{seal?: {timestamp: string, nonce: string, signature: string}, faulty?: string}} the name of the first faulty one
 */
export function sealOf(headers) {
  const seal = {};
  for (const [part, name] of Object.entries(NAMES)) {
    const values = Object.entries(headers ?? {}).flatMap(([given, list]) => (given.toLowerCase() === name ? list : []));
    if (values.length !== 1 || !FORMS[part].test(values[0])) return { faulty: name };
    seal[part] = values[0];
  }
  return { seal };
}

/**
 * Which keys are valid, or what is wrong with them. One that is too short spoils all: that is a mistake to be fixed, not one to
 * be noticed by whoever guesses the key.
 *
 * @param {Record<string, string | undefined>} named the variables; one that is empty is not set
 * @returns {{keys?: string[], fault?: string}} the fault names a variable, never a value
 */
export function usableKeys(named) {
  const set = Object.entries(named).filter(([, key]) => key);
  const short = set.find(([, key]) => [...key].length < SHORTEST_KEY);
  if (short) return { fault: `${short[0]} has fewer than ${SHORTEST_KEY} characters` };
  if (set.length === 0) return { fault: `none of ${Object.keys(named).join(' and ')} is set` };
  return { keys: set.map(([, key]) => key) };
}

/** Whole seconds by which the caller's clock is ahead of `now` (negative: behind). */
export const skew = (seal, now) => Number(seal.timestamp) - Math.floor(now);

/** The signature of a request under a key: `v1=` and 64 hexadecimal digits. */
export const sign = (key, request) => `v1=${digest(key, request).toString('hex')}`;

/** Whether the signature holds under one of the keys. Each is tried, and each takes the same time. */
export function isSigned(keys, { seal, ...request }) {
  const given = Buffer.from(seal.signature.slice('v1='.length), 'hex');
  const holds = keys.map((key) => timingSafeEqual(digest(key, { ...seal, ...request }), given));
  return holds.includes(true);
}

function digest(key, { timestamp, nonce, method, path, body }) {
  const content = createHash('sha256')
    .update(body ?? '', 'utf8')
    .digest('hex');
  const message = ['forge-relay-1', timestamp, nonce, method, path, content].join('\n');
  return createHmac('sha256', Buffer.from(key, 'utf8')).update(message, 'utf8').digest();
}

// HMAC signatures of requests: reading the headers, computing and verifying. Pure: no clock, no storage, no environment.

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** How far the clocks of caller and app may differ. */
export const MAX_CLOCK_SKEW_S = 300;

export const MIN_KEY_CHARACTERS = 32;

const NAMES = { timestamp: 'x-relay-timestamp', nonce: 'x-relay-nonce', signature: 'x-relay-signature' };
const PATTERNS = { timestamp: /^\d{1,12}$/, nonce: /^[0-9a-f]{32}$/i, signature: /^v1=[0-9a-f]{64}$/i };

/**
 * Read the three signature headers. Each must be present exactly once and well-formed.
 *
 * @param {Record<string, string[]> | undefined} headers as a web trigger gets them: a list of values by name, in any case
 * @returns {{signatureHeaders?: {timestamp: string, nonce: string, signature: string}, invalidHeader?: string}} the values, or the
 *   name of the first invalid header
 */
export function readSignatureHeaders(headers) {
  const signatureHeaders = {};
  for (const [part, name] of Object.entries(NAMES)) {
    const values = Object.entries(headers ?? {}).flatMap(([given, list]) => (given.toLowerCase() === name ? list : []));
    if (values.length !== 1 || !PATTERNS[part].test(values[0])) return { invalidHeader: name };
    signatureHeaders[part] = values[0];
  }
  return { signatureHeaders };
}

/**
 * The valid keys, or what is wrong with them. One key that is too short makes all keys invalid, so that the operator notices a
 * weak key before an attacker guesses it.
 *
 * @param {Record<string, string | undefined>} named the keys by their variables; an empty one is not set
 * @returns {{keys?: string[], keyError?: string}} the error names a variable, never a value
 */
export function validKeys(named) {
  const set = Object.entries(named).filter(([, key]) => key);
  const short = set.find(([, key]) => [...key].length < MIN_KEY_CHARACTERS);
  if (short) return { keyError: `${short[0]} has fewer than ${MIN_KEY_CHARACTERS} characters` };
  if (set.length === 0) return { keyError: `none of ${Object.keys(named).join(' and ')} is set` };
  return { keys: set.map(([, key]) => key) };
}

/** Whole seconds by which the caller's clock is ahead of `now` (negative: behind). */
export const clockSkewSeconds = ({ timestamp }, now) => Number(timestamp) - Math.floor(now);

/** The signature of a request under a key: `v1=` and 64 hexadecimal digits. */
export const sign = (key, request) => `v1=${digest(key, request).toString('hex')}`;

/** Whether the signature is valid under one of the keys. Every key is tried, and each comparison takes constant time. */
export function verifySignature(keys, signatureHeaders, operation) {
  const given = Buffer.from(signatureHeaders.signature.slice('v1='.length), 'hex');
  const matches = keys.map((key) => timingSafeEqual(digest(key, { ...signatureHeaders, ...operation }), given));
  return matches.includes(true);
}

function digest(key, { timestamp, nonce, method, path, body }) {
  const content = createHash('sha256')
    .update(body ?? '', 'utf8')
    .digest('hex');
  const message = ['forge-relay-1', timestamp, nonce, method, path, content].join('\n');
  return createHmac('sha256', Buffer.from(key, 'utf8')).update(message, 'utf8').digest();
}

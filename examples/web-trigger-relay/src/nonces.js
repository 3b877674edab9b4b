// Replay protection: which nonces have been used. They are kept in the app's storage, which is separate for each installation.

import { createHash } from 'node:crypto';

import { MAX_CLOCK_SKEW_S } from './signature.js';

/** How long a nonce is kept. A request from a clock that is ahead by the allowed skew stays valid for twice that skew. */
export const NONCE_TTL_S = 2 * MAX_CLOCK_SKEW_S + 60;

/**
 * Record a nonce, unless it is recorded already. This is one conditional write, not a read followed by a write: of two concurrent
 * requests with the same nonce one wins, if the storage implements FAIL_IF_EXISTS as documented.
 *
 * @param {{set: Function}} kvs Forge's key-value store, or a fake
 * @param {string} nonce
 * @returns {Promise<boolean>} whether the nonce is new
 * @throws the storage's own error. It is then unknown whether the nonce is new, and the request must not be relayed
 */
export async function recordNonce(kvs, nonce) {
  const key = `relay-nonce:${createHash('sha256').update(nonce.toLowerCase()).digest('hex')}`;
  try {
    await kvs.set(key, 1, { keyPolicy: 'FAIL_IF_EXISTS', ttl: { unit: 'SECONDS', value: NONCE_TTL_S } });
    return true;
  } catch (error) {
    if (error?.code === 'KEY_CONFLICT') return false;
    throw error;
  }
}

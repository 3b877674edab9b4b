// Which nonces have been used, in the app's storage, which each installation has its own of.

import { createHash } from 'node:crypto';

import { WINDOW } from './signature.js';

/** Seconds to remember a nonce: a request from a clock that is ahead by the window is valid for twice that time. */
export const MEMORY = 2 * WINDOW + 60;

/**
 * Remember a nonce, unless it is there already. One write with a condition, not a read and a write: of two requests that come at
 * the same time one wins, if the storage keeps to what it says of FAIL_IF_EXISTS.
 *
 * @param {{set: Function}} kvs Forge's key-value store, or a stand-in
 * @param {string} nonce
 * @returns {Promise<boolean>} whether it is new
 * @throws whatever the storage throws when it fails: then nobody knows, and the request must not be relayed
 */
export async function remember(kvs, nonce) {
  const key = `relay-nonce:${createHash('sha256').update(nonce.toLowerCase()).digest('hex')}`;
  try {
    await kvs.set(key, 1, { keyPolicy: 'FAIL_IF_EXISTS', ttl: { unit: 'SECONDS', value: MEMORY } });
    return true;
  } catch (error) {
    if (error?.code === 'KEY_CONFLICT') return false;
    throw error;
  }
}

// What the relay has around it in Forge, in memory: for the tests and for serve.js.

import { remember } from '../src/nonces.js';
import { sign } from '../src/signature.js';

export const KEY = 'the key of the tests, 32 characters and more';
export const NOW = 1_800_000_000;

/** Forge's key-value store, as far as the relay uses it. */
export class Storage {
  #expiry = new Map();
  #now;

  constructor(now) {
    this.#now = now;
  }

  async set(key, _value, { keyPolicy, ttl }) {
    if (keyPolicy !== 'FAIL_IF_EXISTS' || ttl.unit !== 'SECONDS') throw new Error('the stand-in knows no other options');
    if (this.#expiry.get(key) > this.#now()) throw Object.assign(new Error('key exists'), { code: 'KEY_CONFLICT' });
    this.#expiry.set(key, this.#now() + ttl.value);
  }
}

/** A world with a clock that stands still; `calls` are those that reached the API. */
export function world(overrides = {}) {
  const calls = [];
  const storage = new Storage(() => NOW);
  return {
    calls,
    keys: { RELAY_KEY: KEY, RELAY_KEY_NEXT: undefined },
    now: () => NOW,
    remember: (nonce) => remember(storage, nonce),
    relay: async (path, init) => {
      calls.push({ path, ...init });
      return new Response('{"key":"a"}', { headers: { 'content-type': 'application/json' } });
    },
    installation: () => 'an-installation',
    ...overrides,
  };
}

let nonces = 0;

/** A signed web-trigger request. What is in `sent` replaces the envelope's own after it was signed. */
export function signed(operation, { key = KEY, timestamp = NOW, nonce, sent = {} } = {}) {
  const request = { method: 'GET', path: '/forge/installation/v1/dynamic/module/a', body: null, ...operation };
  const seal = { timestamp: String(timestamp), nonce: nonce ?? (nonces += 1).toString(16).padStart(32, '0') };
  return {
    method: 'POST',
    headers: {
      'Content-Type': ['application/json'],
      'X-Relay-Timestamp': [seal.timestamp],
      'X-Relay-Nonce': [seal.nonce],
      'X-Relay-Signature': [sign(key, { ...seal, ...request })],
    },
    body: JSON.stringify({ ...request, ...sent }),
  };
}

// An in-memory fake of what Forge provides to the relay, and signed requests. The tests and serve.js use it.

import { recordNonce } from '../src/nonces.js';
import { sign } from '../src/signature.js';

export const KEY = 'the key of the tests, 32 characters and more';
export const NOW = 1_800_000_000;

/** A fake of the part of Forge's key-value store that the relay uses. */
export class FakeStorage {
  #expiry = new Map();
  #now;

  constructor(now) {
    this.#now = now;
  }

  async set(key, _value, { keyPolicy, ttl }) {
    if (keyPolicy !== 'FAIL_IF_EXISTS' || ttl.unit !== 'SECONDS') throw new Error('the fake storage supports no other options');
    if (this.#expiry.get(key) > this.#now()) throw Object.assign(new Error('key exists'), { code: 'KEY_CONFLICT' });
    this.#expiry.set(key, this.#now() + ttl.value);
  }
}

/** Dependencies with a fixed clock; `calls` are the calls that reached the API. */
export function fakeDependencies(overrides = {}) {
  const calls = [];
  const storage = new FakeStorage(() => NOW);
  return {
    calls,
    keys: { RELAY_KEY: KEY, RELAY_KEY_NEXT: undefined },
    now: () => NOW,
    recordNonce: (nonce) => recordNonce(storage, nonce),
    requestApi: async (path, init) => {
      calls.push({ path, ...init });
      return new Response('{"key":"a"}', { headers: { 'content-type': 'application/json' } });
    },
    installation: () => 'an-installation',
    ...overrides,
  };
}

let nonces = 0;

/** A signed web-trigger request. Fields in `sent` replace those of the envelope after signing. */
export function signedRequest(operation, { key = KEY, timestamp = NOW, nonce, sent = {} } = {}) {
  const request = { method: 'GET', path: '/forge/installation/v1/dynamic/module/a', body: null, ...operation };
  const signatureHeaders = { timestamp: String(timestamp), nonce: nonce ?? (nonces += 1).toString(16).padStart(32, '0') };
  return {
    method: 'POST',
    headers: {
      'Content-Type': ['application/json'],
      'X-Relay-Timestamp': [signatureHeaders.timestamp],
      'X-Relay-Nonce': [signatureHeaders.nonce],
      'X-Relay-Signature': [sign(key, { ...signatureHeaders, ...request })],
    },
    body: JSON.stringify({ ...request, ...sent }),
  };
}

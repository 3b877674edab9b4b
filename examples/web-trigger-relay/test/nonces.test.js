import assert from 'node:assert/strict';
import { test } from 'node:test';

import { MEMORY, remember } from '../src/nonces.js';
import { WINDOW } from '../src/signature.js';
import { Storage } from '../standin/world.js';

const NONCE = 'ab'.repeat(16);

test('one conditional write, under a hash, for longer than the request is valid', async () => {
  const writes = [];
  assert.equal(await remember({ set: async (...write) => writes.push(write) }, NONCE), true);
  const [[key, , options]] = writes;
  assert.equal(writes.length, 1);
  assert.match(key, /^relay-nonce:[0-9a-f]{64}$/);
  assert.ok(!key.includes(NONCE));
  assert.deepEqual(options, { keyPolicy: 'FAIL_IF_EXISTS', ttl: { unit: 'SECONDS', value: MEMORY } });
  assert.ok(MEMORY > 2 * WINDOW);
});

test('a second use is noticed, in any case of the digits, and of many at the same time one wins', async () => {
  const storage = new Storage(() => 0);
  const results = await Promise.all(Array.from({ length: 12 }, () => remember(storage, NONCE)));
  assert.deepEqual(results.filter(Boolean), [true]);
  assert.equal(await remember(storage, NONCE.toUpperCase()), false);
  assert.equal(await remember(storage, 'cd'.repeat(16)), true);
});

test('a storage that fails is not taken for a nonce that is new, nor for one that is known', async () => {
  for (const error of [new Error('no'), Object.assign(new Error('no'), { code: 'RATE_LIMIT_EXCEEDED' }), undefined]) {
    await assert.rejects(remember({ set: () => Promise.reject(error) }, NONCE), (thrown) => thrown === error);
  }
});

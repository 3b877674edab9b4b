import assert from 'node:assert/strict';
import { test } from 'node:test';

import { NONCE_TTL_S, recordNonce } from '../src/nonces.js';
import { MAX_CLOCK_SKEW_S } from '../src/signature.js';
import { FakeStorage } from '../test_server/fake_forge.js';

const NONCE = 'ab'.repeat(16);

test('a nonce is one conditional write under its hash and outlives the validity of the request', async () => {
  const writes = [];
  assert.equal(await recordNonce({ set: async (...write) => writes.push(write) }, NONCE), true);
  const [[key, , options]] = writes;
  assert.equal(writes.length, 1);
  assert.match(key, /^relay-nonce:[0-9a-f]{64}$/);
  assert.ok(!key.includes(NONCE));
  assert.deepEqual(options, { keyPolicy: 'FAIL_IF_EXISTS', ttl: { unit: 'SECONDS', value: NONCE_TTL_S } });
  assert.ok(NONCE_TTL_S > 2 * MAX_CLOCK_SKEW_S);
});

test('a second use is detected in any letter case, and of concurrent uses exactly one wins', async () => {
  const storage = new FakeStorage(() => 0);
  const results = await Promise.all(Array.from({ length: 12 }, () => recordNonce(storage, NONCE)));
  assert.deepEqual(results.filter(Boolean), [true]);
  assert.equal(await recordNonce(storage, NONCE.toUpperCase()), false);
  assert.equal(await recordNonce(storage, 'cd'.repeat(16)), true);
});

test('a storage failure counts neither as a new nonce nor as a used one', async () => {
  for (const error of [new Error('no'), Object.assign(new Error('no'), { code: 'RATE_LIMIT_EXCEEDED' }), undefined]) {
    await assert.rejects(recordNonce({ set: () => Promise.reject(error) }, NONCE), (thrown) => thrown === error);
  }
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { clockSkewSeconds, readSignatureHeaders, sign, validKeys, verifySignature } from '../src/signature.js';

const VECTORS = JSON.parse(readFileSync(new URL('vectors.json', import.meta.url), 'utf8'));
const KEY = 'k'.repeat(32);
const HEADERS = {
  'x-relay-timestamp': ['1800000000'],
  'x-relay-nonce': ['0'.repeat(32)],
  'x-relay-signature': [`v1=${'0'.repeat(64)}`],
};

for (const { name, key, signature, ...request } of VECTORS) {
  test(`the signature of the shared vector is valid: ${name}`, () => {
    assert.equal(sign(key, request), signature);
    const { timestamp, nonce, ...operation } = request;
    const signatureHeaders = { timestamp, nonce, signature };
    assert.ok(verifySignature([key], signatureHeaders, operation));
    assert.ok(verifySignature([KEY, key], signatureHeaders, operation));
    assert.ok(!verifySignature([KEY], signatureHeaders, operation));
  });
}

test('a change of any signed part changes the signature', () => {
  const { key, signature, name, ...request } = VECTORS[2];
  const changes = [...Object.keys(request).map((part) => ({ [part]: `${request[part]}0` })), { body: null }];
  for (const change of changes) assert.notEqual(sign(key, { ...request, ...change }), signature, JSON.stringify(change));
});

test('header names are case-insensitive', () => {
  const upperCase = Object.fromEntries(Object.entries(HEADERS).map(([name, values]) => [name.toUpperCase(), values]));
  assert.deepEqual(readSignatureHeaders(upperCase), readSignatureHeaders(HEADERS));
  assert.deepEqual(readSignatureHeaders(HEADERS).signatureHeaders.timestamp, '1800000000');
});

const MALFORMED = {
  'x-relay-timestamp': ['', '-1', '1.5', '1e9', ' 1', '1\n', '0x10', '1'.repeat(13), '١٢٣'],
  'x-relay-nonce': ['', '0'.repeat(31), '0'.repeat(33), `${'0'.repeat(31)}g`, `${'0'.repeat(32)}\n`],
  'x-relay-signature': [
    '',
    'v1=',
    '0'.repeat(64),
    `v2=${'0'.repeat(64)}`,
    `v1=${'0'.repeat(63)}`,
    `v1=${'0'.repeat(65)}`,
    `v1=${'é'.repeat(64)}`,
  ],
};
for (const [name, texts] of Object.entries(MALFORMED)) {
  test(`a malformed, missing or repeated ${name} is named`, () => {
    const assertInvalid = (change) =>
      assert.deepEqual(readSignatureHeaders({ ...HEADERS, ...change }), { invalidHeader: name }, JSON.stringify(change));
    for (const text of texts) assertInvalid({ [name]: [text] });
    assertInvalid({ [name]: [] });
    assertInvalid({ [name]: undefined });
    assertInvalid({ [name]: [...HEADERS[name], ...HEADERS[name]] });
    assertInvalid({ [name.toUpperCase()]: HEADERS[name] });
  });
}

test('no headers at all', () => {
  assert.deepEqual(readSignatureHeaders(undefined), { invalidHeader: 'x-relay-timestamp' });
});

test('key length is counted in characters, and an empty variable is not set', () => {
  assert.deepEqual(validKeys({ A: KEY, B: '' }), { keys: [KEY] });
  assert.deepEqual(validKeys({ A: undefined, B: KEY }), { keys: [KEY] });
  assert.deepEqual(validKeys({ A: KEY, B: '𝄞'.repeat(32) }), { keys: [KEY, '𝄞'.repeat(32)] });
  assert.deepEqual(validKeys({ A: KEY, B: '𝄞'.repeat(31) }), { keyError: 'B has fewer than 32 characters' });
  assert.deepEqual(validKeys({ A: 'k'.repeat(31) }), { keyError: 'A has fewer than 32 characters' });
  assert.deepEqual(validKeys({ A: '', B: undefined }), { keyError: 'none of A and B is set' });
});

test('the clocks are compared in whole seconds', () => {
  assert.equal(clockSkewSeconds({ timestamp: '1000' }, 1300.9), -300);
  assert.equal(clockSkewSeconds({ timestamp: '1300' }, 1000.9), 300);
});

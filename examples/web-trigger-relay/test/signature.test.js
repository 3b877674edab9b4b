import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { isSigned, sealOf, sign, skew, usableKeys } from '../src/signature.js';

const VECTORS = JSON.parse(readFileSync(new URL('vectors.json', import.meta.url), 'utf8'));
const KEY = 'k'.repeat(32);
const HEADERS = {
  'x-relay-timestamp': ['1800000000'],
  'x-relay-nonce': ['0'.repeat(32)],
  'x-relay-signature': [`v1=${'0'.repeat(64)}`],
};

for (const { name, key, signature, ...request } of VECTORS) {
  test(`the shared vector holds: ${name}`, () => {
    assert.equal(sign(key, request), signature);
    const { timestamp, nonce, ...operation } = request;
    assert.ok(isSigned([key], { seal: { timestamp, nonce, signature }, ...operation }));
    assert.ok(isSigned([KEY, key], { seal: { timestamp, nonce, signature }, ...operation }));
    assert.ok(!isSigned([KEY], { seal: { timestamp, nonce, signature }, ...operation }));
  });
}

test('no part of what is signed can be changed', () => {
  const { key, signature, name, ...request } = VECTORS[2];
  const changes = [...Object.keys(request).map((part) => ({ [part]: `${request[part]}0` })), { body: null }];
  for (const change of changes) assert.notEqual(sign(key, { ...request, ...change }), signature, JSON.stringify(change));
});

test('header names are read in any case', () => {
  const shouted = Object.fromEntries(Object.entries(HEADERS).map(([name, values]) => [name.toUpperCase(), values]));
  assert.deepEqual(sealOf(shouted), sealOf(HEADERS));
  assert.deepEqual(sealOf(HEADERS).seal.timestamp, '1800000000');
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
  test(`a malformed, missing or doubled ${name} is named`, () => {
    for (const text of texts) assert.deepEqual(sealOf({ ...HEADERS, [name]: [text] }), { faulty: name }, JSON.stringify(text));
    assert.deepEqual(sealOf({ ...HEADERS, [name]: [] }), { faulty: name });
    assert.deepEqual(sealOf({ ...HEADERS, [name]: undefined }), { faulty: name });
    assert.deepEqual(sealOf({ ...HEADERS, [name]: [...HEADERS[name], ...HEADERS[name]] }), { faulty: name });
    assert.deepEqual(sealOf({ ...HEADERS, [name.toUpperCase()]: HEADERS[name] }), { faulty: name });
  });
}

test('no headers at all', () => {
  assert.deepEqual(sealOf(undefined), { faulty: 'x-relay-timestamp' });
});

test('a key counts in characters, and an empty variable is not set', () => {
  assert.deepEqual(usableKeys({ A: KEY, B: '' }), { keys: [KEY] });
  assert.deepEqual(usableKeys({ A: undefined, B: KEY }), { keys: [KEY] });
  assert.deepEqual(usableKeys({ A: KEY, B: '𝄞'.repeat(32) }), { keys: [KEY, '𝄞'.repeat(32)] });
  assert.deepEqual(usableKeys({ A: KEY, B: '𝄞'.repeat(31) }), { fault: 'B has fewer than 32 characters' });
  assert.deepEqual(usableKeys({ A: 'k'.repeat(31) }), { fault: 'A has fewer than 32 characters' });
  assert.deepEqual(usableKeys({ A: '', B: undefined }), { fault: 'none of A and B is set' });
});

test('the clocks are compared in whole seconds', () => {
  assert.equal(skew({ timestamp: '1000' }, 1300.9), -300);
  assert.equal(skew({ timestamp: '1300' }, 1000.9), 300);
});

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { afterEach, beforeEach, mock, test } from 'node:test';

import { MAX_BYTES, handle } from '../src/relay.js';
import { KEY, NOW, fakeDependencies, signedRequest } from '../test_server/fake_forge.js';

const COLLECTION = '/forge/installation/v1/dynamic/module';
const NEXT = 'the next key, which has 32 characters or more';
const JSON_BODY = { 'content-type': ['application/json'], 'x-relay': ['refused'] };

// No test may log.
const CONSOLE_METHODS = ['debug', 'error', 'info', 'log', 'trace', 'warn'];
beforeEach(() => CONSOLE_METHODS.forEach((name) => mock.method(console, name, () => {})));
afterEach(() => {
  const logged = CONSOLE_METHODS.flatMap((name) => console[name].mock.calls);
  mock.restoreAll();
  assert.deepEqual(logged, []);
});

test('nothing in src/ can log', () => {
  const folder = new URL('../src/', import.meta.url);
  for (const name of readdirSync(folder)) {
    assert.doesNotMatch(
      readFileSync(new URL(name, folder), 'utf8'),
      /console|process\.(?!env\.RELAY_KEY)|node:(?!crypto)/,
      name,
    );
  }
});

async function assertRefused(request, status, code, dependencies = fakeDependencies()) {
  const { statusCode, headers, body } = await handle(request, dependencies);
  const payload = JSON.parse(body);
  assert.deepEqual({ statusCode, headers, code: payload.code }, { statusCode: status, headers: JSON_BODY, code });
  assert.deepEqual(Object.keys(payload), ['code', 'message']);
  assert.ok(!body.includes(KEY));
  assert.deepEqual(dependencies.calls, []);
  return payload.message;
}

const without = (request, name) => ({
  ...request,
  headers: Object.fromEntries(Object.entries(request.headers).filter(([given]) => given.toLowerCase() !== name)),
});

for (const name of ['x-relay-timestamp', 'x-relay-nonce', 'x-relay-signature']) {
  test(`a request without ${name} is refused`, async () => {
    const message = await assertRefused(without(signedRequest(), name), 401, 'RELAY_SIGNATURE');
    assert.match(message, new RegExp(name));
  });
}

test('a request without a body or headers is refused', async () => {
  await assertRefused({ method: 'GET', headers: {} }, 401, 'RELAY_SIGNATURE');
  await assertRefused({ method: 'POST', body: signedRequest().body }, 401, 'RELAY_SIGNATURE');
});

test('a signature under a wrong key is refused', () =>
  assertRefused(signedRequest({}, { key: NEXT }), 401, 'RELAY_SIGNATURE'));

const CHANGES = {
  body: { method: 'PUT', path: `${COLLECTION}/a`, body: '{"data":{}}', sent: { body: '{"data":{"a":1}}' } },
  path: { method: 'DELETE', path: `${COLLECTION}/a`, sent: { path: `${COLLECTION}/b` } },
  version: { method: 'DELETE', path: `${COLLECTION}/a`, sent: { path: `${COLLECTION.replace('v1', 'v2')}/a` } },
  method: { method: 'GET', path: `${COLLECTION}/a`, sent: { method: 'DELETE' } },
  query: { method: 'GET', path: `${COLLECTION}/?limit=1`, sent: { path: `${COLLECTION}/?limit=2` } },
};
for (const [part, { sent, ...operation }] of Object.entries(CHANGES)) {
  test(`a request whose ${part} was changed in transit is refused`, () =>
    assertRefused(signedRequest(operation, { sent }), 401, 'RELAY_SIGNATURE'));
}
test('a request whose nonce or timestamp was changed in transit is refused', async () => {
  const request = signedRequest();
  for (const [name, value] of [
    ['X-Relay-Nonce', 'f'.repeat(32)],
    ['X-Relay-Timestamp', String(NOW + 1)],
  ]) {
    await assertRefused({ ...request, headers: { ...request.headers, [name]: [value] } }, 401, 'RELAY_SIGNATURE');
  }
});

test('a timestamp more than five minutes off is refused, and the message tells by how much', async () => {
  const messageAt = (timestamp) => assertRefused(signedRequest({}, { timestamp }), 401, 'RELAY_TIMESTAMP');
  assert.match(await messageAt(NOW - 301), /301 s behind the app/);
  assert.match(await messageAt(NOW + 301), /301 s ahead of the app/);
  for (const timestamp of [NOW - 300, NOW + 300])
    assert.equal((await handle(signedRequest({}, { timestamp }), fakeDependencies())).statusCode, 200);
});

test('a replayed request is refused, also another operation with the same nonce', async () => {
  const dependencies = fakeDependencies();
  const request = signedRequest({}, { nonce: 'a'.repeat(32) });
  assert.equal((await handle(request, dependencies)).statusCode, 200);
  assert.equal(dependencies.calls.splice(0).length, 1);
  await assertRefused(request, 401, 'RELAY_NONCE', dependencies);
  await assertRefused(signedRequest({ method: 'DELETE' }, { nonce: 'A'.repeat(32) }), 401, 'RELAY_NONCE', dependencies);
});

test('of two concurrent requests with the same nonce one is relayed', async () => {
  const dependencies = fakeDependencies();
  const request = signedRequest({ method: 'POST', path: COLLECTION, body: '{}' });
  const responses = await Promise.all([handle(request, dependencies), handle(request, dependencies)]);
  assert.deepEqual(responses.map(({ statusCode }) => statusCode).sort(), [200, 401]);
  assert.equal(dependencies.calls.length, 1);
});

test('a request that is refused for another reason uses up no nonce', async () => {
  const recorded = [];
  const dependencies = fakeDependencies({ recordNonce: async (nonce) => recorded.push(nonce) });
  await assertRefused(signedRequest({}, { key: NEXT }), 401, 'RELAY_SIGNATURE', dependencies);
  await assertRefused(signedRequest({ path: '/graphql' }), 403, 'RELAY_OPERATION', dependencies);
  assert.deepEqual(recorded, []);
});

const FORBIDDEN = [
  ['a sixth operation', { method: 'PATCH', path: `${COLLECTION}/a`, body: '{}' }],
  ['all at once', { method: 'DELETE', path: COLLECTION }],
  ['another API', { path: '/rest/api/3/myself' }],
  ['a path traversal', { path: `${COLLECTION}/..` }],
  ['an encoded path traversal', { path: `${COLLECTION}/%2e%2E%2f..%2Fapp` }],
  ['a path traversal, encoded twice', { path: `${COLLECTION}/%252e%252e` }],
  ['another host', { path: 'https://elsewhere.example/forge/installation/v1/dynamic/module/a' }],
  ['another host without a scheme', { path: '//elsewhere.example/forge/installation/v1/dynamic/module/a' }],
  ['another host as a user name', { path: `@elsewhere.example${COLLECTION}/a` }],
  ['a GET with a body', { path: `${COLLECTION}/a`, body: '{}' }],
  ['a GET with an empty body', { path: `${COLLECTION}/a`, body: '' }],
  ['a DELETE with a body', { method: 'DELETE', path: `${COLLECTION}/a`, body: '{}' }],
  ['a method that reaches into the path', { method: `GET\n${COLLECTION}`, path: '/a' }],
];
for (const [name, operation] of FORBIDDEN) {
  test(`${name} is refused although it is signed`, () =>
    assertRefused(signedRequest(operation), 403, 'RELAY_OPERATION'));
}

const NOT_ENVELOPES = [
  undefined,
  '',
  'null',
  '[]',
  '7',
  '"a"',
  '{',
  '{}',
  '{"method":"GET","path":"/a"}',
  '{"method":1,"path":"/a","body":null}',
  '{"method":"GET","path":null,"body":null}',
  '{"method":"GET","path":"/a","body":{}}',
  '{"method":"GET","path":"/a","body":null,"host":"b"}',
  '{"method":"PUT","path":"/a","body":"\\ud834"}',
];
for (const body of NOT_ENVELOPES) {
  test(`not an envelope: ${body}`, () => assertRefused({ ...signedRequest(), body }, 400, 'RELAY_ENVELOPE'));
}
test('an envelope with another method than POST is refused', async () => {
  for (const method of ['GET', 'PUT', 'DELETE', 'post']) {
    await assertRefused({ ...signedRequest(), method }, 400, 'RELAY_ENVELOPE');
  }
});

// Two bytes of UTF-8 each.
const umlauts = (bytes) => 'ü'.repeat(bytes / 2);
test('size limits count bytes', async () => {
  const put = { method: 'PUT', path: `${COLLECTION}/a` };
  const body = umlauts(MAX_BYTES.body);
  assert.match(
    await assertRefused(signedRequest({ ...put, body: `${body}a` }), 413, 'RELAY_TOO_LARGE'),
    /the body has more than 307200 bytes/,
  );
  assert.equal((await handle(signedRequest({ ...put, body }), fakeDependencies())).statusCode, 200);

  const key = 'a'.repeat(MAX_BYTES.path - COLLECTION.length - 1);
  assert.match(
    await assertRefused(signedRequest({ path: `${COLLECTION}/${key}a` }), 413, 'RELAY_TOO_LARGE'),
    /the path has more than 32768 bytes/,
  );
  assert.equal((await handle(signedRequest({ path: `${COLLECTION}/${key}` }), fakeDependencies())).statusCode, 200);

  const { body: envelope, ...request } = signedRequest();
  const padding = MAX_BYTES.envelope - envelope.length;
  const tooMuch = { ...request, body: `${envelope}${' '.repeat(padding + 1)}` };
  assert.match(await assertRefused(tooMuch, 413, 'RELAY_TOO_LARGE'), /the envelope has more than 716800 bytes/);
  assert.equal((await handle({ ...request, body: `${envelope}${' '.repeat(padding)}` }, fakeDependencies())).statusCode, 200);
});

test('during a rotation both keys are valid, and no other key', async () => {
  const keys = { RELAY_KEY: KEY, RELAY_KEY_NEXT: NEXT };
  for (const key of [KEY, NEXT]) {
    assert.equal((await handle(signedRequest({}, { key }), fakeDependencies({ keys }))).statusCode, 200);
  }
  await assertRefused(signedRequest({}, { key: 'x'.repeat(40) }), 401, 'RELAY_SIGNATURE', fakeDependencies({ keys }));
  await assertRefused(signedRequest(), 401, 'RELAY_SIGNATURE', fakeDependencies({ keys: { RELAY_KEY: NEXT } }));
});

const INVALID_KEYS = [
  [{ RELAY_KEY: undefined, RELAY_KEY_NEXT: undefined }, /none of RELAY_KEY and RELAY_KEY_NEXT is set/],
  [{ RELAY_KEY: '', RELAY_KEY_NEXT: '' }, /none of RELAY_KEY and RELAY_KEY_NEXT is set/],
  [{ RELAY_KEY: 'x'.repeat(31), RELAY_KEY_NEXT: undefined }, /^RELAY_KEY has fewer than 32/],
  [{ RELAY_KEY: KEY, RELAY_KEY_NEXT: 'x'.repeat(31) }, /^RELAY_KEY_NEXT has fewer than 32/],
];
for (const [keys, text] of INVALID_KEYS) {
  test(`with ${JSON.stringify(keys).slice(0, 60)} every request is refused`, async () => {
    for (const key of [KEY, keys.RELAY_KEY, keys.RELAY_KEY_NEXT, '', 'undefined']) {
      const request = signedRequest({}, { key: key ?? '' });
      assert.match(await assertRefused(request, 401, 'RELAY_KEY', fakeDependencies({ keys })), text);
    }
  });
}

test('a storage failure relays nothing and asks for a retry', async () => {
  const dependencies = fakeDependencies({ recordNonce: () => Promise.reject(new Error('storage failed')) });
  const { statusCode, headers, body } = await handle(signedRequest(), dependencies);
  assert.equal(statusCode, 503);
  assert.deepEqual(headers, { ...JSON_BODY, 'retry-after': ['2'] });
  assert.equal(JSON.parse(body).code, 'RELAY_STORAGE');
  assert.deepEqual(dependencies.calls, []);
});

test('the relayed request is the signed one, as JSON, and follows no redirect', async () => {
  const dependencies = fakeDependencies();
  const body = '{"data":{"title":"Größe"}}';
  await handle(signedRequest({ method: 'PUT', path: `${COLLECTION}/a%2Fb`, body }), dependencies);
  await handle(signedRequest({ path: `${COLLECTION}/?limit=100` }), dependencies);
  const [put, list] = dependencies.calls.map(({ signal, ...call }) => ({ ...call, hasDeadline: signal instanceof AbortSignal }));
  const json = 'application/json';
  const always = { redirect: 'manual', hasDeadline: true };
  assert.deepEqual(put, {
    path: `${COLLECTION}/a%2Fb`,
    method: 'PUT',
    headers: { accept: json, 'content-type': json },
    body,
    ...always,
  });
  assert.deepEqual(list, { path: `${COLLECTION}/?limit=100`, method: 'GET', headers: { accept: json }, ...always });
});

const RESPONSES = [
  [201, { 'content-type': 'application/json; charset=utf-8' }, '{"key":"ü"}'],
  [204, {}, null],
  [302, { location: 'https://elsewhere.example/' }, null],
  [401, { 'content-type': 'application/json' }, '{"message":"Authorization failed"}'],
  [404, { 'content-type': 'text/html' }, '<p>no JSON'],
  [429, { 'content-type': 'application/json', 'retry-after': '17' }, '{"message":"slower"}'],
  [500, { 'content-type': 'application/json', 'set-cookie': 'a=b', 'x-relay': 'refused' }, '{}'],
];
for (const [status, sent, text] of RESPONSES) {
  test(`the API's ${status} is returned unchanged, with only its allowed headers`, async () => {
    const { statusCode, headers, body } = await handle(
      signedRequest(),
      fakeDependencies({ requestApi: async () => new Response(text, { status, headers: sent }) }),
    );
    assert.equal(statusCode, status);
    assert.equal(body, text ?? '');
    const kept = Object.entries(sent).filter(([name]) => ['content-type', 'retry-after'].includes(name));
    assert.deepEqual(headers, {
      ...Object.fromEntries(kept.map(([name, value]) => [name, [value]])),
      'x-relay': ['relayed'],
      'x-relay-installation': ['an-installation'],
    });
  });
}

test('without an installation in the context the header is absent', async () => {
  const { headers } = await handle(signedRequest(), fakeDependencies({ installation: () => undefined }));
  assert.ok(!('x-relay-installation' in headers));
});

const FAILURES = {
  'no connection': () => Promise.reject(new TypeError(`fetch failed: ${KEY}`)),
  'no response in time': () => Promise.reject(new DOMException('timeout', 'TimeoutError')),
  'an error at once': () => {
    throw new Error('not a promise');
  },
  'a response that is interrupted': async () =>
    new Response(new ReadableStream({ start: (stream) => stream.error(new Error('cut')) })),
};
for (const [name, requestApi] of Object.entries(FAILURES)) {
  test(`a failed call differs from a refusal: ${name}`, async () => {
    const { statusCode, headers, body } = await handle(signedRequest(), fakeDependencies({ requestApi }));
    assert.equal(statusCode, 502);
    assert.deepEqual(headers, { ...JSON_BODY, 'x-relay': ['failed'] });
    assert.equal(JSON.parse(body).code, 'RELAY_FAILED');
    assert.ok(!body.includes(KEY));
  });
}

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { afterEach, beforeEach, mock, test } from 'node:test';

import { LIMITS, handle } from '../src/relay.js';
import { KEY, NOW, signed, world } from '../standin/world.js';

const COLLECTION = '/forge/installation/v1/dynamic/module';
const NEXT = 'the next key, which has 32 characters or more';
const JSON_BODY = { 'content-type': ['application/json'], 'x-relay': ['refused'] };

// Whatever a test does, nothing is logged.
const SAYING = ['debug', 'error', 'info', 'log', 'trace', 'warn'];
beforeEach(() => SAYING.forEach((name) => mock.method(console, name, () => {})));
afterEach(() => {
  const said = SAYING.flatMap((name) => console[name].mock.calls);
  mock.restoreAll();
  assert.deepEqual(said, []);
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

async function isRefused(request, status, code, place = world()) {
  const { statusCode, headers, body } = await handle(request, place);
  const said = JSON.parse(body);
  assert.deepEqual({ statusCode, headers, code: said.code }, { statusCode: status, headers: JSON_BODY, code });
  assert.deepEqual(Object.keys(said), ['code', 'message']);
  assert.ok(!body.includes(KEY));
  assert.deepEqual(place.calls, []);
  return said.message;
}

const without = (request, name) => ({
  ...request,
  headers: Object.fromEntries(Object.entries(request.headers).filter(([given]) => given.toLowerCase() !== name)),
});

for (const name of ['x-relay-timestamp', 'x-relay-nonce', 'x-relay-signature']) {
  test(`without ${name}`, async () => {
    const message = await isRefused(without(signed(), name), 401, 'RELAY_SIGNATURE');
    assert.match(message, new RegExp(name));
  });
}

test('a stranger, who sends nothing or no headers', async () => {
  await isRefused({ method: 'GET', headers: {} }, 401, 'RELAY_SIGNATURE');
  await isRefused({ method: 'POST', body: signed().body }, 401, 'RELAY_SIGNATURE');
});

test('a wrong key', () => isRefused(signed({}, { key: NEXT }), 401, 'RELAY_SIGNATURE'));

const CHANGES = {
  body: { method: 'PUT', path: `${COLLECTION}/a`, body: '{"data":{}}', sent: { body: '{"data":{"a":1}}' } },
  path: { method: 'DELETE', path: `${COLLECTION}/a`, sent: { path: `${COLLECTION}/b` } },
  version: { method: 'DELETE', path: `${COLLECTION}/a`, sent: { path: `${COLLECTION.replace('v1', 'v2')}/a` } },
  method: { method: 'GET', path: `${COLLECTION}/a`, sent: { method: 'DELETE' } },
  query: { method: 'GET', path: `${COLLECTION}/?limit=1`, sent: { path: `${COLLECTION}/?limit=2` } },
};
for (const [part, { sent, ...operation }] of Object.entries(CHANGES)) {
  test(`the ${part} was changed on the way`, () => isRefused(signed(operation, { sent }), 401, 'RELAY_SIGNATURE'));
}
test('the nonce or the timestamp was changed on the way', async () => {
  const request = signed();
  for (const [name, value] of [
    ['X-Relay-Nonce', 'f'.repeat(32)],
    ['X-Relay-Timestamp', String(NOW + 1)],
  ]) {
    await isRefused({ ...request, headers: { ...request.headers, [name]: [value] } }, 401, 'RELAY_SIGNATURE');
  }
});

test('five minutes and a second old, or as much from the future: it says by how much', async () => {
  assert.match(await isRefused(signed({}, { timestamp: NOW - 301 }), 401, 'RELAY_TIMESTAMP'), /301 s behind the app/);
  assert.match(await isRefused(signed({}, { timestamp: NOW + 301 }), 401, 'RELAY_TIMESTAMP'), /301 s ahead of the app/);
  for (const timestamp of [NOW - 300, NOW + 300])
    assert.equal((await handle(signed({}, { timestamp }), world())).statusCode, 200);
});

test('the same request a second time, also for another operation under the same nonce', async () => {
  const place = world();
  const request = signed({}, { nonce: 'a'.repeat(32) });
  assert.equal((await handle(request, place)).statusCode, 200);
  assert.equal(place.calls.splice(0).length, 1);
  await isRefused(request, 401, 'RELAY_NONCE', place);
  await isRefused(signed({ method: 'DELETE' }, { nonce: 'A'.repeat(32) }), 401, 'RELAY_NONCE', place);
});

test('of the same request twice at the same time one is relayed', async () => {
  const place = world();
  const request = signed({ method: 'POST', path: COLLECTION, body: '{}' });
  const responses = await Promise.all([handle(request, place), handle(request, place)]);
  assert.deepEqual(responses.map(({ statusCode }) => statusCode).sort(), [200, 401]);
  assert.equal(place.calls.length, 1);
});

test('what is refused for another reason uses up no nonce', async () => {
  const asked = [];
  const place = world({ remember: async (nonce) => asked.push(nonce) });
  await isRefused(signed({}, { key: NEXT }), 401, 'RELAY_SIGNATURE', place);
  await isRefused(signed({ path: '/graphql' }), 403, 'RELAY_OPERATION', place);
  assert.deepEqual(asked, []);
});

const FORBIDDEN = [
  ['a sixth operation', { method: 'PATCH', path: `${COLLECTION}/a`, body: '{}' }],
  ['all at once', { method: 'DELETE', path: COLLECTION }],
  ['another API', { path: '/rest/api/3/myself' }],
  ['a way out', { path: `${COLLECTION}/..` }],
  ['an encoded way out', { path: `${COLLECTION}/%2e%2E%2f..%2Fapp` }],
  ['a way out, encoded twice', { path: `${COLLECTION}/%252e%252e` }],
  ['another host', { path: 'https://elsewhere.example/forge/installation/v1/dynamic/module/a' }],
  ['another host without a scheme', { path: '//elsewhere.example/forge/installation/v1/dynamic/module/a' }],
  ['another host as a user name', { path: `@elsewhere.example${COLLECTION}/a` }],
  ['a GET with a body', { path: `${COLLECTION}/a`, body: '{}' }],
  ['a GET with an empty body', { path: `${COLLECTION}/a`, body: '' }],
  ['a DELETE with a body', { method: 'DELETE', path: `${COLLECTION}/a`, body: '{}' }],
  ['a method that reaches into the path', { method: `GET\n${COLLECTION}`, path: '/a' }],
];
for (const [name, operation] of FORBIDDEN) {
  test(`${name}, though it is signed`, () => isRefused(signed(operation), 403, 'RELAY_OPERATION'));
}

const NO_ENVELOPES = [
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
for (const body of NO_ENVELOPES) {
  test(`no envelope: ${body}`, () => isRefused({ ...signed(), body }, 400, 'RELAY_ENVELOPE'));
}
test('an envelope that is not POSTed', async () => {
  for (const method of ['GET', 'PUT', 'DELETE', 'post']) await isRefused({ ...signed(), method }, 400, 'RELAY_ENVELOPE');
});

// Two bytes of UTF-8 each.
const umlauts = (bytes) => 'ü'.repeat(bytes / 2);
test('more than the limit, in bytes', async () => {
  const put = { method: 'PUT', path: `${COLLECTION}/a` };
  const body = umlauts(LIMITS.body);
  assert.match(
    await isRefused(signed({ ...put, body: `${body}a` }), 413, 'RELAY_TOO_LARGE'),
    /the body has more than 307200 bytes/,
  );
  assert.equal((await handle(signed({ ...put, body }), world())).statusCode, 200);

  const key = 'a'.repeat(LIMITS.path - COLLECTION.length - 1);
  assert.match(
    await isRefused(signed({ path: `${COLLECTION}/${key}a` }), 413, 'RELAY_TOO_LARGE'),
    /the path has more than 32768 bytes/,
  );
  assert.equal((await handle(signed({ path: `${COLLECTION}/${key}` }), world())).statusCode, 200);

  const { body: envelope, ...request } = signed();
  const padding = LIMITS.envelope - envelope.length;
  const tooMuch = { ...request, body: `${envelope}${' '.repeat(padding + 1)}` };
  assert.match(await isRefused(tooMuch, 413, 'RELAY_TOO_LARGE'), /the envelope has more than 716800 bytes/);
  assert.equal((await handle({ ...request, body: `${envelope}${' '.repeat(padding)}` }, world())).statusCode, 200);
});

test('during a rotation both keys are valid, and nothing else is', async () => {
  const keys = { RELAY_KEY: KEY, RELAY_KEY_NEXT: NEXT };
  for (const key of [KEY, NEXT]) assert.equal((await handle(signed({}, { key }), world({ keys }))).statusCode, 200);
  await isRefused(signed({}, { key: 'x'.repeat(40) }), 401, 'RELAY_SIGNATURE', world({ keys }));
  await isRefused(signed(), 401, 'RELAY_SIGNATURE', world({ keys: { RELAY_KEY: NEXT } }));
});

const UNUSABLE = [
  [{ RELAY_KEY: undefined, RELAY_KEY_NEXT: undefined }, /none of RELAY_KEY and RELAY_KEY_NEXT is set/],
  [{ RELAY_KEY: '', RELAY_KEY_NEXT: '' }, /none of RELAY_KEY and RELAY_KEY_NEXT is set/],
  [{ RELAY_KEY: 'x'.repeat(31), RELAY_KEY_NEXT: undefined }, /^RELAY_KEY has fewer than 32/],
  [{ RELAY_KEY: KEY, RELAY_KEY_NEXT: 'x'.repeat(31) }, /^RELAY_KEY_NEXT has fewer than 32/],
];
for (const [keys, text] of UNUSABLE) {
  test(`with ${JSON.stringify(keys).slice(0, 60)} everything is refused`, async () => {
    for (const key of [KEY, keys.RELAY_KEY, keys.RELAY_KEY_NEXT, '', 'undefined']) {
      assert.match(await isRefused(signed({}, { key: key ?? '' }), 401, 'RELAY_KEY', world({ keys })), text);
    }
  });
}

test('a storage that fails lets nothing through, and asks for another try', async () => {
  const place = world({ remember: () => Promise.reject(new Error('out of order')) });
  const { statusCode, headers, body } = await handle(signed(), place);
  assert.equal(statusCode, 503);
  assert.deepEqual(headers, { ...JSON_BODY, 'retry-after': ['2'] });
  assert.equal(JSON.parse(body).code, 'RELAY_STORAGE');
  assert.deepEqual(place.calls, []);
});

test('what is relayed is what was signed, as JSON, and follows no redirect', async () => {
  const place = world();
  const body = '{"data":{"title":"Größe"}}';
  await handle(signed({ method: 'PUT', path: `${COLLECTION}/a%2Fb`, body }), place);
  await handle(signed({ path: `${COLLECTION}/?limit=100` }), place);
  const [put, list] = place.calls.map(({ signal, ...call }) => ({ ...call, hasDeadline: signal instanceof AbortSignal }));
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

const ANSWERS = [
  [201, { 'content-type': 'application/json; charset=utf-8' }, '{"key":"ü"}'],
  [204, {}, null],
  [302, { location: 'https://elsewhere.example/' }, null],
  [401, { 'content-type': 'application/json' }, '{"message":"Authorization failed"}'],
  [404, { 'content-type': 'text/html' }, '<p>no JSON'],
  [429, { 'content-type': 'application/json', 'retry-after': '17' }, '{"message":"slower"}'],
  [500, { 'content-type': 'application/json', 'set-cookie': 'a=b', 'x-relay': 'refused' }, '{}'],
];
for (const [status, sent, text] of ANSWERS) {
  test(`the API's ${status} comes back as it is, with three of its headers at most`, async () => {
    const { statusCode, headers, body } = await handle(
      signed(),
      world({ relay: async () => new Response(text, { status, headers: sent }) }),
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

test('without an installation in the context there is no header for it', async () => {
  const { headers } = await handle(signed(), world({ installation: () => undefined }));
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
for (const [name, relay] of Object.entries(FAILURES)) {
  test(`a call that fails is told from a refusal: ${name}`, async () => {
    const { statusCode, headers, body } = await handle(signed(), world({ relay }));
    assert.equal(statusCode, 502);
    assert.deepEqual(headers, { ...JSON_BODY, 'x-relay': ['failed'] });
    assert.equal(JSON.parse(body).code, 'RELAY_FAILED');
    assert.ok(!body.includes(KEY));
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { classifyOperation } from '../src/operations.js';

const V1 = '/forge/installation/v1/dynamic/module';
const V2 = '/forge/installation/v2/dynamic/module';

const A = '0a1b2c3d-4e5f-6789-abcd-ef0123456789';
const DETAILS = `/forge/installation/v1/${A}/${A}/installation/${A}`;

const OPERATIONS = [
  ['list', 'GET', `${V1}/`, null],
  ['list', 'GET', `${V1}/?limit=100`, null],
  ['list', 'GET', `${V2}/?nextPageToken=abc%2F%3D%3D`, null],
  ['list', 'GET', `${V2}/?limit=100&nextPageToken=a.b-c_d~e`, null],
  ['list', 'GET', `${V2}/?limit=`, null],
  ['register', 'POST', V1, '{}'],
  ['register', 'POST', V2, ''],
  ['read', 'GET', `${V1}/notify-on-bug`, null],
  ['update', 'PUT', `${V1}/notify-on-bug`, '{}'],
  ['details', 'GET', DETAILS, null],
  ['details', 'GET', `/forge/installation/v1/${A.toUpperCase()}/${A}/installation/${A}`, null],
  ['delete', 'DELETE', `${V2}/7b0c5f4e-9c1d-4a52-8f6e-2d1f0a9b3c4d`, null],
];
for (const [name, method, path, body] of OPERATIONS) {
  test(`${method} ${path} is classified as ${name}`, () => assert.equal(classifyOperation({ method, path, body }), name));
}

const KEYS = [
  'a%2Fb',
  'a%2fb',
  '%2F',
  'a%5Cb',
  '50%25',
  '50%25ab',
  'a%252Fb',
  '...',
  'a..b',
  '..a',
  'a.',
  '%C3%BC',
  '%F0%9D%84%9E',
  "a!$&'()*+,;=:@b",
  '%3Fa%23b',
  'a%20b',
];
for (const key of KEYS) {
  test(`a key may be encoded as ${key}`, () =>
    assert.equal(classifyOperation({ method: 'GET', path: `${V1}/${key}`, body: null }), 'read'));
}
test('a key may have 10 kB', () => {
  assert.equal(classifyOperation({ method: 'DELETE', path: `${V1}/${'%E6%BC%A2'.repeat(3_400)}`, body: null }), 'delete');
});

const WRONG_METHODS = [
  ['POST', DETAILS, '{}'],
  ['PUT', DETAILS, '{}'],
  ['DELETE', DETAILS, null],
  ['HEAD', DETAILS, null],
  ['PATCH', `${V1}/a`, '{}'],
  ['HEAD', `${V1}/a`, null],
  ['OPTIONS', `${V1}/`, null],
  ['get', `${V1}/a`, null],
  ['GET ', `${V1}/a`, null],
  ['', `${V1}/a`, null],
  ['GET\n/', `${V1}/a`, null],
  ['POST', `${V1}/`, '{}'],
  ['POST', `${V1}/a`, '{}'],
  ['POST', `${V1}?limit=1`, '{}'],
  ['PUT', V1, '{}'],
  ['PUT', `${V1}/`, '{}'],
  ['DELETE', V1, null],
  ['DELETE', `${V1}/`, null],
  ['DELETE', `${V1}/?limit=1`, null],
  ['GET', V1, null],
];
const WRONG_BODIES = [
  ['GET', DETAILS, ''],
  ['GET', DETAILS, '{}'],
  ['GET', `${V1}/`, '{}'],
  ['GET', `${V1}/a`, ''],
  ['DELETE', `${V1}/a`, '{}'],
  ['DELETE', `${V1}/a`, ''],
  ['POST', V1, null],
  ['PUT', `${V1}/a`, null],
];
for (const [method, path, body] of [...WRONG_METHODS, ...WRONG_BODIES]) {
  test(`${JSON.stringify(method)} ${path} with body ${body} is no operation`, () =>
    assert.equal(classifyOperation({ method, path, body }), null));
}

const DOT_SEGMENTS = [
  '.',
  '..',
  '%2e',
  '%2E%2e',
  '.%2e',
  '%2e.',
  '%252e%252e',
  '%25252E%25252e',
  '.%252e',
  '%25%32%65.',
  '..%2Fa',
  'a%2F..',
  'a%2F..%2Fb',
  'a%2f%2e%2E%2fb',
  'a%252F..%252Fb',
  'a%2F.',
  'a%5C..%5Cb',
  '..%5Ca',
  'a%255C%252e%252e',
  '..;',
  '..;a=b',
  '%2e%2e;x',
  '..%3Bx',
  '.;',
  'a%2F..;x',
  '..%3F',
  '..%3Fx=1',
  'a%2F..%3Fx',
  '..%253Fx',
  '..%23',
  'a%2F.%23x',
  '..%20',
  '%20..',
  '%E2%80%A4%E2%80%A4',
  '%E2%80%A5',
  '%EF%BC%8E%EF%BC%8E',
  '..%EF%BC%8Fa',
  '%c0%ae%c0%ae',
  '%c0%af',
  '%e0%80%ae',
  '%ff',
  '%C3',
  `%${'25'.repeat(9)}2e`,
];
const MALFORMED_KEYS = [
  '',
  'a/b',
  'a/',
  '/a',
  'a//b',
  'a\\b',
  'a#b',
  'a?b',
  'a?limit=1',
  'a b',
  'a\tb',
  'a\nb',
  'a\u0000b',
  'a\u007fb',
  'ü',
  'a%',
  'a%2',
  'a%zz',
  '%u002e',
  'a"b',
  'a<b',
  'a[b]',
  'a^b',
  'a`b',
  'a{b}',
  'a|b',
  '\u2024\u2024',
  '\uff0e\uff0e',
  '%00',
  '%0a',
  '%0D%0A',
  '%1f',
  '%7F',
  '%250a',
  '%2500',
];
for (const key of [...DOT_SEGMENTS, ...MALFORMED_KEYS]) {
  test(`no key is encoded as ${JSON.stringify(key).slice(0, 60)}`, () => {
    const path = `${V1}/${key}`;
    // A read of an empty key is the list.
    assert.equal(classifyOperation({ method: 'GET', path, body: null }), key === '' ? 'list' : null);
    assert.equal(classifyOperation({ method: 'PUT', path, body: '{}' }), null);
    assert.equal(classifyOperation({ method: 'DELETE', path, body: null }), null);
  });
}

const INVALID_QUERIES = [
  '?',
  '?limit',
  '?limit=1&',
  '?&limit=1',
  '?limit=1&&nextPageToken=a',
  '?limit=1&limit=2',
  '?Limit=1',
  '?filter=a',
  '?limit=1&filter=a',
  '?%6cimit=1',
  '?limit=1#a',
  '?limit=1?',
  '?limit=a b',
  '?limit=%0a',
  '?limit=%',
  '?limit=%ff',
  '?limit=a/b',
  '?limit=a\\b',
  '?nextPageToken=ü',
  '??limit=1',
];
for (const query of INVALID_QUERIES) {
  test(`a list query is rejected: ${JSON.stringify(query)}`, () => {
    assert.equal(classifyOperation({ method: 'GET', path: `${V1}/${query}`, body: null }), null);
  });
}

const OTHER_PATHS = [
  '',
  '/',
  '*',
  'forge/installation/v1/dynamic/module/a',
  '//forge/installation/v1/dynamic/module/a',
  'https://elsewhere.example/forge/installation/v1/dynamic/module/a',
  '//elsewhere.example/forge/installation/v1/dynamic/module/a',
  '@elsewhere.example/forge/installation/v1/dynamic/module/a',
  '.elsewhere.example/forge/installation/v1/dynamic/module/a',
  '\\\\elsewhere.example/a',
  'javascript:a',
  ' /forge/installation/v1/dynamic/module/a',
  '/forge/installation/v3/dynamic/module/a',
  '/forge/installation/v1/dynamic/modules/a',
  '/forge/installation/v1/dynamic/module%2Fa',
  '/forge/installation/v1/dynamic/modulea',
  '/forge//installation/v1/dynamic/module/a',
  '/forge/installation/%76%31/dynamic/module/a',
  '/Forge/installation/v1/dynamic/module/a',
  '/forge/x/../installation/v1/dynamic/module/a',
  '/forge/installation/v1/dynamic/module/..',
  '/forge/installation/v1/dynamic/module/../module/a',
  '/forge/installation/v1/dynamic/module;x/a',
  '/x/forge/installation/v1/dynamic/module/a',
  '/forge/app/v1/license',
  '/graphql',
  '/rest/api/3/issue/A-1',
  '/forge/installation/v1/app/env/installation/id',
  `/forge/installation/v2/${A}/${A}/installation/${A}`,
  `${DETAILS}/`,
  `${DETAILS}?a=b`,
  `${DETAILS}\n`,
  `${DETAILS}/../../../dynamic/module/a`,
  `/x${DETAILS}`,
  `/forge/installation/v1/${A}/installation/${A}`,
  `/forge/installation/v1/${A}/${A}/installation/${A}0`,
  `/forge/installation/v1/${A}/${A}/installation/${A.replace('-', '%2d')}`,
  `/forge/installation/v1/${A}/../installation/${A}`,
  '/forge/installation/v1/dynamic/module\n/a',
  '/forge/installation/v1/dynamic/module/a\n',
];
for (const path of OTHER_PATHS) {
  test(`a path outside the API is rejected: ${JSON.stringify(path)}`, () => {
    for (const [method, body] of [
      ['GET', null],
      ['POST', '{}'],
      ['PUT', '{}'],
      ['DELETE', null],
    ]) {
      assert.equal(classifyOperation({ method, path, body }), null, method);
    }
  });
}

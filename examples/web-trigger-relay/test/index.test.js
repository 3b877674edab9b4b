// src/index.js with fakes of Forge's packages, which are not installed here.

import assert from 'node:assert/strict';
import { register } from 'node:module';
import { test } from 'node:test';

import { KEY, signedRequest } from '../test_server/fake_forge.js';

const PACKAGES = {
  '@forge/api': `
    class Route { constructor(value) { this.value = value; } }
    export const assumeTrustedRoute = (path) => new Route(path);
    export const getAppContext = () => ({ installationAri: { installationId: 'an-installation' } });
    export const asApp = () => ({ requestAtlassian: async (route, init) => {
      if (!(route instanceof Route)) throw new Error('a route is needed');
      globalThis.calls.push([init.method, route.value]);
      return new Response('{}', { status: 200 });
    } });`,
  '@forge/kvs': `export const kvs = { set: async (key, value, options) => { globalThis.writes.push(options.keyPolicy); } };`,
};
const urls = Object.fromEntries(
  Object.entries(PACKAGES).map(([name, text]) => [name, `data:text/javascript,${encodeURIComponent(text)}`]),
);
const hook = `export const resolve = (name, context, next) => next(${JSON.stringify(urls)}[name] ?? name, context);`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
globalThis.calls = [];
globalThis.writes = [];

const { relay } = await import('../src/index.js');

test('the web trigger reads its keys from the variables and calls the API as the app', async () => {
  const path = '/forge/installation/v1/dynamic/module/a%2Fb';
  const now = { timestamp: Math.floor(Date.now() / 1000) };
  assert.equal((await relay(signedRequest({ path }, now), {})).statusCode, 401);
  process.env.RELAY_KEY = 'x'.repeat(32);
  process.env.RELAY_KEY_NEXT = KEY;
  const { statusCode, headers } = await relay(signedRequest({ path }, now), {});
  assert.equal(statusCode, 200);
  assert.deepEqual(headers['x-relay-installation'], ['an-installation']);
  assert.deepEqual(globalThis.calls, [['GET', path]]);
  assert.deepEqual(globalThis.writes, ['FAIL_IF_EXISTS']);
});

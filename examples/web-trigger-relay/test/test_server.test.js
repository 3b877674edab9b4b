import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { KEY, signedRequest } from '../test_server/fake_forge.js';

const SERVE = fileURLToPath(new URL('../test_server/serve.js', import.meta.url));

/** Start the test server and an API that records its requests; end both when the test ends. */
async function start(context, environment = {}) {
  const apiRequests = [];
  const api = createServer((incoming, response) => {
    apiRequests.push([incoming.method, incoming.url, incoming.headers.authorization]);
    if (incoming.url.endsWith('/close-connection')) return incoming.socket.destroy();
    return response.writeHead(200, { 'content-type': 'application/json' }).end('{"key":"a"}');
  });
  api.listen(0, '127.0.0.1');
  await once(api, 'listening');
  const relay = spawn(process.execPath, [SERVE], {
    env: {
      TEST_SERVER_API_URL: `http://127.0.0.1:${api.address().port}/`,
      TEST_SERVER_API_TOKEN: 'the-token',
      TEST_SERVER_INSTALLATION: 'an-installation',
      RELAY_KEY: KEY,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  context.after(() => {
    relay.kill();
    api.close();
    api.closeAllConnections();
  });
  const [url] = await once(createInterface(relay.stdout), 'line');
  return { url, apiRequests };
}

const now = () => ({ timestamp: Math.floor(Date.now() / 1000) });

async function send(url, { method, headers, body }) {
  const pairs = Object.entries(headers).flatMap(([name, values]) => values.map((value) => [name, value]));
  const response = await fetch(url, { method, headers: pairs, body });
  return { status: response.status, headers: response.headers, body: await response.json().catch(() => null) };
}

test('the test server relays over HTTP with the given token, once per nonce', async (context) => {
  const { url, apiRequests } = await start(context);
  const signedOnce = signedRequest({ path: '/forge/installation/v1/dynamic/module/a%2Fb' }, now());
  const { status, headers, body } = await send(url, signedOnce);
  assert.equal(status, 200);
  assert.deepEqual(body, { key: 'a' });
  assert.equal(headers.get('x-relay'), 'relayed');
  assert.equal(headers.get('x-relay-installation'), 'an-installation');
  assert.equal((await send(url, signedOnce)).body.code, 'RELAY_NONCE');
  assert.deepEqual(apiRequests, [['GET', '/forge/installation/v1/dynamic/module/a%2Fb', 'Bearer the-token']]);
});

test('its clock can be wrong, its API can close the connection, and only one path is the web trigger', async (context) => {
  const { url, apiRequests } = await start(context, { TEST_SERVER_CLOCK_SKEW: '1000' });
  assert.equal((await send(url, signedRequest({}, now()))).body.code, 'RELAY_TIMESTAMP');
  const ahead = { timestamp: now().timestamp + 1000 };
  const otherPath = await send(new URL('/', url), signedRequest({}, ahead));
  assert.equal(otherPath.status, 404);
  assert.equal(otherPath.headers.get('x-relay'), null);
  assert.deepEqual(apiRequests, []);
  const path = '/forge/installation/v1/dynamic/module/close-connection';
  assert.equal((await send(url, signedRequest({ method: 'DELETE', path }, ahead))).body.code, 'RELAY_FAILED');
  assert.equal(apiRequests.length, 1);
});

test('a repeated header reaches the relay repeated', async (context) => {
  const { url } = await start(context);
  const { method, headers, body } = signedRequest({}, now());
  const [nonce] = headers['X-Relay-Nonce'];
  const sent = request(url, { method, headers: { ...headers, 'X-Relay-Nonce': [nonce, nonce] } }).end(body);
  const [response] = await once(sent, 'response');
  assert.match((await response.toArray()).join(''), /the header x-relay-nonce is missing, repeated or malformed/);
});

test('a caller that closes its connection does not end the test server', async (context) => {
  const { url } = await start(context);
  const { method, headers, body } = signedRequest({}, now());
  const aborted = request(url, { method, headers: { ...headers, 'content-length': body.length } });
  aborted.write(body.slice(1), () => aborted.destroy());
  await assert.rejects(once(aborted, 'close'), { code: 'ECONNRESET' });
  assert.equal((await send(url, signedRequest({}, now()))).status, 200);
});

test('missing variables are named', () => {
  const { status, stderr } = spawnSync(process.execPath, [SERVE], { env: {}, encoding: 'utf8' });
  assert.equal(status, 2);
  assert.match(stderr, /TEST_SERVER_API_URL and TEST_SERVER_API_TOKEN/);
});

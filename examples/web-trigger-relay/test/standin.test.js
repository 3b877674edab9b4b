import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { KEY, signed } from '../standin/world.js';

const SERVE = fileURLToPath(new URL('../standin/serve.js', import.meta.url));

/** Start the stand-in before an API that notes what it is asked, and end both when the test ends. */
async function start(context, environment = {}) {
  const asked = [];
  const api = createServer((incoming, response) => {
    asked.push([incoming.method, incoming.url, incoming.headers.authorization]);
    if (incoming.url.endsWith('/hang-up')) return incoming.socket.destroy();
    return response.writeHead(200, { 'content-type': 'application/json' }).end('{"key":"a"}');
  });
  api.listen(0, '127.0.0.1');
  await once(api, 'listening');
  const relay = spawn(process.execPath, [SERVE], {
    env: {
      STANDIN_API_URL: `http://127.0.0.1:${api.address().port}/`,
      STANDIN_API_TOKEN: 'the-token',
      STANDIN_INSTALLATION: 'an-installation',
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
  return { url, asked };
}

const now = () => ({ timestamp: Math.floor(Date.now() / 1000) });

async function send(url, { method, headers, body }) {
  const pairs = Object.entries(headers).flatMap(([name, values]) => values.map((value) => [name, value]));
  const response = await fetch(url, { method, headers: pairs, body });
  return { status: response.status, headers: response.headers, body: await response.json().catch(() => null) };
}

test('the stand-in relays over HTTP with the token it was given, once for each nonce', async (context) => {
  const { url, asked } = await start(context);
  const asking = signed({ path: '/forge/installation/v1/dynamic/module/a%2Fb' }, now());
  const { status, headers, body } = await send(url, asking);
  assert.equal(status, 200);
  assert.deepEqual(body, { key: 'a' });
  assert.equal(headers.get('x-relay'), 'relayed');
  assert.equal(headers.get('x-relay-installation'), 'an-installation');
  assert.equal((await send(url, asking)).body.code, 'RELAY_NONCE');
  assert.deepEqual(asked, [['GET', '/forge/installation/v1/dynamic/module/a%2Fb', 'Bearer the-token']]);
});

test('its clock can be wrong, its API can hang up, and only one path is the web trigger', async (context) => {
  const { url, asked } = await start(context, { STANDIN_CLOCK_SKEW: '1000' });
  assert.equal((await send(url, signed({}, now()))).body.code, 'RELAY_TIMESTAMP');
  const ahead = { timestamp: now().timestamp + 1000 };
  const elsewhere = await send(new URL('/', url), signed({}, ahead));
  assert.equal(elsewhere.status, 404);
  assert.equal(elsewhere.headers.get('x-relay'), null);
  assert.deepEqual(asked, []);
  const path = '/forge/installation/v1/dynamic/module/hang-up';
  assert.equal((await send(url, signed({ method: 'DELETE', path }, ahead))).body.code, 'RELAY_FAILED');
  assert.equal(asked.length, 1);
});

test('a header that was sent twice reaches the relay twice', async (context) => {
  const { url } = await start(context);
  const { method, headers, body } = signed({}, now());
  const [nonce] = headers['X-Relay-Nonce'];
  const sent = request(url, { method, headers: { ...headers, 'X-Relay-Nonce': [nonce, nonce] } }).end(body);
  const [response] = await once(sent, 'response');
  assert.match((await response.toArray()).join(''), /the header x-relay-nonce is missing, there twice or malformed/);
});

test('a caller that hangs up does not end it', async (context) => {
  const { url } = await start(context);
  const { method, headers, body } = signed({}, now());
  const broken = request(url, { method, headers: { ...headers, 'content-length': body.length } });
  broken.write(body.slice(1), () => broken.destroy());
  await assert.rejects(once(broken, 'close'), { code: 'ECONNRESET' });
  assert.equal((await send(url, signed({}, now()))).status, 200);
});

test('it says what it needs', () => {
  const { status, stderr } = spawnSync(process.execPath, [SERVE], { env: {}, encoding: 'utf8' });
  assert.equal(status, 2);
  assert.match(stderr, /STANDIN_API_URL and STANDIN_API_TOKEN/);
});

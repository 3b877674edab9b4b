// A test server for clients of the relay: it takes the place of the Forge runtime on this machine. It turns HTTP requests into
// web-trigger requests for the real relay, and calls an API of your choice instead of Atlassian's. It listens on the loopback
// address only, and prints the URL of the web trigger in one line.

import { createServer } from 'node:http';

import { handle } from '../src/relay.js';
import { recordNonce } from '../src/nonces.js';
import { FakeStorage } from './fake_forge.js';

const PATH = '/x1/test-server';

const {
  TEST_SERVER_API_URL,
  TEST_SERVER_API_TOKEN,
  TEST_SERVER_INSTALLATION,
  TEST_SERVER_CLOCK_SKEW,
  RELAY_KEY,
  RELAY_KEY_NEXT,
} = process.env;
if (!TEST_SERVER_API_URL || !TEST_SERVER_API_TOKEN) {
  process.stderr.write('set TEST_SERVER_API_URL and TEST_SERVER_API_TOKEN: the API to call, and the token to call it with\n');
  process.exit(2);
}

const now = () => Date.now() / 1000 + Number(TEST_SERVER_CLOCK_SKEW ?? 0);
const storage = new FakeStorage(now);
const dependencies = {
  keys: { RELAY_KEY, RELAY_KEY_NEXT },
  now,
  recordNonce: (nonce) => recordNonce(storage, nonce),
  requestApi: (path, init) =>
    fetch(`${TEST_SERVER_API_URL.replace(/\/$/, '')}${path}`, {
      ...init,
      headers: { ...init.headers, authorization: `Bearer ${TEST_SERVER_API_TOKEN}` },
    }),
  installation: () => TEST_SERVER_INSTALLATION,
};

/** The request as a web trigger gets it: header names as they were sent, each with a list of values. */
async function webTriggerRequest(incoming) {
  const chunks = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const headers = {};
  for (let i = 0; i < incoming.rawHeaders.length; i += 2) {
    const [name, value] = incoming.rawHeaders.slice(i, i + 2);
    (headers[name] ??= []).push(value);
  }
  return { method: incoming.method, path: PATH, headers, queryParameters: {}, body: Buffer.concat(chunks).toString('utf8') };
}

async function serve(incoming, outgoing) {
  const request = await webTriggerRequest(incoming);
  // Without an `x-relay` header the client recognizes that this response is not from the relay.
  const { statusCode, headers, body } =
    incoming.url === PATH ? await handle(request, dependencies) : { statusCode: 404, headers: {}, body: '' };
  outgoing.writeHead(statusCode, headers).end(body);
}

// A caller that closes its connection ends its own request, not the server.
const server = createServer((incoming, outgoing) => serve(incoming, outgoing).catch(() => outgoing.destroy()));
server.listen(0, '127.0.0.1', () => process.stdout.write(`http://127.0.0.1:${server.address().port}${PATH}\n`));

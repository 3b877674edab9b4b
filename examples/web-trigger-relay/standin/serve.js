// Stands in for the Forge runtime: takes HTTP, hands the real relay what a web trigger gets, and calls an API of your choice in
// the app's place. For tests on this machine: it listens on the loopback address and prints the web trigger's URL in one line.

import { createServer } from 'node:http';

import { handle } from '../src/relay.js';
import { remember } from '../src/nonces.js';
import { Storage } from './world.js';

const PATH = '/x1/stand-in';

const { STANDIN_API_URL, STANDIN_API_TOKEN, STANDIN_INSTALLATION, STANDIN_CLOCK_SKEW, RELAY_KEY, RELAY_KEY_NEXT } = process.env;
if (!STANDIN_API_URL || !STANDIN_API_TOKEN) {
  process.stderr.write('STANDIN_API_URL and STANDIN_API_TOKEN are needed: the API to call, and the token to call it with\n');
  process.exit(2);
}

const now = () => Date.now() / 1000 + Number(STANDIN_CLOCK_SKEW ?? 0);
const storage = new Storage(now);
const world = {
  keys: { RELAY_KEY, RELAY_KEY_NEXT },
  now,
  remember: (nonce) => remember(storage, nonce),
  relay: (path, init) =>
    fetch(`${STANDIN_API_URL.replace(/\/$/, '')}${path}`, {
      ...init,
      headers: { ...init.headers, authorization: `Bearer ${STANDIN_API_TOKEN}` },
    }),
  installation: () => STANDIN_INSTALLATION,
};

/** The request as a web trigger gets it: header names as they were sent, each with a list of values. */
async function requestObject(incoming) {
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
  const request = await requestObject(incoming);
  // Only the relay's responses have its header: a client takes this one for what it is.
  const { statusCode, headers, body } =
    incoming.url === PATH ? await handle(request, world) : { statusCode: 404, headers: {}, body: '' };
  outgoing.writeHead(statusCode, headers).end(body);
}

// A caller that hangs up ends its own request, not the stand-in.
const server = createServer((incoming, outgoing) => serve(incoming, outgoing).catch(() => outgoing.destroy()));
server.listen(0, '127.0.0.1', () => process.stdout.write(`http://127.0.0.1:${server.address().port}${PATH}\n`));

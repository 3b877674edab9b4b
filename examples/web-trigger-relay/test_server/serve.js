// A test server for clients of the relay: it takes the place of the Forge runtime on this machine. It turns HTTP requests into
// web-trigger requests for the real relay, and calls an API of your choice instead of Atlassian's.

import { handle } from '../src/relay.js';
import { recordNonce } from '../src/nonces.js';
import { FakeStorage } from './fake_forge.js';
import { listen } from './web_trigger.js';

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

listen((request) => handle(request, dependencies));

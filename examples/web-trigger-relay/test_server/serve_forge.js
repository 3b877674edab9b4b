// As serve.js, but it runs src/index.js on Forge's own packages (`npm install`), with a fake of the runtime below them: the two
// globals that the packages use. The variables are those of serve.js.

import { FakeStorage } from './fake_forge.js';
import { listen } from './web_trigger.js';

const { TEST_SERVER_API_URL, TEST_SERVER_API_TOKEN, TEST_SERVER_INSTALLATION } = process.env;
const storage = new FakeStorage(() => Date.now() / 1000);

globalThis.__forge_runtime__ = {
  appContext: { appId: 'an-app', environmentId: 'an-environment', installationId: TEST_SERVER_INSTALLATION },
  lambdaContext: {},
};

/** What the packages call for every request: to the API as the app, and to the key-value store. Anything else is an error. */
globalThis.__forge_fetch__ = async ({ type, provider, remote }, path, init) => {
  const target = `${type} ${provider} ${remote}`;
  if (target === 'fpp app stargate') {
    const headers = { ...init.headers, authorization: `Bearer ${TEST_SERVER_API_TOKEN}` };
    return fetch(`${TEST_SERVER_API_URL.replace(/\/$/, '')}${path}`, { ...init, headers });
  }
  if (target === 'kvs app kvs' && path === '/api/v1/set' && init.method === 'POST') {
    const { key, value, options } = JSON.parse(init.body);
    try {
      await storage.set(key, value, options);
    } catch (error) {
      return Response.json({ code: error.code ?? 'BAD_REQUEST', message: error.message }, { status: 409 });
    }
    return new Response(null, { status: 204 });
  }
  throw new Error(`the fake of the runtime has no ${target} ${path}`);
};

const { relay } = await import('../src/index.js');
listen((request) => relay(request, {}));

import { asApp, assumeTrustedRoute, getAppContext } from '@forge/api';
import { kvs } from '@forge/kvs';

import { handle } from './relay.js';
import { remember } from './nonces.js';

export const relay = (request) =>
  handle(request, {
    keys: { RELAY_KEY: process.env.RELAY_KEY, RELAY_KEY_NEXT: process.env.RELAY_KEY_NEXT },
    now: () => Date.now() / 1000,
    remember: (nonce) => remember(kvs, nonce),
    // The `route` template refuses an encoded slash, which a key may hold; what comes here has passed src/operations.js.
    relay: (path, init) => asApp().requestAtlassian(assumeTrustedRoute(path), init),
    installation: () => getAppContext().installationAri?.installationId,
  });

import { asApp, assumeTrustedRoute, getAppContext } from '@forge/api';
import { kvs } from '@forge/kvs';

import { handle } from './relay.js';
import { recordNonce } from './nonces.js';

export const relay = (request) =>
  handle(request, {
    keys: { RELAY_KEY: process.env.RELAY_KEY, RELAY_KEY_NEXT: process.env.RELAY_KEY_NEXT },
    now: () => Date.now() / 1000,
    recordNonce: (nonce) => recordNonce(kvs, nonce),
    // The `route` template rejects an encoded slash, which a module key may contain. src/operations.js has checked the path.
    requestApi: (path, init) => asApp().requestAtlassian(assumeTrustedRoute(path), init),
    installation: () => getAppContext().installationAri?.installationId,
  });

// Decides about one request and relays it. The world outside comes in as an argument, so that the same code runs in Forge, in the
// tests and in the stand-in. Nothing is logged: a body, a key or a signature would be in it.

import { operationOf } from './operations.js';
import { WINDOW, isSigned, sealOf, skew, usableKeys } from './signature.js';

/** Bytes of UTF-8. */
export const LIMITS = { envelope: 700 * 1024, body: 300 * 1024, path: 32 * 1024 };

/** Milliseconds to wait for the API: Forge ends a web trigger after 55 s, without a word about what happened. */
export const PATIENCE = 50_000;

const RETRY_AFTER = 2; // seconds
const FIELDS = ['body', 'method', 'path'];

/**
 * @typedef {object} World
 * @property {Record<string, string | undefined>} keys the shared keys, by the names of their variables
 * @property {() => number} now seconds since 1970
 * @property {(nonce: string) => Promise<boolean>} remember whether a nonce is new; remembers it
 * @property {(path: string, init: object) => Promise<Response>} relay calls the API as the app
 * @property {() => string | undefined} installation whose modules the app manages
 */

/**
 * @param {{method: string, headers: Record<string, string[]>, body?: string}} request as a web trigger gets it
 * @param {World} world
 * @returns {Promise<{statusCode: number, headers: Record<string, string[]>, body: string}>}
 */
export async function handle(request, world) {
  const { refused, nonce, envelope } = admit(request, world);
  if (refused) return refused;

  let isNew;
  try {
    isNew = await world.remember(nonce);
  } catch {
    return refuse(503, 'STORAGE', `the app's storage failed and nothing was relayed; send it again in ${RETRY_AFTER} s`, {
      'retry-after': [String(RETRY_AFTER)],
    });
  }
  if (!isNew) return refuse(401, 'NONCE', 'this nonce was used before; sign each request anew, with a fresh nonce');

  try {
    return await relay(envelope, world);
  } catch {
    return said('failed', 502, 'FAILED', 'the call to the API failed, and it may have acted; look before you repeat it');
  }
}

// Cheap and harmless checks first. The nonce comes last: a stranger cannot fill the storage, nor use up another one's nonce.
function admit(request, world) {
  const { keys, fault } = usableKeys(world.keys);
  if (fault) return refusal(401, 'KEY', `${fault}: set it with \`forge variables set --encrypt\`, then \`forge deploy\``);

  const { seal, faulty } = sealOf(request.headers);
  if (faulty) return refusal(401, 'SIGNATURE', `the header ${faulty} is missing, there twice or malformed; send it once`);
  const ahead = skew(seal, world.now());
  if (Math.abs(ahead) > WINDOW) {
    const difference = `${Math.abs(ahead)} s ${ahead < 0 ? 'behind' : 'ahead of'} the app's`;
    return refusal(401, 'TIMESTAMP', `the caller's clock is ${difference}, and ${WINDOW} s are allowed; set the clock`);
  }

  const { envelope, refused } = open(request);
  if (refused) return { refused };
  if (!isSigned(keys, { seal, ...envelope })) {
    return refusal(
      401,
      'SIGNATURE',
      'the signature does not fit the request under any key of the app; use the same key here and there',
    );
  }
  if (!operationOf(envelope)) {
    return refusal(403, 'OPERATION', 'this is not one of the five operations on dynamic modules; nothing else is relayed');
  }
  return { nonce: seal.nonce, envelope };
}

function open({ method, body }) {
  const tooLarge = (what) => refusal(413, 'TOO_LARGE', `the ${what} has more than ${LIMITS[what]} bytes; send less`);
  const size = (text) => Buffer.byteLength(text, 'utf8');
  if (size(body ?? '') > LIMITS.envelope) return tooLarge('envelope');
  const envelope = method === 'POST' && parse(body);
  if (!isEnvelope(envelope)) {
    return refusal(400, 'ENVELOPE', 'this is no envelope; POST a JSON object with method, path and body, nothing else');
  }
  if (size(envelope.path) > LIMITS.path) return tooLarge('path');
  if (size(envelope.body ?? '') > LIMITS.body) return tooLarge('body');
  return { envelope };
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

// Half a surrogate pair has no UTF-8: what would be signed is not what was sent.
const isText = (value) => typeof value === 'string' && value.isWellFormed();

function isEnvelope(value) {
  if (typeof value !== 'object' || value === null) return false;
  if (Object.keys(value).sort().join() !== FIELDS.join()) return false;
  return isText(value.method) && isText(value.path) && (value.body === null || isText(value.body));
}

async function relay({ method, path, body }, world) {
  const installation = world.installation();
  const response = await world.relay(path, {
    method,
    headers: { accept: 'application/json', ...(body === null ? {} : { 'content-type': 'application/json' }) },
    ...(body === null ? {} : { body }),
    redirect: 'manual', // the API has none, and the app's token goes nowhere else
    signal: AbortSignal.timeout(PATIENCE),
  });
  const text = await response.text();
  const headers = {
    'content-type': response.headers.get('content-type'),
    'retry-after': response.headers.get('retry-after'),
    'x-relay': 'relayed',
    'x-relay-installation': installation,
  };
  const given = Object.entries(headers).filter(([, value]) => value);
  return { statusCode: response.status, headers: Object.fromEntries(given.map(([name, value]) => [name, [value]])), body: text };
}

const refusal = (status, reason, message) => ({ refused: refuse(status, reason, message) });

const refuse = (status, reason, message, headers = {}) => said('refused', status, reason, message, headers);

const said = (how, statusCode, reason, message, headers = {}) => ({
  statusCode,
  headers: { 'content-type': ['application/json'], 'x-relay': [how], ...headers },
  body: JSON.stringify({ code: `RELAY_${reason}`, message }),
});

// The request handler of the web trigger: authorize one request, then relay it. Clock, storage and API are passed in as
// dependencies, so that the same code runs in Forge, in the tests and in the test server. It logs nothing, because a log line
// could contain a body, a key or a signature.

import { classifyOperation } from './operations.js';
import { MAX_CLOCK_SKEW_S, clockSkewSeconds, readSignatureHeaders, validKeys, verifySignature } from './signature.js';

/** Size limits in bytes of UTF-8. */
export const MAX_BYTES = { envelope: 700 * 1024, body: 300 * 1024, path: 32 * 1024 };

/** Time limit of the call to the API. Forge ends a web trigger after 55 s, without a response that tells what happened. */
export const API_TIMEOUT_MS = 50_000;

const RETRY_AFTER_S = 2;
const FIELDS = ['body', 'method', 'path'];

/**
 * @typedef {object} Dependencies
 * @property {Record<string, string | undefined>} keys the shared keys, by the names of their variables
 * @property {() => number} now seconds since 1970
 * @property {(nonce: string) => Promise<boolean>} recordNonce records a nonce; whether it is new
 * @property {(path: string, init: object) => Promise<Response>} requestApi calls the API as the app
 * @property {() => string | undefined} installation the id of the installation whose modules the app manages
 */

/**
 * @param {{method: string, headers: Record<string, string[]>, body?: string}} request as a web trigger gets it
 * @param {Dependencies} dependencies
 * @returns {Promise<{statusCode: number, headers: Record<string, string[]>, body: string}>}
 */
export async function handle(request, dependencies) {
  const { refused, nonce, envelope } = authorize(request, dependencies);
  if (refused) return refused;

  let isNew;
  try {
    isNew = await dependencies.recordNonce(nonce);
  } catch {
    return refuse(503, 'STORAGE', `the app's storage failed and nothing was relayed; retry in ${RETRY_AFTER_S} s`, {
      'retry-after': [String(RETRY_AFTER_S)],
    });
  }
  if (!isNew) return refuse(401, 'NONCE', 'this nonce was used before; sign each request with a new nonce');

  try {
    return await relay(envelope, dependencies);
  } catch {
    return respond('failed', 502, 'FAILED', 'the call to the API failed, and the API may have acted; verify before you retry');
  }
}

// Cheap checks without side effects come first. The nonce is recorded only after them: a caller without a valid signature can
// neither fill the storage nor use up the nonce of another caller.
function authorize(request, dependencies) {
  const { keys, keyError } = validKeys(dependencies.keys);
  if (keyError) return refusal(401, 'KEY', `${keyError}: set it with \`forge variables set --encrypt\`, then \`forge deploy\``);

  const { signatureHeaders, invalidHeader } = readSignatureHeaders(request.headers);
  if (invalidHeader) {
    return refusal(401, 'SIGNATURE', `the header ${invalidHeader} is missing, repeated or malformed; send it once`);
  }
  const skew = clockSkewSeconds(signatureHeaders, dependencies.now());
  if (Math.abs(skew) > MAX_CLOCK_SKEW_S) {
    const difference = `${Math.abs(skew)} s ${skew < 0 ? 'behind' : 'ahead of'} the app's`;
    return refusal(
      401,
      'TIMESTAMP',
      `the caller's clock is ${difference}, and at most ${MAX_CLOCK_SKEW_S} s are allowed; set the clock`,
    );
  }

  const { envelope, refused } = readEnvelope(request);
  if (refused) return { refused };
  if (!verifySignature(keys, signatureHeaders, envelope)) {
    return refusal(
      401,
      'SIGNATURE',
      'the signature does not match the request under any key of the app; use the same key in the client and in the app',
    );
  }
  if (!classifyOperation(envelope)) {
    return refusal(403, 'OPERATION', 'this is none of the six operations of the relay; nothing else is relayed');
  }
  return { nonce: signatureHeaders.nonce, envelope };
}

function readEnvelope({ method, body }) {
  const tooLarge = (part) => refusal(413, 'TOO_LARGE', `the ${part} has more than ${MAX_BYTES[part]} bytes; send less`);
  const size = (text) => Buffer.byteLength(text, 'utf8');
  if (size(body ?? '') > MAX_BYTES.envelope) return tooLarge('envelope');
  const envelope = method === 'POST' && parse(body);
  if (!isEnvelope(envelope)) {
    return refusal(400, 'ENVELOPE', 'this is no envelope; POST a JSON object with method, path and body, nothing else');
  }
  if (size(envelope.path) > MAX_BYTES.path) return tooLarge('path');
  if (size(envelope.body ?? '') > MAX_BYTES.body) return tooLarge('body');
  return { envelope };
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

// Half a surrogate pair has no UTF-8 encoding: the bytes that are signed would differ from those that were sent.
const isText = (value) => typeof value === 'string' && value.isWellFormed();

function isEnvelope(value) {
  if (typeof value !== 'object' || value === null) return false;
  if (Object.keys(value).sort().join() !== FIELDS.join()) return false;
  return isText(value.method) && isText(value.path) && (value.body === null || isText(value.body));
}

async function relay({ method, path, body }, dependencies) {
  const installation = dependencies.installation();
  const response = await dependencies.requestApi(path, {
    method,
    headers: { accept: 'application/json', ...(body === null ? {} : { 'content-type': 'application/json' }) },
    ...(body === null ? {} : { body }),
    redirect: 'manual', // the API does not redirect, and the app's token must not reach another host
    signal: AbortSignal.timeout(API_TIMEOUT_MS),
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

const refuse = (status, reason, message, headers = {}) => respond('refused', status, reason, message, headers);

const respond = (outcome, statusCode, reason, message, headers = {}) => ({
  statusCode,
  headers: { 'content-type': ['application/json'], 'x-relay': [outcome], ...headers },
  body: JSON.stringify({ code: `RELAY_${reason}`, message }),
});

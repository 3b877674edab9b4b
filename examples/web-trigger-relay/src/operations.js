// Allowlist of the five operations on dynamic modules, and of the read of an installation's details. Pure. It limits what a leaked
// key can do: a path must pass the strictest rule that the API's own paths pass. There is no list of known attacks.

const COLLECTION = /^\/forge\/installation\/v[12]\/dynamic\/module/;
// Read-only. It tells the caller, by a 200, that the app is the expected installation; for any other the API responds with 401.
const UUID = '[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}';
const DETAILS = new RegExp(`^/forge/installation/v1/${UUID}/${UUID}/installation/${UUID}$`);
// RFC 3986, section 3.3: which characters one path segment may contain. A slash or a backslash within it is encoded.
const SEGMENT = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})+$/;
const QUERY = /^(?:limit|nextPageToken)=(?:[A-Za-z0-9\-._~!$'()*+,;=:@]|%[0-9A-Fa-f]{2})*$/;
// No server decodes a path more often. A text that is still encoded after that is rejected.
const MAX_DECODINGS = 8;
const CONTROL = /[\u0000-\u001f\u007f]/;

/**
 * The name of the operation, or null for any other request.
 *
 * @param {{method: string, path: string, body: string | null}} request path and query, as the API expects them
 * @returns {'list' | 'read' | 'register' | 'update' | 'delete' | 'details' | null}
 */
export function classifyOperation({ method, path, body }) {
  if (DETAILS.test(path)) return method === 'GET' && body === null ? 'details' : null;
  const collection = COLLECTION.exec(path);
  if (!collection) return null;
  const tail = path.slice(collection[0].length);
  const hasBody = body !== null;
  if (method === 'GET' && !hasBody && isListTail(tail)) return 'list';
  if (method === 'POST' && hasBody && tail === '') return 'register';
  if (!tail.startsWith('/') || !isKey(tail.slice(1))) return null;
  if (method === 'GET' && !hasBody) return 'read';
  if (method === 'PUT' && hasBody) return 'update';
  if (method === 'DELETE' && !hasBody) return 'delete';
  return null;
}

function isListTail(tail) {
  if (tail === '/') return true;
  if (!tail.startsWith('/?')) return false;
  const parts = tail.slice('/?'.length).split('&');
  const names = new Set(parts.map((part) => part.split('=', 1)[0]));
  return names.size === parts.length && parts.every((part) => QUERY.test(part) && isSafeWhenDecoded(part, () => true));
}

const isKey = (segment) => SEGMENT.test(segment) && isSafeWhenDecoded(segment, hasNoDotSegment);

/** Whether a text is valid UTF-8 and passes the check, however often a server on the way to the API decodes it. */
function isSafeWhenDecoded(text, passes) {
  let decoded;
  try {
    decoded = decodeURIComponent(text); // an overlong encoding of a dot is no UTF-8
  } catch {
    return false;
  }
  for (let times = 0; times < MAX_DECODINGS; times += 1) {
    if (CONTROL.test(decoded) || !passes(decoded)) return false;
    const again = decodeAscii(decoded);
    if (again === decoded) return true;
    decoded = again;
  }
  return false;
}

// A key may contain a percent sign that encodes nothing, so a second decoding skips invalid sequences.
const decodeAscii = (text) => text.replace(/%([0-7][0-9a-f])/gi, (_, digits) => String.fromCharCode(Number.parseInt(digits, 16)));

// Before they resolve a dot segment, some servers remove spaces and the text after a semicolon, and convert letters to ASCII.
// In a decoded text a question mark or a number sign ends the path.
const hasNoDotSegment = (text) =>
  !text
    .normalize('NFKC')
    .split(/[/\\]/)
    .some((part) => ['.', '..'].includes(part.split(/[;?#]/, 1)[0].trim()));

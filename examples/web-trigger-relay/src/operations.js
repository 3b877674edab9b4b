// Whether a request is one of the five operations on dynamic modules. Pure. What a leaked key is worth is decided here: a path is
// read by the strictest rule that the API's own paths pass, not by a list of known tricks.

const COLLECTION = /^\/forge\/installation\/v[12]\/dynamic\/module/;
// RFC 3986, section 3.3: what one segment may hold. A slash or a backslash within it is encoded.
const SEGMENT = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})+$/;
const QUERY = /^(?:limit|nextPageToken)=(?:[A-Za-z0-9\-._~!$'()*+,;=:@]|%[0-9A-Fa-f]{2})*$/;
// Nobody decodes more often than that; what is still encoded then is refused.
const DECODINGS = 8;
const CONTROL = /[\u0000-\u001f\u007f]/;

/**
 * The name of the operation, or null for anything else.
 *
 * @param {{method: string, path: string, body: string | null}} request path and query, as the API wants them
 * @returns {'list' | 'read' | 'register' | 'update' | 'delete' | null}
 */
export function operationOf({ method, path, body }) {
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
  return names.size === parts.length && parts.every((part) => QUERY.test(part) && isHarmless(part, () => true));
}

const isKey = (segment) => SEGMENT.test(segment) && isHarmless(segment, hasNoDotSegment);

/** Whether a text is valid UTF-8 and passes, however often somebody on the way to the API decodes it. */
function isHarmless(text, passes) {
  let decoded;
  try {
    decoded = decodeURIComponent(text); // an overlong spelling of a dot is no UTF-8
  } catch {
    return false;
  }
  for (let times = 0; times < DECODINGS; times += 1) {
    if (CONTROL.test(decoded) || !passes(decoded)) return false;
    const again = decodeAscii(decoded);
    if (again === decoded) return true;
    decoded = again;
  }
  return false;
}

// A key may hold a percent sign that encodes nothing, so a second decoding takes what it can.
const decodeAscii = (text) => text.replace(/%([0-7][0-9a-f])/gi, (_, digits) => String.fromCharCode(Number.parseInt(digits, 16)));

// Some servers drop what follows a semicolon before they resolve a dot segment.
const hasNoDotSegment = (text) => !text.split(/[/\\]/).some((part) => ['.', '..'].includes(part.split(';', 1)[0]));

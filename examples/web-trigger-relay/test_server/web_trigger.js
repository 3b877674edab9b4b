// An HTTP server that takes the place of Forge's web trigger: it turns HTTP requests into web-trigger requests. It listens on the
// loopback address only, and prints the URL of the web trigger in one line.

import { createServer } from 'node:http';

const PATH = '/x1/test-server';

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

/**
 * @param {(request: object) => Promise<{statusCode: number, headers: Record<string, string[]>, body: string}>} respond the function
 * of the web trigger
 */
export function listen(respond) {
  async function serve(incoming, outgoing) {
    const request = await webTriggerRequest(incoming);
    // Without an `x-relay` header the client recognizes that this response is not from the relay.
    const { statusCode, headers, body } =
      incoming.url === PATH ? await respond(request) : { statusCode: 404, headers: {}, body: '' };
    outgoing.writeHead(statusCode, headers).end(body);
  }

  // A caller that closes its connection ends its own request, not the server.
  const server = createServer((incoming, outgoing) => serve(incoming, outgoing).catch(() => outgoing.destroy()));
  server.listen(0, '127.0.0.1', () => process.stdout.write(`http://127.0.0.1:${server.address().port}${PATH}\n`));
}

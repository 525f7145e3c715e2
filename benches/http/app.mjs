// The official Node SDK behind its HTTP adapter: a handler that does nothing but count.

import http from "node:http";
import { createRequire } from "node:module";

// Installed in a folder of its own, where an import from here would not look.
const lark = createRequire(`${process.env.SDK_FOLDER}/`)("@larksuiteoapi/node-sdk");

let handled = 0;
const events = new lark.EventDispatcher({
  encryptKey: process.env.LARK_ENCRYPT_KEY,
  verificationToken: process.env.LARK_VERIFICATION_TOKEN,
  loggerLevel: lark.LoggerLevel.error,
}).register({
  "vc.reserve_config.updated_v1": async () => {
    handled += 1;
    // What is refused is answered 200 too, with nothing in it.
    return "handled";
  },
});
const adapted = lark.adaptDefault("/webhook/event", events);

const server = http.createServer(async (request, response) => {
  try {
    await adapted(request, response);
  } catch {
    // Left to itself, what the adapter throws ends the process.
    response.writeHead(500).end();
  }
});
const [host, port] = process.env.LISTEN_ADDR.split(":");
server.listen(Number(port), host);

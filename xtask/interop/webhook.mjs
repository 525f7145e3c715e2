// An app behind the HTTP adapter of the official Node SDK.

import http from "node:http";

import { dispatcher, endWithStdin, happened, lark } from "./handlers.mjs";

const PATH = "/webhook/event";

endWithStdin();
const { ENCRYPT_KEY, VERIFICATION_TOKEN } = process.env;
const events = dispatcher(ENCRYPT_KEY, VERIFICATION_TOKEN);
const adapted = lark.adaptDefault(PATH, events, { autoChallenge: true });

const server = http.createServer(async (request, response) => {
  try {
    await adapted(request, response);
  } catch (error) {
    // Left to itself, what the adapter throws ends the process.
    happened("thrown", { error: error.name });
    response.writeHead(500).end();
  }
});
server.listen(0, "127.0.0.1", () => {
  happened("listening", { url: `http://127.0.0.1:${server.address().port}${PATH}` });
});

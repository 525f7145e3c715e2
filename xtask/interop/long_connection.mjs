// An app on the long connection of the official Node SDK.

import { dispatcher, endWithStdin, happened, lark } from "./handlers.mjs";

endWithStdin();
const { APP_ID: appId, APP_SECRET: appSecret, BASE_URL: domain } = process.env;
const client = new lark.WSClient({
  appId,
  appSecret,
  domain,
  loggerLevel: lark.LoggerLevel.error,
  onError: (error) => happened("gave up", { error: error.message }),
});
client.start({ eventDispatcher: dispatcher("", "") });

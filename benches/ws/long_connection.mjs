// The app of `cargo xtask bench-ws` on the official Node SDK: a handler that does nothing.

import { createRequire } from "node:module";

// Installed in a folder of its own, where an import from here would not look.
const lark = createRequire(`${process.env.SDK_FOLDER}/`)("@larksuiteoapi/node-sdk");

const { APP_ID: appId, APP_SECRET: appSecret, BASE_URL: domain } = process.env;
// Lines cost time, and no other client writes any.
const loggerLevel = lark.LoggerLevel.error;
const eventDispatcher = new lark.EventDispatcher({ loggerLevel }).register({
  "vc.reserve_config.updated_v1": async () => {},
});
new lark.WSClient({ appId, appSecret, domain, loggerLevel }).start({ eventDispatcher });

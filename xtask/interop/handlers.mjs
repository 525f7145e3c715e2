// The handlers of both Node apps. They print one line of JSON for each event.

import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";

// Installed in a folder of its own, where an import from here would not look.
export const lark = createRequire(`${process.env.SDK_FOLDER}/`)("@larksuiteoapi/node-sdk");

const seen = new Set();

export function happened(what, more = {}) {
  console.log(JSON.stringify({ happened: what, ...more }));
}

// The SDK hands out envelope and event as one object; it does not say the type in version 1.
function tell(event_type, data) {
  const event_id = data.event_id ?? data.uuid;
  happened("event", { event_id, event_type, body: data });
  return event_id;
}

const onEvent = (eventType) => async (data) => {
  const eventId = tell(eventType, data);
  await sleep(data.takes_ms ?? 0);
  const first = !seen.has(eventId);
  seen.add(eventId);
  if (first && data.fails_once) throw new Error("a planned failure");
};

const onCardAction = async (data) => {
  tell("card.action.trigger", data);
  return { toast: { type: "info", content: data.action.value.say } };
};

export function dispatcher(encryptKey, verificationToken) {
  const loggerLevel = lark.LoggerLevel.error;
  return new lark.EventDispatcher({ encryptKey, verificationToken, loggerLevel }).register({
    "vc.reserve_config.updated_v1": onEvent("vc.reserve_config.updated_v1"),
    app_status_change: onEvent("app_status_change"),
    "card.action.trigger": onCardAction,
  });
}

// Ends this process when whoever started it is gone.
export function endWithStdin() {
  process.stdin.on("end", () => process.exit()).resume();
}

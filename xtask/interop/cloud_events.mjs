// Validates events, of which each is a line of JSON in a file, against the JSON schema of the CloudEvents
// specification, which the official SDK for JavaScript contains, and reads them with this SDK. Prints what
// is invalid or read differently.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { isDeepStrictEqual } from "node:util";

const [, , folder, path] = process.argv;
const require = createRequire(`${folder}/package.json`);
const { HTTP } = require("cloudevents");
const matchesSchema = require("cloudevents/dist/schema/v1.js");

function differences({ attributes, body }, message) {
  let event;
  try {
    event = HTTP.toEvent(message);
    event.validate();
  } catch (error) {
    return [`${error}`];
  }
  // The SDK rounds times to milliseconds.
  const same = (name, value) => name === "time"
    ? Date.parse(value) === Date.parse(event.time)
    : value === event[name];
  const found = attributes
    .filter(([name, value]) => !same(name, value))
    .map(([name, value]) => `${name}: ${event[name]} instead of ${value}`);
  if (!isDeepStrictEqual(event.data, JSON.parse(body))) found.push("data: not equal");
  return found;
}

for (const line of readFileSync(path, "utf8").trimEnd().split("\n")) {
  const it = JSON.parse(line);
  const print = (mode, found) => found.forEach(
    (difference) => console.log(`${mode}: ${difference}: ${JSON.stringify(it.attributes)}`),
  );
  if (!matchesSchema(JSON.parse(it.structured))) {
    print("schema", [JSON.stringify(matchesSchema.errors)]);
  }
  const headers = { "content-type": it.media_type };
  print("structured", differences(it, { headers, body: it.structured }));
  // The SDK does not undo percent-encoding.
  if (it.http.every(([, value], at) => value === it.attributes[at][1])) {
    print("binary over HTTP", differences(it, { headers: Object.fromEntries(it.http), body: it.body }));
  }
}

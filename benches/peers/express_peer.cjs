// A durable intake of webhooks as one writes it with Express and better-sqlite3: one process, one commit each.
const { createHmac, randomUUID, timingSafeEqual } = require("node:crypto");
const { createRequire } = require("node:module");
const load = createRequire(process.env.PEER_MODULES + "/");
const express = load("express");
const Database = load("better-sqlite3");

const key = Buffer.from(process.env.HR_KEY.replace("whsec_", ""), "base64");
const database = new Database("peer.db");
database.pragma("journal_mode = WAL");
database.pragma("synchronous = FULL");
database.exec("CREATE TABLE deliveries (id TEXT PRIMARY KEY, dedupe TEXT UNIQUE, body BLOB)");
const insert = database.prepare("INSERT OR IGNORE INTO deliveries VALUES (?, ?, ?)");

const app = express();
app.post("/webhooks/hr0", express.raw({ type: "*/*", limit: "1mb" }), (request, response) => {
  const name = request.get("webhook-id");
  const mac = createHmac("sha256", key).update(`${name}.${request.get("webhook-timestamp")}.`).update(request.body);
  const expected = Buffer.from("v1," + mac.digest("base64"));
  const given = Buffer.from(request.get("webhook-signature") ?? "");
  if (expected.length !== given.length || !timingSafeEqual(expected, given)) return response.status(401).end();
  const delivery = randomUUID();
  insert.run(delivery, name, request.body);
  response.status(202).json({ delivery });
});
app.listen(Number(process.env.PORT), "127.0.0.1");

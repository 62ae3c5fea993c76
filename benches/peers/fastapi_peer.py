"""A durable intake of webhooks as one writes it with FastAPI and the sqlite3 of Python: one process, one commit each."""

import base64
import hashlib
import hmac
import os
import sqlite3
import uuid

from fastapi import FastAPI, Request, Response

KEY = base64.b64decode(os.environ["HR_KEY"].removeprefix("whsec_"))

database = sqlite3.connect("peer.db", isolation_level=None, check_same_thread=False)
database.execute("PRAGMA journal_mode = WAL")
database.execute("PRAGMA synchronous = FULL")
database.execute("CREATE TABLE deliveries (id TEXT PRIMARY KEY, dedupe TEXT UNIQUE, body BLOB)")

app = FastAPI()


@app.post("/webhooks/hr0")
async def take(request: Request) -> Response:
    body = await request.body()
    name, at = request.headers["webhook-id"], request.headers["webhook-timestamp"]
    signed = hmac.new(KEY, f"{name}.{at}.".encode() + body, hashlib.sha256).digest()
    expected = "v1," + base64.b64encode(signed).decode()
    if not hmac.compare_digest(expected, request.headers["webhook-signature"]):
        return Response(status_code=401)
    delivery = str(uuid.uuid4())
    database.execute("INSERT OR IGNORE INTO deliveries VALUES (?, ?, ?)", (delivery, name, body))
    return Response(f'{{"delivery":"{delivery}"}}', status_code=202, media_type="application/json")

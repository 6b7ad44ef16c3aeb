// One changing request to the server: with the page's token, under an id of its own so that a
// repeat cannot do it twice, within a time, and with an answer that says what to tell the person.

import { pageToken, renewed, sayEnded } from "./signed_out.js";

const WITHIN = 8_000; // milliseconds

export const newId = () => crypto.randomUUID();

// Resolves to { status, body }: the HTTP status (0: the server could not be reached, and whether
// it did it is unknown) and its JSON. Never rejects. Pass the same id again to repeat safely.
export async function send(method, url, { body, id = newId(), within = WITHIN } = {}) {
  const first = await request(method, url, body, id, within);
  if (first.status === 401) sayEnded();
  // The page's token may be of a session that is over, while its owner has signed in again.
  if (first.status !== 403 || !(await renewed())) return first;
  return request(method, url, body, id, within);
}

async function request(method, url, body, id, within) {
  const headers = { "Idempotency-Key": id, Accept: "application/json" };
  const token = pageToken();
  if (token) headers["X-CSRF-Token"] = token;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  try {
    const answer = await fetch(url, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(within),
      cache: "no-store",
    });
    return { status: answer.status, body: await answer.json().catch(() => null) };
  } catch {
    return { status: 0, body: null };
  }
}

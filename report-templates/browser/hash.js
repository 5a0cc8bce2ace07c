// SHA-256 with the browser's own implementation (WebCrypto), and the Merkle tree over the records (RFC 9162).

const canHash = Boolean(window.crypto?.subtle);

async function sha256(bytes) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function fromHex(text) {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

// SHA-256 of a text's UTF-8.
async function sha256OfText(text) {
  return toHex(await sha256(new TextEncoder().encode(text)));
}

function prefixed(prefix, ...parts) {
  const joined = new Uint8Array(1 + parts.reduce((sum, part) => sum + part.length, 0));
  joined[0] = prefix;
  let at = 1;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

// The root over record ids (hexadecimal) in order. A level's last node without a partner moves up as it is, which gives
// the same tree as splitting at the largest power of two.
async function merkleRoot(ids) {
  if (ids.length === 0) return toHex(await sha256(new Uint8Array()));
  let level = await Promise.all(ids.map((id) => sha256(prefixed(0, fromHex(id)))));
  while (level.length > 1) {
    const next = [];
    for (let at = 0; at < level.length; at += 2) {
      next.push(at + 1 < level.length ? sha256(prefixed(1, level[at], level[at + 1])) : level[at]);
    }
    level = await Promise.all(next);
  }
  return toHex(level[0]);
}

// Bytes through a stream of the browser's: compressed, or unpacked again; and as text for an address.
export async function through(stream, bytes) {
  const piped = new Blob([bytes]).stream().pipeThrough(stream);
  return new Uint8Array(await new Response(piped).arrayBuffer());
}

// Unpacked, and no further than it may be long.
export async function unpack(bytes, most = Infinity) {
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const parts = [];
  let size = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    parts.push(next.value);
    size += next.value.length;
    if (size > most) {
      await reader.cancel();
      throw new RangeError("too long");
    }
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
export const pack = (bytes) => through(new CompressionStream("deflate-raw"), bytes);

export async function base64(file) {
  let said = "";
  for (const byte of new Uint8Array(await file.arrayBuffer())) said += String.fromCharCode(byte);
  return btoa(said);
}

export const fromBase64 = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

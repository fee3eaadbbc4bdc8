// Bytes through a stream of the browser's: compressed, or unpacked again; and as text for an address.
export async function through(stream, bytes) {
  const piped = new Blob([bytes]).stream().pipeThrough(stream);
  return new Uint8Array(await new Response(piped).arrayBuffer());
}

export const unpack = (bytes) => through(new DecompressionStream("deflate-raw"), bytes);
export const pack = (bytes) => through(new CompressionStream("deflate-raw"), bytes);

export async function base64(file) {
  let said = "";
  for (const byte of new Uint8Array(await file.arrayBuffer())) said += String.fromCharCode(byte);
  return btoa(said);
}

export const fromBase64 = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

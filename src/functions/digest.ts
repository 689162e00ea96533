/** Digest: a text made short, to see whether another one is the same. */

/** Digest of a text. Against mistakes, not against malice: no cryptography is needed. */
export function digestOf(text: string): string {
  let digest = text.length;
  for (let n = 0; n < text.length; n++) digest = (Math.imul(digest, 31) + text.charCodeAt(n)) | 0;
  return `${text.length.toString(36)}.${(digest >>> 0).toString(36)}`;
}

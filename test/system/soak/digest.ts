const OFFSET_BASIS = 0x811c9dc5
const PRIME = 0x01000193

/** 32 bits that tell one text from another (FNV-1a, of UTF-16 units). */
export function digest(text: string): number {
  let hash = OFFSET_BASIS
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), PRIME)
  return hash >>> 0
}

import { resolve } from 'node:path'

/** Returns a path as whoever called npm means it: npm runs scripts elsewhere. */
export function fromCaller(/** @type {string} */ path) {
  return resolve(process.env.INIT_CWD ?? '.', path)
}

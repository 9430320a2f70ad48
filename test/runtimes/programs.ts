import { fileURLToPath } from 'node:url'

/** The folder in which all programs run that are not told another. */
export const FOLDER: string = fileURLToPath(new URL('.', import.meta.url))

/** Where a program is that this folder has as a package. */
export function programOf(name: string): string {
  return `${FOLDER}node_modules/.bin/${name}`
}

import { fileURLToPath } from 'node:url'

/** The folder in which all programs run that are not told another. */
export const FOLDER: string = fileURLToPath(new URL('.', import.meta.url))

/** Where a program is that this folder has as a package. The Nodes, such as `node24`, are not in `.bin`: scripts would run by one of them. */
export function programOf(name: string): string {
  return `${FOLDER}node_modules/${/^node\d+$/.test(name) ? `${name}/bin/node` : `.bin/${name}`}`
}

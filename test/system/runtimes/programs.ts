import { fileURLToPath } from 'node:url'

/** The folder in which all programs run that are not told another. */
export const FOLDER: string = fileURLToPath(new URL('.', import.meta.url))

/** Where the packages of the suites are. */
export const PACKAGES: string = fileURLToPath(new URL('../../node_modules/', import.meta.url))

/** Where a program is that comes as a package. The Nodes, such as `node24`, are not in `.bin`: scripts would run by one of them. */
export function programOf(name: string): string {
  return `${PACKAGES}${/^node\d+$/.test(name) ? `${name}/bin/node` : `.bin/${name}`}`
}

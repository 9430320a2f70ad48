import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const FOLDER = new URL('../examples/hosts/', import.meta.url)
const GUIDE = new URL('hosts.md', import.meta.url)

/** A recipe's place in the guide: a comment that names the file, and the block behind it. */
const PLACE = /^(<!-- recipe: (\S+) -->\n```ts\n)[^]*?^```$/gm

/** The files that the guide to the hosts is to show. */
export const recipes = readdirSync(FOLDER).filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))

/**
 * Returns the guide with each recipe as its file has it.
 *
 * @param {string} guide
 */
export function withRecipes(guide) {
  return guide.replaceAll(PLACE, (_, head, name) => `${head}${readFileSync(new URL(name, FOLDER), 'utf8').trimEnd()}\n\`\`\``)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) writeFileSync(GUIDE, withRecipes(readFileSync(GUIDE, 'utf8')))

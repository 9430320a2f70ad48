import { build } from 'esbuild'
import { readFile } from 'node:fs/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { basename, join } from 'node:path'
import type { Bug } from './bugs.ts'

const SOURCE = fileURLToPath(new URL('../../../src/client/', import.meta.url))

/** Builds the client into a folder, with a bug if there is one. Returns the URL of the module. */
export async function buildClient(folder: string, bug: Bug | undefined): Promise<string> {
  const outfile = join(folder, 'client.mjs')
  await build({
    entryPoints: [join(SOURCE, 'index.ts')],
    bundle: true,
    format: 'esm',
    target: 'node20',
    outfile,
    logLevel: 'error',
    plugins: bug === undefined ? [] : [{
      name: 'bug',
      setup: (plugin) => plugin.onLoad({ filter: /src\/client\/[^/]+\.ts$/ }, async ({ path }) => {
        const text = await readFile(path, 'utf8')
        return { loader: 'ts', contents: basename(path) === bug.file ? withBug(text, bug) : text }
      }),
    }],
  })
  return pathToFileURL(outfile).href
}

function withBug(text: string, { file, from, to }: Bug): string {
  const parts = text.split(from)
  if (parts.length !== 2) throw new Error(`${file} must have \`${from}\` once, and has it ${parts.length - 1} times`)
  return parts.join(to)
}

import { build, type Plugin } from 'esbuild'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Bug } from './bugs.ts'

/** The programs of a run, each for a process of its own. */
const SOURCES = { server: 'server.ts', node: 'cluster/node.ts', clients: 'clients.ts' } as const

type ProgramName = keyof typeof SOURCES

/** Bundles programs into a folder, so that a process starts in a moment. Returns their paths. If there is a bug, the client has it. */
export async function buildPrograms<TName extends ProgramName>(folder: string, names: readonly TName[], bug?: Bug): Promise<Record<TName, string>> {
  await build({
    entryPoints: Object.fromEntries(names.map((name) => [name, here(SOURCES[name])])),
    outdir: folder,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    target: 'node20',
    external: ['bufferutil', 'utf-8-validate'],
    logLevel: 'error',
    plugins: bug === undefined ? [] : [pluginFor(bug)],
  })
  return Object.fromEntries(names.map((name) => [name, join(folder, `${name}.cjs`)])) as Record<TName, string>
}

function pluginFor(bug: Bug): Plugin {
  return {
    name: 'bug',
    setup: ({ onLoad }) => onLoad({ filter: /[\\/]src[\\/]client[\\/][^\\/]+\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8')
      return { loader: 'ts', contents: basename(path) === bug.file ? withBug(text, bug) : text }
    }),
  }
}

function withBug(text: string, { file, from, to }: Bug): string {
  const parts = text.split(from)
  if (parts.length !== 2) throw new Error(`${file} must have \`${from}\` once, and has it ${parts.length - 1} times`)
  return parts.join(to)
}

function here(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url))
}

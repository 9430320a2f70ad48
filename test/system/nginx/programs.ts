import { build } from 'esbuild'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const SOURCES = { node: 'node.ts', clients: 'clients.ts' } as const

/** Paths of programs, each for a process of its own. */
export type Programs = Readonly<Record<keyof typeof SOURCES, string>>

/** Bundles the programs into a folder, so that a process starts in a moment. */
export async function buildPrograms(folder: string): Promise<Programs> {
  await build({
    entryPoints: Object.fromEntries(Object.entries(SOURCES).map(([name, file]) => [name, fileURLToPath(new URL(file, import.meta.url))])),
    outdir: folder,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    target: 'node20',
    external: ['bufferutil', 'utf-8-validate'],
    logLevel: 'error',
  })
  return { node: join(folder, 'node.cjs'), clients: join(folder, 'clients.cjs') }
}
